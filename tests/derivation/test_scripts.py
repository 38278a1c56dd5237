"""Load scripts as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlift.derivation.scripts import SectionAccess, included_scripts, path_key, references, section_access
from qlift.derivation.scripts.inline import inline_table
from qlift.derivation.scripts.lexer import statements


def codes(script: str) -> list[str]:
    return [" ".join(s.code.split()) for s in statements(script)]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("LET a = 1; // it's a comment\nLET b = 2;", ["LET a = 1", "LET b = 2"]),
        ("///$tab Main\r\nLET a = 1;\r\n", ["LET a = 1"]),
        ("/* LET a = 1; */ LET b = 2;", ["LET b = 2"]),
        ("REM don't ; LET b = 2;", ["LET b = 2"]),
        ("TRACE it's done; LET b = 2;", ["LET b = 2"]),
        ("SET a = don't;\nLET b = 'x';", ["SET a = don't", "LET b = 'x'"]),
        ("LET a = 'x;''y;'; LET b = 2;", ["LET a = 'x;''y;'", "LET b = 2"]),
        ("LOAD [a;]]b;] FROM x;", ["LOAD [a;]]b;] FROM x"]),
        ("LOAD a FROM lib://X/y.csv (txt); // z", ["LOAD a FROM lib://X/y.csv (txt)"]),
        ("LOAD a FROM [http://x//y]; LET b = 1;", ["LOAD a FROM [http://x//y]", "LET b = 1"]),
        ("IF 1 THEN\n TRACE it's;\n LET b;\nEND IF\nLET c", ["IF 1 THEN", "LET b", "END IF", "LET c"]),
        ("LET a = 1 /* open; LET b = 2;", ["LET a = 1 /* open", "LET b = 2"]),
        ("LET a = 'p=(redacted); LET b;\nLET c = 'x';", ["LET a = 'p=(redacted)", "LET b", "LET c = 'x'"]),
        ("LET a = 'p=(redacted);x'; LET b = 2;", ["LET a = 'p=(redacted);x'", "LET b = 2"]),
        ("LET a = 'open; LET b = 2;", ["LET a = 'open", "LET b = 2"]),
        ("LET a = 1;\rLET b = 2; // x\rLET c = 3;", ["LET a = 1", "LET b = 2", "LET c = 3"]),
        (";;  ;\n;", []),
    ],
)  # fmt: skip
def test_statements(script: str, expected: list[str]) -> None:
    assert codes(script) == expected


def test_lines_are_those_of_the_script() -> None:
    script = "///$tab a\n\nLET a = 'x\ny'; /* \n\n */ LET b\n = 2;\nREM\n\n;LET c = 3;"
    assert [s.line for s in statements(script)] == [3, 6, 10]


@pytest.mark.parametrize(
    ("text", "format_", "columns", "rows"),
    [
        ("A,B\n1,2\n", "", ("A", "B"), [(2, ("1", "2"))]),
        ("\n  A , B \n\n 1,2 \r\n", "", ("A", "B"), [(4, ("1", "2"))]),
        ("A,B\n\"1,5\",'x, y'", "", ("A", "B"), [(2, ("1,5", "x, y"))]),
        ('A,B\n"say ""hi""" , 2', "", ("A", "B"), [(2, ('say "hi"', "2"))]),
        ('A,B\n"open, 2\n5", 3', "", ("A", "B"), [(2, ('"open', "2")), (3, ('5"', "3"))]),
        ("A,B\nO'Hara,x'y'", "", ("A", "B"), [(2, ("O'Hara", "x'y'"))]),
        ('A,B\n"1,5"', "no quotes", ("A", "B"), [(2, ('"1', '5"'))]),
        ("A|B\n1,5|2", "delimiter is '|'", ("A", "B"), [(2, ("1,5", "2"))]),
        ("A|B\n1|2", "txt, delimiter is |, embedded labels", ("A", "B"), [(2, ("1", "2"))]),
        ("A\tB\n1\t2", "txt, delimiter is '\\t'", ("A", "B"), [(2, ("1", "2"))]),
        ("A  B\n1   2", "delimiter is spaces", ("A", "B"), [(2, ("1", "2"))]),
        ("title\nA;B\n1;2", "header is 1 lines, delimiter is ';'", ("A", "B"), [(3, ("1", "2"))]),
        ("1,2\n3", "no labels", ("@1", "@2"), [(1, ("1", "2")), (2, ("3",))]),
        ("A,B\n1,2,3", "", ("A", "B"), [(2, ("1", "2"))]),
        ("", "", (), []),
    ],
)
def test_inline_tables(
    text: str, format_: str, columns: tuple[str, ...], rows: list[tuple[int, tuple[str, ...]]]
) -> None:
    table = inline_table(text, format_, 1)
    assert table.columns == columns
    assert [(r.line, r.values) for r in table.rows] == rows


