"""Spaces, their owners and their assignments.

Recognition: a space by the provenance line in its description; an assignment by space, assignee and roles.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from qlift.cloud.errors import Conflict, Forbidden, NotFound, Precondition, Refused
from qlift.cloud.models import Assignment, Space, parsed
from qlift.cloud.provenance import Provenance, attach, provenance_of
from qlift.cloud.tenant import LOOK_UP_SECONDS, Tenant


def our_space(tenant: Tenant, provenance: Provenance) -> Space | None:
    return next(
        (s for s in tenant.index.spaces() if provenance.same_object(provenance_of(s.description))), None
    )


def create_space(
    tenant: Tenant, *, name: str, type_: str, description: str, provenance: Provenance, marked: bool
) -> Space:
    """Look up, create. Raises `Conflict` when the name belongs to a space that is not ours."""
    subject = f'space "{name}"'
    tenant.index.fresh("spaces", LOOK_UP_SECONDS)
    ours = our_space(tenant, provenance)
    if ours is not None:
        if ours.type != type_:
            raise Conflict(
                f"an earlier run of this stack made it as a {ours.type} space, and a type cannot change; "
                f"delete that space in the tenant, or plan it as {ours.type}",
                subject=subject,
            )
        return update_space(
            tenant, ours.id, name=name, description=description, provenance=provenance if marked else None
        )
    if tenant.index.space_named(name) is not None:
        raise Conflict(
            "a space of that name exists and is not ours; rename it there, or choose another name",
            subject=subject,
        )
    body = {"name": name, "type": type_, "description": attach(description, provenance if marked else None)}

    def write() -> Space:
        answer = tenant.client.post("/api/v1/spaces", subject=subject, json=body)
        return parsed(Space, answer.data, subject)

    def look() -> Space | None:
        """Without a mark: the name was free a moment ago."""
        tenant.index.refresh("spaces")
        found = tenant.index.space_named(name)
        if found is None:
            return None
        unmarked = not marked and found.owner_id == tenant.client.me().id
        return found if unmarked or provenance.same_object(provenance_of(found.description)) else None

    space = tenant.settled(write, look)
    tenant.index.record_space(space)
    return space


def get_space(tenant: Tenant, space_id: str) -> Space | None:
    """From the index; a GET of its own decides about one that is not listed. None: it is gone."""
    if (listed := tenant.index.space(space_id)) is not None:
        return listed
    found = tenant.client.find(f"/api/v1/spaces/{space_id}", subject=f"space {space_id}")
    return parsed(Space, found, f"space {space_id}") if found else None


def update_space(
    tenant: Tenant, space_id: str, *, name: str, description: str, provenance: Provenance | None
) -> Space:
    answer = tenant.repeated(
        lambda: tenant.client.patch(
            f"/api/v1/spaces/{space_id}",
            subject=f'space "{name}"',
            json=[
                {"op": "replace", "path": "/name", "value": name},
                {"op": "replace", "path": "/description", "value": attach(description, provenance)},
            ],
        )
    )
    space = parsed(Space, answer.data, f'space "{name}"')
    tenant.index.record_space(space)
    return space


def change_space_owner(tenant: Tenant, space_id: str, owner_id: str, subject: str) -> None:
    answer = tenant.repeated(
        lambda: tenant.client.patch(
            f"/api/v1/spaces/{space_id}",
            subject=subject,
            json=[{"op": "replace", "path": "/ownerId", "value": owner_id}],
        )
    )
    tenant.index.record_space(parsed(Space, answer.data, subject))


def delete_space(tenant: Tenant, space_id: str, name: str) -> None:
    """Raises `Precondition` with a remedy when people put content into it."""
    try:
        with suppress(NotFound):
            tenant.client.delete(f"/api/v1/spaces/{space_id}", subject=f'space "{name}"')
    except Precondition as error:
        raise Precondition(
            "it is not empty: somebody put content into it that qlift did not make; move or delete that "
            "content, or keep the space with `pulumi state delete`",
            subject=f'space "{name}"',
            status=error.status,
            trace_id=error.trace_id,
        ) from error
    tenant.index.forget_space(space_id)


def assignment_of(tenant: Tenant, space_id: str, assignee_id: str) -> Assignment | None:
    return next((a for a in tenant.index.assignments(space_id) if a.assignee_id == assignee_id), None)


def live_assignment_of(tenant: Tenant, space_id: str, assignee_id: str, subject: str) -> Assignment | None:
    """Asks the tenant, for what other writes may have changed behind the index."""
    params = {"assigneeId": assignee_id, "limit": 100}
    listed = tenant.client.pages(f"/api/v1/spaces/{space_id}/assignments", subject=subject, params=params)
    found = next(
        (a for raw in listed if (a := parsed(Assignment, raw, subject)).assignee_id == assignee_id), None
    )
    if found is not None:
        tenant.index.record_assignment(found)
    return found


def assign(
    tenant: Tenant, space_id: str, *, assignee_type: str, assignee_id: str, roles: Iterable[str], subject: str
) -> Assignment:
    """Create, or recognise one with the same roles. Raises `Conflict` for one with other roles.

    Whether a space's owner can be assigned is not documented. Where it is refused, the space is the tool's
    for that moment: a plan may take the space from its owner in the same run, which comes last.
    """
    wanted = tuple(sorted(roles))
    body = {"type": assignee_type, "assigneeId": assignee_id, "roles": list(wanted)}

    def write() -> Assignment:
        answer = tenant.client.post(f"/api/v1/spaces/{space_id}/assignments", subject=subject, json=body)
        return parsed(Assignment, answer.data, subject)

    def look() -> Assignment | None:
        return live_assignment_of(tenant, space_id, assignee_id, subject)

    try:
        found = tenant.settled(lambda: tenant.once_granted(write), look)
    except Conflict:
        existing = look()
        if existing is None and not _owned_by_other(tenant, space_id, assignee_id):
            raise
        if existing is None:
            change_space_owner(tenant, space_id, tenant.client.me().id, subject)
            existing = tenant.settled(write, look)
            change_space_owner(tenant, space_id, assignee_id, subject)
        found = existing
    if found.roles != wanted:
        raise Conflict(
            f"there is an assignment with the roles {', '.join(found.roles)} that is not ours "
            f"(wanted: {', '.join(wanted)}); remove it there, or give the plan the same roles",
            subject=subject,
        )
    tenant.index.record_assignment(found)
    return found


def _owned_by_other(tenant: Tenant, space_id: str, assignee_id: str) -> bool:
    space = get_space(tenant, space_id)
    return space is not None and space.owner_id == assignee_id != tenant.client.me().id


def set_roles(tenant: Tenant, assignment: Assignment, roles: Iterable[str], subject: str) -> None:
    answer = tenant.repeated(
        lambda: tenant.client.put(
            f"/api/v1/spaces/{assignment.space_id}/assignments/{assignment.id}",
            subject=subject,
            json={"roles": sorted(roles)},
        )
    )
    tenant.index.record_assignment(parsed(Assignment, answer.data, subject))


def unassign(tenant: Tenant, space_id: str, assignee_id: str, subject: str) -> None:
    found = live_assignment_of(tenant, space_id, assignee_id, subject)
    if found is not None:
        remove_assignment(tenant, found, subject)


def remove_assignment(tenant: Tenant, assignment: Assignment, subject: str) -> None:
    path = f"/api/v1/spaces/{assignment.space_id}/assignments/{assignment.id}"
    with suppress(NotFound):
        tenant.client.delete(path, subject=subject)
    tenant.index.forget_assignment(assignment.space_id, assignment.id)


def assign_self(tenant: Tenant, space: Space, roles: Iterable[str], subject: str) -> None:
    """Give the tool's own identity its working role.

    Whether the owner of a space can be assigned is not documented. An owner has every role, so a refusal
    is no loss while the tool owns the space; `change owner` calls this again afterwards. Nor is it whether
    an OAuth client's user is assigned as `user` or as `bot`: the second is tried if the first is refused.
    """
    me = tenant.client.me()

    def assign_as(type_: str) -> None:
        assign(tenant, space.id, assignee_type=type_, assignee_id=me.id, roles=roles, subject=subject)

    try:
        try:
            assign_as("user")
        except Refused:
            if not me.is_bot:
                raise
            assign_as("bot")
    except (Refused, Forbidden, Conflict):
        if space.owner_id != me.id:
            raise
