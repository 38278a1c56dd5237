"""CSV files that people open in a spreadsheet and save again.

Written in UTF-8 with a byte order mark, by which spreadsheets know it, separated by commas. Read with or
without the mark, or in UTF-16 ("Unicode text"), separated by commas, semicolons or tabs: what a spreadsheet
saves depends on its country. Empty rows, and empty cells on the right, are what it leaves behind.

A spreadsheet takes `=1+1` for a formula and makes 7 of `007`. Such a value is written with an apostrophe
before it, which stays visible there, and read without. Many separate by semicolons and would see a cell in
`x;=1+1` too, so what follows a separator is written likewise. What a spreadsheet makes of such a value when
somebody types it there without the apostrophe (`1.00E+05`, `01-Sep`) is told; zeros that are gone show where
nobody has the login.
"""

from __future__ import annotations

import codecs
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
_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
    r"|mär|mrz|mai|okt|dez|fév|fev|avr|juin|juil|aoû|aou|déc|ene|abr|ago|dic|gen|mag|giu|lug|set|ott)"
    r"[^\W\d_]{0,6}"
)
"""As written in English, German, French, Spanish and Italian: a spreadsheet knows those of its country."""
_DATE = re.compile(rf"(?=.*\d)\d{{0,4}}[-/ .]{{0,2}}{_MONTH}[-/ .]?\d{{0,4}}", re.I)
_MADE = re.compile(
    rf"-?\d([.,]\d+)?E[+-]\d+|\d{{1,2}}[-. ]{{1,2}}{_MONTH}([-. ]\d{{2,4}})?"
    r"|\d{1,4}([./-])\d{1,2}\3\d{1,4}",
    re.I,
)
"""What it makes of long numbers, of `1E5` and of dates."""
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


def made_by_a_spreadsheet(cell: str) -> bool:
    """A cell as it stands there, no guarded one: qlift never writes such a value without an apostrophe."""
    return _MADE.fullmatch(cell) is not None


def decoded(data: bytes) -> str:
    """Raises `UnicodeError` with what to do."""
    try:
        if b"\0\0" in data[:4]:
            raise UnicodeError  # UTF-32, whose mark begins as that of UTF-16
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16")
        if b"\0" in data[:2]:
            raise UnicodeError
        return data.decode("utf-8")
    except UnicodeError:
        raise UnicodeError(
            "not UTF-8: a spreadsheet has saved it in an older encoding, in which letters get lost; restore "
            'it from git, and save it as "CSV UTF-8" or "Unicode text"'
        ) from None


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
    first = re.split(r"[\r\n]", text, maxsplit=1)[0]
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header = next(reader, [])
    width = len(header)
    while header and not header[-1]:
        header.pop()
    unnamed = slice(len(header), width)
    rows = [(reader.line_num, row) for row in reader if any(row)]
    for _, row in rows:
        if not any(row[unnamed]):
            del row[unnamed]
    return header, rows