def found(script: str) -> SectionAccess:
    result = section_access(script)
    assert result is not None
    return result


def people(script: str, column: str = "USERID") -> list[str]:
    return [t.value(r, column) for t in found(script).tables for r in t.rows]


BASIC = """\
SET x = 1;
Section Access;
LOAD * INLINE [
  ACCESS, USERID, REDUCTION
  ADMIN, CORP\\jane,
  USER, "CORP\\o,hara", eu
];
Section Application;
LOAD * INLINE [ACCESS, USERID
NOT, ONE];
"""


def test_an_inline_table() -> None:
    access = found(BASIC)
    [table] = access.tables
    assert (access.line, access.complete, access.columns) == (2, True, ("ACCESS", "USERID", "REDUCTION"))
    assert people(BASIC) == ["CORP\\JANE", "CORP\\O,HARA"]
    assert [r.line for r in table.rows] == [5, 6]
    assert table.value(table.rows[0], "REDUCTION") == "" == table.value(table.rows[0], "NONE")


@pytest.mark.parametrize(
    "script",
    [
        "",
        "LOAD * INLINE [ACCESS, USERID\nUSER, X];",
        "// SECTION ACCESS;\nLET a = 1;",
        "/*\nSECTION ACCESS;\n*/",
        "REM Section Access ; LET a = 1;",
        "TRACE Section Access;",
        "[Section Access]:\nLOAD * FROM [lib://X/Section Access.qvd] (qvd);",
        "LOAD 'about section access' as x AUTOGENERATE 1;",
    ],
)
def test_no_section_access(script: str) -> None:
    assert section_access(script) is None


@pytest.mark.parametrize(
    "before",
    ["", "TRACE it's late;\n", "SET s = don't;\n", "REM it's;\n", "// it's\n", "IF 1 = 1 THEN\n", "/* ' */\n",
     "LET x = 'a''b;';\n", "$(Include=a.qvs);\n", "SET q = \"'\";\n"],
)  # fmt: skip
@pytest.mark.parametrize(
    "words", ["SECTION ACCESS", "Section  Access", "section\naccess", "Section /* */ Access"]
)
def test_it_is_found_wherever_it_stands(before: str, words: str) -> None:
    script = f"{before}{words};\nLOAD * INLINE [ACCESS, USERID\nUSER, A];\nSECTION APPLICATION;"
    access = found(script)
    assert people(script) == ["A"]
    assert access.line == 1 + before.count("\n")


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        ("LOAD ACCESS, Upper(USERID) as USERID INLINE [ACCESS, USERID\nUSER, a]", ["A"]),
        ("LOAD ACCESS, Upper(Trim([User Id])) as [USERID] INLINE [ACCESS, User Id\nUSER, a]", ["A"]),
        ("LOAD *, 'admin' as ACCESS INLINE [UserId\na]", ["A"]),
        ("LOAD Role as ACCESS, Login as USERID; LOAD * INLINE [Role, Login\nUSER, a]", ["A"]),
        ("SA: LOAD * INLINE 'ACCESS|USERID\nUSER|a' (delimiter is '|')", ["A"]),
        ("LOAD * INLINE `ACCESS,USERID\nUSER,a`", ["A"]),
        ('LOAD * INLINE "ACCESS,USERID\nUSER,a"', ["A"]),
        ("LOAD @1 as ACCESS, @2 as USERID INLINE [USER, a] (txt, no labels)", ["A"]),
        ("NoConcatenate LOAD DISTINCT * INLINE [ACCESS, USERID\nUSER, a\nUSER, b]", ["A", "B"]),
    ],
)
def test_fields_keep_what_they_are_made_of(load: str, expected: list[str]) -> None:
    script = f"SECTION ACCESS;\n{load};\nSECTION APPLICATION;"
    assert found(script).complete
    assert people(script) == expected


