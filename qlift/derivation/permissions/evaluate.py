"""For which people of the site a settled condition holds: sets of user ids, with three answers.

What is not known holds for nobody and might hold for everybody, and so does its negation: it never grants.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from qlift.derivation.permissions.facts import Users
from qlift.derivation.permissions.settle import (
    AllOf,
    AnyOf,
    Known,
    NotOf,
    OneOf,
    SameValue,
    Settled,
    UserTest,
    tester,
)


@dataclass(frozen=True)
class Answer:
    """`users` meet the condition; `perhaps` are they and those of whom it is not known."""

    users: frozenset[str]
    perhaps: frozenset[str]


class Evaluator:
    """Every settled condition of a site once."""

    def __init__(self, users: Users) -> None:
        self._users = users
        self._known: dict[Settled, Answer] = {}

    def __call__(self, node: Settled) -> Answer:
        answer = self._known.get(node)
        if answer is None:
            answer = self._known[node] = self._answer(node)
        return answer

    def _answer(self, node: Settled) -> Answer:
        everybody, nobody = self._users.everybody, frozenset[str]()
        match node:
            case Known(answer):
                return Answer(everybody if answer else nobody, nobody if answer is False else everybody)
            case OneOf(users):
                found = users & everybody
            case UserTest():
                found = self._tested(node)
            case SameValue():
                found = self._same(node)
            case NotOf(part):
                inner = self(part)
                return Answer(everybody - inner.perhaps, everybody - inner.users)
            case AllOf(parts):
                answers = [self(p) for p in parts]
                return Answer(
                    frozenset.intersection(*(a.users for a in answers)),
                    frozenset.intersection(*(a.perhaps for a in answers)),
                )
            case AnyOf(parts):
                answers = [self(p) for p in parts]
                return Answer(
                    nobody.union(*(a.users for a in answers)), nobody.union(*(a.perhaps for a in answers))
                )
        return Answer(found, found)

    def _tested(self, node: UserTest) -> frozenset[str]:
        if node.operator == "=":
            folded = self._users.by_folded(node.attribute)
            return _union(folded.get(value.lower()) for value in node.values)
        by_value: Mapping[str, frozenset[str]] = self._users.by_value(node.attribute) or {}
        if node.operator == "==":
            return _union(by_value.get(value) for value in node.values)
        tests = [tester(node.operator, pattern) for pattern in sorted(node.values)]
        return _union(users for value, users in by_value.items() if any(test(value) for test in tests))

    def _same(self, node: SameValue) -> frozenset[str]:
        if node.strict:
            left, right = self._users.by_value(node.left) or {}, self._users.by_value(node.right) or {}
        else:
            left, right = self._users.by_folded(node.left), self._users.by_folded(node.right)
        return _union(users & right[value] for value, users in left.items() if value in right)


def _union(sets: Iterable[frozenset[str] | None]) -> frozenset[str]:
    return frozenset[str]().union(*(s for s in sets if s))
