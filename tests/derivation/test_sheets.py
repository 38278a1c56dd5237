"""Files that a spreadsheet opens and saves again come back as they were."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlift.derivation.people import UserRow, csv_text, read_users
from qlift.derivation.plan_file import PlanError
from qlift.derivation.sheets import guarded, read_sheet, restored, sheet_text


@pytest.mark.parametrize(
    "value",
    [
        "=1+1",
        "+49 30 1",
        "-x",
        "@SUM(A1)",
        "\tx",
        "007",
        "1E5",
        "12-03",
        "3/4",
        "1.50",
        "123456789012",
        "TRUE",
        "mar1",
        "1-Sep",
        "'=1",
        "''007",
    ],
)
def test_what_a_spreadsheet_would_run_or_rewrite_is_guarded(value: str) -> None:
    assert guarded(value) == f"'{value}" and restored(guarded(value)) == value


@pytest.mark.parametrize(
    "value", ["", "anna", "0", "4711", "CORP\\anna", "a@b.example", "O'Hara", "'tis", "x=1"]
)
def test_what_it_leaves_alone_is_written_plainly(value: str) -> None:
    assert guarded(value) == value == restored(value)


@given(st.text(alphabet="'=+-@\t\r0123456789eE.,/ abmar", max_size=12) | st.text(max_size=20))
def test_guarding_is_taken_back_exactly(value: str) -> None:
    assert restored(guarded(value)) == value


def row(user_id: str, **more: str) -> UserRow:
    return UserRow.model_validate({"site": "prod", "directory": "CÖRP", "user_id": user_id, **more})


ROWS = [
    row("007", name='Bond, "James"', status="missing"),
    row("-x", name="=HYPERLINK(1)", status="matched", note="zwei\nZeilen"),
    row("1E5", subject="auth0|0815", status="ambiguous", proposal="@home", note="ü; ,"),
]


def saved_by_a_spreadsheet(text: str, separator: str, newline: str) -> str:
    """Reads cells and writes them back, quotes where it needs them: what a spreadsheet does."""
    cells = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator=newline).writerows(cells)
    return out.getvalue()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_users_file_survives_a_spreadsheet(
    tmp_path: Path, separator: str, mark: bytes, newline: str
) -> None:
    file = tmp_path / "users.csv"
    text = saved_by_a_spreadsheet(csv_text(ROWS, UserRow), separator, newline)
    file.write_bytes(mark + text.encode("utf-8"))
    assert read_users(file) == ROWS


def test_no_cell_of_a_written_file_is_a_formula() -> None:
    cells = [c for row in csv.reader(io.StringIO(csv_text(ROWS, UserRow))) for c in row]
    assert not [c for c in cells if c.startswith(("=", "+", "-", "@"))]
    assert "'007" in cells


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_bytes(csv_text(ROWS, UserRow).removeprefix("\ufeff").encode("cp1252"))
    with pytest.raises(PlanError, match="UTF-8"):
        read_users(file)


def test_short_and_long_rows() -> None:
    header, rows = read_sheet(sheet_text(["a", "b"], []) + "1\n1,2,3\n")
    assert (header, rows) == (["a", "b"], [(2, ["1"]), (3, ["1", "2", "3"])])