@pytest.mark.parametrize(
    ("load", "named"),
    [
        ("LOAD * FROM [lib://Sec/users.xlsx] (ooxml, embedded labels)", "the file lib://Sec/users.xlsx"),
        ("LOAD USERID FROM lib://Sec/u.qvd (qvd)", "the file lib://Sec/u.qvd"),
        ("LOAD *; SQL SELECT * FROM t", "the database of connection Fin DW"),
        ("Users: SQL SELECT * FROM t", "the database of connection Fin DW"),
        ("LOAD * RESIDENT [Old Users]", "the table Old Users, loaded before"),
        ("LOAD 'x' as USERID AUTOGENERATE 1", "AUTOGENERATE 1"),
        ("$(Must_Include=[lib://Scripts/sa.qvs])", "the script lib://Scripts/sa.qvs"),
        ("$(vLoadUsers)", "put together while the script runs"),
        ("CALL LoadUsers", "only under a condition"),
        ("IF vProd = 1 THEN\nLOAD * INLINE [ACCESS, USERID\nUSER, A];\nEND IF", "only under a condition"),
        ("LOAD * INLINE [ACCESS, USERID\nUSER, $(vMe)]", "with variables in it"),
        ("LOAD * INLINE [ACCESS, USERID\nUSER, A] WHERE USERID <> 'A'", "filters"),
        (
            "LOAD ACCESS, 'D\\' & USERID as USERID INLINE [ACCESS, USERID\nUSER, A]",
            "an expression for USERID",
        ),
        ("LEFT JOIN LOAD * INLINE [ACCESS, USERID\nUSER, A]", "turns into another"),
    ],
)
def test_rows_that_the_script_does_not_hold(load: str, named: str) -> None:
    access = found(f"LIB CONNECT TO 'Fin DW';\nSECTION ACCESS;\n{load};\nSECTION APPLICATION;")
    assert not access.complete
    assert access.external[0].line == 3 and named in access.external[0].what


def test_what_comes_after_the_section_is_part_of_it_only_if_it_says_so() -> None:
    twice = BASIC + "Section Access;\nLOAD * INLINE [ACCESS, USERID\nUSER, LATE];\n"
    assert people(twice) == ["CORP\\JANE", "CORP\\O,HARA", "LATE"]
    assert people("// ßİ\n" * 50 + BASIC) == ["CORP\\JANE", "CORP\\O,HARA"]


def test_text_that_may_become_section_access_is_not_passed_over() -> None:
    access = found("LET a = 1;\nSET vSecurity = 'SECTION ACCESS; LOAD 1;';\n$(vSecurity);")
    assert access.line == 2 and not access.complete and not access.tables


def test_a_mapping_table_in_the_section_is_no_part_of_it() -> None:
    script = "SECTION ACCESS; M: MAPPING LOAD * INLINE [a,b\n1,2]; LOAD * INLINE [ACCESS, USERID\nUSER, A];"
    assert len(found(script).tables) == 1 and found(script).complete


def test_the_star_has_other_signs_too() -> None:
    script = "STAR IS '%';\nSECTION ACCESS; LOAD * INLINE [ACCESS, USERID\nUSER, %];"
    assert found(script).tables[0].stars == ("*", "%")
    assert found(BASIC).tables[0].stars == ("*",)


REFERRING = """\
SET vQvd = lib://QVD Store/fin;
LET vBoth = '$(vQvd)/';
LET vLate = Today();
LIB CONNECT TO 'Fin DW';
Orders:
LOAD *; SQL SELECT * FROM [dbo].[Orders];
STORE Orders INTO [$(vBoth)orders.qvd] (qvd);
STORE Orders into lib://Out/orders.csv (txt);
Customers:
LOAD a, b FROM $(vBoth)customers.QVD (qvd) WHERE EXISTS(a);
LOAD a FROM [lib://Files/x.xlsx] (ooxml, table is [From Here]);
LOAD a FROM [lib://Files/$(vLate).csv] (txt);
LOAD a FROM [LIB://files/x.xlsx] (ooxml);
// LOAD a FROM [lib://Not/me.qvd] (qvd);
TRACE lib://Nor/me;
LET n = QvdNoOfRecords('lib://Other/x.qvd');
$(Must_Include=lib://Scripts/common.qvs)
$(Include=[..\\local.qvs]);
"""


def test_references() -> None:
    result = references(REFERRING)
    assert result.connections == ("Files", "Fin DW", "Other", "Out", "QVD Store", "Scripts")
    assert result.qvd_written == ("lib://QVD Store/fin/orders.qvd",)
    assert result.qvd_read == ("lib://QVD Store/fin/customers.QVD",)
    assert result.files == ("lib://Files/$(vLate).csv", "lib://Files/x.xlsx")
    assert result.includes == ("..\\local.qvs", "lib://Scripts/common.qvs")


LINES = [*REFERRING.splitlines(), "/* $(Include=no.qvs) */", "REM $(Include=no.qvs);", "// $(Include=no.qvs)"]


