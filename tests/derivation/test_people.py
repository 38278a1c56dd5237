"""Users and groups of the tenant, from files that people correct."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from qlift.bundle.models import User
from qlift.derivation import PeopleFiles, derive_phase
from qlift.derivation.people import GroupRow, People, UserRow, csv_text, read_groups, read_users
from qlift.derivation.plan import Plan
from qlift.derivation.plan_file import PlanError
from tests.derivation.site import PLAN, TODAY, small_site

HEADER = "site,directory,user_id,name,subject,email,status,note\n"


def plan(**users: object) -> Plan:
    return Plan.model_validate(
        {"version": 1, "phase": "p", "sources": [{"site": "prod", "bundle": "b"}], "users": users}
    )


def anna(email: str = "anna@acme.example") -> User:
    attributes = [{"attributeType": "Email", "attributeValue": email}] if email else []
    return User.model_validate(
        {"id": "1", "userId": "anna", "userDirectory": "ACME", "name": "Anna Berg", "attributes": attributes}
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"subject": "ACME\\{user_id}"}, ("ACME\\anna", "anna@acme.example")),
        ({"email": "{user_id}@new.example"}, ("", "anna@new.example")),
        (
            {"subject": "{directory}/{name}/{email}"},
            ("ACME/Anna Berg/anna@acme.example", "anna@acme.example"),
        ),
    ],
)
def test_rules_say_who_is_expected(rule: dict[str, str], expected: tuple[str, str]) -> None:
    assert People(plan(rules=[{"directory": "acme", **rule}])).expected(anna()) == expected


def test_without_a_rule_the_e_mail_of_the_source_is_expected() -> None:
    assert People(plan()).expected(anna()) == ("", "anna@acme.example")
    assert People(plan()).expected(anna("")) == ("", "")


def test_files_come_back_as_they_were_written(tmp_path: Path) -> None:
    users = [
        UserRow(
            site="prod", directory="ACME", user_id="anna", name='Berg, "Anna"', status="missing", note="ü"
        ),
        UserRow(site="prod", directory="ACME", user_id="bo", subject="ACME\\bo", status="matched"),
    ]
    groups = [GroupRow(site="prod", group="BI", name="All BI", status="matched")]
    (tmp_path / "u.csv").write_text(csv_text(users, UserRow), encoding="utf-8")
    (tmp_path / "g.csv").write_text(csv_text(groups, GroupRow).removeprefix("\ufeff"), encoding="utf-8")
    assert (tmp_path / "u.csv").read_bytes().startswith(b"\xef\xbb\xbf"), "by which spreadsheets know UTF-8"
    assert read_users(tmp_path / "u.csv") == users
    assert read_groups(tmp_path / "g.csv") == groups, "as an editor saves it"
    assert read_users(tmp_path / "none.csv") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEADER + "prod,ACME,a,,,,found,\n", "users.csv:2: status"),
        (HEADER + "prod,ACME,a,,,,matched,\nprod,acme,A,,,,matched,\n", "users.csv:3: the same as line 2"),
        ("site,directory,user,status\n", "users.csv:1: unknown column `user`"),
        ("site,directory,status\n", "users.csv:1: no column user_id"),
        (HEADER.replace(",", "|"), "separate columns by commas, semicolons or tabs"),
        (HEADER + 'prod,ACME,"a,,,,matched,\n', "not readable as CSV"),
    ],
)
def test_a_file_that_a_spreadsheet_spoilt(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "users.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        read_users(file)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("assign_to", "match_by", "expected"),
    [
        ("ACME\\svc", "subject", ("acme|svc", "subject")),
        ("svc@acme.example", "subject", ("svc@acme.example", "email")),
        ("auth0|17", "subject", ("auth0|17", "subject")),
    ],
)
def test_an_heir_is_a_login_of_the_source_or_a_user_of_the_tenant(
    assign_to: str, match_by: str, expected: tuple[str, str]
) -> None:
    rules = [{"directory": "ACME", "subject": "acme|{user_id}"}]
    heir = People(plan(rules=rules, match_by=match_by, missing_owner={"assign_to": assign_to})).heir()
    assert heir is not None and (heir.name, heir.by) == expected


def test_the_plans_own_groups_go_before_the_targets(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.rule("Readers", '((user.group="BI Readers"))', f"Stream_{stream['id']}")
    site.allow(stream, jane)
    site.write(tmp_path / "exports" / "prod")
    folder = tmp_path / "stacks" / "finance"
    folder.mkdir(parents=True)
    (folder / "plan.yaml").write_text(PLAN + "groups: {map: groups.csv}\n", encoding="utf-8")
    files = PeopleFiles(users=tmp_path / "users.csv", groups=tmp_path / "groups.csv")
    row = GroupRow(site="prod", group="BI Readers", name="Of the target", status="matched")
    files.groups.write_text(csv_text([row], GroupRow), encoding="utf-8")
    with pytest.raises(PlanError, match=r"groups\.csv: there is no such file"):
        derive_phase(tmp_path, "finance", files, TODAY)
    own = row.model_copy(update={"name": "Of the plan"})
    (folder / "groups.csv").write_text(csv_text([own], GroupRow), encoding="utf-8")
    _, desired = derive_phase(tmp_path, "finance", files, TODAY)
    assert {a.assignee.name for a in desired.assignments if a.assignee.type == "group"} == {"Of the plan"}
    folder.rename(folder.with_name("sales"))
    with pytest.raises(PlanError, match="says `phase: finance`, its folder sales"):
        derive_phase(tmp_path, "sales", files, TODAY)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+49",
        "-x",
        "@a",
        "\tx",
        "\rx",
        "'=x",
        "''@x",
        "'plain",
        "'",
        "",
        "a=b",
        "a\nb",
        "a\r\nb",
        "Ü, x",
    ],
)
def test_what_a_spreadsheet_would_compute_is_written_as_text(text: str, tmp_path: Path) -> None:
    row = UserRow(site="prod", directory="CORP", user_id=text or "x", name=text, status="matched")
    file = tmp_path / "users.csv"
    file.write_bytes(csv_text([row], UserRow).encode())
    assert read_users(file) == [row]
    cells = [c for line in csv.reader(io.StringIO(file.read_text(), newline="")) for c in line]
    assert not any(c.startswith(("=", "+", "-", "@", "\t", "\r")) for c in cells)
