"""The condition language of security rules, as far as a site uses it for streams, apps and their objects.

    condition := conjunction (("or" | "||") conjunction)*
    conjunction := negation (("and" | "&&") negation)*
    negation := "!" negation | "(" condition ")" | operand [operator operand]
    operand := "text" | number | path | path "(" ["text"] ")"
    operator := = | == | != | !== | like | matches
    path := name ("." name)*          names may begin with @ (custom properties)

The words are written in small letters, and what `like` and `matches` compare with is a text. `=`, `!=` and
`like` ignore capitals, `==`, `!==` and `matches` do not; of several values one is enough to be equal, and
`matches` means the whole value. An empty condition holds for everybody. (Qlik's help: "Conditions (Advanced
view)", "EQUAL", "STRICT EQUAL", "LIKE", "MATCHES" and their neighbours.)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol


class ConditionError(ValueError):
    """The text of a condition cannot be read."""


class Facts(Protocol):
    """What a condition asks about one user and one resource."""

    def values(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """The values at a path (names in small letters, values as they are), e.g. `("user", "group")`."""

    def call(self, path: tuple[str, ...], argument: str | None) -> bool:
        """The answer of a function, e.g. `("resource", "stream", "hasprivilege")` with `read`."""


Evaluator = Callable[[Facts], bool]
_Values = Callable[[Facts], tuple[str, ...]]
Question = tuple[tuple[str, ...], bool]
"""A path below `resource`, and whether a function is called there."""

_FUNCTIONS = frozenset({"isanonymous", "isowned", "hasprivilege", "empty"})


@dataclass(frozen=True)
class Condition:
    holds: Evaluator
    about_resource: bool
    """Whether it asks anything about the resource; if not, it has one answer for each user."""
    questions: frozenset[Question]
    """What it asks about the resource alone: equal answers, equal outcome for a user."""
    asks_privilege: bool
    """It asks what a user may do with the resource: other rules answer that."""
    asks_context: bool


_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<number>-?\d+(?:\.\d+)?)
      | (?P<path>[A-Za-z@_][\w@]*(?:\.[A-Za-z@_][\w@]*)*)
      | (?P<symbol>&&|\|\||!==|!=|==|=|!|\(|\))
    )""",
    re.VERBOSE,
)
_WORDS = {"and": "&&", "or": "||", "like": "like", "matches": "matches"}


@lru_cache(maxsize=4096)
def parse(text: str) -> Condition:
    """Raises ConditionError."""
    parser = _Parser(text)
    holds = parser.whole()
    return Condition(
        holds,
        parser.about_resource,
        frozenset(parser.questions),
        parser.asks_privilege,
        parser.asks_context,
    )


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        self._next = 0
        self.about_resource = False
        self.asks_privilege = False
        self.asks_context = False
        self.questions: set[Question] = set()
        position = 0
        text = text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise self._error()
            value = match[match.lastgroup]
            word = _WORDS.get(value) if match.lastgroup == "path" else None
            self._tokens.append(("symbol", word) if word else (match.lastgroup, value))
            position = match.end()

    def whole(self) -> Evaluator:
        if not self._tokens:
            return lambda _facts: True
        holds = self._condition()
        if self._next != len(self._tokens):
            raise self._error()
        return holds

    def _condition(self) -> Evaluator:
        parts = [self._conjunction()]
        while self._take("||"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else lambda facts: any(part(facts) for part in parts)

    def _conjunction(self) -> Evaluator:
        parts = [self._negation()]
        while self._take("&&"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else lambda facts: all(part(facts) for part in parts)

    def _negation(self) -> Evaluator:
        if self._take("!"):
            inner = self._negation()
            return lambda facts: not inner(facts)
        if self._take("("):
            inner = self._condition()
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Evaluator:
        kind, value = self._peek()
        if kind == "path":
            self._next += 1
            if self._take("("):
                return self._call(tuple(value.lower().split(".")))
            left = self._values(value)
        else:
            left = self._operand()
        for symbol in ("=", "==", "!=", "!=="):
            if self._take(symbol):
                return _equality(symbol, left, self._operand())
        for symbol in ("like", "matches"):
            if self._take(symbol):
                if self._peek()[0] != "text":
                    raise self._error()
                pattern = self._peek()[1][1:-1]
                self._next += 1
                return _like(left, pattern) if symbol == "like" else self._matches(left, pattern)
        if kind != "path":
            raise self._error()
        return lambda facts: any(found.lower() == "true" for found in left(facts))

    def _matches(self, left: _Values, pattern: str) -> Evaluator:
        try:
            compiled = re.compile(pattern, re.DOTALL)
        except re.error:
            raise self._error() from None
        return lambda facts: any(compiled.fullmatch(value) for value in left(facts))

    def _call(self, path: tuple[str, ...]) -> Evaluator:
        argument: str | None = None
        if not self._take(")"):
            kind, value = self._peek()
            if kind != "text":
                raise self._error()
            self._next += 1
            argument = _unquoted(value)
            self._expect(")")
        if path[-1] not in _FUNCTIONS or path[0] not in ("user", "resource", "isanonymous"):
            raise self._error()
        self.asks_privilege |= path[-1] == "hasprivilege"
        self._asks(path, called=True)
        return lambda facts: facts.call(path, argument)

    def _operand(self) -> _Values:
        kind, value = self._peek()
        if kind == "symbol":
            raise self._error()
        self._next += 1
        if kind == "path" and value not in ("true", "false"):
            return self._values(value)
        constant = (_unquoted(value) if kind == "text" else value,)
        return lambda _facts: constant

    def _values(self, text: str) -> _Values:
        path = tuple(text.lower().split("."))
        if path[0] not in ("user", "resource"):
            raise self._error()
        self._asks(path, called=False)
        return lambda facts: facts.values(path)

    def _asks(self, path: tuple[str, ...], *, called: bool) -> None:
        if path[0] == "resource":
            self.about_resource = True
            self.questions.add((path, called))
        self.asks_context |= path[:2] == ("user", "environment")

    def _peek(self) -> tuple[str, str]:
        if self._next >= len(self._tokens):
            raise self._error()
        return self._tokens[self._next]

    def _take(self, symbol: str) -> bool:
        if self._next < len(self._tokens) and self._tokens[self._next] == ("symbol", symbol):
            self._next += 1
            return True
        return False

    def _expect(self, symbol: str) -> None:
        if not self._take(symbol):
            raise self._error()

    def _error(self) -> ConditionError:
        return ConditionError(f"cannot read the condition: {self._text}")


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _equality(operator: str, left: _Values, right: _Values) -> Evaluator:
    if operator in ("==", "!=="):
        equal: Evaluator = lambda facts: not set(left(facts)).isdisjoint(right(facts))  # noqa: E731
    else:
        equal = lambda facts: not _lower(left(facts)).isdisjoint(_lower(right(facts)))  # noqa: E731
    return equal if operator in ("=", "==") else lambda facts: not equal(facts)


@lru_cache(maxsize=65536)
def _lower(values: tuple[str, ...]) -> frozenset[str]:
    return frozenset(value.lower() for value in values)


def _like(left: _Values, pattern: str) -> Evaluator:
    wildcard = re.compile(
        ".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL | re.IGNORECASE
    )
    return lambda facts: any(wildcard.fullmatch(value) for value in left(facts))
