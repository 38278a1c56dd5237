"""Step: spaces, each with the tool's own working role, before anything is put into them."""

from __future__ import annotations

from dataclasses import dataclass, field

from providers.space import Space
from providers.space_assignment import SpaceAssignment
from qlift.cloud.provenance import short_id
from qlift.derivation import desired
from qlift.program.job import Run, former_inputs


@dataclass
class Spaces:
    by_key: dict[str, Space] = field(default_factory=dict)
    external: dict[str, str] = field(default_factory=dict)
    """Names of spaces that another phase makes, by key."""
    working_role: dict[str, SpaceAssignment] = field(default_factory=dict)
    """By space: the assignment of the tool itself."""

    def reference(self, key: str, label: str = "space", id_: str = "space_id") -> dict[str, object]:
        """Label and id of a space. A space of another phase has no id here; it is found by its name."""
        space = self.by_key.get(key)
        return {label: space.name, id_: space.id} if space else {label: self.external[key], id_: ""}


def declare_spaces(run: Run) -> Spaces:
    made = Spaces()
    for space in run.desired.spaces:
        if space.external:
            made.external[space.key] = space.name
            continue
        props = {
            "name": space.name,
            "type": space.type,
            "description": space.description,
            "site": space.source.site,
            "source": short_id(space.source.id),
            **run.provenance_inputs(),
            **run.space_inputs(space.key),
            **former_inputs(space.former),
        }
        made.by_key[space.key] = Space(space.key, props, run.jobs[space.job].options())
    for assignment in run.desired.assignments:
        if assignment.assignee.type == "self":
            made.working_role[assignment.space] = declare_assignment(run, made, assignment)
    return made


def declare_assignment(run: Run, spaces: Spaces, assignment: desired.SpaceAssignment) -> SpaceAssignment:
    assignee = assignment.assignee
    props = {
        **spaces.reference(assignment.space),
        "assignee_type": assignee.type,
        "assignee": assignee.name,
        "match_by": assignee.by,
        "roles": list(assignment.roles),
        **run.space_inputs(assignment.space),
        **former_inputs(assignment.former),
    }
    after = [spaces.working_role.get(assignment.space)] if assignee.type != "self" else []
    return SpaceAssignment(assignment.key, props, run.jobs[assignment.job].options(after))
