"""What a LOAD statement takes from where: its fields, and the kind of its source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from qlift.derivation.scripts.lexer import CLOSING, Quoted, Statement

_LOAD = re.compile(r"\bload\b(?:\s+distinct\b)?", re.I)
_SOURCE = re.compile(r"\b(?:inline|from_field|from|resident|autogenerate|extension)\b", re.I)
_NARROWED = re.compile(r"\b(?:where|while)\b", re.I)
_RESHAPED = re.compile(
    r"\b(?:join|keep|crosstable|generic|hierarchy|hierarchybelongsto|intervalmatch|group\s+by)\b", re.I
)
_SAME = re.compile(r"(?:upper|lower|trim|ltrim|rtrim|capitalize|text)\s*\(", re.I)
"""Functions that change no value in a way that section access sees: it compares in capitals."""
_NESTED = 5
_NAME = re.compile(r"[\w%#$@.?!~]+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_LONGEST = 500
"""Characters of a path or format; what is longer is none."""
_WORD = re.compile(rf"(?:\$\([^\s()]{{0,100}}\)|[^\s(;]){{0,{_LONGEST}}}")
_BLANKS = re.compile(r"\s*")
_MAPPING = re.compile(r"\bmapping\s+load\b", re.I)


@dataclass(frozen=True)
class Field:
    """Of a field list: `source` is the field that it copies, `constant` its value; neither: computed."""

    name: str
    source: str | None = None
    constant: str | None = None


@dataclass(frozen=True)
class Load:
    fields: tuple[Field, ...]
    everything: bool
    """`*` stands among the fields."""
    kind: str
    """`inline`, `from`, `resident`, `autogenerate` ...; empty: it takes what the next LOAD gives."""
    source_at: int
    """Offset in the statement behind the word that names the kind."""
    narrowed: bool
    """WHERE or WHILE: some rows are left out."""
    reshaped: bool
    """Its rows depend on other tables, or are turned into others."""


def load_of(statement: Statement) -> Load | None:
    """None: the statement is no LOAD, or fills a mapping table, which is no data."""
    masked = statement.masked
    start = _LOAD.search(masked)
    if start is None or _MAPPING.search(masked):
        return None
    source = _SOURCE.search(masked, start.end())
    end = source.start() if source else len(masked)
    if source is None and (narrowed := _NARROWED.search(masked, start.end())):
        end = narrowed.start()
    fields = list(_fields(statement, start.end(), end))
    return Load(
        fields=tuple(f for f in fields if f.name != "*"),
        everything=any(f.name == "*" for f in fields),
        kind=source.group().lower() if source else "",
        source_at=source.end() if source else len(masked),
        narrowed=_NARROWED.search(masked, end) is not None,
        reshaped=_RESHAPED.search(masked) is not None,
    )


def path_at(statement: Statement, at: int) -> tuple[str, int]:
    """What stands at an offset behind blanks and where it ends: in quotes, or up to a blank or `(`."""
    quoted = quoted_at(statement, at)
    if quoted is not None:
        return quoted.value.strip(), quoted.end
    word = _WORD.match(statement.code, _past_blanks(statement, at))
    return (word.group(), word.end()) if word else ("", at)


def format_at(statement: Statement, at: int) -> str:
    """What stands in parentheses at an offset behind blanks; empty where there are none."""
    start = _past_blanks(statement, at)
    if not statement.masked.startswith("(", start):
        return ""
    end = statement.masked.find(")", start, start + _LONGEST)
    return statement.code[start + 1 : end if end >= 0 else start + _LONGEST]


def quoted_at(statement: Statement, at: int) -> Quoted | None:
    """What stands in quotes at an offset behind blanks."""
    return statement.quoted_at(_past_blanks(statement, at))


def _past_blanks(statement: Statement, at: int) -> int:
    blanks = _BLANKS.match(statement.masked, at)
    return blanks.end() if blanks else at


def _fields(statement: Statement, start: int, end: int) -> Iterator[Field]:
    depth, begin = 0, start
    for sign in re.compile(r"[(),]").finditer(statement.masked, start, end):
        if sign.group() == ",":
            if depth == 0:
                yield _field(statement, begin, sign.start())
                begin = sign.end()
        else:
            depth = max(0, depth + (1 if sign.group() == "(" else -1))
    yield _field(statement, begin, end)


def _field(statement: Statement, start: int, end: int) -> Field:
    masked, code = statement.masked[start:end], statement.code[start:end]
    text = code.strip()
    parts = masked.rsplit(None, 2)
    if len(parts) == 3 and parts[1].lower() == "as":
        name = _unquoted(code.rstrip()[-len(parts[2]) :])
        expression = code[: len(parts[0])].strip()
    else:
        name, expression = _unquoted(text), text
    for _ in range(_NESTED):
        if not (_SAME.match(expression) and expression.endswith(")")):
            break
        expression = expression[expression.index("(") + 1 : -1].strip()
    if (constant := _whole(expression, "'")) is not None:
        return Field(name, constant=constant)
    if _NUMBER.fullmatch(expression):
        return Field(name, constant=expression)
    quoted = [n for n in (_whole(expression, q) for q in '"[`') if n is not None]
    if quoted or _NAME.fullmatch(expression):
        return Field(name, source=quoted[0] if quoted else expression)
    return Field(name)


def _whole(text: str, opening: str) -> str | None:
    """What is in the quotes, if the text is one quoted thing and nothing else."""
    closing = CLOSING[opening]
    if text.startswith(opening) and text.find(closing, 1) == len(text) - 1 > 0:
        return text[1:-1]
    return None


def _unquoted(text: str) -> str:
    found = [inner for q in CLOSING if (inner := _whole(text, q)) is not None]
    return found[0] if found else text
