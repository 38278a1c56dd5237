"""Reads the conditions of system rules: only shapes that can be translated without loss.

Grammar: parentheses around atoms joined by `or`. An atom is one of those below; anything else is real logic
and makes the whole condition unreadable, never half of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class GroupIs:
    name: str


@dataclass(frozen=True)
class UserIs:
    user_id: str
    directory: str | None


@dataclass(frozen=True)
class NameIs:
    name: str


@dataclass(frozen=True)
class GroupOfProperty:
    """`resource.@Department=user.group`: a group for each value of the stream's custom property."""

    property: str


@dataclass(frozen=True)
class Everyone:
    pass


@dataclass(frozen=True)
class Anonymous:
    pass


Atom = GroupIs | UserIs | NameIs | GroupOfProperty | Everyone | Anonymous

_Q = r'"([^"]*)"'
_SHAPES: tuple[tuple[re.Pattern[str], type[Atom]], ...] = (
    (re.compile(rf"user\.group\s*=\s*{_Q}", re.I), GroupIs),
    (re.compile(rf"user\.name\s*=\s*{_Q}", re.I), NameIs),
    (re.compile(r"resource\.@(\w+)\s*=\s*user\.group", re.I), GroupOfProperty),
    (re.compile(r"user\.group\s*=\s*resource\.@(\w+)", re.I), GroupOfProperty),
)
_EVERYONE = re.compile(r'user\.name\s+like\s+"\*"|!\s*user\.IsAnonymous\(\)', re.I)
_ANONYMOUS = re.compile(r"user\.IsAnonymous\(\)", re.I)
_USER = re.compile(rf"user\.userId\s*=\s*{_Q}", re.I)
_USER_AND_DIRECTORY = re.compile(rf"user\.userId\s*=\s*{_Q}\s+and\s+user\.userDirectory\s*=\s*{_Q}", re.I)
_DIRECTORY_AND_USER = re.compile(rf"user\.userDirectory\s*=\s*{_Q}\s+and\s+user\.userId\s*=\s*{_Q}", re.I)


def parse(condition: str) -> tuple[Atom, ...] | None:
    """The atoms that are joined by `or`; None when the condition says more than that."""
    text = _unwrapped(condition.strip())
    parts = _split_or(text)
    if len(parts) > 1:
        found: list[Atom] = []
        for part in parts:
            atoms = parse(part)
            if atoms is None:
                return None
            found += atoms
        return tuple(found)
    atom = _atom(text)
    return None if atom is None else (atom,)


def _atom(text: str) -> Atom | None:
    for pattern, kind in _SHAPES:
        if match := pattern.fullmatch(text):
            return kind(match[1])  # type: ignore[call-arg]
    if match := _USER_AND_DIRECTORY.fullmatch(text):
        return UserIs(match[1], match[2])
    if match := _DIRECTORY_AND_USER.fullmatch(text):
        return UserIs(match[2], match[1])
    if match := _USER.fullmatch(text):
        return UserIs(match[1], None)
    if _EVERYONE.fullmatch(text):
        return Everyone()
    if _ANONYMOUS.fullmatch(text):
        return Anonymous()
    return None


def _unwrapped(text: str) -> str:
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _closing(text: str) -> int:
    depth, quoted = 0, False
    for place, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif not quoted and letter in "()":
            depth += 1 if letter == "(" else -1
            if depth == 0:
                return place
    return -1


def _split_or(text: str) -> list[str]:
    """At every `or` outside quotes and parentheses."""
    parts, depth, quoted, start = [], 0, False, 0
    for match in re.finditer(r'"|\(|\)|\bor\b', text, re.I):
        token = match[0]
        if token == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif token in "()":
            depth += 1 if token == "(" else -1
        elif depth == 0:
            parts.append(text[start : match.start()].strip())
            start = match.end()
    return [*parts, text[start:].strip()]
