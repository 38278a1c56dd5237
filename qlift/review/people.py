"""People and groups of the tenant, as a review counts and names them."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

from qlift.cloud.index import EVERYONE, Index
from qlift.cloud.models import User
from qlift.derivation.desired import Assignee
from qlift.derivation.members import SourceMembers

Person = str
"""Id in the tenant, or what the plan calls somebody whom the tenant does not have."""
Principal = tuple[Literal["user", "group"], str]
"""A person, or a group by its name."""


class Directory:
    """`me`: the tool's own identity, which is nobody here."""

    def __init__(self, index: Index, source: SourceMembers, me: str) -> None:
        self._index, self._source, self.me = index, source, me
        self._members: dict[str, frozenset[Person]] = {}
        self._by_group: dict[str, set[Person]] | None = None

    def person(self, by: str, name: str) -> Person:
        found = self._index.users_by("email" if by == "email" else "subject", name)
        return found[0].id if len(found) == 1 else name

    def name(self, person: Person) -> str:
        user = self._index.user(person)
        return (user.subject or user.email or user.name) if user else person

    def group_name(self, id_: str) -> str:
        found = self._index.group(id_)
        return found.name if found else id_

    def members(self, group: str) -> frozenset[Person]:
        """Known ones: whom the tenant has seen in it, and whom the source has. Empty: none is known."""
        if group not in self._members:
            source = {self._of(a) for a in self._source.of(group)}
            self._members[group] = frozenset(source | self._of_tenant(group)) - {self.me}
        return self._members[group]

    def _of(self, assignee: Assignee) -> Person:
        return self.person(assignee.by, assignee.name)

    def _of_tenant(self, group: str) -> set[Person]:
        if group == EVERYONE.name:
            return {u.id for u in self._index.users()}
        if self._by_group is None:
            found: dict[str, set[Person]] = defaultdict(set)
            for user in self._index.users():
                for name in _groups(user):
                    found[name].add(user.id)
            self._by_group = dict(found)
        return self._by_group.get(group, set())


def _groups(user: User) -> set[str]:
    return {g.name for g in user.assigned_groups if g.name}
