"""CSV files that people open in a spreadsheet and save again.

Written in UTF-8 with a byte order mark, by which spreadsheets know it, separated by commas. Read with or
without the mark, separated by commas, semicolons or tabs: what a spreadsheet saves depends on its country.

A spreadsheet takes `=1+1` for a formula and makes 7 of `007`. Such a value is written with an apostrophe
before it, which stays visible there, and read without. Many separate by semicolons and would see a cell in
`x;=1+1` too, so what follows a separator is written likewise.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

_SIGN = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
"""What begins a formula, in the wide form that some countries type too (OWASP, "CSV Injection")."""
_FORMULA = re.compile(rf"\s*{_SIGN}|[\t\r\n]")
_INSIDE = re.compile(rf"([;\t\r\n]\s*\"?\s*)('*{_SIGN})")
_INSIDE_GUARDED = re.compile(rf"([;\t\r\n]\s*\"?\s*)'('*{_SIGN})")
_NUMBER = re.compile(r"(?=.*\d)[\d.,:/\-+ eE%]+")
_PLAIN_NUMBER = re.compile(r"0|[1-9]\d{0,10}")
"""Shown and saved as it is; from twelve digits on it becomes something like 1.2E+11."""
_DATE = re.compile(
    r"(?=.*\d)\d{0,4}[-/ .]?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}[-/ .]?\d{0,4}", re.I
)
_LOGICAL = re.compile(r"true|false", re.I)
SEPARATORS = ",;\t"


def guarded(value: str) -> str:
    """As it is written; `restored` takes it back."""
    value = _INSIDE.sub(r"\1'\2", value)
    return f"'{value}" if _rewritten(value) else value


def restored(value: str) -> str:
    value = value[1:] if value.startswith("'") and _rewritten(value[1:]) else value
    return _INSIDE_GUARDED.sub(r"\1\2", value)


def _rewritten(value: str) -> bool:
    """Whether a spreadsheet would run the value, or save another one; or it begins as a guarded one does."""
    while value.startswith("'"):
        value = value[1:]
    if _FORMULA.match(value) or _LOGICAL.fullmatch(value) or _DATE.fullmatch(value):
        return True
    return _NUMBER.fullmatch(value) is not None and _PLAIN_NUMBER.fullmatch(value) is None


def sheet_text(header: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, lineterminator="\n")
    # Python's own leaves a carriage return unquoted, and it would end the row.
    careful = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    for row in rows:
        cells = [guarded(row[name]) for name in header]
        # In quotes, what stands between separators of other countries is no cell of its own.
        (careful if any(mark in c for c in cells for mark in "\r;\t") else writer).writerow(cells)
    return out.getvalue()


def read_sheet(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header, and rows with their lines, as they stand there. Raises `csv.Error`."""
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header = next(reader, [])
    return header, [(reader.line_num, row) for row in reader if row]
