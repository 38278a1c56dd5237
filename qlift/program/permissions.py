"""Step: who may do what in a space."""

from __future__ import annotations

from providers.space_assignment import SpaceAssignment
from qlift.program.job import Run
from qlift.program.spaces import Spaces, declare_assignment


def declare_permissions(run: Run, spaces: Spaces) -> dict[str, list[SpaceAssignment]]:
    """By space."""
    made: dict[str, list[SpaceAssignment]] = {}
    for assignment in run.desired.assignments:
        if assignment.assignee.type != "self":
            made.setdefault(assignment.space, []).append(declare_assignment(run, spaces, assignment))
    return made
