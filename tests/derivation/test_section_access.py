"""Section access in a phase: what it becomes, whom it locks out, whom it lets in."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qlift.derivation.desired import Desired, Finding, Waiver
from qlift.derivation.people import GroupRow, UserRow
from tests.derivation.site import SiteBuilder, codes, derived, small_site

CODES = "SECTION-ACCESS"


def site_with(script: str) -> SiteBuilder:
    """jane (a reader of Finance by her group, and owner of the app), lee (in no group), anna who left."""
    site, jane, stream, app = small_site()
    site.user("CORP\\lee", (), "lee@corp.example")
    site.user("CORP\\anna", ("BI Readers",), "anna@corp.example", inactive=True)
    site.user("CORP\\bob", ("BI Readers", "Ops"), "bob@corp.example")
    site.rule("Readers", '((user.group="BI Readers"))', f"Stream_{stream['id']}")
    site.allow(stream, jane)
    site.script(app, script)
    return site


def access(rows: str, columns: str = "ACCESS, USERID, REGION") -> str:
    return f"SECTION ACCESS;\nLOAD * INLINE [\n{columns}\n{rows}\n];\nSECTION APPLICATION;\nLOAD 1 AS a;"


def found(tmp_path: Path, script: str, *more: Any, **changes: Any) -> dict[str, Finding]:
    """By code, of the app; a second of the same code fails."""
    desired = derived(tmp_path, site_with(script).write(tmp_path / "b"), *more, **changes)
    return by_code(desired)


def by_code(desired: Desired) -> dict[str, Finding]:
    wanted = [f for f in desired.findings if f.code.startswith(CODES)]
    assert len({f.code for f in wanted}) == len(wanted), wanted
    return {f.code.removeprefix(CODES).removeprefix("-"): f for f in wanted}


def errors(tmp_path: Path, script: str, **changes: Any) -> list[str]:
    return sorted(k for k, f in found(tmp_path, script, **changes).items() if f.severity == "error")


def test_it_is_shown_with_what_it_becomes(tmp_path: Path) -> None:
    rules = {"rules": [{"directory": "CORP", "subject": "auth0|{user_id}"}]}
    script = access(
        "USER, corp\\jane, EU\nUSER, AUTH0|LEE, US\nADMIN, INTERNAL\\sa_scheduler,\nUSER, CORP\\x, EU"
    )
    told = found(tmp_path, script, users=rules)
    info = told[""]
    assert (info.object, info.severity) == ("Ledger", "info")
    assert info.message == (
        "section access in line 1, columns ACCESS, USERID, REGION, 4 rows in the script: CORP\\JANE -> "
        "AUTH0|JANE, AUTH0|LEE (stays), INTERNAL\\SA_SCHEDULER (a service, nobody), CORP\\X (nobody)"
    )


def test_without_section_access_nothing_is_said(tmp_path: Path) -> None:
    assert found(tmp_path, "LOAD 1 AS a;") == {}


@pytest.mark.parametrize(
    "rows",
    [
        "USER, CORP\\jane, EU",
        "ADMIN, CORP\\JANE,",
        "USER, corp\\bob, EU",
        '"USER", "CORP\\jane", "E,U"',
        "USER, CORP\\nobody, EU\nUSER, CORP\\jane, EU",
        "USER, *, EU",
    ],
)
def test_a_table_that_lets_somebody_in(tmp_path: Path, rows: str) -> None:
    assert errors(tmp_path, access(rows)) == []


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("USER, CORP\\nobody, EU", "no such user"),
        ("USER, CORP\\lee, EU", "lee has no role in the space"),
        ("USER, CORP\\anna, EU", "anna left"),
        ("ADMIN, INTERNAL\\SA_SCHEDULER,", "a service of the source"),
        ("READER, CORP\\jane, EU", "no level of access"),
        ("USER, , EU", "no user"),
        ("USER, //CORP\\jane, EU", "in an inline table that is no comment"),
    ],
)
def test_a_table_that_locks_everybody_out(tmp_path: Path, rows: str, why: str) -> None:
    told = found(tmp_path, access(rows))
    assert [k for k, f in told.items() if f.severity == "error"] == ["LOCKED"], why
    assert "line 1" in told["LOCKED"].message and "nobody who gets the app" in told["LOCKED"].message


def test_a_table_without_levels_lets_nobody_in(tmp_path: Path) -> None:
    assert errors(tmp_path, access("CORP\\jane, EU", "USERID, REGION")) == ["LOCKED"]


def test_the_levels_may_stand_in_another_table(tmp_path: Path) -> None:
    script = (
        "SECTION ACCESS;\nLOAD * INLINE [USERID, KEY\nCORP\\jane, 1];\nLOAD * INLINE [KEY, ACCESS, GROUP\n"
        "1, USER, none];"
    )
    assert errors(tmp_path, script) == []


def test_who_is_missing_in_the_tenant_counts_for_nobody(tmp_path: Path) -> None:
    """The users file decides: as long as jane is not in the tenant, her row lets nobody in."""
    row = UserRow(site="prod", directory="CORP", user_id="jane", subject="CORP\\jane", status="missing")
    script = access("USER, CORP\\jane, EU")
    told = by_code(
        derived(
            tmp_path,
            site_with(script).write(tmp_path / "b"),
            user_rows=(row,),
            users={
                "rules": [{"directory": "CORP", "subject": "CORP\\{user_id}"}],
                "missing_owner": {"assign_to": "x"},
            },
        )
    )
    assert told["LOCKED"].severity == "error" and "CORP\\JANE (nobody)" in told[""].message


def test_values_that_are_others_in_the_tenant_lock_out_as_long_as_they_stand(tmp_path: Path) -> None:
    rules = {"rules": [{"directory": "CORP", "subject": "auth0|{user_id}"}]}
    told = found(tmp_path, access("USER, CORP\\jane, EU"), users=rules)
    assert "CORP\\JANE -> AUTH0|JANE" in told["LOCKED"].message and "as it stands" in told["LOCKED"].message
    both = access("USER, CORP\\jane, EU\nUSER, auth0|jane, EU")
    (tmp_path / "2").mkdir()
    told = found(tmp_path / "2", both, users=rules)
    assert "LOCKED" not in told, "both names side by side work on both sides"
    assert told["VALUES"].severity == "warning" and "CORP\\JANE -> AUTH0|JANE" in told["VALUES"].message


@pytest.mark.parametrize(
    ("column", "value", "stays"),
    [
        ("USER.EMAIL", "Jane@corp.example", True),
        ("user.email", "jane@corp.example", True),
        ("USERID", "CORP\\jane", True),
        ("UserId", "jane", False),
        ("USERID", "jane@corp.example", False),
        ("GROUP", "bi readers", True),
        ("Group", "Ops", True),
    ],
)
def test_columns_name_people_in_their_own_way(tmp_path: Path, column: str, value: str, stays: bool) -> None:
    told = found(tmp_path, access(f"USER, {value}, EU", f"ACCESS, {column}, REGION"))
    assert ("(stays)" in told[""].message) is stays
    assert ("LOCKED" in told) is not stays


def test_a_group_goes_by_the_groups_file(tmp_path: Path) -> None:
    renamed = GroupRow(site="prod", group="BI Readers", name="All BI", status="matched")
    script = access("USER, BI READERS, EU", "ACCESS, GROUP, REGION")
    site = site_with(script)
    told = by_code(derived(tmp_path, site.write(tmp_path / "b"), group_rows=(renamed,)))
    assert "BI READERS -> ALL BI" in told["LOCKED"].message
    missing = renamed.model_copy(update={"status": "missing"})
    told = by_code(derived(tmp_path, site.write(tmp_path / "b"), group_rows=(missing,)))
    assert "BI READERS (nobody)" in told[""].message


def test_a_row_of_user_and_group_needs_both(tmp_path: Path) -> None:
    columns = "ACCESS, USERID, GROUP, REGION"
    assert errors(tmp_path, access("USER, CORP\\jane, Ops, EU", columns)) == ["LOCKED"]
    assert errors(tmp_path, access("USER, CORP\\bob, Ops, EU", columns)) == []
    assert errors(tmp_path, access("USER, *, Ops, EU", columns)) == []


@pytest.mark.parametrize(
    ("script", "line"),
    [
        (access("USER, CORP\\jane, EU\nUSER, *, *"), 5),
        (access("USER, *,"), 4),
        (access("ADMIN, *, EU"), 4),
        (access("USER, *", "ACCESS, USERID"), 4),
        (access("USER, *, *", "ACCESS, USERID, GROUP"), 4),
        (access("USER, EU", "ACCESS, NOTHING").replace("NOTHING", "OMIT").replace("EU", ""), 4),
        ("STAR IS %;\n" + access("USER, %, %"), 5),
        (access(""), 1),
        ("SECTION ACCESS;\nSECTION APPLICATION;\nLOAD 1 AS a;", 1),
        ("LET a = 1;\nSECTION ACCESS;\n// LOAD * INLINE [ACCESS, USERID];\nSECTION APPLICATION;", 2),
    ],
)
def test_a_table_that_lets_everybody_in(tmp_path: Path, script: str, line: int) -> None:
    told = found(tmp_path, script)
    assert [k for k, f in told.items() if f.severity == "error"] == ["OPEN"]
    assert f"line {line}:" in told["OPEN"].message


@pytest.mark.parametrize("rows", ["USER, *, EU", "USER, *, EU\nADMIN, CORP\\jane, *"])
def test_everybody_may_see_a_part(tmp_path: Path, rows: str) -> None:
    told = found(tmp_path, access(rows))
    assert "OPEN" not in told and "RELOAD" not in told, "the identity that reloads is everybody too"


def test_fields_that_are_taken_away_reduce_too(tmp_path: Path) -> None:
    assert errors(tmp_path, access("USER, *, SALARY", "ACCESS, USERID, OMIT")) == []
    assert errors(tmp_path, access("USER, *, *", "ACCESS, USERID, OMIT")) == []


@pytest.mark.parametrize(
    ("load", "named"),
    [
        ("LOAD * FROM [lib://Sec/u.qvd] (qvd);", "the file lib://Sec/u.qvd"),
        ("LIB CONNECT TO 'DW'; SQL SELECT * FROM t;", "the database of connection DW"),
    ],
)
def test_rows_from_elsewhere_are_a_warning_that_names_them(tmp_path: Path, load: str, named: str) -> None:
    told = found(tmp_path, f"SECTION ACCESS;\n{load}\nSECTION APPLICATION;")
    assert "line 2" in told["UNCHECKED"].message and named in told["UNCHECKED"].message
    assert not [f for f in told.values() if f.severity == "error"], "nobody knows what is in it"


def test_a_row_for_everybody_is_an_error_beside_rows_from_elsewhere(tmp_path: Path) -> None:
    script = "SECTION ACCESS; LOAD * FROM [a.qvd] (qvd); LOAD * INLINE [ACCESS, USERID\nADMIN, *];"
    assert errors(tmp_path, script) == ["OPEN"]


def test_who_is_called_what_in_the_tenant_may_be_unknown(tmp_path: Path) -> None:
    users = {"match_by": "email", "missing_owner": {"assign_to": "x@corp.example"}}
    told = found(tmp_path, access("USER, CORP\\jane, EU"), users=users)
    assert "CORP\\JANE (not known here)" in told["UNCHECKED"].message and "LOCKED" not in told


def test_columns_that_qlik_cloud_does_not_document(tmp_path: Path) -> None:
    told = found(tmp_path, access("USER, CORP\\jane, EU", "ACCESS, NTNAME, REGION"))
    assert told["COLUMN"].severity == "warning" and "NTNAME" in told["COLUMN"].message
    assert "LOCKED" not in told
    (tmp_path / "2").mkdir()
    told = found(tmp_path / "2", access("USER, CORP\\bi readers, EU", "ACCESS, NTNAME, REGION"))
    assert "LOCKED" not in told and "UNCHECKED" in told, "a group of Windows"


def test_the_identity_that_reloads_is_a_warning(tmp_path: Path) -> None:
    told = found(tmp_path, access("USER, CORP\\jane, EU\nADMIN, INTERNAL\\SA_SCHEDULER,"))
    assert told["RELOAD"].severity == "warning"
    assert "INTERNAL\\SA_SCHEDULER is nobody there" in told["RELOAD"].message


def test_without_known_roles_anybody_of_the_tenant_counts(tmp_path: Path) -> None:
    space: dict[str, dict[str, Any]] = {
        "Finance": {"from": {"stream": "Finance"}, "type": "managed", "access": "none"}
    }
    script = access("USER, CORP\\lee, EU")
    assert errors(tmp_path, script, spaces=space) == []
    granted = [{"group": "Known to the tenant only", "roles": ["consumer"]}]
    space["Finance"] = {**space["Finance"], "access": granted}
    assert errors(tmp_path, script, spaces=space) == []
    space["Finance"] = {**space["Finance"], "access": [{"user": "CORP\\bob", "roles": ["consumer"]}]}
    assert errors(tmp_path, script, spaces=space) == ["LOCKED"]
    space["Finance"] = {**space["Finance"], "owner": "CORP\\lee"}
    assert errors(tmp_path, script, spaces=space) == []


def test_a_personal_app_is_its_owners(tmp_path: Path) -> None:
    site, *_ = small_site()
    lee = site.user("CORP\\lee")
    mine = site.app("Mine", lee)
    site.script(mine, access("USER, CORP\\jane, EU"))
    site.rule("x", '((user.group="BI Readers"))', "Stream_*")
    plan: dict[str, Any] = {"select": {"personal": True}}
    told = by_code(derived(tmp_path, site.write(tmp_path / "b"), **plan))
    assert told["LOCKED"].object == "Mine"
    site.script(mine, access("USER, CORP\\lee, EU"))
    assert "LOCKED" not in by_code(derived(tmp_path, site.write(tmp_path / "b"), **plan))


def credentials(tmp_path: Path, site: SiteBuilder, **changes: Any) -> list[Finding]:
    desired = derived(tmp_path, site.write(tmp_path / "b"), **changes)
    return [f for f in desired.findings if "CREDENTIAL" in f.code]


SECRET = "hunter2hunter2"
WITH_SECRET = f"LET a = 1;\nLET c = 'Provider=x;Password={SECRET};';\nLOAD 1 AS a;"


def test_a_credential_in_a_script_is_an_error_with_its_line(tmp_path: Path) -> None:
    site, _, _, app = small_site()
    site.script(app, WITH_SECRET)
    [finding] = credentials(tmp_path, site)
    assert (finding.code, finding.severity, finding.object) == ("SCRIPT-CREDENTIAL", "error", "Ledger")
    assert "line 2" in finding.message and SECRET not in str(finding)
    waiver = Waiver(code="SCRIPT-CREDENTIAL", object="Ledger", owner="jane", until=date(2027, 1, 1))
    [waived] = credentials(tmp_path, site, waivers=(waiver,))
    assert waived.severity == "warning" and "jane" in waived.message


@pytest.mark.parametrize("quote", ["'", '"', ""])
def test_a_credential_that_was_taken_out_hides_nothing_behind_it(tmp_path: Path, quote: str) -> None:
    """The bundle has lost the quote that closes such a text."""
    connect = f"OLEDB CONNECT TO {quote}Provider=x;Password={SECRET}{quote};\n"
    told = found(tmp_path, connect + access("USER, CORP\\lee, EU") + "\nLET a = 'x';")
    assert "line 2:" in told["LOCKED"].message and "UNCHECKED" not in told


def test_the_script_of_an_app_that_stays_is_only_told(tmp_path: Path) -> None:
    site, jane, _, _ = small_site()
    site.script(site.app("Other", jane), WITH_SECRET)
    [finding] = credentials(tmp_path, site)
    assert (finding.code, finding.severity) == ("CREDENTIAL-REDACTED", "info")


def test_a_column_of_passwords_is_a_credential(tmp_path: Path) -> None:
    site = site_with(access(f"USER, CORP\\jane, {SECRET}", "ACCESS, USERID, PASSWORD"))
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    [finding] = [f for f in desired.findings if f.code == "SCRIPT-CREDENTIAL"]
    assert "line 4" in finding.message
    assert SECRET not in desired.model_dump_json()


def test_included_scripts_are_a_warning(tmp_path: Path) -> None:
    site, _, _, app = small_site()
    site.script(app, "// $(Include=no.qvs)\n$(Must_Include=lib://Scripts/sa.qvs);\nLOAD 1 AS a;")
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    [finding] = [f for f in desired.findings if f.code == "SCRIPT-INCLUDES"]
    assert "lib://Scripts/sa.qvs" in finding.message and "no.qvs" not in finding.message


def test_apps_without_a_script_are_counted(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.app("Second", jane, stream)
    assert "SCRIPT-NOT-EXPORTED" in codes(derived(tmp_path, site.write(tmp_path / "b")), "warning")
    for each in site.kinds["app"]:
        site.script(each, "LOAD 1 AS a;")
    assert "SCRIPT-NOT-EXPORTED" not in codes(derived(tmp_path, site.write(tmp_path / "b")))


def test_many_values_are_not_all_listed(tmp_path: Path) -> None:
    rows = "\n".join(f"USER, CORP\\user{n}, EU" for n in range(5_000))
    told = found(tmp_path, access(rows + "\nUSER, CORP\\jane, EU"))
    assert "4990 more" in told["NOBODY"].message and len(told["NOBODY"].message) < 1_000
