"""Publishing to managed spaces: by copy, by move, and again over what is published.

Recognition: a published app is ours when it lies in the managed space and its description's last line is
our provenance. The content mark is left out there: a republish keeps the published app.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from qlift.cloud.apps import OpenFile, delete_app, describe, give_object, import_as, recognised
from qlift.cloud.models import App
from qlift.cloud.provenance import Provenance, attach, provenance_of
from qlift.cloud.tenant import Tenant


def our_publication(tenant: Tenant, space_id: str, provenance: Provenance) -> App | None:
    def is_ours(app: App) -> bool:
        written = (provenance_of(app.description), provenance_of(app.name))
        return any(provenance.same_object(p) for p in written)

    return recognised(tenant, space_id, is_ours)


def publish_copy(
    tenant: Tenant,
    *,
    app_id: str,
    space_id: str,
    name: str,
    description: str,
    provenance: Provenance,
    marked: bool,
) -> App:
    """Publish a copy; its origin stays. For apps whose content is public."""
    found = our_publication(tenant, space_id, provenance)
    if found is not None:
        return _settled(tenant, found, app_id, name, description, provenance, marked)
    body = {"spaceId": space_id, "data": "source"}
    return _publish(tenant, app_id, space_id, body, name, description, provenance, marked)


def publish_move(
    tenant: Tenant,
    *,
    origin_id: str,
    staging_space_id: str,
    space_id: str,
    name: str,
    description: str,
    provenance: Provenance,
    marked: bool,
    object_owners: Iterable[tuple[str, str]],
    open_file: OpenFile,
    size: int,
) -> App:
    """Import once more, give its private and community objects to their owners, move it.

    The origin stays where it is, so the budget of imports is used twice. A half-done copy of an earlier
    run is removed first: which of its objects were given away already cannot be read. `object_owners` are
    pairs of engine object id and user id. Returns the published app; its id is taken from the answer.
    """
    subject = f'publication "{name}"'
    found = our_publication(tenant, space_id, provenance)
    if found is None:
        transient = _transient(provenance)
        for left_over in tenant.index.apps(staging_space_id):
            if provenance_of(left_over.name) == transient:
                delete_app(tenant, left_over.id, subject)
        copy = import_as(
            tenant, transient.line, staging_space_id, open_file=open_file, size=size, subject=subject
        )
        for object_id, owner_id in object_owners:
            give_object(tenant, copy.id, object_id, owner_id, subject)
        body = {"spaceId": space_id, "data": "source", "moveApp": True, "originAppId": origin_id}
        published = _publish(tenant, copy.id, space_id, body, name, description, provenance, marked)
        if published.id != copy.id:
            tenant.index.forget_app(copy.id)
        return published
    return _settled(tenant, found, origin_id, name, description, provenance, marked)


def _settled(
    tenant: Tenant,
    found: App,
    app_id: str,
    name: str,
    description: str,
    provenance: Provenance,
    marked: bool,
) -> App:
    """Of a publication that an unrecorded run made: republished only if its content is not this one.

    A republish gives what it writes to the tool, so it is not done without need.
    """
    wanted = attach(description, provenance if marked else None)
    if provenance_of(found.description) != provenance:
        return republish(tenant, app_id=app_id, target_id=found.id, name=name, description=wanted)
    if (found.name, found.description) != (name, wanted):
        kept = provenance if marked else None
        return describe(tenant, found.id, name=name, description=description, provenance=kept)
    return found


def _transient(provenance: Provenance) -> Provenance:
    """The marker of the copy that is moved; told from the origin's by its source word."""
    return replace(provenance, source=f"{provenance.source}/move")


def _publish(
    tenant: Tenant,
    app_id: str,
    space_id: str,
    body: dict[str, Any],
    name: str,
    description: str,
    provenance: Provenance,
    marked: bool,
) -> App:
    subject = f'publication "{name}"'
    attributes = {"name": name, "description": attach(description, provenance if marked else None)}

    def write() -> App:
        answer = tenant.client.post(
            f"/api/v1/apps/{app_id}/publish", subject=subject, json={**body, "attributes": attributes}
        )
        return App.model_validate(answer.data["attributes"])

    def look() -> App | None:
        tenant.index.refresh("apps")
        return our_publication(tenant, space_id, provenance)

    app = tenant.settled(lambda: tenant.once_granted(write), lambda: tenant.eventually(look))
    tenant.index.record_app(app)
    return app


def republish(tenant: Tenant, *, app_id: str, target_id: str, name: str, description: str) -> App:
    """New content over a published app: id, address and its users' own content stay.

    Repeating it is harmless, so an ambiguous answer is settled by asking again.
    """
    subject = f'publication "{name}"'

    def write() -> App:
        answer = tenant.client.put(
            f"/api/v1/apps/{app_id}/publish",
            subject=subject,
            json={
                "targetId": target_id,
                "checkOriginAppId": False,
                "data": "source",
                "attributes": {"name": name, "description": description},
            },
        )
        return App.model_validate(answer.data["attributes"])

    app = tenant.repeated(write)
    tenant.index.record_app(app)
    return app
