"""Who gets which role where, from the trial derivation."""

from __future__ import annotations

from qlift.derivation.assessment.ground import Ground
from qlift.derivation.assessment.model import PermissionRow


def permission_rows(ground: Ground) -> tuple[PermissionRow, ...]:
    desired = ground.desired
    spaces = {s.key: s for s in desired.spaces if s.source.site == ground.bundle.site}
    names = {s.id: s.name for s in ground.bundle.streams}
    rows = []
    for assignment in desired.assignments:
        space = spaces.get(assignment.space)
        if space is None or assignment.assignee.type == "self":
            continue
        name = assignment.assignee.name
        members = ground.site.groups.get(name.casefold(), set()) & ground.site.active_users
        rows.append(
            PermissionRow(
                stream=names[space.source.id],
                space=space.name,
                rule="",
                assignee=name,
                kind="group" if assignment.assignee.type == "group" else "user",
                roles=assignment.roles,
                people=len(members) if assignment.assignee.type == "group" else 1,
                note="",
            )
        )
    return tuple(sorted(rows, key=lambda r: (r.stream, r.kind, r.assignee)))
