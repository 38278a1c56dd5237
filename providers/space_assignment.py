"""SpaceAssignment: the roles of a user, a group or the tool itself in a space.

Identity: `<space id>/<assignee id>` (a tenant holds one assignment for each assignee and space).
In place: the whole set of roles. `self` is the identity that the run works as.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pulumi
from pulumi.dynamic import Resource

import providers.base
from providers.adoption import AdoptableInputs, AdoptingProvider, agree, gone
from providers.base import Gone, Refusal, declared, log
from providers.session import refusals, session
from qlift.cloud import spaces
from qlift.cloud.models import Assignment, Space
from qlift.derivation.former import FormerAssignment


class SpaceAssignmentInputs(AdoptableInputs):
    space: str
    space_id: str | None
    assignee_type: Literal["user", "group", "self"]
    assignee: str
    """Subject, e-mail or group name; empty for `self`."""
    assignee_id: str | None = None
    match_by: Literal["subject", "email"]
    roles: list[str]
    former: FormerAssignment | None = None

    @property
    def subject(self) -> str:
        return f'{self.assignee_type} {self.assignee} in space "{self.space}"'.replace("  ", " ")


class SpaceAssignmentProvider(AdoptingProvider[SpaceAssignmentInputs]):
    kind = "SpaceAssignment"
    model = SpaceAssignmentInputs
    # Another name of the same person, or another way to find them, is no other assignment.
    references = {"space": "space_id", "assignee": "assignee_id", "match_by": "assignee_id"}
    replaced_by = frozenset({"space", "assignee_type", "assignee"})

    def resolve(self, new: SpaceAssignmentInputs, old: SpaceAssignmentInputs | None) -> SpaceAssignmentInputs:
        new = super().resolve(new, old)
        try:
            return new.model_copy(update={"assignee_id": _assignee_id(new)})
        except Refusal:
            # `problems` says it.
            return new

    def problems(
        self, new: SpaceAssignmentInputs, old: SpaceAssignmentInputs | None
    ) -> list[tuple[str, str]]:
        if new.assignee_type == "self":
            return []
        found = refusals(("assignee", lambda: _assignee_id(new)))
        if found or old is not None or new.adopted or not new.space_id:
            return found
        existing = spaces.assignment_of(session().tenant, new.space_id, _assignee_id(new))
        ours = existing is not None and _is_ours(new.space_id, existing.assignee_id)
        if existing is not None and not ours and sorted(existing.roles) != sorted(new.roles):
            reason = (
                f"has the roles {', '.join(existing.roles)} there, which are not ours; remove that "
                "assignment in the tenant, or give the plan the same roles"
            )
            return [("roles", reason)]
        return []

    def make(self, new: SpaceAssignmentInputs) -> tuple[str, dict[str, Any]]:
        here = session()
        space_id, assignee_id = here.space_id(new.space, new.space_id), _assignee_id(new)
        found = None
        if _is_ours(space_id, assignee_id):
            # The same assignment under another name of the assignee, which goes in this run.
            found = spaces.live_assignment_of(here.tenant, space_id, assignee_id, new.subject)
        if found is not None:
            spaces.set_roles(here.tenant, found, new.roles, new.subject)
        elif new.assignee_type == "self":
            spaces.assign_self(here.tenant, _space(space_id), new.roles, new.subject)
        else:
            spaces.assign(
                here.tenant,
                space_id,
                assignee_type=new.assignee_type,
                assignee_id=assignee_id,
                roles=new.roles,
                subject=new.subject,
            )
        return f"{space_id}/{assignee_id}", {}

    def accept(self, new: SpaceAssignmentInputs) -> Assignment:
        assert new.former is not None
        space_id, _, assignee_id = new.former.id.partition("/")
        # In a preview of its adoption the space's id may not be known yet.
        if (new.space_id or space_id) != space_id or _assignee_id(new) != assignee_id:
            raise gone(f"the assignment of user or group {assignee_id} in space {space_id}")
        live = spaces.live_assignment_of(session().tenant, space_id, assignee_id, new.subject)
        if live is None:
            raise gone(f"the assignment of user or group {assignee_id} in space {space_id}")
        agree([("roles", list(live.roles), list(new.former.roles), sorted(new.roles))])
        return live

    def take_over(self, new: SpaceAssignmentInputs) -> tuple[str, dict[str, Any]]:
        live = self.accept(new)
        spaces.set_roles(session().tenant, live, new.roles, new.subject)
        return f"{live.space_id}/{live.assignee_id}", {}

    def give_back(self, id_: str, known: SpaceAssignmentInputs) -> None:
        """An administrator may have removed it: then it stays so."""
        assert known.former is not None
        space_id, _, assignee_id = id_.partition("/")
        live = spaces.live_assignment_of(session().tenant, space_id, assignee_id, known.subject)
        if live is not None:
            spaces.set_roles(session().tenant, live, known.former.roles, known.subject)

    def find(self, id_: str, known: SpaceAssignmentInputs) -> dict[str, Any]:
        space_id, _, assignee_id = id_.partition("/")
        space = _space(space_id)
        found = spaces.assignment_of(session().tenant, space_id, assignee_id)
        if found is not None:
            return {"roles": sorted(found.roles)}
        if space.owner_id == assignee_id:
            # The owner of a space has every role and may not be assignable, or lose what was assigned.
            return {}
        if known.adopted:
            raise Gone
        # Somebody removed it: a preview shows that as a change of roles, not as something new.
        return {"roles": []}

    def change(self, id_: str, old: SpaceAssignmentInputs, new: SpaceAssignmentInputs) -> dict[str, Any]:
        space_id, _, assignee_id = id_.partition("/")
        tenant = session().tenant
        found = spaces.live_assignment_of(tenant, space_id, assignee_id, new.subject)
        if found is not None:
            spaces.set_roles(tenant, found, new.roles, new.subject)
        elif new.assignee_type == "self":
            spaces.assign_self(tenant, _space(space_id), new.roles, new.subject)
        else:
            spaces.assign(
                tenant,
                space_id,
                assignee_type=new.assignee_type,
                assignee_id=assignee_id,
                roles=new.roles,
                subject=new.subject,
            )
        return {}

    def remove(self, id_: str, known: SpaceAssignmentInputs) -> None:
        space_id, _, assignee_id = id_.partition("/")
        if known.assignee_type != "self" and providers.base.claims.stays_for_others(space_id):
            log.warning("%s stays, for apps in the space are handed over", known.subject)
            return
        spaces.unassign(session().tenant, space_id, assignee_id, known.subject)


def _is_ours(space_id: str, assignee_id: str) -> bool:
    return providers.base.claims.is_ours("SpaceAssignment", f"{space_id}/{assignee_id}")


def _space(space_id: str) -> Space:
    found = spaces.get_space(session().tenant, space_id)
    if found is None:
        raise Gone
    return found


def _assignee_id(new: SpaceAssignmentInputs) -> str:
    resolve: dict[str, Callable[[], str]] = {
        "self": lambda: session().tenant.client.me().id,
        "group": lambda: session().group(new.assignee).id,
        "user": lambda: session().user(new.match_by, new.assignee).id,
    }
    return resolve[new.assignee_type]()


class SpaceAssignment(Resource, module="qlik", name="SpaceAssignment"):
    def __init__(self, key: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(SpaceAssignmentProvider(), key, declared(key, props, opts), opts)
