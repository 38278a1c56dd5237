"""Apps: import under a marker name, finish, move, give away, delete.

Recognition: an app is ours and of this content when the provenance line (content mark included) is its
name (imported, not finished) or the last line of its description (finished), in the space it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import BinaryIO

from qlift.cloud.errors import Ambiguous, Forbidden, NotFound, Refused
from qlift.cloud.models import App, Assignment
from qlift.cloud.provenance import Provenance, attach, provenance_of
from qlift.cloud.recovery import tenant_time
from qlift.cloud.spaces import live_assignment_of, remove_assignment, set_roles
from qlift.cloud.tenant import LOOK_UP_SECONDS, Tenant
from qlift.cloud.uploads import upload_file

OpenFile = Callable[[], BinaryIO]
Discard = Callable[[App], None]
"""What becomes of a half-done copy of an earlier run that cannot be gone on with.

It may stay, for people may have found it.
"""


def recognised(tenant: Tenant, space_id: str | None, is_ours: Callable[[App], bool]) -> Iterator[App]:
    """The apps of a space that are ours, live: item records outlive what was deleted a moment ago.

    Only what this identity made: a duplicate that a person makes of our app has its description, and so its
    provenance. `space_id` None: any personal space that this identity sees.
    """
    for listed in tenant.index.apps(space_id):
        if not is_ours(listed) or listed.creator_id not in ("", tenant.client.me().id):
            continue
        live = find_app(tenant, listed.id, f'app "{listed.name}"')
        if live is None:
            tenant.index.forget_app(listed.id)
        elif is_ours(live):
            yield live


def left_over(tenant: Tenant, space_id: str | None, provenance: Provenance, kept_id: str) -> list[App]:
    """Further apps whose name is still the marker: a killed run's last import, not listed in time.

    Never one with a name of its own: people who duplicate an app copy its description, provenance included.
    """
    found = recognised(
        tenant, space_id, lambda a: a.id != kept_id and provenance.same_object(provenance_of(a.name))
    )
    return sorted(found, key=lambda a: a.id)


def restored(tenant: Tenant, provenance: Provenance, *, published: bool) -> Iterator[App]:
    """Own work that came back from its deletion after its space had gone: it is ours, and in no space."""
    me = tenant.client.me().id
    for listed in tenant.index.app_of(provenance):
        in_a_space = listed.space_id is not None and tenant.index.space(listed.space_id) is not None
        if in_a_space or listed.owner_id != me or bool(listed.publish_time) != published:
            continue
        try:
            live = get_app(tenant, listed.id, f'app "{listed.name}"')
        except Forbidden:
            # Nobody is refused an app of their own: it is gone, and the list is behind.
            continue
        if live is not None and provenance_of(live.description) == provenance:
            yield live


def _finished(tenant: Tenant, space_id: str | None, provenance: Provenance) -> App | None:
    found = recognised(tenant, space_id, lambda a: provenance_of(a.description) == provenance)
    return next(found, None)


def _unfinished(tenant: Tenant, space_id: str | None, provenance: Provenance) -> App | None:
    return next(recognised(tenant, space_id, lambda a: provenance_of(a.name) == provenance), None)


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
    discard: Discard,
) -> App:
    """Look up, import under the marker name, give objects away, set name and provenance.

    One import of the budget. `object_owners` are pairs of engine object id and user id. With them an
    unfinished app of an earlier run is discarded first: which of its objects were given away cannot be read.
    """
    tenant.wait_for_lists()
    tenant.index.fresh("apps", LOOK_UP_SECONDS)
    app = _finished(tenant, space_id, provenance)
    if app is not None:
        return app
    app = next(restored(tenant, provenance, published=False), None)
    if app is not None:
        if space_id is not None:
            app = move_app(tenant, app, space_id, f'app "{name}"')
        return app
    owners = list(object_owners)
    app = _unfinished(tenant, space_id, provenance)
    if app is not None and owners:
        discard(app)
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
    before = {a.id for a in tenant.index.apps(space_id)}

    def write() -> App:
        answer = tenant.client.post("/api/v1/apps/import", subject=subject, params=params)
        return App.of_answer(answer.data, subject)

    def look() -> App | None:
        tenant.index.refresh("apps")
        return next((a for a in tenant.index.apps(space_id) if a.name == marker and a.id not in before), None)

    app = tenant.settled(lambda: tenant.once_granted(write), lambda: tenant.eventually(look))
    tenant.index.record_app(app)
    return app


def get_app(tenant: Tenant, app_id: str, subject: str) -> App | None:
    """Live. None: it is gone (or, in a personal space of others, out of reach)."""
    found = tenant.client.find(f"/api/v1/apps/{app_id}", subject=subject)
    return App.of_answer(found, subject) if found else None


def find_app(tenant: Tenant, app_id: str, subject: str) -> App | None:
    """As `get_app`, for an app in a space that this identity works in.

    Which status a missing app has is not documented. After a 403 the list decides: absent (once the lag is
    over) means gone, present means out of reach. Raises `Forbidden` for the latter.
    """
    try:
        return get_app(tenant, app_id, subject)
    except Forbidden:

        def absent() -> bool | None:
            tenant.index.refresh("apps")
            return True if tenant.index.app(app_id) is None else None

        if tenant.eventually(absent) is None:
            raise
        return None


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
    app = App.of_answer(answer.data, f'app "{name}"')
    tenant.index.record_app(app)
    return app


def move_app(tenant: Tenant, app: App, space_id: str, subject: str) -> App:
    """To another shared space. Its owner's role is raised there, and put back.

    The tenant disables the app's tasks (`APP-MOVED-SPACE`), or deletes them.
    """
    with tenant.owner_lock:
        before = live_assignment_of(tenant, space_id, app.owner_id, subject)
        answer = tenant.repeated(
            lambda: tenant.client.put(
                f"/api/v1/apps/{app.id}/space", subject=subject, json={"spaceId": space_id}
            )
        )
        if app.owner_id != tenant.client.me().id:
            _take_raise_back(tenant, space_id, app.owner_id, before, subject)
    moved = App.of_answer(answer.data, subject)
    tenant.index.record_app(moved)
    return moved


def leave_space(tenant: Tenant, app: App, subject: str) -> App:
    """To its owner's personal space."""
    answer = tenant.repeated(lambda: tenant.client.delete(f"/api/v1/apps/{app.id}/space", subject=subject))
    left = App.of_answer(answer.data, subject)
    tenant.index.record_app(left)
    return left


