"""Hand-over: what was handed over is people's, whatever the plan says later. In process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.edits import ALLOW_VARIABLE
from qlift.simulator import Switches
from tests.program.test_changes import LEDGER
from tests.program.test_undo import BUDGET, PIPELINE, SOMEBODY, Worked, refused


@pytest.fixture
def worked(tmp_path: Path) -> Iterator[Worked]:
    made = Worked(tmp_path, Switches())
    yield made
    made.simulator.stop()


def hand_over(worked: Worked, what: str) -> None:
    if what == "phase":
        worked.plan["handed_over"] = True
    elif what == "space":
        worked.plan["spaces"]["Finance"]["handed_over"] = True
    else:
        worked.plan["apps"] = {**worked.plan["apps"], "handed_over": [LEDGER]}


def by_owner(worked: Worked, method: str, path: str, body: Any = None) -> Any:
    """Of the space Finance."""
    return worked.as_person("ACME\\qlik.admin", method, path, body)


def people_work(worked: Worked) -> None:
    """On everything that the tool would enforce."""
    id_ = worked.app_id(LEDGER)
    attributes = {"name": "Ledger 2027", "description": "Ours now"}
    by_owner(worked, "PUT", f"/api/v1/apps/{id_}", {"attributes": attributes})
    by_owner(worked, "PUT", f"/api/v1/apps/{id_}/owner", {"ownerId": worked.user_id(SOMEBODY)})
    worked.make_sheet("Ledger 2027", published=True, approved=True, name="Made by people")
    for task in worked.tasks():
        if task["resourceId"] == id_:
            by_owner(worked, "DELETE", f"/api/scheduling/tasks/{task['id']}")
    worked.wait()


def rename_space(worked: Worked) -> None:
    space = worked.id_of("Space", "finance")
    change = [{"op": "replace", "path": "/name", "value": "Finance and Risk"}]
    by_owner(worked, "PATCH", f"/api/v1/spaces/{space}", change)
    rows = by_owner(worked, "GET", f"/api/v1/spaces/{space}/assignments?limit=100")["data"]
    group = next(r for r in rows if r["type"] == "group")
    path = f"/api/v1/spaces/{space}/assignments/{group['id']}"
    by_owner(worked, "PUT", path, {"roles": ["contributor", "publisher"]})
    worked.wait()


def requests_that_change(worked: Worked) -> list[tuple[str, str]]:
    url = worked.simulator.description["control"]["url"]
    listed = httpx.get(f"{url}/control/requests", timeout=60).json()
    return [(r["method"], r["path"]) for r in listed if r["method"] != "GET" and "/oauth/" not in r["path"]]


def clear(worked: Worked) -> None:
    url = worked.simulator.description["control"]["url"]
    httpx.delete(f"{url}/control/requests", timeout=60).raise_for_status()


def bots_roles(worked: Worked, space: str) -> list[str]:
    return [r for who, roles in worked.roles(space).items() if "qlikbot" in who for r in roles]


@pytest.mark.parametrize("what", ["phase", "space", "app"])
def test_the_run_that_hands_over_takes_the_tools_roles_away_and_nothing_else(
    worked: Worked, what: str
) -> None:
    before = worked.everything()
    hand_over(worked, what)
    clear(worked)
    ran = worked.run.up(worked.derived())
    assert not ran.created and not ran.replaced
    assert {kind for kind, _ in ran.deleted} <= {"SpaceAssignment"}
    methods = requests_that_change(worked)
    gone = {"phase": 3, "space": 2, "app": 0}[what]
    assert [m for m, _ in methods] == ["DELETE"] * gone and all("/assignments/" in p for _, p in methods)
    if what != "app":
        assert not bots_roles(worked, "Finance") and not bots_roles(worked, "Finance Staging")
    assert bool(bots_roles(worked, "Sales Lab")) == (what != "phase")
    assert worked.everything()["apps"] == before["apps"]
    worked.wait()
    assert not worked.run.up(worked.derived()).changes


@pytest.mark.parametrize("what", ["phase", "space", "app"])
def test_peoples_later_changes_stay_theirs_and_an_undo_leaves_them(
    worked: Worked, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_over(worked, what)
    worked.run.up(worked.derived())
    people_work(worked)
    if what != "app":
        rename_space(worked)
    theirs = worked.everything()
    worked.change_source(LEDGER)
    assert not worked.run.up(worked.derived()).changes
    assert worked.everything() == theirs
    worked.run.destroy()
    after = worked.everything()
    [ledger] = [a for a in after["apps"] if a["name"] == "Ledger 2027"]
    assert ledger == next(a for a in theirs["apps"] if a["name"] == "Ledger 2027")
    space = "Finance" if what == "app" else "Finance and Risk"
    kept = next(s for s in after["spaces"] if s["name"] == space)
    had = next(s for s in theirs["spaces"] if s["name"] == space)
    of_people = [a for a in had["assignments"] if "qlikbot" not in a["assignee"]]
    assert kept["owner"] == had["owner"] and kept["assignments"] == of_people
    names = {a["name"] for a in after["apps"] if a["published"]}
    assert names == {"Ledger 2027"} if what == "app" else BUDGET in names
    assert bool(worked.apps(PIPELINE)) == (what == "phase")


def test_what_people_deleted_is_not_made_again(worked: Worked) -> None:
    hand_over(worked, "space")
    worked.run.up(worked.derived())
    by_owner(worked, "DELETE", f"/api/v1/apps/{worked.app_id(LEDGER)}")
    worked.wait()
    before = worked.everything()
    assert not worked.run.up(worked.derived()).changes
    assert worked.everything() == before


def test_apps_that_leave_the_plan_after_it_stay_too(worked: Worked) -> None:
    hand_over(worked, "space")
    worked.run.up(worked.derived())
    del worked.plan["spaces"]["Finance"]
    worked.plan["select"] = {"streams": ["Sales"]}
    assert worked.run.up(worked.derived()).deleted
    assert worked.published(LEDGER) and worked.space("Finance")


def test_nothing_new_is_made_in_what_is_handed_over(worked: Worked) -> None:
    hand_over(worked, "space")
    worked.run.up(worked.derived())
    worked.plan["spaces"]["Finance"]["access"] = ["from_rules", {"user": SOMEBODY, "roles": ["consumer"]}]
    before = worked.everything()
    told = refused(lambda: worked.run.up(worked.derived()))
    assert "does not exist yet, and nothing new is made of what is handed over" in told
    assert worked.everything() == before


def test_going_back_takes_two_runs_and_overwrites_nothing_unseen(worked: Worked) -> None:
    """The first takes the claim alone; the second shows what the plan would have otherwise."""
    hand_over(worked, "space")
    worked.run.up(worked.derived())
    people_work(worked)
    rename_space(worked)
    theirs = worked.everything()
    del worked.plan["spaces"]["Finance"]["handed_over"]
    worked.run.up(worked.derived())
    now = worked.everything()
    assert now["apps"] == theirs["apps"]
    assert bots_roles(worked, "Finance and Risk")
    worked.wait()
    ran = worked.run.up(worked.derived())
    assert ("Space", "finance") in ran.updated
    assert {k for k, _ in ran.created} == {"ReloadSchedule"}
    assert worked.published(LEDGER)["owner"] != SOMEBODY
    # Content is not enforced: what people made stays.
    assert any(o["name"] == "Made by people" for o in worked.published(LEDGER)["objects"])
    worked.wait()
    assert not worked.run.up(worked.derived()).changes


def test_going_back_with_a_changed_source_asks(worked: Worked) -> None:
    hand_over(worked, "app")
    worked.run.up(worked.derived())
    worked.make_sheet(LEDGER, published=True, approved=True)
    worked.change_source(LEDGER)
    worked.run.up(worked.derived())
    del worked.plan["apps"]["handed_over"]
    worked.run.up(worked.derived())
    before = worked.everything()
    assert "apps.on_source_change" in refused(lambda: worked.run.up(worked.derived()))
    assert worked.everything() == before


def test_an_app_that_is_handed_over_does_not_count_as_lost(
    worked: Worked, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked.make_sheet(LEDGER)
    worked.make_sheet(BUDGET)
    hand_over(worked, "app")
    worked.run.up(worked.derived())
    told = refused(worked.run.destroy)
    assert f'publication "{BUDGET}"' in told and f"{ALLOW_VARIABLE}=1" in told and LEDGER not in told
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    worked.run.destroy()
    assert worked.published(LEDGER) and not worked.apps(BUDGET)


def findings(worked: Worked) -> dict[str, Any]:
    return {f.code: f for f in worked.derived().findings}


def test_findings_say_what_stays_with_the_tool(worked: Worked) -> None:
    assert not {c for c in findings(worked) if c.startswith("HANDED-OVER")}
    worked.plan["handed_over"] = True
    told = findings(worked)
    assert "Sales Lab" in told["HANDED-OVER-TO-NOBODY"].message
    assert "Finance," not in told["HANDED-OVER-TO-NOBODY"].message
    assert told["HANDED-OVER-SCHEDULES"].object.endswith(" schedules")
