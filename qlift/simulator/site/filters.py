"""The `filter` and `orderby` parameters of the Repository Service.

    expression := conjunction ("or" conjunction)*
    conjunction := term ("and" term)*
    term := "(" expression ")" | path operator value
    path := name ("." name)*
    operator := eq ne gt ge lt le sw ew so         so: contains
    value := 'text' | number | true | false | id without quotes

Text is compared without regard to capitals, and so are names. A path through a collection holds when any
element matches. A quote inside text is written `\\'`; the doubled quote and double-quoted text are refused,
as measured on a real site (ptarmiganlabs/butler-sheet-icons, pull request 899).
Which operator goes with which type: the Repository Service's page on filtering.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qlift.simulator.site.kinds import Document, Kind


class FilterError(ValueError):
    """The message is the body of the service's answer 400."""


Predicate = Callable[[Document], bool]
_Value = str | float | bool

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^'\\]|\\.)*')
      | (?P<id>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?![\w.-])
      | (?P<number>-?\d+(?:\.\d+)?)(?![\w.-])
      | (?P<word>[A-Za-z_@]\w*(?:\.[A-Za-z_@]\w*)*)(?![\w'])
      | (?P<symbol>[()])
    )""",
    re.VERBOSE,
)
_EQUALITY = frozenset({"eq", "ne"})
_ORDER = frozenset({"gt", "ge", "lt", "le"})
_PART = frozenset({"sw", "ew", "so"})
_OPERATORS = _EQUALITY | _ORDER | _PART
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z?)?$")


def compile_filter(kind: Kind, text: str) -> Predicate:
    """Raises FilterError."""
    if not text.strip():
        return lambda _document: True
    return _Parser(kind, text).parse()


def equalities(kind: Kind, text: str) -> Mapping[str, str]:
    """Texts that must stand at paths (in lower case) for the filter to hold, as far as it is plain to see.

    For stores with an index. Empty when the filter has an `or`. Raises FilterError.
    """
    if not text.strip():
        return {}
    parser = _Parser(kind, text)
    parser.parse()
    return parser.equal


def select(kind: Kind, documents: Sequence[Document], text: str) -> list[Document]:
    """The documents for which the filter holds. Raises FilterError."""
    predicate = compile_filter(kind, text)
    return [document for document in documents if predicate(document)]


def order(kind: Kind, documents: Sequence[Document], text: str) -> list[Document]:
    """Sorts by `name[ asc|desc][, ...]`. Raises FilterError."""
    result = list(documents)
    for part in reversed([part.strip() for part in text.split(",") if part.strip()]):
        path, _, direction = part.partition(" ")
        if direction.strip().lower() not in ("", "asc", "desc"):
            raise _cannot_parse(text)
        names = _path(kind, path, text)
        result.sort(
            key=lambda document, names=names: _sort_key(_values(document, names)),  # type: ignore[misc]
            reverse=direction.strip().lower() == "desc",
        )
    return result


def values_at(document: Document, path: str) -> list[Any]:
    """Every value at a path, in the order of the collections on the way."""
    return _values(document, path.split("."))


def _cannot_parse(text: str) -> FilterError:
    return FilterError(f"Cannot parse the expression: {text}")


@dataclass
class _Parser:
    kind: Kind
    text: str

    def __post_init__(self) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._next = 0
        self.equal: dict[str, str] = {}
        stripped = self.text.rstrip()
        position = 0
        while position < len(stripped):
            match = _TOKEN.match(stripped, position)
            if match is None or match.lastgroup is None:
                raise _cannot_parse(self.text)
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()

    def parse(self) -> Predicate:
        result = self._expression(0)
        if self._next != len(self._tokens):
            raise _cannot_parse(self.text)
        if any(kind == "word" and value.lower() == "or" for kind, value in self._tokens):
            self.equal = {}
        return result

    def _expression(self, depth: int) -> Predicate:
        parts = [self._conjunction(depth)]
        while self._take("word", "or"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else lambda document: any(part(document) for part in parts)

    def _conjunction(self, depth: int) -> Predicate:
        parts = [self._term(depth)]
        while self._take("word", "and"):
            parts.append(self._term(depth))
        return parts[0] if len(parts) == 1 else lambda document: all(part(document) for part in parts)

    def _term(self, depth: int) -> Predicate:
        if self._take("symbol", "("):
            if depth > 50:
                raise _cannot_parse(self.text)
            inner = self._expression(depth + 1)
            if not self._take("symbol", ")"):
                raise _cannot_parse(self.text)
            return inner
        path = _path(self.kind, self._any("word"), self.text)
        operator = self._any("word").lower()
        if operator not in _OPERATORS:
            raise _cannot_parse(self.text)
        return self._comparison(path, operator)

    def _comparison(self, path: list[str], operator: str) -> Predicate:
        if self._next >= len(self._tokens):
            raise _cannot_parse(self.text)
        kind, literal = self._tokens[self._next]
        self._next += 1
        wanted: _Value
        if kind == "text":
            wanted = re.sub(r"\\(.)", r"\1", literal[1:-1]).lower()
            allowed = _OPERATORS if _DATE.match(literal[1:-1]) else _EQUALITY | _PART
        elif kind == "id":
            wanted, allowed = literal.lower(), _EQUALITY
        elif kind == "number":
            wanted, allowed = float(literal), _EQUALITY | _ORDER
        elif kind == "word" and literal.lower() in ("true", "false"):
            wanted, allowed = literal.lower() == "true", _EQUALITY
        else:
            raise _cannot_parse(self.text)
        if operator not in allowed:
            raise _cannot_parse(self.text)
        if operator == "eq" and isinstance(wanted, str):
            self.equal[".".join(path).lower()] = wanted
        if operator == "ne":
            return lambda document: not any(_is(value, "eq", wanted) for value in _values(document, path))
        return lambda document: any(_is(value, operator, wanted) for value in _values(document, path))

    def _any(self, kind: str) -> str:
        if self._next < len(self._tokens) and self._tokens[self._next][0] == kind:
            self._next += 1
            return self._tokens[self._next - 1][1]
        raise _cannot_parse(self.text)

    def _take(self, kind: str, text: str) -> bool:
        if self._next < len(self._tokens):
            found, value = self._tokens[self._next]
            if found == kind and value.lower() == text:
                self._next += 1
                return True
        return False


def _path(kind: Kind, text: str, expression: str) -> list[str]:
    first, *rest = text.split(".")
    spelling = next((field for field in kind.fields if field.lower() == first.lower()), None)
    if spelling is None:
        raise _cannot_parse(expression)
    return [spelling, *rest]


def _values(value: Any, path: Sequence[str]) -> list[Any]:
    if isinstance(value, list):
        return [found for item in value for found in _values(item, path)]
    if not path:
        return [] if value is None else [value]
    if not isinstance(value, dict):
        return []
    name = path[0]
    if name in value:
        return _values(value[name], path[1:])
    for key, inner in value.items():
        if key.lower() == name.lower():
            return _values(inner, path[1:])
    return []


def _is(value: Any, operator: str, wanted: _Value) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return operator == "eq" and value is wanted
    if isinstance(wanted, float):
        return isinstance(value, (int, float)) and _ordered(operator, float(value), wanted)
    if not isinstance(value, str):
        return False
    text = value.lower()
    if operator == "sw":
        return text.startswith(wanted)
    if operator == "ew":
        return text.endswith(wanted)
    if operator == "so":
        return wanted in text
    return _ordered(operator, text, wanted)


def _ordered(operator: str, value: Any, wanted: Any) -> bool:
    if operator == "eq":
        return bool(value == wanted)
    if operator == "gt":
        return bool(value > wanted)
    if operator == "ge":
        return bool(value >= wanted)
    if operator == "lt":
        return bool(value < wanted)
    return operator == "le" and bool(value <= wanted)


def _sort_key(values: list[Any]) -> tuple[Any, ...]:
    if not values:
        return (0,)
    first = values[0]
    if isinstance(first, (bool, int, float)):
        return (1, float(first))
    return (2, str(first).lower())
