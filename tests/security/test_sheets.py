"""CSV files that qlift writes hold no formula, whatever separates cells where they are opened."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlift.bundle.sheets import guarded, restored
from qlift.derivation.people import GroupRow, UserRow, csv_text, read_groups, read_users

ROOT = Path(__file__).parents[2]
FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""White space before it may be dropped."""
HOSTILE = (
    "=cmd|'/c calc'!A1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1+1", "\uff20x",
    "x;=1+1", "x;\t=1", 'x;"=1"', "x; @SUM(1)", "a\n=1", "a\r\n-1", "a\t+1", "'=1", "x;'=1", "x;''@1",
    '=HYPERLINK("http://evil.example";"x")', "a,=1", "a\uff1b=1",
)  # fmt: skip
TEXTS = st.text(alphabet="=+-@;,\t\r\n'\"\uff1d a1", max_size=10)


def opened(text: str, separator: str) -> list[str]:
    """The cells that a spreadsheet shows."""
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator)
    return [cell for row in rows for cell in row]


def user(value: str) -> UserRow:
    return UserRow(
        site="prod", directory="CORP", user_id=f"u{value}", name=value, subject=value, email=value,
        status="missing", proposal=value, note=value,
    )  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
def test_no_cell_is_a_formula_and_all_come_back(tmp_path: Path, value: str) -> None:
    rows = [user(value)]
    groups = [GroupRow(site="prod", group=f"g{value}", name=value, status="missing", note=value)]
    for text in (csv_text(rows, UserRow), csv_text(groups, GroupRow)):
        for separator in ",;\t":
            assert [c for c in opened(text, separator) if FORMULA.match(c)] == []
    (tmp_path / "users.csv").write_bytes(csv_text(rows, UserRow).encode())
    (tmp_path / "groups.csv").write_bytes(csv_text(groups, GroupRow).encode())
    assert read_users(tmp_path / "users.csv") == rows
    assert read_groups(tmp_path / "groups.csv") == groups


@settings(max_examples=500, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_of_any_text(values: list[str]) -> None:
    text = csv_text([user(v) for v in values], UserRow)
    for separator in ",;\t":
        assert [c for c in opened(text, separator) if FORMULA.match(c)] == []
    assert [restored(guarded(v)) for v in values] == values


def test_nothing_else_writes_csv() -> None:
    """Whoever writes a second kind of CSV file goes through `sheets` too."""
    files = [f for room in ("qlift", "providers") for f in (ROOT / room).rglob("*.py")]
    found = [f.name for f in files if re.search(r"csv\.(writer|DictWriter)|to_csv", f.read_text("utf-8"))]
    assert found == ["sheets.py"]
