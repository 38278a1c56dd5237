"""Answers everything that a condition asks about a stream or app; what is left asks about people only.

Many streams share what is left. What cannot be known offline is never guessed: session attributes, attributes
that the bundle does not hold, rights asked with HasPrivilege.

`=`, `!=` and `like` compare without case, `==`, `!==` and `matches` with it; a list is equal when one of its
values is, and unequal when none is; `matches` means the whole value (Qlik's help, "EQUAL", "LIKE", "MATCHES"
and so on; for `!=` of a list that is our reading, which the audit checks).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from qlift.derivation.permissions import conditions
from qlift.derivation.permissions.conditions import And, Call, Compare, Not, Or, Path, Text
from qlift.derivation.permissions.facts import HUB, SESSION, Resource, Users, Values
from qlift.derivation.permissions.wildcard import wildcard


@dataclass(frozen=True)
class Known:
    """The same answer for everybody; None is not known, and `why` says what."""

    answer: bool | None
    why: str = ""


@dataclass(frozen=True)
class UserTest:
    """One of the user's values at `attribute` (small letters) is, is like or matches one of `values`."""

    attribute: str
    operator: str
    """`=`, `==`, `like` or `matches`."""
    values: frozenset[str]
    """As they are written."""
    in_rule: bool
    """The rule spells them; else they are values of the resource."""


@dataclass(frozen=True)
class SameValue:
    """Two attributes of a user share a value."""

    left: str
    right: str
    strict: bool


@dataclass(frozen=True)
class OneOf:
    """The user is one of these."""

    users: frozenset[str]


@dataclass(frozen=True)
class NotOf:
    part: Settled


@dataclass(frozen=True)
class AllOf:
    parts: tuple[Settled, ...]


@dataclass(frozen=True)
class AnyOf:
    parts: tuple[Settled, ...]


Settled = Known | UserTest | SameValue | OneOf | NotOf | AllOf | AnyOf
MOST_REPETITIONS = 3
ALWAYS, NEVER = Known(True), Known(False)


def settle(node: conditions.Node, resource: Resource, users: Users) -> Settled:
    """Answers what is about the resource, and leaves out what has no effect."""
    match node:
        case Or(parts):
            return _joined(AnyOf, (settle(p, resource, users) for p in parts), NEVER, ALWAYS)
        case And(parts):
            return _joined(AllOf, (settle(p, resource, users) for p in parts), ALWAYS, NEVER)
        case Not(part):
            return _negated(settle(part, resource, users))
        case Call():
            return _called(node, resource, users)
    return _compared(node, resource, users)


def _joined(kind: type[AllOf] | type[AnyOf], parts: Iterable[Settled], none: Known, end: Known) -> Settled:
    """`none` is the answer of no parts, `end` the one that decides whatever the others are."""
    left: dict[Settled, None] = {}
    for part in parts:
        if part == end:
            return end
        if part != none:
            left |= dict.fromkeys(part.parts if isinstance(part, kind) else (part,))
    if not left:
        return none
    return next(iter(left)) if len(left) == 1 else kind(tuple(left))


def _negated(part: Settled) -> Settled:
    if isinstance(part, Known):
        return part if part.answer is None else Known(not part.answer)
    return part.part if isinstance(part, NotOf) else NotOf(part)


def _called(node: Call, resource: Resource, users: Users) -> Settled:
    *path, function = node.path.lower
    if path in ([], ["user"]) and function == "isanonymous" and node.argument is None:
        # Nobody in the list of users is anonymous.
        return NEVER
    if path[:1] == ["resource"]:
        inside = tuple(path[1:])
        if function == "isowned" and not inside and node.argument is None:
            owner = resource.owner_id(("owner",))
            return _unknown(node) if owner is None else Known(bool(owner))
        if function == "empty" and inside and node.argument is None:
            values = resource.values(inside)
            return _unknown(node) if values is None else Known(not values)
        if function == "hasprivilege" and node.argument == Text("read"):
            readers = resource.readers(inside)
            return _unknown(node) if readers is None else OneOf(readers)
    if path[:1] == ["user"] and len(path) == 2 and function == "empty" and node.argument is None:
        by_value = users.by_value(path[1])
        if by_value is not None:
            return NotOf(OneOf(frozenset[str]().union(*by_value.values())))
    return _unknown(node)


def _unknown(node: conditions.Node, why: str = "") -> Known:
    return Known(None, why or conditions.text_of(node))


def _compared(node: Compare, resource: Resource, users: Users) -> Settled:
    if node.operator in ("!=", "!=="):
        equal = Compare("=" if node.operator == "!=" else "==", node.left, node.right)
        return _negated(_compared(equal, resource, users))
    if Path(("user",)) in (_lower(node.left), _lower(node.right)):
        return _is_owner(node, resource)
    left = _side(node.left, resource, users)
    if node.operator == "matches" and isinstance(node.right, Text):
        # The backslashes of a regular expression are its own.
        right: str | Values | None = (node.right.value,) if _is_plain(node.right.value) else None
    else:
        right = _side(node.right, resource, users)
    if left is None or right is None:
        return _unknown(node)
    if isinstance(left, str) and isinstance(right, str):
        return SameValue(left, right, node.operator == "==")
    if isinstance(left, tuple) and isinstance(right, tuple):
        return Known(_any(node.operator, left, right))
    if isinstance(left, str):
        return UserTest(left, node.operator, frozenset(right), isinstance(node.right, Text))
    return UserTest(str(right), node.operator, frozenset(left), isinstance(node.left, Text))


def _lower(side: Text | Path) -> Text | Path:
    return Path(side.lower) if isinstance(side, Path) else side


def _is_owner(node: Compare, resource: Resource) -> Settled:
    """`resource.owner = user`: whose object it is."""
    sides = [s for s in (_lower(node.left), _lower(node.right)) if s != Path(("user",))]
    if node.operator in ("=", "==") and len(sides) == 1 and isinstance(sides[0], Path):
        names = sides[0].names
        owner = resource.owner_id(names[1:]) if names[0] == "resource" else None
        if owner is not None:
            return OneOf(frozenset(owner))
    return _unknown(node)


def _side(side: Text | Path, resource: Resource, users: Users) -> str | Values | None:
    """A user's attribute by its name, values that are settled, or None: not known."""
    if isinstance(side, Text):
        # Whether the source reads a backslash as itself or as an escape is documented nowhere.
        return None if "\\" in side.value else (side.value,)
    names = side.lower
    if names[0] == "resource":
        return resource.values(names[1:])
    if names == ("user", SESSION, "context"):
        return (HUB,)
    if names[0] == "user" and len(names) == 2 and users.by_value(names[1]) is not None:
        return names[1]
    return None


def _any(operator: str, left: Iterable[str], right: Iterable[str]) -> bool:
    return any(tester(operator, pattern)(value) for pattern in right for value in left)


def tester(operator: str, wanted: str) -> Callable[[str], bool]:
    if operator == "=":
        return lambda value: value.lower() == wanted.lower()
    if operator == "==":
        return lambda value: value == wanted
    if operator == "like":
        return wildcard(wanted)
    pattern = re.compile(wanted, re.DOTALL)
    return lambda value: pattern.fullmatch(value) is not None


def _is_plain(pattern: str) -> bool:
    """Whether a regular expression means the same in every dialect, and ends in time.

    No repeated groups, and few repetitions after each other.
    """
    if len(re.findall(r"[*+{]", pattern)) > MOST_REPETITIONS:
        return False
    if re.search(r"\)[*+?{]|\(\?|\\[^wdWD.*+?()\[\]{}|\\-]|[*+?}][*+?{]", pattern):
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
