"""Filters in the language of RFC 7644, 3.4.2.2, as far as the services document it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qlift.simulator.tenant.errors import Refusal

_TOKEN = re.compile(r'\s*(?:(?P<paren>[()])|(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>[^\s()"]+))')
_OPERATORS = {"eq", "ne", "co", "sw", "ew"}

Values = Callable[[Any], list[Any]]
"""The values that an object has for an attribute."""


@dataclass(frozen=True)
class Attribute:
    values: Values
    operators: frozenset[str] = frozenset({"eq"})


@dataclass(frozen=True)
class Leaf:
    attribute: str
    operator: str
    value: Any


@dataclass(frozen=True)
class Branch:
    operator: str
    parts: tuple[Leaf | Branch, ...]


Node = Leaf | Branch


def parse(text: str, attributes: Mapping[str, Attribute], *, ignore_case: bool = False) -> Node:
    """Refused with 400: a syntax error, an attribute or an operator that is not documented."""
    names = {name.lower() if ignore_case else name: name for name in attributes}
    tokens = _tokens(text)
    if not tokens:
        raise _bad(text)
    node, rest = _either(tokens, names, attributes, text, ignore_case)
    if rest:
        raise _bad(text)
    return node


def matches(node: Node, row: Any, attributes: Mapping[str, Attribute], *, ignore_case: bool = False) -> bool:
    if isinstance(node, Branch):
        found = (matches(part, row, attributes, ignore_case=ignore_case) for part in node.parts)
        if node.operator == "not":
            return not next(found)
        return all(found) if node.operator == "and" else any(found)
    wanted = _comparable(node.value, ignore_case)
    values = [_comparable(value, ignore_case) for value in attributes[node.attribute].values(row)]
    if node.operator == "ne":
        return wanted not in values
    return any(_compare(node.operator, value, wanted) for value in values)


def mixes(node: Node, attribute: str) -> bool:
    """Whether conditions on this attribute stand in one `or` with conditions on others."""
    if isinstance(node, Leaf):
        return False
    if node.operator == "or":
        used = {name for part in node.parts for name in _attributes(part)}
        if attribute in used and len(used) > 1:
            return True
    return any(mixes(part, attribute) for part in node.parts)


def _attributes(node: Node) -> set[str]:
    if isinstance(node, Leaf):
        return {node.attribute}
    return {name for part in node.parts for name in _attributes(part)}


def _compare(operator: str, value: Any, wanted: Any) -> bool:
    if operator == "eq":
        return bool(value == wanted)
    text, part = str(value or ""), str(wanted)
    if operator == "co":
        return part.casefold() in text.casefold()
    return text.startswith(part) if operator == "sw" else text.endswith(part)


def _comparable(value: Any, ignore_case: bool) -> Any:
    return value.casefold() if ignore_case and isinstance(value, str) else value


def _bad(text: str) -> Refusal:
    return Refusal(400, "Invalid filter", detail=f"cannot understand the filter {text!r}", pointer="filter")


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    position = 0
    text = text.strip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise _bad(text)
        tokens.append(found.group().strip())
        position = found.end()
    return tokens


def _either(
    tokens: list[str], names: dict[str, str], attributes: Mapping[str, Attribute], text: str, fold: bool
) -> tuple[Node, list[str]]:
    return _chain("or", lambda rest: _both(rest, names, attributes, text, fold), tokens)


def _both(
    tokens: list[str], names: dict[str, str], attributes: Mapping[str, Attribute], text: str, fold: bool
) -> tuple[Node, list[str]]:
    return _chain("and", lambda rest: _one(rest, names, attributes, text, fold), tokens)


def _chain(
    word: str, part: Callable[[list[str]], tuple[Node, list[str]]], tokens: list[str]
) -> tuple[Node, list[str]]:
    node, rest = part(tokens)
    parts = [node]
    while rest and rest[0].lower() == word:
        node, rest = part(rest[1:])
        parts.append(node)
    return (parts[0] if len(parts) == 1 else Branch(word, tuple(parts))), rest


def _one(
    tokens: list[str], names: dict[str, str], attributes: Mapping[str, Attribute], text: str, fold: bool
) -> tuple[Node, list[str]]:
    if not tokens:
        raise _bad(text)
    if tokens[0].lower() == "not":
        node, rest = _one(tokens[1:], names, attributes, text, fold)
        return Branch("not", (node,)), rest
    if tokens[0] == "(":
        node, rest = _either(tokens[1:], names, attributes, text, fold)
        if not rest or rest[0] != ")":
            raise _bad(text)
        return node, rest[1:]
    if len(tokens) < 3:
        raise _bad(text)
    word, operator, value = tokens[0], tokens[1].lower(), tokens[2]
    name = names.get(word.lower() if fold else word)
    if name is None or operator not in _OPERATORS or operator not in attributes[name].operators:
        raise _bad(text)
    return Leaf(name, operator, _value(value, text)), tokens[3:]


def _value(token: str, text: str) -> Any:
    if token.startswith('"'):
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    constants = {"true": True, "false": False, "null": None}
    if token.lower() in constants:
        return constants[token.lower()]
    try:
        return int(token)
    except ValueError:
        raise _bad(text) from None
