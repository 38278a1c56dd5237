"""Apps: import under a marker name, finish, move, give away, delete.

Recognition: an app is ours and of this content when the provenance line (content mark included) is its
name (imported, not finished) or the last line of its description (finished), in the space it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import BinaryIO

from qlift.cloud.errors import Ambiguous, Forbidden, NotFound, Refused
from qlift.cloud.models import App
from qlift.cloud.provenance import Provenance, attach, provenance_of
from qlift.cloud.spaces import live_assignment_of, set_roles, unassign
from qlift.cloud.tenant import Tenant
from qlift.cloud.uploads import upload_file

OpenFile = Callable[[], BinaryIO]


def recognised(tenant: Tenant, space_id: str | None, is_ours: Callable[[App], bool]) -> App | None:
    """The app of a space that is ours, live: item records outlive what was deleted a moment ago.

    `space_id` None: any personal space that this identity sees.
    """
    for listed in tenant.index.apps(space_id):
        if not is_ours(listed):
            continue
        live = get_app(tenant, listed.id, f'app "{listed.name}"')
        if live is None:
            tenant.index.forget_app(listed.id)
        elif is_ours(live):
            return live
    return None


def _finished(tenant: Tenant, space_id: str | None, provenance: Provenance) -> App | None:
    return recognised(tenant, space_id, lambda a: provenance_of(a.description) == provenance)


def _unfinished(tenant: Tenant, space_id: str | None, provenance: Provenance) -> App | None:
    return recognised(tenant, space_id, lambda a: provenance_of(a.name) == provenance)


def import_app(
    tenant: Tenant,
    *,
    name: str,
    description: str,
    space_id: str | None,
    provenance: Provenance,
    marked: bool,
    object_owners: Iterable[tuple[str, str]],
    open_file: OpenFile,
    size: int,
) -> App:
    """Look up, import under the marker name, give objects away, set name and provenance.

    One import of the budget. `object_owners` are pairs of engine object id and user id. With them an
    unfinished app of an earlier run is removed first: which of its objects were given away cannot be read.
    """
    app = _finished(tenant, space_id, provenance)
    if app is not None:
        return app
    owners = list(object_owners)
    app = _unfinished(tenant, space_id, provenance)
    if app is not None and owners:
        delete_app(tenant, app.id, f'app "{name}"')
        app = None
    if app is None:
        app = import_as(
            tenant, provenance.line, space_id, open_file=open_file, size=size, subject=f'app "{name}"'
        )
    for object_id, owner_id in owners:
        give_object(tenant, app.id, object_id, owner_id, f'app "{name}"')
    return describe(
        tenant, app.id, name=name, description=description, provenance=provenance if marked else None
    )


def import_as(
    tenant: Tenant, marker: str, space_id: str | None, *, open_file: OpenFile, size: int, subject: str
) -> App:
    """Upload and import. After an ambiguous answer the app of that marker name is looked for."""
    file_id = upload_file(tenant.client, open_file, size, "app.qvf", subject=subject)
    params = {"fileId": file_id, "name": marker, **({"spaceId": space_id} if space_id else {})}

    def write() -> App:
        answer = tenant.client.post("/api/v1/apps/import", subject=subject, params=params)
        return App.model_validate(answer.data["attributes"])

    def look() -> App | None:
        tenant.index.refresh("apps")
        return next((a for a in tenant.index.apps(space_id) if a.name == marker), None)

    app = tenant.settled(lambda: tenant.once_granted(write), lambda: tenant.eventually(look))
    tenant.index.record_app(app)
    return app


def get_app(tenant: Tenant, app_id: str, subject: str) -> App | None:
    """Live. None: it is gone (or, in a personal space of others, out of reach)."""
    found = tenant.client.find(f"/api/v1/apps/{app_id}", subject=subject)
    return App.model_validate(found["attributes"]) if found else None


def describe(
    tenant: Tenant, app_id: str, *, name: str, description: str, provenance: Provenance | None
) -> App:
    answer = tenant.repeated(
        lambda: tenant.client.put(
            f"/api/v1/apps/{app_id}",
            subject=f'app "{name}"',
            json={"attributes": {"name": name, "description": attach(description, provenance)}},
        )
    )
    app = App.model_validate(answer.data["attributes"])
    tenant.index.record_app(app)
    return app


def move_app(tenant: Tenant, app_id: str, space_id: str, subject: str) -> App:
    """To another shared space. The tenant disables the app's tasks (`APP-MOVED-SPACE`)."""
    answer = tenant.repeated(
        lambda: tenant.client.put(f"/api/v1/apps/{app_id}/space", subject=subject, json={"spaceId": space_id})
    )
    app = App.model_validate(answer.data["attributes"])
    tenant.index.record_app(app)
    return app


