"""Inline tables of load scripts: `LOAD * INLINE [ ... ] (delimiter is '|')`.

The text between the quotes is read as a text file would be (help page "Using inline loads to load data"):
the first line names the columns, values are separated by commas unless the format says otherwise. Quotes
count where they are the first and last characters of a value that are no blanks (standard quoting).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_DELIMITER = re.compile(r"\bdelimiter\s+is\s+('[^']*'|\"[^\"]*\"|\S[^,\s)]*)", re.I)
_HEADER = re.compile(r"\bheader\s+is\s+(\d{1,6})\b", re.I)
_NO_LABELS = re.compile(r"\bno\s+labels\b", re.I)
_NO_QUOTES = re.compile(r"\bno\s+quotes\b", re.I)
_WORDS = {"spaces": " ", "\\t": "\t"}


@dataclass(frozen=True)
class InlineRow:
    line: int
    """In the script."""
    values: tuple[str, ...]
    """Without blanks around them. May be fewer than the table has columns: the others are empty."""


@dataclass(frozen=True)
class InlineTable:
    columns: tuple[str, ...]
    rows: tuple[InlineRow, ...]


def inline_table(text: str, format_: str, line: int) -> InlineTable:
    """`format_` is what stands in parentheses behind, `line` where `text` begins. Empty lines are no rows."""
    delimiter = _delimiter(format_)
    quotes = "" if _NO_QUOTES.search(format_) else "\"'"
    lines = [
        (line + number, content)
        for number, content in enumerate(text.split("\n"))
        if content.strip(" \t\r" if delimiter != "\t" else " \r")
    ]
    if header := _HEADER.search(format_):
        lines = lines[int(header[1]) :]
    split = [(number, _values(content.rstrip("\r"), delimiter, quotes)) for number, content in lines]
    if not split:
        return InlineTable((), ())
    if _NO_LABELS.search(format_):
        width = max(len(values) for _, values in split)
        columns = tuple(f"@{n}" for n in range(1, width + 1))
    else:
        columns = tuple(split[0][1])
        split = split[1:]
    rows = (InlineRow(number, tuple(values[: len(columns)])) for number, values in split)
    return InlineTable(columns, tuple(rows))


def _delimiter(format_: str) -> str:
    given = _DELIMITER.search(format_)
    if given is None:
        return ","
    word = given[1]
    if word[0] in "'\"" and len(word) > 1:
        word = word[1:-1]
    return _WORDS.get(word.lower(), word) or ","


def _values(line: str, delimiter: str, quotes: str) -> list[str]:
    found, at, blanks = [], 0, " " if delimiter == "\t" else " \t"
    if delimiter == " ":
        line = " ".join(line.split())
        blanks = ""
    while True:
        start = at
        while start < len(line) and line[start] in blanks:
            start += 1
        value, end = _quoted(line, start, delimiter, quotes, blanks)
        if value is None:
            end = line.find(delimiter, at)
            end = len(line) if end < 0 else end
            value = line[at:end].strip()
        found.append(value)
        if end >= len(line):
            return found
        at = end + len(delimiter)


def _quoted(line: str, start: int, delimiter: str, quotes: str, blanks: str) -> tuple[str | None, int]:
    """A value in quotes and where it ends; None where the quotes are not the value's first and last."""
    if start >= len(line) or line[start] not in quotes:
        return None, start
    quote, end = line[start], line.find(line[start], start + 1)
    while 0 <= end < len(line) - 1 and line[end + 1] == quote:
        end = line.find(quote, end + 2)
    if end < 0:
        return None, start
    after = end + 1
    while after < len(line) and line[after] in blanks:
        after += 1
    if after < len(line) and not line.startswith(delimiter, after):
        return None, start
    return line[start + 1 : end].replace(quote * 2, quote), after