def delete_app(tenant: Tenant, app_id: str, subject: str) -> datetime:
    """An app that is gone already is a success, also where the tenant says 403 for it.

    Returns when that was, in the tenant's time.
    """
    deleted_at = datetime.now(UTC)
    try:
        with suppress(NotFound):
            answer = tenant.client.delete(f"/api/v1/apps/{app_id}", subject=subject)
            deleted_at = tenant_time(answer.headers) or deleted_at
    except Forbidden:
        if find_app(tenant, app_id, subject) is not None:
            raise
    tenant.index.forget_app(app_id)
    return deleted_at


ELEVATION = {"shared": ("producer",), "managed": ("facilitator",)}
"""The role that an app's owner gets in its space (help pages on space permissions)."""


def change_app_owner(
    tenant: Tenant, app: App, owner_id: str, planned_roles: tuple[str, ...], subject: str
) -> None:
    """Give an app away. Owning an app raises its owner's role in the space: the roles are put back.

    `planned_roles` are those that the plan gives the new owner there; without a plan the roles of before
    are restored.
    """
    with tenant.owner_lock:
        space_id = app.space_id
        before = live_assignment_of(tenant, space_id, owner_id, subject) if space_id else None
        if app.owner_id != owner_id:
            _set_owner(tenant, app.id, owner_id, subject)
        if space_id and planned_roles:
            _restore_roles(tenant, space_id, owner_id, planned_roles, subject)
        elif space_id:
            _take_raise_back(tenant, space_id, owner_id, before, subject)


def finish_owner_change(tenant: Tenant, app: App, planned_roles: tuple[str, ...], subject: str) -> None:
    """Of an app that was given away by a run which was killed before it recorded that.

    What roles the owner had is lost. Without planned ones, a role that is exactly what ownership gives is
    taken for a raised one.
    """
    if app.space_id is None:
        return
    with tenant.owner_lock:
        space = tenant.index.space(app.space_id)
        now = live_assignment_of(tenant, app.space_id, app.owner_id, subject)
        raised = now is not None and space is not None and now.roles == ELEVATION.get(space.type)
        if planned_roles or raised:
            _restore_roles(tenant, app.space_id, app.owner_id, planned_roles, subject)


def take_app_back(tenant: Tenant, app_id: str, subject: str) -> None:
    """The tool owns it again."""
    _set_owner(tenant, app_id, tenant.client.me().id, subject)


def _set_owner(tenant: Tenant, app_id: str, owner_id: str, subject: str) -> None:
    def write() -> App:
        answer = tenant.client.put(
            f"/api/v1/apps/{app_id}/owner", subject=subject, json={"ownerId": owner_id}
        )
        return App.of_answer(answer.data, subject)

    tenant.index.record_app(tenant.repeated(write))


def _restore_roles(
    tenant: Tenant, space_id: str, owner_id: str, wanted: tuple[str, ...], subject: str
) -> None:
    _set(tenant, live_assignment_of(tenant, space_id, owner_id, subject), wanted, subject)


def _take_raise_back(
    tenant: Tenant, space_id: str, owner_id: str, before: Assignment | None, subject: str
) -> None:
    """After a change that made somebody the owner of an app in a space where the plan gives them no roles.

    `before` may be raised already, by another phase that gives them an app there: that phase takes its raise
    back. If that came between our look and our change, ours has raised the roles again: then the assignment
    is not the one it was.
    """
    after = live_assignment_of(tenant, space_id, owner_id, subject)
    if after is None or after == before:
        return
    space = tenant.index.space(space_id)
    raised = frozenset(ELEVATION.get(space.type, ()) if space else ())
    if before is not None and raised & {*before.roles}:
        wanted = tuple(r for r in after.roles if r not in raised)
    else:
        wanted = before.roles if before else ()
    _set(tenant, after, wanted, subject)


def _set(tenant: Tenant, live: Assignment | None, wanted: tuple[str, ...], subject: str) -> None:
    if live is None or live.roles == wanted:
        return
    if wanted:
        set_roles(tenant, live, wanted, subject)
    else:
        remove_assignment(tenant, live, subject)


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
            if asked_before and isinstance(error, (NotFound, Forbidden)):
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
