"""Who may do what in a space: roles from ownership, from assignments, and from those of groups."""

from __future__ import annotations

from qlift.simulator.tenant.errors import Refusal
from qlift.simulator.tenant.world import ASSIGNMENT, EVERYONE, SPACE, USER, Call, Document, World

ASSIGNABLE = {
    "shared": ("codeveloper", "consumer", "dataconsumer", "facilitator", "producer"),
    "managed": ("basicconsumer", "consumer", "contributor", "dataconsumer", "facilitator", "publisher"),
    "data": (
        "consumer",
        "dataconsumer",
        "datapreview",
        "facilitator",
        "operator",
        "producer",
        "publisher",
    ),
}
"""By type of space (3.4)."""

EDIT = {"shared": {"producer", "codeveloper", "facilitator"}, "managed": {"publisher", "facilitator"}}
"""Roles that may change apps there. *Can manage* alone does not publish (17)."""

ELEVATED = {"shared": "producer", "managed": "facilitator"}


class Roles:
    """Of one user, looked up once for a whole list."""

    def __init__(self, world: World, user_id: str) -> None:
        self.user_id = user_id
        user = world.store.get(USER, user_id)
        groups = world.group_ids(user) if user else {EVERYONE}
        self._by_space: dict[str, set[str]] = {}
        now = world.seconds()
        for assignment in world.store.all(ASSIGNMENT):
            assignee = assignment["assigneeId"]
            of_user = assignee == user_id or (assignment["type"] == "group" and assignee in groups)
            if of_user and now >= assignment["_since"] + world.switches.grant_lag:
                self._by_space.setdefault(assignment["spaceId"], set()).update(assignment["roles"])

    def in_space(self, space: Document) -> set[str]:
        if space["ownerId"] == self.user_id:
            return set(ASSIGNABLE[space["type"]])
        return self._by_space.get(space["id"], set())


def roles_in(world: World, space: Document, user_id: str) -> set[str]:
    return Roles(world, user_id).in_space(space)


def may_manage(call: Call, space: Document) -> bool:
    """Its name, its members, its end: the owner, who can manage, and tenant admins."""
    return call.is_admin or "facilitator" in roles_in(call.world, space, call.user_id)


def may_read(call: Call, space: Document) -> bool:
    return call.is_admin or bool(roles_in(call.world, space, call.user_id))


def without_role(call: Call) -> bool:
    """Whether an admin's rights reach into spaces without a role there."""
    return call.is_admin and not call.world.switches.admin_needs_space_role


def may_edit(call: Call, space: Document) -> bool:
    """Import into it, change its apps, reload them."""
    roles = roles_in(call.world, space, call.user_id)
    return without_role(call) or bool(roles & EDIT.get(space["type"], set()))


def may_publish(call: Call, space: Document) -> bool:
    return without_role(call) or "publisher" in roles_in(call.world, space, call.user_id)


def visible_app(call: Call, app_id: str) -> Document:
    """Refused with the status of a missing app when it is none, or out of the caller's reach."""
    app = call.world.app(app_id)
    if app is None or not sees(call, app):
        raise missing_app(call)
    return app


def missing_app(call: Call) -> Refusal:
    return Refusal(call.world.switches.app_missing_status, "App not found or access denied")


def sees(call: Call, app: Document, roles: Roles | None = None) -> bool:
    """`app` needs `spaceId` and `ownerId` alone, so items can be asked about too."""
    if app["ownerId"] == call.user_id:
        return True
    if not app["spaceId"]:
        return call.reaches_personal_spaces
    space = call.world.store.get(SPACE, app["spaceId"])
    if space is None:
        return False
    return call.is_admin or bool((roles or Roles(call.world, call.user_id)).in_space(space))


def edits(call: Call, app: Document) -> bool:
    """Also: has the permission to reload it."""
    if not app["spaceId"]:
        return app["ownerId"] == call.user_id or call.reaches_personal_spaces
    space = call.world.store.get(SPACE, app["spaceId"])
    return space is not None and may_edit(call, space)


def settle_owner(world: World, app: Document) -> None:
    """An app's owner gets a role in its space that lets them work with it."""
    space = world.store.get(SPACE, app["spaceId"]) if app["spaceId"] else None
    if space is None or not world.switches.app_owner_elevation or space["type"] not in ELEVATED:
        return
    owner_id = app["ownerId"]
    if roles_in(world, space, owner_id) & EDIT[space["type"]]:
        return
    grant(world, space, owner_id, ELEVATED[space["type"]])


def grant(world: World, space: Document, user_id: str, role: str) -> None:
    """Add a role to the user's assignment, or make one."""
    existing = assignment_of(world, space["id"], user_id)
    now = world.stamp()
    if existing is None:
        id_ = world.new_id("assignment")
        existing = new_assignment(world, id_, space["id"], "user", user_id, [], space["ownerId"])
    existing["roles"] = sorted({*existing["roles"], role})
    existing["updatedAt"] = now
    existing["_since"] = world.seconds()
    world.store.put(ASSIGNMENT, existing["id"], existing)


def assignment_of(world: World, space_id: str, assignee_id: str) -> Document | None:
    for assignment in world.store.all(ASSIGNMENT):
        if assignment["spaceId"] == space_id and assignment["assigneeId"] == assignee_id:
            return assignment
    return None


def new_assignment(
    world: World, id_: str, space_id: str, type_: str, assignee_id: str, roles: list[str], by: str
) -> Document:
    now = world.stamp()
    return {
        "id": id_,
        "type": type_,
        "assigneeId": assignee_id,
        "roles": sorted(set(roles)),
        "spaceId": space_id,
        "tenantId": world.tenant_id,
        "createdAt": now,
        "createdBy": by,
        "updatedAt": now,
        "updatedBy": by,
        "_since": world.seconds(),
    }
