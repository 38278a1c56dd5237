"""Step: apps, imported into shared and personal spaces."""

from __future__ import annotations

from providers.app import PERSONAL, App
from qlift.cloud.provenance import short_id
from qlift.derivation import desired
from qlift.derivation.desired import ObjectOwner
from qlift.program.job import Run, former_inputs
from qlift.program.spaces import Spaces


def object_owner_inputs(owners: tuple[ObjectOwner, ...]) -> list[dict[str, str]]:
    return [{"object": o.object, "owner": o.owner.name, "match_by": o.owner.by} for o in owners]


def _content(app: desired.App) -> dict[str, object]:
    """An adopted app keeps its own: no fingerprint stands for it, and nobody's objects are given away."""
    if app.former is not None:
        return {"fingerprint": "-", "source_fingerprint": app.fingerprint, "object_owners": []}
    return {"fingerprint": app.fingerprint, "object_owners": object_owner_inputs(app.object_owners)}


def declare_apps(run: Run, spaces: Spaces) -> dict[str, App]:
    made = {}
    owned = {o.app for o in run.desired.app_owners}
    for app in run.desired.apps:
        where = spaces.reference(app.space) if app.space else {"space": PERSONAL, "space_id": ""}
        props = {
            **where,
            "name": app.name,
            "description": app.description,
            **_content(app),
            "sha256": app.sha256,
            "size": app.size,
            "site": app.source.site,
            "source": short_id(app.source.id),
            "on_source_change": run.desired.on_source_change,
            "given_away": app.key in owned,
            **run.provenance_inputs(),
            **run.app_inputs(app.key),
            **former_inputs(app.former),
        }
        after = [spaces.working_role.get(app.space)] if app.space else []
        made[app.key] = App(app.key, props, run.jobs[app.job].options(after, app.former_keys))
    return made
