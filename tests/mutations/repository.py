"""A small valid repository with something of everything, and how a spoilt one is run."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qlift.cli import main
from tests.derivation.site import SiteBuilder, guid

SECRET = "CANARY-OF-A-FILE-OUTSIDE"
PLAN = """\
version: 1
phase: finance
sources:
  - {site: prod, bundle: exports/prod}
select:
  streams: [Finance, Lab]
  personal: {owners: ['CORP\\jane']}
users:
  match_by: subject
  rules:
    - {directory: CORP, subject: 'CORP\\{user_id}', email: '{user_id}@corp.example'}
  missing_owner: {assign_to: 'CORP\\jane'}
groups: {everyone: All Staff, map: groups.csv}
spaces:
  Finance:
    from: {stream: Finance}
    type: managed
    owner: 'CORP\\jane'
    description: Money
    access: [from_rules, {user: 'CORP\\lee', roles: [consumer]}]
  Lab: {from: {stream: Lab}, type: shared}
access:
  accept_widening: [{rule: Readers, until: 2027-03-31}]
apps: {publish: move, data: all}
schedules: {enabled: false}
"""
USERS = """\
site,directory,user_id,name,subject,email,status,note
prod,CORP,jane,Jane,CORP\\jane,jane@corp.example,matched,
prod,CORP,lee,Lee,CORP\\lee,lee@corp.example,matched,by hand
"""
GROUPS = "site,group,name,status,note\nprod,BI Readers,BI Readers,matched,\n"
WAIVERS = "- {code: ROLE-UNKNOWN, object: Finance, owner: jane, until: 2027-01-31}\n"


def site() -> SiteBuilder:
    made = SiteBuilder("prod")
    jane = made.user("CORP\\jane", ("BI Readers",), "jane@corp.example")
    lee = made.user("CORP\\lee", ("BI Readers",), "lee@corp.example")
    finance, lab = made.stream("Finance", jane, group="BI Readers"), made.stream("Lab", jane)
    ledger = made.app("Ledger", jane, finance, tags=[{"id": guid("tag"), "name": "Migrate"}])
    budget, draft = made.app("Budget", lee, lab), made.app("Draft", jane)
    for app in (ledger, budget, draft):
        app["modifiedDate"] = "2026-11-01T10:00:00.000Z"
    made.object(ledger, jane, "sheet", "Overview", public=True)
    made.object(ledger, lee, "sheet", "Mine", public=False)
    made.object(draft, jane, "sheet", "Sketch", public=False)
    stage, load = made.task(budget, "Stage"), made.task(ledger, "Load")
    running = {"status": 7, "duration": 1000, "startTime": "2026-11-23T04:30:00.000Z"}
    stage["operational"] = {"lastExecutionResult": running}
    made.timed(stage, operational={"nextExecution": "2026-11-25T04:30:00.000Z"})
    made.chained(load, stage, timeConstraint={"days": 0, "hours": 0, "minutes": 360, "seconds": 0})
    made.rule("Readers", '((user.group="BI Readers"))', f"Stream_{finance['id']}, Stream_{lab['id']}")
    made.allow(finance, jane, lee)
    made.allow(lab, jane, lee)
    made._add("tag", {"id": guid("tag"), "name": "Migrate"})
    definition = {"id": guid("property", "group"), "name": "group", "choiceValues": ["BI Readers"]}
    made._add("custompropertydefinition", definition | {"objectTypes": ["Stream"]})
    owner = {k: jane[k] for k in ("id", "userId", "userDirectory", "name")}
    source = {"name": "DW", "type": "ODBC", "connectionstring": 'CUSTOM CONNECT TO "dsn=x;pwd=a"'}
    made._add("dataconnection", {"id": guid("connection"), "owner": owner, **source})
    made._add("extension", {"id": guid("extension"), "name": "gauge", "owner": owner})
    return made


def write_repository(folder: Path) -> None:
    """Beside it, `outside`: files that nothing in the repository may read."""
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text(f"site,group,name,status,note\n{SECRET}\n")
    (outside / "secret.json").write_text(json.dumps([{"id": SECRET, "name": SECRET}]))
    bundle = folder / "exports" / "prod"
    made = site()
    made.kinds["stream"][0]["name"] = "Treasury"
    made.write(bundle)
    made.kinds["stream"][0]["name"] = "Finance"
    made.write(bundle)
    script = bundle / "script" / f"{made.kinds['app'][0]['id']}.qvs"
    script.parent.mkdir()
    script.write_text("LOAD 1 AS x AUTOGENERATE 1;\n")
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["sha256"][f"script/{script.name}"] = "0" * 64
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    targets = folder / "stacks" / "targets"
    targets.mkdir(parents=True)
    (targets / "test.yaml").write_text("url: https://test.example\n")
    (targets / "test.users.csv").write_text(USERS)
    (targets / "test.groups.csv").write_text(GROUPS)
    phase = folder / "stacks" / "finance"
    phase.mkdir()
    (phase / "plan.yaml").write_text(PLAN)
    (phase / "groups.csv").write_text(GROUPS)
    (phase / "waivers.yaml").write_text(WAIVERS)


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def desired(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def codes(self) -> set[str]:
        return {f["code"] for f in self.desired["findings"]}


def show(folder: Path, capsys: pytest.CaptureFixture[str]) -> Outcome:
    """`qlift phase show`, through the command's own error boundary. What that lets through, a test sees."""
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["qlift", "phase", "show", "finance", "--target", "test", "--json"])
        with pytest.raises(SystemExit) as stopped:
            main()
    captured = capsys.readouterr()
    return Outcome(int(stopped.value.code or 0), captured.out, captured.err)