@given(st.lists(st.sampled_from(LINES), max_size=30).map("\n".join))
def test_included_scripts_are_those_of_the_references(script: str) -> None:
    assert included_scripts(script) == references(script).includes


def test_a_variable_that_is_computed_later_is_unknown_from_then_on() -> None:
    script = "SET v = lib://A/;\nLOAD * FROM [$(v)x.qvd] (qvd);\nLET v = f();\nLOAD * FROM [$(v)y.qvd] (qvd);"
    assert references(script).qvd_read == ("$(v)y.qvd", "lib://A/x.qvd")
    assert references("SET v = $(v)$(v);\nLOAD * FROM [$(v)];").files, "a variable of itself ends"


def test_spellings_of_one_file_have_one_key() -> None:
    assert path_key("lib://QVD\\Fin\\A.qvd") == path_key("LIB://qvd/fin/a.QVD")


WORDS = st.sampled_from(
    (
        *("SECTION ACCESS;", "SECTION APPLICATION;", "STAR IS %;", "LOAD ", "* ", " as ", "upper(", ")", ","),
        *(
            "INLINE ",
            "[",
            "]",
            "'",
            '"',
            "`",
            "ACCESS,USERID\n",
            "USER,A\n",
            "x",
            "ß",
            "\x01",
            "\n",
            "\r",
            "(redacted)",
        ),
        *("//", "/*", "*/", "REM ", "TRACE ", "SET a=", "IF x THEN\n", "$(a)", "$(Include=", ";"),
        *("FROM ", "lib://X/y.qvd ", "(qvd)", "STORE ", "INTO ", "LIB CONNECT TO ", "SQL SELECT "),
        *("RESIDENT ", "JOIN ", "delimiter is ", "no labels", "header is 9 lines"),
    )
)


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS | st.text(max_size=5), max_size=60).map("".join) | st.text(max_size=200))
def test_nothing_makes_them_raise(script: str) -> None:
    access = section_access(script)
    if access is not None:
        for table in access.tables:
            for row in table.rows:
                assert 1 <= row.line <= script.count("\n") + script.count("\r") + 1
                assert all(table.value(row, c) == table.value(row, c).strip() for c in table.user_columns)
    references(script)
    for statement in statements(script):
        assert len(statement.code) == len(statement.masked)


MEGABYTE = 1_000_000
FOR_QUICK_SEARCHES = 4
"""Times longer where a search that is not bounded would run at the speed of C."""
SHAPES = {
    "brackets": "[",
    "apostrophes": "'",
    "every quote": "'\"`[",
    "comments": "/*",
    "sets": "SET x = [;",
    "set in one line": "[",
    "fields": "a.as.",
    "stars": "*,",
    "loads": "LOAD *, x as y;",
    "from": "FROM ",
    "paths": "FROM/",
    "formats": "FROM a (",
    "includes": "$(Include=",
    "variables": "SET a = $(a)$(a);",
    "calls": "trim(",
    "values": "'a,''b,",
    "controls": "IF x THEN\n",
    "then": "THEN ",
    "redacted": "'(redacted)\n[(redacted)\n",
}
BEGINNINGS = {
    "set in one line": "SET x = ",
    "fields": "LOAD ",
    "stars": "LOAD ",
    "from": "LOAD ",
    "paths": "LOAD ",
    "formats": "LOAD ",
    "calls": "LOAD ",
    "values": "LOAD * INLINE [a\n",
    "then": "IF ",
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_megabyte_of_anything_is_read(shape: str) -> None:
    """In time that grows with the length: a square of it would take hours, and meet the test's time limit."""
    text = SHAPES[shape]
    size = MEGABYTE * (FOR_QUICK_SEARCHES if shape in ("brackets", "comments", "set in one line") else 1)
    script = "SECTION ACCESS;\n" + BEGINNINGS.get(shape, "") + text * (size // len(text)) + "\n"
    assert section_access(script) is not None
    references(script)


@pytest.mark.timeout(120)
def test_a_script_of_five_megabytes_is_read() -> None:
    script = BASIC + REFERRING * (5 * MEGABYTE // len(REFERRING))
    assert people(script) == ["CORP\\JANE", "CORP\\O,HARA"]
    assert len(references(script).connections) == 6


@pytest.mark.timeout(120)
def test_a_wide_and_long_table_is_read() -> None:
    columns, rows = "A," * 200_000, "1\n" * 300_000
    access = found(f"SECTION ACCESS; LOAD *, A as USERID, 'USER' as ACCESS INLINE [{columns}\n{rows}];")
    [table] = access.tables
    assert len(table.rows) == 300_000
    assert {table.value(r, "USERID") for r in table.rows} == {"1"}