def delete_app(tenant: Tenant, app_id: str, subject: str) -> None:
    with suppress(NotFound):
        tenant.client.delete(f"/api/v1/apps/{app_id}", subject=subject)
    tenant.index.forget_app(app_id)


ELEVATION = {"shared": ("producer",), "managed": ("facilitator",)}
"""The role that an app's owner gets in its space (help pages on space permissions)."""


def change_app_owner(
    tenant: Tenant, app: App, owner_id: str, planned_roles: tuple[str, ...], subject: str
) -> None:
    """Give an app away. Owning an app raises its owner's role in the space: the roles are put back.

    `planned_roles` are those that the plan gives the new owner there; without a plan the roles of before
    are restored. An app that belongs to the owner already was given away by a run that was killed; its
    owner's roles are then taken for raised ones if they are exactly what ownership gives.
    """
    with tenant.owner_lock:
        space_id = app.space_id
        before = live_assignment_of(tenant, space_id, owner_id, subject) if space_id else None
        roles = before.roles if before else ()
        if app.owner_id == owner_id:
            space = tenant.index.space(space_id) if space_id else None
            roles = () if space and roles == ELEVATION.get(space.type) else roles
        else:
            _set_owner(tenant, app.id, owner_id, subject)
        if space_id:
            _restore_roles(tenant, space_id, owner_id, planned_roles or roles, subject)


def take_app_back(tenant: Tenant, app_id: str, subject: str) -> None:
    """The tool owns it again."""
    _set_owner(tenant, app_id, tenant.client.me().id, subject)


def _set_owner(tenant: Tenant, app_id: str, owner_id: str, subject: str) -> None:
    def write() -> App:
        answer = tenant.client.put(
            f"/api/v1/apps/{app_id}/owner", subject=subject, json={"ownerId": owner_id}
        )
        return App.model_validate(answer.data["attributes"])

    tenant.index.record_app(tenant.repeated(write))


def _restore_roles(
    tenant: Tenant, space_id: str, owner_id: str, wanted: tuple[str, ...], subject: str
) -> None:
    after = live_assignment_of(tenant, space_id, owner_id, subject)
    if after is None or after.roles == wanted:
        return
    if wanted:
        set_roles(tenant, after, wanted, subject)
    else:
        unassign(tenant, space_id, owner_id, subject)


def give_object(tenant: Tenant, app_id: str, object_id: str, owner_id: str, subject: str) -> None:
    """Only the owner of an object can give it away, and cannot take it back."""
    asked_before = False

    def write() -> bool:
        nonlocal asked_before
        try:
            tenant.client.post(
                f"/api/v1/apps/{app_id}/objects/{object_id}/actions/change-owner",
                subject=subject,
                json={"ownerId": owner_id},
            )
        except (NotFound, Forbidden, Refused) as error:
            if asked_before:
                # The ambiguous one before was done: the object is not ours to give any more.
                return True
            raise type(error)(
                f"its object {object_id} could not be given to its owner: the app file does not hold it, or "
                "it belongs to somebody else already; export the app again with --scope all",
                subject=subject,
                status=error.status,
                trace_id=error.trace_id,
            ) from error
        except Ambiguous:
            asked_before = True
            raise
        return True

    tenant.repeated(write)
