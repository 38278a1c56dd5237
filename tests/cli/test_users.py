"""`qlift users` against a simulated tenant: proposals, corrections that stay, a file for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from qlift.cli import app
from qlift.derivation.people import UserRow, csv_text, read_users
from qlift.simulator import Simulator
from qlift.simulator.site import SampleOptions
from tests.derivation.site import PLAN, SiteBuilder

TENANT = {
    "CORP\\jane": "jane@corp.example",
    "CORP\\bob": "bob@corp.example",
    "auth0|lee": "lee@corp.example",
    "twin|1": "twin@corp.example",
    "twin|2": "twin@corp.example",
    "CORP\\left": "left@corp.example",
    "hand|max": "max@home.example",
}
"""Subject → e-mail."""


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(sample=SampleOptions(apps=2, users=10)) as running:
        tenant = running.description["tenant"]
        for subject, email in TENANT.items():
            body = {"subject": subject, "email": email, "name": subject}
            answer = httpx.post(
                tenant["url"] + "/api/v1/users",
                json=body,
                headers={"Authorization": f"Bearer {tenant['api_key']}"},
            )
            answer.raise_for_status()
        yield running


def the_site() -> SiteBuilder:
    site = SiteBuilder()
    jane = site.user("CORP\\jane", ("BI",), "jane@corp.example", roles=["ContentAdmin"])
    stream = site.stream("Finance", jane)
    ledger = site.app("Ledger", jane, stream)
    site.user("CORP\\bob", (), "bob@corp.example")
    site.user("PARTNER\\bob", (), "bob@corp.example")
    site.user("CORP\\lee", (), "lee@corp.example")
    site.user("CORP\\twin", (), "twin@corp.example")
    site.user("CORP\\max", (), "max@corp.example")
    site.user("CORP\\007", (), "")
    site.user("CORP\\=1+1", (), "")
    gone = site.user("CORP\\gone", (), "gone@corp.example", inactive=True)
    site.user("CORP\\left", (), "left@corp.example", removedExternally=True)
    site.app("Old", gone, stream)
    site.object(ledger, gone, "sheet", "Hers", public=False)
    site.app("Monitoring", site.user("INTERNAL\\sa_repository"), stream)
    site.user("INTERNAL\\sa_engine")
    return site


class Repository:
    """A team's folder, in which `users` runs."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder = folder
        targets = folder / "stacks" / "targets"
        targets.mkdir(parents=True)
        (targets / "test.yaml").write_text(yaml.safe_dump({"url": simulator.description["tenant"]["url"]}))
        self.file = targets / "test.users.csv"
        (folder / "stacks" / "finance").mkdir()
        self.plan()
        self.site = the_site()

    def plan(self, **users: Any) -> None:
        plan = yaml.safe_load(PLAN)
        plan["users"] |= users
        (self.folder / "stacks" / "finance" / "plan.yaml").write_text(yaml.safe_dump(plan))

    def users(self) -> dict[str, UserRow]:
        """Run the command; the rows by login."""
        self.site.write(self.folder / "exports" / "prod")
        result = CliRunner().invoke(app, ["users", "test", "--phase", "finance"])
        assert result.exit_code == 0, result.output
        self.said = result.output
        return {f"{r.directory}\\{r.user_id}": r for r in read_users(self.file)}

    def correct(self, login: str, **changes: str) -> None:
        """As a person would in a spreadsheet of a country with semicolons."""
        text = self.file.read_text(encoding="utf-8-sig")
        separator = ";" if ";" in text.partition("\n")[0] else ","
        cells = list(csv.reader(io.StringIO(text), delimiter=separator))
        header = cells[0]
        [row] = [c for c in cells if f"{c[1]}\\{c[2]}" == login]
        for name, value in changes.items():
            row[header.index(name)] = value
        out = io.StringIO()
        csv.writer(out, delimiter=";", lineterminator="\r\n").writerows(cells)
        self.file.write_bytes(b"\xef\xbb\xbf" + out.getvalue().encode("utf-8"))


