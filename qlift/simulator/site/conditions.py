"""The condition language of security rules, as far as a site uses it for streams, apps and their objects.

    condition := conjunction (("or" | "||") conjunction)*
    conjunction := negation (("and" | "&&") negation)*
    negation := "!" negation | "(" condition ")" | operand [operator operand]
    operand := "text" | number | path | path "(" [operand] ")"
    operator := = | == | != | like | matches
    path := name ("." name)*          names may begin with @ (custom properties)

`=` holds when any value of the left side equals any value of the right side, capitals ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol


class ConditionError(ValueError):
    """The text of a condition cannot be read."""


class Facts(Protocol):
    """What a condition asks about one user and one resource."""

    def values(self, path: Sequence[str]) -> tuple[str, ...]:
        """The values at a path in lower case, e.g. `("user", "group")`."""

    def call(self, path: Sequence[str], argument: str | None) -> bool:
        """The answer of a function, e.g. `("resource", "stream", "hasprivilege")` with `read`."""


Evaluator = Callable[[Facts], bool]
_Values = Callable[[Facts], tuple[str, ...]]


@dataclass(frozen=True)
class Condition:
    holds: Evaluator
    about_resource: bool
    """Whether it asks anything about the resource; if not, it has one answer for each user."""


_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<number>-?\d+(?:\.\d+)?)
      | (?P<path>[A-Za-z@_][\w@]*(?:\.[A-Za-z@_][\w@ ]*?(?=[\s.()!=&|]|$))*)
      | (?P<symbol>&&|\|\||!=|==|=|!|\(|\))
    )""",
    re.VERBOSE,
)
_WORDS = {"and": "&&", "or": "||", "like": "like", "matches": "matches"}


@lru_cache(maxsize=4096)
def parse(text: str) -> Condition:
    """Raises ConditionError."""
    parser = _Parser(text)
    holds = parser.condition()
    parser.end()
    return Condition(holds, parser.about_resource)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        self._next = 0
        self.about_resource = False
        position = 0
        text = text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise self._error()
            value = match[match.lastgroup]
            word = _WORDS.get(value.lower()) if match.lastgroup == "path" else None
            self._tokens.append(("symbol", word) if word else (match.lastgroup, value))
            position = match.end()

    def condition(self) -> Evaluator:
        parts = [self._conjunction()]
        while self._take("||"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else lambda facts: any(part(facts) for part in parts)

    def end(self) -> None:
        if self._next != len(self._tokens):
            raise self._error()

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
            inner = self.condition()
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Evaluator:
        kind, value = self._peek()
        if kind == "path":
            self._next += 1
            path = self._path(value)
            if self._take("("):
                return self._call(path)
            left: _Values = lambda facts: facts.values(path)  # noqa: E731
        else:
            left = self._operand()
        for symbol in ("=", "==", "!=", "like", "matches"):
            if self._take(symbol):
                return _compare(symbol, left, self._operand())
        return lambda facts: "true" in left(facts)

    def _call(self, path: tuple[str, ...]) -> Evaluator:
        argument: str | None = None
        if not self._take(")"):
            kind, value = self._peek()
            if kind != "text":
                raise self._error()
            self._next += 1
            argument = _unquoted(value)
            self._expect(")")
        return lambda facts: facts.call(path, argument)

    def _operand(self) -> _Values:
        kind, value = self._peek()
        if kind == "symbol":
            raise self._error()
        self._next += 1
        if kind == "path":
            path = self._path(value)
            if path in (("true",), ("false",)):
                return lambda _facts: path
            return lambda facts: facts.values(path)
        constant = (_unquoted(value) if kind == "text" else value,)
        return lambda _facts: constant

    def _path(self, text: str) -> tuple[str, ...]:
        path = tuple(part.strip().lower() for part in text.split("."))
        self.about_resource |= path[0] == "resource"
        return path

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
    return re.sub(r"\\(.)", r"\1", text[1:-1]).lower()


def _compare(operator: str, left: _Values, right: _Values) -> Evaluator:
    if operator in ("=", "=="):
        return lambda facts: not set(left(facts)).isdisjoint(right(facts))
    if operator == "!=":
        return lambda facts: set(left(facts)).isdisjoint(right(facts))
    if operator == "like":
        return lambda facts: _any_match(left(facts), [_wildcard(value) for value in right(facts)])
    return lambda facts: _any_match(left(facts), [_regular(value) for value in right(facts)])


def _any_match(values: Sequence[str], patterns: Sequence[re.Pattern[str]]) -> bool:
    return any(pattern.fullmatch(value) for pattern in patterns for value in values)


@lru_cache(maxsize=1024)
def _wildcard(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)


@lru_cache(maxsize=1024)
def _regular(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE | re.DOTALL)
    except re.error as problem:
        raise ConditionError(f"not a regular expression: {pattern}") from problem
