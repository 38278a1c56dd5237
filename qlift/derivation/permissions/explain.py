"""Whom a settled condition lets in, in the words of the source: groups where its own groups explain it.

A group explains it when the condition names it, when a custom property of the stream has its name, or when
the people who meet the condition are exactly the members of some groups. Who is named as a person stays one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from qlift.derivation.permissions import conditions
from qlift.derivation.permissions.conditions import And, Call, Compare, Not, Or, Path
from qlift.derivation.permissions.evaluate import Evaluator
from qlift.derivation.permissions.facts import Resource, Users
from qlift.derivation.permissions.settle import (
    AllOf,
    AnyOf,
    Known,
    NotOf,
    OneOf,
    Settled,
    UserTest,
    settle,
)

NAMING = ("userid", "name", "email")
"""Attributes that single out a person."""
FEWEST_MEMBERS = 2
"""A group of one person does not explain that the person has access."""


@dataclass(frozen=True)
class Who:
    """`users`: active people of the source behind it. `group`: as the directory, else the rule, spells it."""

    kind: Literal["group", "everyone", "users"]
    users: frozenset[str]
    basis: Literal["named", "members", "evaluated"]
    """The condition names it; a group's members are exactly those who meet it; they meet it now."""
    group: str = ""


@dataclass(frozen=True)
class Misnamed:
    """The condition names people by `values`, and `users` of them are active people."""

    values: tuple[str, ...]
    users: int


@dataclass(frozen=True)
class Explained:
    who: tuple[Who, ...]
    unknown: tuple[str, ...]
    """Parts of the condition whose answer is not known, as text, where they could let in more people."""
    misnamed: tuple[Misnamed, ...]


class Explainer:
    """Every settled condition of a site once."""

    def __init__(self, users: Users) -> None:
        self.users = users
        self.evaluate = Evaluator(users)
        self._known: dict[Settled, Explained] = {}
        self._spelling = _spellings(users)

    def __call__(self, node: Settled) -> Explained:
        if node not in self._known:
            self._known[node] = self._explained(node)
        return self._known[node]

    def _explained(self, node: Settled) -> Explained:
        who: list[Who] = []
        misnamed: list[Misnamed] = []
        named: frozenset[str] = frozenset()
        rest: frozenset[str] = frozenset()
        for branch in node.parts if isinstance(node, AnyOf) else (node,):
            if (groups := self._groups(branch)) is not None:
                who += groups
                continue
            met = self.evaluate(branch).users
            values = _person(branch)
            if values is None:
                rest |= met
                continue
            named |= met
            if values and len(met) != len(values):
                misnamed.append(Misnamed(tuple(sorted(values)), len(met)))
        if rest:
            who += self._covered(rest, node)
        if named:
            who.append(Who("users", named, "named"))
        answer = self.evaluate(node)
        unknown = tuple(sorted(set(_unknown(node)))) if answer.perhaps - answer.users else ()
        return Explained(tuple(dict.fromkeys(who)), unknown, tuple(misnamed))

    def _groups(self, branch: Settled) -> list[Who] | None:
        """The groups that this branch names, if it says nothing else.

        A value of the resource that is no group of the source names none; a stream's own name often is none.
        """
        if not isinstance(branch, UserTest) or branch.attribute != "group":
            return None
        folded = self.users.by_folded("group")
        found = {v.lower(): v for v in sorted(branch.values)}
        if branch.operator == "==":
            exact = self.users.by_value("group") or {}
            if any(exact.get(v, frozenset()) != folded.get(v.lower(), frozenset()) for v in branch.values):
                return None
        elif branch.operator != "=":
            return None
        return [
            Who("group", folded.get(key, frozenset()), "named", self._spelling.get(key, value))
            for key, value in sorted(found.items())
            if branch.in_rule or key in folded
        ]

    def _covered(self, people: frozenset[str], node: Settled) -> list[Who]:
        if people == self.users.everybody:
            return [Who("everyone", people, "evaluated")]
        groups = self.cover(people, {v.lower() for t in _tests(node) for v in t.values})
        if groups is None:
            return [Who("users", people, "evaluated")]
        folded = self.users.by_folded("group")
        return [Who("group", folded[g], "members", self._spelling[g]) for g in groups]

    def cover(self, people: frozenset[str], preferred: Iterable[str] = ()) -> list[str] | None:
        """The fewest groups (small letters) whose members together are exactly these people, if any are.

        The largest first; of equal ones a preferred one, then by name.
        """
        wanted = set(preferred)
        inside = {
            g: m
            for g, m in self.users.by_folded("group").items()
            if FEWEST_MEMBERS <= len(m) <= len(people) and m <= people
        }
        left, found = people, []
        while left:
            best = min(inside, key=lambda g: (-len(inside[g] & left), g not in wanted, g), default=None)
            if best is None or not inside[best] & left:
                return None
            left -= inside.pop(best)
            found.append(best)
        return sorted(found)

    def spelled(self, group: str) -> str:
        """As the directory spells a group that is given in small letters."""
        return self._spelling.get(group, group)


def _spellings(users: Users) -> dict[str, str]:
    return {name.lower(): name for name in sorted(users.by_value("group") or {})}


def _person(branch: Settled) -> frozenset[str] | None:
    """The texts by which a rule names single people in a branch (none: the resource names them).

    None when the branch speaks of people's properties only.
    """
    if isinstance(branch, OneOf):
        return frozenset()
    if isinstance(branch, UserTest):
        if branch.attribute not in NAMING or branch.operator not in ("=", "=="):
            return None
        return branch.values if branch.in_rule else frozenset()
    if isinstance(branch, AllOf):
        return next((v for p in branch.parts if (v := _person(p)) is not None), None)
    return None


def _tests(node: Settled) -> Iterable[UserTest]:
    if isinstance(node, UserTest) and node.attribute == "group":
        yield node
    elif isinstance(node, AllOf | AnyOf):
        for part in node.parts:
            yield from _tests(part)


def _unknown(node: Settled) -> Iterable[str]:
    if isinstance(node, Known) and node.answer is None:
        yield node.why
    elif isinstance(node, NotOf):
        yield from _unknown(node.part)
    elif isinstance(node, AllOf | AnyOf):
        for part in node.parts:
            yield from _unknown(part)


def for_anonymous(node: conditions.Node, resource: Resource, users: Users) -> bool | None:
    """Whether the condition holds for people who are not signed in; None: it asks what is not known."""
    match node:
        case Or(parts):
            answers = [for_anonymous(p, resource, users) for p in parts]
            return True if True in answers else None if None in answers else False
        case And(parts):
            answers = [for_anonymous(p, resource, users) for p in parts]
            return False if False in answers else None if None in answers else True
        case Not(part):
            inner = for_anonymous(part, resource, users)
            return None if inner is None else not inner
        case Call(path, _) if path.lower[-1] == "isanonymous":
            return True
        case Call(path, _) if path.lower[0] == "user":
            return None
        case Compare(_, left, right) if any(
            isinstance(s, Path) and s.lower[0] == "user" for s in (left, right)
        ):
            return None
    settled = settle(node, resource, users)
    return settled.answer if isinstance(settled, Known) else None
