"""What the rules of a stream grant, by group and person of the source. Needs no plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from qlift.derivation.permissions.explain import Who
from qlift.derivation.permissions.rules import Reading, Unread

MOST_USERS = 500
"""Single people from one rule in one space; more are not assigned one by one, but told."""


@dataclass
class Grant:
    """`name` is a group, the id of a user, or empty for everybody."""

    kind: Literal["group", "user", "everyone"]
    name: str
    people: frozenset[str]
    """Active people of the source who have it."""
    masks: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Actions by the label of the rule."""
    bases: set[str] = field(default_factory=set)

    @property
    def mask(self) -> int:
        found = 0
        for mask in self.masks.values():
            found |= mask
        return found


def grants(readings: Iterable[Reading | Unread]) -> list[Grant]:
    """Sorted by kind and name; one for each group and person."""
    found: dict[tuple[str, str], Grant] = {}
    for reading in readings:
        if isinstance(reading, Unread):
            continue
        for who in reading.explained.who:
            for grant in _of(who):
                known = found.setdefault((grant.kind, grant.name), grant)
                known.masks[reading.label] |= reading.rule.actions
                known.bases.add(who.basis)
    return [found[key] for key in sorted(found)]


def too_many(who: Who) -> bool:
    """People who meet a condition and are too many to be assigned one by one."""
    return who.kind == "users" and who.basis != "named" and len(who.users) > MOST_USERS


def _of(who: Who) -> list[Grant]:
    if who.kind == "users":
        if too_many(who):
            return []
        return [Grant("user", user, frozenset({user})) for user in who.users]
    return [Grant(who.kind, who.group, who.users)]
