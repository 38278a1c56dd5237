"""Reads the condition of a system rule into a small tree.

    condition   := conjunction (("or" | "||") conjunction)*
    conjunction := negation (("and" | "&&") negation)*
    negation    := "!" negation | "(" condition ")" | comparison
    comparison  := operand [operator operand]          a path alone means: is "true"
    operator    := = | == | != | !== | like | matches
    operand     := "text" | number | path | path "(" ["text"] ")"
    path        := name ("." name)*                    names of custom properties begin with @

`!` binds closest, then `and`, then `or`; the words `and or like matches` are written in small letters, and
what stands right of `like` and `matches` is a text (Qlik's help, "Operators and functions for conditions",
and Qlik's support in the community on `matches` with user attributes). An empty condition holds for everybody
("Conditions (Advanced view)"). Anything else is a ConditionError: a condition is read whole or not at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DEEPEST = 60
"""Levels of parentheses and negations; nobody writes more, and a hostile text must not exhaust the stack."""
ROOTS = ("user", "resource")
FUNCTIONS = ("isanonymous", "isowned", "empty", "hasprivilege")
"""In small letters. A rule that calls another one may fail as a whole, so nothing of it is read."""


class ConditionError(ValueError):
    """The condition cannot be read; the message says why, for people."""


@dataclass(frozen=True)
class Text:
    """A constant as it is written, backslashes included."""

    value: str


@dataclass(frozen=True)
class Path:
    """`user.group`, `resource.@Department`; as it is written."""

    names: tuple[str, ...]

    @property
    def lower(self) -> tuple[str, ...]:
        return tuple(name.lower() for name in self.names)


@dataclass(frozen=True)
class Call:
    """`resource.stream.HasPrivilege("read")`: the last name of the path is the function."""

    path: Path
    argument: Text | None


@dataclass(frozen=True)
class Compare:
    """`operator` is one of `=`, `==`, `!=`, `!==`, `like`, `matches`."""

    operator: str
    left: Text | Path
    right: Text | Path


@dataclass(frozen=True)
class Not:
    part: Node


@dataclass(frozen=True)
class And:
    """Without parts it always holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    parts: tuple[Node, ...]


Node = Call | Compare | Not | And | Or

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*")
      | (?P<number>-?\d+(?:\.\d+)?)(?![\w@])
      | (?P<path>@?[^\W\d]\w*(?:\.@?[^\W\d]\w*)*)
      | (?P<symbol>!==|!=|==|=|!|&&|\|\||\(|\))""",
    re.VERBOSE | re.DOTALL,
)
_WORDS = {"and": "&&", "or": "||", "like": "like", "matches": "matches"}
_OPERATORS = ("=", "==", "!=", "!==", "like", "matches")


def parse(condition: str) -> Node:
    """Raises ConditionError."""
    tokens = _tokens(condition)
    if not tokens:
        return And(())
    parser = _Parser(tokens)
    found = parser.condition(0)
    parser.end()
    return found


def text_of(node: Node) -> str:
    """The condition in one spelling: reading it again gives the same tree."""
    if node == And(()):
        return ""
    if isinstance(node, Or | And):
        word = " or " if isinstance(node, Or) else " and "
        return word.join(f"({text_of(p)})" if isinstance(p, Or | And) else text_of(p) for p in node.parts)
    if isinstance(node, Not):
        return f"!({text_of(node.part)})"
    if isinstance(node, Call):
        return f"{_operand(node.path)}({'' if node.argument is None else _operand(node.argument)})"
    return f"{_operand(node.left)} {node.operator} {_operand(node.right)}"


def _operand(operand: Text | Path) -> str:
    return f'"{operand.value}"' if isinstance(operand, Text) else ".".join(operand.names)


def _tokens(condition: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(condition):
        if condition[position].isspace():
            position += 1
            continue
        match = _TOKEN.match(condition, position)
        if match is None or match.lastgroup is None:
            raise ConditionError(f"it cannot be read from {_shown(condition[position:])} on")
        word = _WORDS.get(match[0]) if match.lastgroup == "path" else None
        found.append(("symbol", word) if word else (match.lastgroup, match[0]))
        position = match.end()
    return found


def _shown(text: str) -> str:
    return repr(text if len(text) <= 20 else text[:20] + "...")


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._next = 0

    def condition(self, depth: int) -> Node:
        parts = [self._conjunction(depth)]
        while self._take("||"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def end(self) -> None:
        if self._next < len(self._tokens):
            raise self._unexpected()

    def _conjunction(self, depth: int) -> Node:
        parts = [self._negation(depth)]
        while self._take("&&"):
            parts.append(self._negation(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _negation(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise ConditionError("it has too many parentheses in each other")
        if self._take("!"):
            return Not(self._negation(depth + 1))
        if self._take("("):
            inner = self.condition(depth + 1)
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._operand()
        if isinstance(left, Call):
            return left
        for operator in _OPERATORS:
            if self._take(operator):
                right = self._operand()
                if isinstance(right, Call):
                    raise ConditionError("it compares with what a function gives")
                if operator in ("like", "matches") and not isinstance(right, Text):
                    raise ConditionError(f"`{operator}` compares with something that is not a text")
                return Compare(operator, left, right)
        if isinstance(left, Text):
            raise ConditionError(f"{_operand(left)} is compared with nothing")
        return Compare("=", left, Text("true"))

    def _operand(self) -> Text | Path | Call:
        kind, value = self._tokens[self._next] if self._next < len(self._tokens) else ("", "")
        if kind in ("", "symbol"):
            raise self._unexpected()
        self._next += 1
        if kind == "text":
            return Text(value[1:-1])
        if kind == "number" or value in ("true", "false"):
            return Text(value)
        path = Path(tuple(value.split(".")))
        if not self._take("("):
            if path.lower[0] not in ROOTS:
                raise ConditionError(f"it asks about {value}, and conditions are about user and resource")
            return path
        if path.lower[-1] not in FUNCTIONS or path.lower[0] not in (*ROOTS, "isanonymous"):
            raise ConditionError(f"the function {value} is not known")
        argument = None
        if not self._take(")"):
            found = self._operand()
            if not isinstance(found, Text):
                raise ConditionError(f"the function {value} is asked with something that is not a text")
            argument = found
            self._expect(")")
        return Call(path, argument)

    def _take(self, symbol: str) -> bool:
        if self._next < len(self._tokens) and self._tokens[self._next] == ("symbol", symbol):
            self._next += 1
            return True
        return False

    def _expect(self, symbol: str) -> None:
        if not self._take(symbol):
            raise self._unexpected(symbol)

    def _unexpected(self, wanted: str = "") -> ConditionError:
        hint = f", {wanted} is missing" if wanted else ""
        if self._next >= len(self._tokens):
            return ConditionError(f"it ends too early{hint}")
        value = self._tokens[self._next][1]
        if value.lower() in _WORDS:
            return ConditionError(f"it says {value}, and operators are written in small letters")
        return ConditionError(f"it has {_shown(value)} where it cannot stand{hint}")
