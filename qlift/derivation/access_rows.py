"""Who a row of section access lets in: its values, as the source knows them and as the tenant will.

A tenant compares USERID with the user's subject, USER.EMAIL with the e-mail and GROUP with the names of
groups, all in capitals. Whether it reads NTNAME at all is not documented; it is judged like USERID.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from qlift.derivation.context import Site
from qlift.derivation.people import People, Unknown, why_left
from qlift.derivation.scripts.access_section import LEVELS, AccessTable, Row

Fate = Literal["stays", "becomes", "unknown", "nobody", "service"]
"""Of a value: it is right in the tenant too; it has to become another; the person is known, what the tenant
calls them is not; nobody of the source or tenant; a service of the source."""
SERVICES = "INTERNAL\\"
NOT_KNOWN = "not known here"


@dataclass(frozen=True)
class Resolved:
    """What becomes of one value of a user column."""

    value: str
    fate: Fate
    becomes: str = ""
    """In capitals."""
    users: frozenset[str] = field(default=frozenset(), repr=False)
    """Ids of the users of the source behind it."""

    def __str__(self) -> str:
        if self.fate == "becomes":
            return f"{self.value} -> {self.becomes}"
        words = {"stays": "stays", "unknown": NOT_KNOWN, "nobody": "nobody", "service": "a service, nobody"}
        return f"{self.value} ({words[self.fate]})"


class Identities:
    """Of one site: looks values of user columns up. Built once, each value looked up once."""

    def __init__(self, site: Site, people: People) -> None:
        self._site = site
        self._subjects: dict[str, set[str]] = {}
        self._emails: dict[str, set[str]] = {}
        self._source: dict[str, set[str]] = {}
        """Login, user id and e-mail of the source → ids."""
        self._names: dict[str, tuple[str, str]] = {}
        """Id → subject and e-mail in the tenant; absent: nobody there."""
        self._groups: dict[str, set[str]] = {}
        self._group_becomes: dict[str, str] = {}
        self._known: dict[tuple[str, str], Resolved] = {}
        for user in site.bundle.users:
            if why_left(user) and not people.is_matched(site.name, user):
                continue
            for name in (user.login, user.user_id, *user.emails):
                self._source.setdefault(name.upper(), set()).add(user.id)
            try:
                subject, email = people.known_as(site.name, user, user)
            except Unknown:
                continue
            self._names[user.id] = (subject.upper(), email.upper())
            for names, value in ((self._subjects, subject), (self._emails, email)):
                if value:
                    names.setdefault(value.upper(), set()).add(user.id)
        for folded, members in site.groups.items():
            name = site.group_names[folded]
            try:
                there = people.group(site.name, name).name.upper()
            except Unknown:
                continue
            self._group_becomes[name.upper()] = there
            self._groups.setdefault(there, set()).update(members)

    def resolve(self, column: str, value: str) -> Resolved:
        """`value` in capitals, not empty and no star."""
        key = (column, value)
        if key not in self._known:
            if value.startswith(SERVICES):
                self._known[key] = Resolved(value, "service")
            elif column == "GROUP":
                self._known[key] = self._group(value)
            else:
                self._known[key] = self._user(column, value)
        return self._known[key]

    def _group(self, value: str) -> Resolved:
        if value in self._groups:
            return Resolved(value, "stays", value, frozenset(self._groups[value]))
        there = self._group_becomes.get(value)
        if there is None:
            return Resolved(value, "nobody")
        return Resolved(value, "becomes", there, frozenset(self._groups[there]))

    def _user(self, column: str, value: str) -> Resolved:
        by_email = column == "USER.EMAIL"
        there = self._emails if by_email else self._subjects
        if value in there:
            return Resolved(value, "stays", value, frozenset(there[value]))
        ids = self._source.get(value, set())
        # Without a directory a user id may be several people's: then it is nobody's.
        found = [self._names[i] for i in ids if i in self._names] if len(ids) == 1 else []
        if not found:
            # NTNAME may name groups of Windows too.
            members = self._group(value.rpartition("\\")[2]).users if column == "NTNAME" else frozenset[str]()
            return Resolved(value, "unknown" if members else "nobody", users=members)
        becomes = found[0][1 if by_email else 0]
        return Resolved(value, "becomes" if becomes else "unknown", becomes, frozenset(ids))


@dataclass(frozen=True)
class Admitted:
    """What one row does."""

    row: Row
    everybody: bool
    """No user column narrows it."""
    reduced: bool
    """It shows a part of the data only."""
    values: tuple[Resolved, ...]
    """Of its user columns, without stars."""

    def lets_in(self, audience: set[str] | None, fates: Collection[Fate]) -> bool:
        """Whether somebody of the audience (None: anybody) passes, if values of these fates count.

        Who passes has to fit every user column of the row.
        """
        if self.everybody:
            return True
        if not self.values or any(v.fate not in fates for v in self.values):
            return False
        users = frozenset.intersection(*(v.users for v in self.values))
        return bool(users) if audience is None else not users.isdisjoint(audience)


def admitted(table: AccessTable, row: Row, identities: Identities, levels_elsewhere: bool) -> Admitted | None:
    """None: without a level ADMIN or USER the row lets nobody in.

    `levels_elsewhere`: another table of the section has the column ACCESS.
    """
    level = table.value(row, "ACCESS")
    if table.column("ACCESS") is None:
        if not levels_elsewhere:
            return None
    elif level not in LEVELS and level not in table.stars:
        return None
    given = [(c, table.value(row, c)) for c in table.user_columns]
    named = tuple(identities.resolve(c, v) for c, v in given if v and v not in table.stars)
    return Admitted(
        row=row,
        everybody=not named and all(v for _, v in given),
        reduced=level != "ADMIN" and _reduced(table, row),
        values=named,
    )


def _reduced(table: AccessTable, row: Row) -> bool:
    """Whether a reducing field has a value of its own. OMIT takes fields away, its star all listed ones."""
    return table.reduces_always or any(
        cell and (cell not in table.stars or table.reducing[at] == "OMIT")
        for at, cell in enumerate(row.cells)
        if at in table.reducing
    )
