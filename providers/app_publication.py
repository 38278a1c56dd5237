"""AppPublication: an app published to a managed space, by copy or by move.

Identity: the published app's id. In place: content (by republish, which keeps id, address and the users'
own content), name, description. Replaced by: space.
"""

from __future__ import annotations

from typing import Any, Literal

import pulumi
from pulumi.dynamic import Resource

from providers.base import Gone, Inputs, Refusal, log
from providers.rivals import claimed_by_another
from providers.session import ObjectOwner, TenantProvider, refusals, session
from qlift.cloud import apps, publications
from qlift.cloud.models import App as LiveApp
from qlift.cloud.provenance import Provenance, attach, provenance_of, without_line


class AppPublicationInputs(Inputs):
    name: str
    description: str
    mode: Literal["copy", "move"]
    source: str
    """Logical name of the app that is published."""
    app_id: str | None
    space: str
    space_id: str | None
    staging: str
    """Name of the space that a move starts from."""
    staging_id: str | None
    object_owners: list[ObjectOwner]
    fingerprint: str
    sha256: str
    size: int
    public_origin: bool = False
    """The app that it is published from holds nobody's private or community objects."""
    site: str
    source_id: str
    stack: str
    provenance: Literal["description", "none"]
    left_over: list[str] = []
    """Ids of what a killed run left behind: found by read, removed by update."""

    @property
    def line(self) -> Provenance:
        return Provenance(self.site, self.source_id, self.stack, self.fingerprint[:6])

    @property
    def subject(self) -> str:
        return f'publication "{self.name}"'


class AppPublicationProvider(TenantProvider[AppPublicationInputs]):
    kind = "AppPublication"
    model = AppPublicationInputs
    references = {"source": "app_id", "space": "space_id", "staging": "staging_id"}
    replaced_by = frozenset({"space"})
    not_compared = frozenset({"sha256", "size", "object_owners", "mode", "public_origin"})

    def problems(self, new: AppPublicationInputs, old: AppPublicationInputs | None) -> list[tuple[str, str]]:
        if old is not None:
            return _about_later_objects(new, old)
        rival = claimed_by_another(new.site, new.source_id, new.stack, new.space_id, new.subject)
        if rival is not None:
            return [("source_id", rival)]
        here = session()
        found = refusals(("object_owners", lambda: here.resolved(new.object_owners)))
        if new.mode == "move":
            found += refusals(("sha256", lambda: here.stored(new.sha256, new.size, new.subject)))
        return found

    def make(self, new: AppPublicationInputs) -> tuple[str, dict[str, Any]]:
        here = session()
        if new.app_id is None:
            raise Refusal("the app's id is not known; this is a defect of qlift")
        space_id = here.space_id(new.space, new.space_id)
        marked = new.provenance == "description"
        if new.mode == "copy":
            app = publications.publish_copy(
                here.tenant,
                app_id=new.app_id,
                space_id=space_id,
                name=new.name,
                description=new.description,
                provenance=new.line,
                marked=marked,
            )
            return app.id, {}
        app = publications.publish_move(
            here.tenant,
            origin_id=new.app_id,
            staging_space_id=here.space_id(new.staging, new.staging_id),
            space_id=space_id,
            name=new.name,
            description=new.description,
            provenance=new.line,
            marked=marked,
            object_owners=here.resolved(new.object_owners),
            open_file=here.open_file(new.sha256, new.size, new.subject),
            size=new.size,
        )
        return app.id, {}

    def find(self, id_: str, known: AppPublicationInputs) -> dict[str, Any]:
        here = session()
        left_over: dict[str, Any] = {}
        if known.space_id and known.staging_id:
            found = publications.left_over(here.tenant, known.line, known.space_id, known.staging_id, id_)
            left_over = {"left_over": found} if found else {}
        listed = here.tenant.index.app(id_)
        if listed is not None and _compared(listed).items() <= known.model_dump(mode="json").items():
            return left_over
        live = apps.find_app(here.tenant, id_, known.subject)
        if live is None:
            raise Gone
        return _compared(live) | left_over

    def change(self, id_: str, old: AppPublicationInputs, new: AppPublicationInputs) -> dict[str, Any]:
        here = session()
        for left_over in old.left_over:
            apps.delete_app(here.tenant, left_over, f"a copy of {new.subject}")
        marked = new.line if new.provenance == "description" else None
        if old.fingerprint == new.fingerprint and old.app_id == new.app_id:
            apps.describe(here.tenant, id_, name=new.name, description=new.description, provenance=marked)
            return {}
        if new.app_id is None:
            raise Refusal("the app's id is not known; this is a defect of qlift")
        publications.republish(
            here.tenant,
            app_id=new.app_id,
            target_id=id_,
            name=new.name,
            description=attach(new.description, marked),
        )
        return {}

    def remove(self, id_: str, known: AppPublicationInputs) -> None:
        apps.delete_app(session().tenant, id_, known.subject)


def _about_later_objects(new: AppPublicationInputs, old: AppPublicationInputs) -> list[tuple[str, str]]:
    """Private and community objects that appeared in the source after the app was published stay there."""
    later = {o.object for o in new.object_owners} - {o.object for o in old.object_owners}
    if not later:
        return []
    if new.public_origin:
        log.warning(
            "%s: %s private or community objects were made in the source since; they are not migrated",
            new.subject,
            len(later),
        )
        return []
    if new.fingerprint == old.fingerprint:
        return []
    reason = (
        f"{len(later)} private or community objects were made in the source since it was published, and "
        "publishing again might show them to everybody; run `qlift export` again, which exports the app "
        "without them too"
    )
    return [("object_owners", reason)]


def _compared(live: LiveApp) -> dict[str, Any]:
    return {
        "name": live.name,
        "description": without_line(live.description),
        "provenance": "none" if provenance_of(live.description) is None else "description",
    }


class AppPublication(Resource, module="qlik", name="AppPublication"):
    key: pulumi.Output[str]
    name: pulumi.Output[str]
    fingerprint: pulumi.Output[str]
    space: pulumi.Output[str]

    def __init__(self, key: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(AppPublicationProvider(), key, {"key": key, **props}, opts)
