"""Step: apps published to managed spaces."""

from __future__ import annotations

from providers.app import App
from providers.app_publication import AppPublication
from qlift.cloud.provenance import short_id
from qlift.program.apps import object_owner_inputs
from qlift.program.job import Run
from qlift.program.spaces import Spaces


def declare_publications(run: Run, spaces: Spaces, apps: dict[str, App]) -> dict[str, AppPublication]:
    made = {}
    by_key = {a.key: a for a in run.desired.apps}
    owned = {o.publication for o in run.desired.publication_owners}
    for publication in run.desired.publications:
        origin, app = by_key[publication.app], apps[publication.app]
        staging = origin.space or ""
        props = {
            "name": publication.name,
            "description": publication.description,
            "mode": publication.mode,
            # Label, fingerprint and id: the label keeps a preview readable, the id is the truth.
            "source": app.key,
            "fingerprint": app.fingerprint,
            "app_id": app.id,
            **spaces.reference(publication.space),
            **spaces.reference(staging, "staging", "staging_id"),
            "object_owners": object_owner_inputs(publication.object_owners),
            "sha256": publication.sha256,
            "size": publication.size,
            "public_origin": publication.public_origin,
            "site": origin.source.site,
            "source_id": short_id(origin.source.id),
            "on_source_change": run.desired.on_source_change,
            "given_away": publication.key in owned,
            **run.provenance_inputs(),
            **run.app_inputs(publication.app),
        }
        after = [spaces.working_role.get(publication.space), spaces.working_role.get(staging)]
        options = run.jobs[publication.job].options(after, publication.former_keys)
        made[publication.key] = AppPublication(publication.key, props, options)
    return made