@pytest.fixture
def repository(tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QLIFT_API_KEY", simulator.description["tenant"]["api_key"])
    return Repository(tmp_path, simulator)


def test_who_is_who_and_what_is_doubtful(repository: Repository) -> None:
    rows = repository.users()
    assert rows["CORP\\jane"].status == "matched"
    assert (
        rows["CORP\\jane"].proposal == "has ContentAdmin: AnalyticsAdmin in the tenant, if they shall have it"
    )
    assert rows["CORP\\lee"].subject == "auth0|lee" and rows["CORP\\lee"].proposal == ""
    twin = rows["CORP\\twin"]
    assert twin.status == "ambiguous"
    assert "subject twin|1, e-mail twin@corp.example; subject twin|2" in twin.proposal
    for one, other in (("CORP\\bob", "PARTNER\\bob"), ("PARTNER\\bob", "CORP\\bob")):
        assert rows[one].status == "matched"
        assert f"{other} becomes the tenant's user with e-mail bob@corp.example too" in rows[one].proposal
    gone = rows["CORP\\gone"]
    assert "left (inactive); owns 1 app and 1 object: say who gets it (users.missing_owner)" in gone.proposal
    assert "owns nothing: stays theirs" in rows["CORP\\left"].proposal
    assert "not in the tenant" in rows["CORP\\max"].proposal
    assert "built-in account of the source; owns 1 app" in rows["INTERNAL\\sa_repository"].proposal
    assert "INTERNAL\\sa_engine" not in rows, "it owns nothing"
    assert "have a `proposal`" in repository.said


def test_proposals_say_who_inherits_and_what_the_plan_matches_by(repository: Repository) -> None:
    repository.plan(missing_owner={"assign_to": "CORP\\jane"}, match_by="email")
    rows = repository.users()
    assert "goes to jane@corp.example" in rows["CORP\\gone"].proposal
    assert "no e-mail, and the plan matches by e-mail" in rows["CORP\\007"].proposal
    assert rows["CORP\\007"].status == "missing"


def test_look_alikes_that_are_two_in_the_tenant_too(repository: Repository) -> None:
    repository.site.user("PARTNER\\jane", (), "jane@partner.example")
    rows = repository.users()
    assert "looks like PARTNER\\jane" in rows["CORP\\jane"].proposal
    assert "looks like CORP\\jane" in rows["PARTNER\\jane"].proposal


def test_the_file_is_one_for_spreadsheets(repository: Repository) -> None:
    repository.users()
    data = repository.file.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    cells = {c for row in csv.reader(io.StringIO(data.decode("utf-8-sig"))) for c in row}
    assert {"'007", "'=1+1"} <= cells and not {"007", "=1+1"} & cells


def test_corrections_stay_through_a_spreadsheet_and_another_run(repository: Repository) -> None:
    repository.users()
    repository.correct("CORP\\max", subject="hand|max", email="max@home.example", status="matched")
    repository.correct("CORP\\gone", status="missing", note="ask Jäne; she left, too")
    repository.correct("CORP\\'=1+1", subject="CORP\\jane", status="matched", note="=test")
    for _ in range(2):
        rows = repository.users()
        assert (rows["CORP\\max"].subject, rows["CORP\\max"].status) == ("hand|max", "matched")
        assert rows["CORP\\gone"].note == "ask Jäne; she left, too" and rows["CORP\\gone"].proposal == ""
        assert rows["CORP\\=1+1"].subject == "CORP\\jane" and rows["CORP\\=1+1"].note == "=test"
        assert rows["CORP\\007"].user_id == "007"


def test_what_was_written_without_a_status_is_looked_up(repository: Repository) -> None:
    repository.users()
    repository.correct("CORP\\max", subject="hand|max")
    repository.correct("CORP\\twin", subject="twin|2")
    rows = repository.users()
    assert (rows["CORP\\max"].status, rows["CORP\\max"].email) == ("matched", "max@home.example")
    assert (rows["CORP\\twin"].status, rows["CORP\\twin"].subject) == ("matched", "twin|2")


def test_a_correction_that_the_tenant_does_not_know_is_told(repository: Repository) -> None:
    repository.users()
    repository.correct("CORP\\max", subject="hand|mux", status="matched")
    repository.correct("CORP\\bob", subject="auth0|lee", email="", status="matched")
    rows = repository.users()
    assert rows["CORP\\max"].status == "missing"
    assert "the file said hand|mux: the tenant has no such user" in rows["CORP\\max"].proposal
    assert rows["CORP\\bob"].subject == "auth0|lee"
    assert "the plan's rules give CORP\\bob" in rows["CORP\\bob"].proposal


def test_rows_of_other_sites_and_of_lost_ids_stay(repository: Repository) -> None:
    repository.users()
    lost = UserRow(site="prod", directory="CORP", user_id="7", subject="bond", status="matched", note="me")
    other = UserRow(site="lab", directory="CORP", user_id="x", subject="y", status="matched")
    repository.file.write_text(csv_text([lost, other], UserRow), encoding="utf-8")
    rows = repository.users()
    assert rows["CORP\\x"] == other
    assert rows["CORP\\7"].note == "me" and "changed the user id" in rows["CORP\\7"].proposal
    assert rows["CORP\\jane"].status == "matched"


def test_as_json(repository: Repository) -> None:
    rows = repository.users()
    result = CliRunner().invoke(app, ["users", "test", "--phase", "finance", "--json"])
    said = json.loads(result.stdout)
    [counts] = [c for name, c in said["files"].items() if name.endswith("users.csv")]
    assert sum(counts.values()) == len(rows)
    assert said["proposals"] == sum(bool(r.proposal) for r in rows.values()) > 5
