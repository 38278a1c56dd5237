"""Step: apps, imported into shared and personal spaces."""

from __future__ import annotations

from providers.app import PERSONAL, App
from qlift.cloud.provenance import short_id
from qlift.derivation.desired import ObjectOwner
from qlift.program.job import Job, Run
from qlift.program.spaces import Spaces


def object_owner_inputs(owners: tuple[ObjectOwner, ...]) -> list[dict[str, str]]:
    return [{"object": o.object, "owner": o.owner.name, "match_by": o.owner.by} for o in owners]


def declare_apps(run: Run, job: Job, spaces: Spaces) -> dict[str, App]:
    made = {}
    for app in run.desired.apps:
        where = spaces.reference(app.space) if app.space else {"space": PERSONAL, "space_id": ""}
        props = {
            **where,
            "name": app.name,
            "description": app.description,
            "fingerprint": app.fingerprint,
            "sha256": app.sha256,
            "size": app.size,
            "object_owners": object_owner_inputs(app.object_owners),
            "site": app.source.site,
            "source": short_id(app.source.id),
            "on_source_change": run.desired.on_source_change,
            **run.provenance_inputs(),
            **run.app_inputs(app.key),
        }
        after = [spaces.working_role.get(app.space)] if app.space else []
        made[app.key] = App(app.key, props, job.options(after, app.former_keys))
    return made
