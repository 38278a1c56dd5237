"""From security rules to roles of spaces: what the source's rules let people do, as assignments of a space.

    conditions → facts, evaluate → explain → rules → grants → assign
    a tree        who meets it      in groups  by stream       roles, checked by `check` with `audit`

`docs/permissions.md` tells it for people. The audit of the source is the oracle of all of it.
"""

from qlift.derivation.permissions.assign import assignments
from qlift.derivation.permissions.audit import Difference
from qlift.derivation.permissions.rules import Rules
from qlift.derivation.permissions.table import PermissionRow, differences, table

__all__ = ["Difference", "PermissionRow", "Rules", "assignments", "differences", "table"]
