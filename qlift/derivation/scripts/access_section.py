"""Section access of a load script: who may open the app, as far as the script itself says.

Facts (help page "Managing data security with Section Access"): names and values are compared in capitals;
the star is implicit; who is in no row cannot open the app. In Qlik Sense the exclusion is always strict
(support article 1479908): a row whose reduction matches no data lets nobody in, so a row is never wider
than it reads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from qlift.derivation.scripts.inline import InlineTable, inline_table
from qlift.derivation.scripts.lexer import Statement, statements
from qlift.derivation.scripts.loads import Load, format_at, load_of, path_at, quoted_at
from qlift.derivation.scripts.words import CONNECT, INCLUDE, SELECT, included, last_match

USER_COLUMNS = ("USERID", "USER.EMAIL", "NTNAME", "GROUP")
SYSTEM_COLUMNS = frozenset({*USER_COLUMNS, "ACCESS", "PASSWORD", "SERIAL", "NTSID", "NTDOMAINSID"})
LEVELS = frozenset({"ADMIN", "USER"})
STAR = "*"
PRECEDING_LOADS = 20
"""More of them in one chain are not followed."""
_SECTION = re.compile(r"\bsection\s+(access|application|directquery)\s*$", re.I)
_BETWEEN_QUOTES = re.compile(r"\bsection\s+access\s*;", re.I)
"""Outside quotes the `;` would have ended the statement."""
_SECTION_WORD = re.compile(r"\bsection\b", re.I)
_ACCESS = re.compile(r"\baccess\b", re.I)
_END = re.compile(r"^[ \t]*section\s+application\s*;", re.I | re.M)
_STAR_IS = re.compile(r"\s*star\s+is\b", re.I)
_CONTROL = re.compile(r"\s*(?:if|for|do|switch|call|sub)\b", re.I)


@dataclass(frozen=True)
class Column:
    """In capitals. Its value: that of the row at `at`, or `constant`; neither: an expression computes it."""

    name: str
    at: int | None = None
    constant: str | None = None


@dataclass(frozen=True)
class Row:
    line: int
    cells: tuple[str, ...]
    """In capitals; fewer than the columns: the others are empty."""


@dataclass(frozen=True)
class AccessTable:
    line: int
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    stars: tuple[str, ...] = (STAR,)
    """What stands for all values: `*`, and what STAR IS says."""

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {c.name: c for c in reversed(self.columns)}

    def column(self, name: str) -> Column | None:
        return self._by_name.get(name)

    def value(self, row: Row, name: str) -> str:
        """Empty where the table has no such column."""
        column = self.column(name)
        if column is None:
            return ""
        if column.at is not None:
            return row.cells[column.at] if column.at < len(row.cells) else ""
        return column.constant or ""

    @cached_property
    def user_columns(self) -> tuple[str, ...]:
        return tuple(name for name in USER_COLUMNS if self.column(name))

    @cached_property
    def reducing(self) -> dict[int, str]:
        """Fields that reduce the data and take their value from the row: place in the row → name."""
        return {c.at: c.name for c in self.columns if c.at is not None and c.name not in SYSTEM_COLUMNS}

    @cached_property
    def reduces_always(self) -> bool:
        """Whether a constant or an expression reduces every row; what it is cannot be a star."""
        return any(
            c.at is None and c.name not in SYSTEM_COLUMNS and c.constant not in ("", *self.stars)
            for c in self.columns
        )


@dataclass(frozen=True)
class ExternalSource:
    """Rows that the script does not hold. `what` completes "its rows come from ..."."""

    line: int
    what: str


@dataclass(frozen=True)
class SectionAccess:
    line: int
    """Of the first SECTION ACCESS statement."""
    tables: tuple[AccessTable, ...]
    external: tuple[ExternalSource, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(c.name for t in self.tables for c in t.columns))

    @property
    def complete(self) -> bool:
        """Whether the script holds every row, so that who is let in can be said without the data."""
        return not self.external


def section_access(script: str) -> SectionAccess | None:
    """None: the script has none. Never raises; what cannot be read is in `external`."""
    part = _up_to_the_section(script)
    if not part:
        return None
    reader = _Reader()
    for statement in statements(part):
        reader.read(statement)
    if reader.line is None:
        return None
    return SectionAccess(reader.line, tuple(reader.tables), tuple(reader.external))


def _up_to_the_section(script: str) -> str:
    """What has to be taken apart: nothing of the many scripts without the words, else up to their end."""
    last = last_match(_ACCESS, script)
    if last is None or _SECTION_WORD.search(script) is None:
        return ""
    end = _END.search(script, last.end())
    return script[: end.end()] if end else script


class _Reader:
    def __init__(self) -> None:
        self.line: int | None = None
        self.tables: list[AccessTable] = []
        self.external: list[ExternalSource] = []
        self._inside = False
        self._stars: tuple[str, ...] = (STAR,)
        self._connection = ""
        self._chain: list[Load] = []
        """LOADs that take what the next one gives."""

    def read(self, statement: Statement) -> None:
        if section := _SECTION.search(statement.masked):
            self._inside = section[1].lower() == "access"
            self._chain.clear()
            if self._inside and self.line is None:
                self.line = statement.line_at(section.start())
            return
        if star := _STAR_IS.match(statement.masked):
            symbol = path_at(statement, star.end())[0].upper()
            self._stars = tuple(dict.fromkeys((STAR, *([symbol] if symbol else []))))
        elif connect := CONNECT.match(statement.masked):
            self._connection, _ = path_at(statement, connect.end())
        elif self._inside:
            self._inside_section(statement)
        elif _BETWEEN_QUOTES.search(statement.code):
            self.line = statement.line if self.line is None else self.line
            self._add(
                statement.line, "text between quotes, which may become a statement while the script runs"
            )

    def _inside_section(self, statement: Statement) -> None:
        if (at := INCLUDE.search(statement.code)) is not None:
            self._add(statement.line, f"the script {included(statement.code, at)}")
        if SELECT.match(statement.masked):
            self._chain.clear()
            where = f"connection {self._connection}" if self._connection else "a connection"
            self._add(statement.line, f"the database of {where}")
        elif (load := load_of(statement)) is not None:
            self._load(statement, load)
        elif _CONTROL.match(statement.masked):
            self._add(statement.line, "statements that run only under a condition, or somewhere else")
        elif statement.masked.lstrip().startswith("$("):
            self._add(statement.line, "a statement that is put together while the script runs")

    def _load(self, statement: Statement, load: Load) -> None:
        if not load.kind:
            self._chain.append(load)
            return
        chain = [load, *reversed(self._chain)]
        self._chain.clear()
        if load.kind != "inline":
            self._add(statement.line, _named(statement, load))
            return
        if any(part.narrowed or part.reshaped for part in chain) or len(chain) > PRECEDING_LOADS:
            self._add(statement.line, "an inline table that the script filters or turns into another")
            return
        text = quoted_at(statement, load.source_at)
        if text is None or "$(" in text.raw:
            self._add(statement.line, "an inline table with variables in it")
            return
        line = statement.line_at(text.start)
        read = inline_table(text.raw, format_at(statement, text.end), line)
        table = _table(line, read, chain, self._stars)
        computed = [c.name for c in table.columns if c.at is None and c.constant is None]
        if unreadable := [name for name in computed if name in SYSTEM_COLUMNS]:
            self._add(line, f"an expression for {', '.join(unreadable)}")
        else:
            self.tables.append(table)

    def _add(self, line: int, what: str) -> None:
        self.external.append(ExternalSource(line, what))


def _named(statement: Statement, load: Load) -> str:
    name, _ = path_at(statement, load.source_at)
    if load.kind == "from":
        return f"the file {name}"
    if load.kind == "resident":
        return f"the table {name}, loaded before"
    return f"{load.kind.upper()} {name}".strip()


def _table(line: int, read: InlineTable, chain: list[Load], stars: tuple[str, ...]) -> AccessTable:
    """`chain`: the LOAD with the inline text, then those before it."""
    columns = [Column(name.upper(), at=at) for at, name in enumerate(read.columns)]
    for load in chain:
        if load.everything and not load.fields:
            continue
        known = {c.name: c for c in reversed(columns)}
        made = columns if load.everything else []
        for field in load.fields:
            name = field.name.upper()
            if field.constant is not None:
                made.append(Column(name, constant=field.constant.upper()))
            elif field.source is not None and (source := known.get(field.source.upper())):
                made.append(Column(name, at=source.at, constant=source.constant))
            else:
                made.append(Column(name))
        columns = made
    rows = (Row(r.line, tuple(v.upper() for v in r.values)) for r in read.rows)
    return AccessTable(line, tuple(columns), tuple(rows), stars)
