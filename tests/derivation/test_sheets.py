"""Files that a spreadsheet opens and saves again come back as they were."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlift.bundle.sheets import guarded, made_by_a_spreadsheet, read_sheet, restored, sheet_text
from qlift.derivation.people import UserRow, csv_text, read_users
from qlift.derivation.plan_file import PlanError
from tests.derivation.site import derived, small_site


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
        "1. Sep",
        "okt1",
        "Mrz-24",
        "1.00E+05",
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


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")
"""The last is what "Unicode text" is, with its mark."""


def saved_by_a_spreadsheet(text: str, separator: str, newline: str) -> str:
    """Reads cells and writes them back, quotes where it needs them: what a spreadsheet does."""
    cells = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, lineterminator=newline).writerows(cells)
    return out.getvalue()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_users_file_survives_a_spreadsheet(
    tmp_path: Path, separator: str, encoding: str, newline: str
) -> None:
    file = tmp_path / "users.csv"
    text = saved_by_a_spreadsheet(csv_text(ROWS, UserRow), separator, newline)
    file.write_bytes(text.encode(encoding))
    assert read_users(file) == ROWS


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.text(max_size=12) | st.from_regex(r"[0-9]{1,4}[E.,/-]?[0-9]{0,3}", fullmatch=True),
        min_size=5, max_size=5,
    ),
    st.sampled_from(",;\t"),
    st.sampled_from(ENCODINGS),
    st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
def test_whatever_stands_there_comes_back(
    tmp_path_factory: pytest.TempPathFactory, values: list[str], separator: str, encoding: str, newline: str
) -> None:
    values = [v.replace("\0", "").replace("\r", "") for v in values]
    written = [row(f"{values[0]}.", name=values[1], subject=values[2], status="matched", note=values[3]),
               row(f"u{values[4]}", email=values[4], status="missing", proposal=values[0])]  # fmt: skip
    text = saved_by_a_spreadsheet(csv_text(written, UserRow), separator, newline)
    file = tmp_path_factory.mktemp("sheet") / "users.csv"
    file.write_bytes(text.encode(encoding))
    try:
        assert read_users(file) == written
    except PlanError as error:
        assert "the same as line" in str(error), error


@given(st.text(alphabet="0123456789.,E+-/ SepokMrzä", max_size=10))
def test_qlift_never_writes_what_looks_rewritten(value: str) -> None:
    assert not made_by_a_spreadsheet(guarded(value))


@pytest.mark.parametrize(
    "made", ["1E+05", "1.00E+05", "1,23457E+14", "01-Sep", "1. Sep", "2024-09-01", "01.09.2024", "9/1/2024"]
)
def test_what_a_spreadsheet_has_rewritten_is_told(tmp_path: Path, made: str) -> None:
    file = tmp_path / "users.csv"
    text = csv_text([row("UVW", note=made, status="missing")], UserRow)
    file.write_text(text.replace("UVW", made if "," not in made else f'"{made}"'), encoding="utf-8")
    with pytest.raises(
        PlanError, match=re.escape(f"{file}:2: user_id: {made} looks like what a spreadsheet")
    ):
        read_users(file)
    file.write_text(text.replace("UVW", f'"\'{made}"'), encoding="utf-8")
    assert read_users(file)[0].user_id == made


def test_what_a_spreadsheet_leaves_behind_is_nothing(tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    lines = csv_text([row("anna", status="missing", note="x")], UserRow).splitlines()
    file.write_text("\r\n".join([lines[0] + ",,", ",,,,", lines[1] + ",,", ",,,,,,,,,,,,"]), encoding="utf-8")
    assert [r.user_id for r in read_users(file)] == ["anna"]


def test_a_row_that_lost_its_zeros_names_the_login(tmp_path: Path) -> None:
    site, *_ = small_site()
    for user_id in ("00123", "1E5", "55"):
        site.user(f"CORP\\{user_id}")
    rows = [
        UserRow(site="prod", directory="CORP", user_id=x, status="missing") for x in ("123", "100000", "77")
    ]
    desired = derived(tmp_path, site.write(tmp_path / "b"), user_rows=tuple(rows))
    found = {f.object: f.remedy for f in desired.findings if f.code == "ROW-REWRITTEN"}
    assert found.keys() == {"CORP\\123", "CORP\\100000"}
    assert "'00123" in found["CORP\\123"] and "'1E5" in found["CORP\\100000"]
    assert ["CORP\\77" in f.message for f in desired.findings if f.code == "ROW-UNUSED"] == [True]


def test_no_cell_of_a_written_file_is_a_formula() -> None:
    cells = [c for row in csv.reader(io.StringIO(csv_text(ROWS, UserRow))) for c in row]
    assert not [c for c in cells if c.startswith(("=", "+", "-", "@"))]
    assert "'007" in cells


@pytest.mark.parametrize("encoding", ["cp1252", "mac-roman", "utf-16-le"])
def test_a_file_in_another_encoding_is_told(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "users.csv"
    file.write_bytes(csv_text(ROWS, UserRow).removeprefix("\ufeff").encode(encoding))
    with pytest.raises(PlanError, match=r'not UTF-8.*older encoding.*restore it.*"CSV UTF-8"'):
        read_users(file)


def test_short_and_long_rows() -> None:
    header, rows = read_sheet(sheet_text(["a", "b"], []) + "1\n1,2,3\n")
    assert (header, rows) == (["a", "b"], [(2, ["1"]), (3, ["1", "2", "3"])])
