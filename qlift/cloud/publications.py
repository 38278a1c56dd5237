"""Publishing to managed spaces: by copy, by move, and again over what is published.

Recognition: a published app is ours when it lies in the managed space and its description's last line is
our provenance. The content mark is left out there: a republish keeps the published app.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from qlift.cloud.apps import (
    Discard,
    OpenFile,
    describe,
    find_app,
    give_object,
    import_as,
    leave_space,
    recognised,
    restored,
)
from qlift.cloud.models import App
from qlift.cloud.provenance import Provenance, attach, provenance_of
from qlift.cloud.tenant import LOOK_UP_SECONDS, Tenant

_MOVED = "/move"


def our_publication(tenant: Tenant, space_id: str, provenance: Provenance) -> App | None:
    return next(recognised(tenant, space_id, lambda a: _is_of(provenance, a)), None)


def _is_of(provenance: Provenance, app: App) -> bool:
    return any(provenance.same_object(provenance_of(t)) for t in (app.description, app.name))


def left_over(
    tenant: Tenant, provenance: Provenance, space_id: str, staging_space_id: str, kept_id: str
) -> list[App]:
    """What a killed run made and the next one could not see yet: publications, unmoved copies.

    Only what still belongs to the tool: a person may publish our staging app too, provenance included.
    """
    transient, me = _transient(provenance), tenant.client.me().id
    twice = recognised(tenant, space_id, lambda a: a.id != kept_id and _is_of(provenance, a))
    # Of whatever content: it may have changed since.
    unmoved = recognised(tenant, staging_space_id, lambda a: transient.same_object(provenance_of(a.name)))
    found = {a.id: a for a in (*twice, *unmoved) if a.owner_id == me}
    return [found[id_] for id_ in sorted(found)]


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
    tenant.wait_for_lists()
    tenant.index.fresh("apps", LOOK_UP_SECONDS)
    found = our_publication(tenant, space_id, provenance)
    if found is not None:
        return _settled(tenant, found, app_id, name, description, provenance, marked)
    if (back := _again(tenant, app_id, space_id, name, description, provenance, marked)) is not None:
        return back
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
    discard: Discard,
) -> App:
    """Import once more, give its private and community objects to their owners, move it.

    The origin stays where it is, so the budget of imports is used twice. A half-done copy of an earlier
    run is discarded first: which of its objects were given away already cannot be read. `object_owners` are
    pairs of engine object id and user id. Returns the published app; its id is taken from the answer.
    """
    subject = f'publication "{name}"'
    tenant.wait_for_lists()
    tenant.index.fresh("apps", LOOK_UP_SECONDS)
    found = our_publication(tenant, space_id, provenance)
    if found is None:
        if (back := _again(tenant, origin_id, space_id, name, description, provenance, marked)) is not None:
            return back
        transient = _transient(provenance)
        for half_done in recognised(tenant, staging_space_id, lambda a: _is_of(transient, a)):
            discard(half_done)
        copy = import_as(
            tenant, transient.line, staging_space_id, open_file=open_file, size=size, subject=subject
        )
        for object_id, owner_id in object_owners:
            give_object(tenant, copy.id, object_id, owner_id, subject)
        body = {"spaceId": space_id, "data": "source", "moveApp": True, "originAppId": origin_id}
        published = _publish(
            tenant, copy.id, space_id, body, name, description, provenance, marked, moves=True
        )
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
    """Of a publication that an unrecorded run made: republished only if its content or its origin is another.

    A republish gives what it writes to the tool, so it is not done without need. The origin is another where
    it was deleted since, and the app imported again.
    """
    wanted = attach(description, provenance if marked else None)
    newer = provenance_of(found.description) != provenance
    if newer or found.origin_app_id not in ("", app_id):
        return republish(
            tenant, app_id=app_id, target_id=found.id, name=name, description=wanted, keep_data=not newer
        )
    if (found.name, found.description) != (name, wanted):
        kept = provenance if marked else None
        return describe(tenant, found.id, name=name, description=description, provenance=kept)
    return found


def _again(
    tenant: Tenant,
    origin_id: str,
    space_id: str,
    name: str,
    description: str,
    provenance: Provenance,
    marked: bool,
) -> App | None:
    """One that came back after its space had gone is published again as it is: its users' content stays."""
    found = next(restored(tenant, provenance, published=True), None)
    if found is None:
        return None
    if found.space_id is not None:
        # Of the space that is gone; nobody has rights there.
        found = leave_space(tenant, found, f'publication "{name}"')
    body = {"spaceId": space_id, "data": "source", "moveApp": True, "originAppId": origin_id}
    published = _publish(tenant, found.id, space_id, body, name, description, provenance, marked, moves=True)
    if published.id != found.id:
        tenant.index.forget_app(found.id)
    return published


def _transient(provenance: Provenance) -> Provenance:
    """The marker of the copy that is moved; told from the origin's by its source word."""
    return replace(provenance, source=f"{provenance.source}{_MOVED}")


def staged_source(provenance: Provenance) -> str:
    """The source word of the app that this is, or is a copy of on its way to be moved."""
    return provenance.source.removesuffix(_MOVED)


def _publish(
    tenant: Tenant,
    app_id: str,
    space_id: str,
    body: dict[str, Any],
    name: str,
    description: str,
    provenance: Provenance,
    marked: bool,
    *,
    moves: bool = False,
) -> App:
    subject = f'publication "{name}"'
    attributes = {"name": name, "description": attach(description, provenance if marked else None)}
    before, me = {a.id for a in tenant.index.apps(space_id)}, tenant.client.me().id

    def is_ours(app: App) -> bool:
        """Without a mark: what came into the space since, of this name, and is the tool's."""
        unmarked = not marked and app.id not in before and (app.name, app.owner_id) == (name, me)
        return unmarked or _is_of(provenance, app)

    def write() -> App:
        answer = tenant.client.post(
            f"/api/v1/apps/{app_id}/publish", subject=subject, json={**body, "attributes": attributes}
        )
        return App.of_answer(answer.data, subject)

    def look() -> App | None:
        if moves:
            # Our own record says that the copy is still in staging, and outranks every list.
            live = find_app(tenant, app_id, subject)
            if live is not None and live.space_id == space_id:
                return live
            if live is None:
                tenant.index.forget_app(app_id)
        tenant.index.refresh("apps")
        return next(recognised(tenant, space_id, is_ours), None)

    app = tenant.settled(lambda: tenant.once_granted(write), lambda: tenant.eventually(look))
    tenant.index.record_app(app)
    return app


def republish(
    tenant: Tenant, *, app_id: str, target_id: str, name: str, description: str, keep_data: bool
) -> App:
    """New content over a published app: id, address and its users' own content stay.

    `keep_data`: what was reloaded there stays too, for the content is the same and only its origin is new.
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
                "data": "target" if keep_data else "source",
                "attributes": {"name": name, "description": description},
            },
        )
        return App.of_answer(answer.data, subject)

    app = tenant.repeated(write)
    tenant.index.record_app(app)
    return app
