"""The main job, from a site to a tenant and back, on the real engine. Asserted is the tenant's dump."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator, Switches
from tests.support.phase import Phase
from tests.support.project import Result

pytestmark = pytest.mark.engine

WORST = {
    "slow and stubborn": {
        "item_lag": 5.0,
        "space_lag": 2.0,
        "grant_lag": 2.0,
        "owner_assignment": "refused",
        "publish_move_keeps_id": False,
        "private_objects_on_copy": "exposed",
        "app_error_body": "empty",
        "location": "path",
        "last_page_link": "null",
        "assigned_space_owner": "removed",
    },
    "strict and forgetful": {
        "tasks_on_app_move": "deleted",
        "republish_disables_tasks": True,
        "app_missing_status": 403,
        "object_not_owned_status": 403,
        "space_name_case_sensitive": False,
        "private_objects_on_copy": "kept",
        "app_error_body": "text",
        "publish_twice": "refused",
        "republish_origin_app_id": "unchanged",
        "deleted_app_get_status": 403,
    },
}
"""The two positions of the switches that are furthest from the defaults in what a run has to cope with."""


def counted(result: Result, word: str) -> int:
    found = re.search(rf"\+ (\d+) {word}", result.output)
    return int(found[1]) if found else 0


def test_preview_up_no_op_destroy(phase: Phase) -> None:
    before = phase.tenant()
    preview = phase.preview()
    assert preview.ok, preview.output
    assert phase.tenant() == before

    up = phase.up()
    assert up.ok, up.output
    assert counted(up, "created") == counted(preview, "to create") > 70
    after = phase.tenant()
    assert phase.preview(expect_no_changes=True).ok
    assert phase.up("--expect-no-changes").ok
    assert phase.project.refresh("--expect-no-changes").ok
    assert phase.tenant() == after

    refused = phase.project.destroy()
    assert not refused.ok and "QLIFT_ALLOW_DELETES=" in refused.output
    assert phase.tenant() == after
    # Undo needs the state and the stack's settings, nothing else.
    shutil.rmtree(phase.folder / "exports")
    shutil.rmtree(phase.folder / "stacks" / "demo")
    destroy = phase.destroy()
    assert destroy.ok, destroy.output
    assert phase.tenant() == before


def test_what_up_made_is_what_the_plan_says(phase: Phase) -> None:
    assert phase.up("--skip-preview").ok
    tenant = phase.tenant()
    spaces = {s["name"]: s for s in tenant["spaces"]}
    assert {"Finance", "Finance Staging", "HR", "Company", "Sales Lab", "Supply Chain"} <= set(spaces)
    published = {a["name"] for a in tenant["apps"] if a["published"] and a["space"] == "managed Finance"}
    assert published == {"General Ledger", "Budget vs Actuals", "Cash Flow Forecast"}
    ledger = next(a for a in tenant["apps"] if a["name"] == "General Ledger" and a["published"])
    private = [o for o in ledger["objects"] if not o["approved"] and o["objectType"] == "sheet"]
    assert {o["name"] for o in private} == {"Shared by a colleague", "My own view"}
    tool = phase.ends["tenant"]["user_id"]
    assert all(o["owner"] not in ("", tool) and "qlikbot" not in o["owner"] for o in private)
    personal = [a for a in tenant["apps"] if a["name"] == "Payroll Experiments"]
    assert len(personal) == 1 and "qlikbot" not in personal[0]["owner"]
    assert personal[0]["space"] == f"personal {personal[0]['owner']}"


@pytest.mark.parametrize("name", WORST)
def test_the_worst_positions_of_the_switches(engine: Engine, tmp_path: Path, name: str) -> None:
    with Simulator(switches=Switches.model_validate(WORST[name])) as simulator:
        phase = Phase(engine, simulator, tmp_path)
        phase.set_target(list_lag_seconds=6)
        phase.export()
        before = phase.tenant()
        up = phase.up("--skip-preview")
        assert up.ok, up.output
        phase.control("POST", "clock", {"advance": 30})
        again = phase.preview("--diff", expect_no_changes=True)
        assert again.ok, again.output
        destroy = phase.destroy()
        assert destroy.ok, destroy.output
        assert phase.tenant() == before


def test_changes_by_hand_show_and_are_mended(phase: Phase) -> None:
    assert phase.up("--skip-preview").ok
    wanted = phase.tenant()
    ids = phase.ids("Space")
    tasks = phase.ids("ReloadSchedule")
    phase.tenant_api(
        "PATCH",
        f"/api/v1/spaces/{ids['finance']}",
        [{"op": "replace", "path": "/description", "value": "mine now"}],
    )
    assignment = phase.assignment(ids["sales-lab"], roles=["consumer"])
    phase.tenant_api(
        "PUT", f"/api/v1/spaces/{ids['sales-lab']}/assignments/{assignment}", {"roles": ["facilitator"]}
    )
    phase.tenant_api("DELETE", f"/api/scheduling/tasks/{sorted(tasks.values())[0]}", None)
    spoiled = phase.tenant()

    preview = phase.preview("--diff")
    assert preview.ok and phase.tenant() == spoiled
    for sign in ("mine now", "facilitator", "+ pulumi-python:dynamic/qlik:ReloadSchedule"):
        assert sign in preview.output
    up = phase.up("--skip-preview")
    assert up.ok, up.output
    assert phase.tenant() == wanted
    assert phase.preview(expect_no_changes=True).ok


def test_renames_are_updates(phase: Phase) -> None:
    assert phase.up("--skip-preview").ok
    ids: dict[str, Any] = {k: phase.ids(k) for k in ("Space", "App", "AppPublication", "SpaceAssignment")}
    site = phase.bundle()
    app = next(a for a in site.apps if a.name == "General Ledger")
    stream = next(s for s in site.streams if s.name == "HR")
    phase.control("POST", "site/rename_app", {"id": app.id, "name": "Main Ledger"})
    phase.control("POST", "site/rename_stream", {"id": stream.id, "name": "People"})
    phase.export()
    phase.plan["spaces"]["Sales Lab"] = {**phase.plan["spaces"]["Sales Lab"], "name": "Sales Workbench"}
    phase.control("DELETE", "requests")

    up = phase.up()
    assert up.ok, up.output
    assert "created" not in up.output and "deleted" not in up.output and "replaced" not in up.output
    writes = {r["method"] for r in phase.control("GET", "requests") if "/api/" in r["path"]}
    assert "DELETE" not in writes
    tenant = phase.tenant()
    assert {a["name"] for a in tenant["apps"] if "Ledger" in a["name"]} == {"Main Ledger"}
    assert "Sales Workbench" in {s["name"] for s in tenant["spaces"]}
    assert sorted(phase.ids("App").values()) == sorted(ids["App"].values())
    assert sorted(phase.ids("AppPublication").values()) == sorted(ids["AppPublication"].values())
    assert phase.ids("SpaceAssignment") == ids["SpaceAssignment"]
    assert phase.preview(expect_no_changes=True).ok


def test_changed_content_is_republished_and_a_nightly_reload_is_nothing(phase: Phase) -> None:
    assert phase.up("--skip-preview").ok
    key = next(k for k in phase.ids("App") if k.startswith("general-ledger"))
    staged, published = phase.ids("App")[key], phase.ids("AppPublication")[key]
    task = phase.tenant_task(published)
    reader = next(u["subject"] for u in phase.tenant()["users"] if u["subject"].startswith("ACME"))
    mine = {"subject": reader, "name": "Made in the cloud", "engineObjectId": "made-in-the-cloud"}
    phase.control("POST", f"tenant/apps/{published}/objects", mine)
    app = next(a for a in phase.bundle().apps if a.name == "General Ledger")

    phase.control("POST", "site/nightly_reload", {"id": app.id})
    assert phase.export().fetched == 1
    assert phase.preview(expect_no_changes=True).ok

    phase.control("POST", "site/edit_sheet", {"id": app.id})
    phase.export()
    # A reader has worked in it meanwhile.
    phase.plan["apps"]["on_source_change"] = "republish"
    preview = phase.preview()
    assert f"qlik:App {key} replace" in preview.output
    assert f"qlik:AppPublication {key} update" in preview.output
    up = phase.up("--skip-preview")
    assert up.ok, up.output
    tenant = phase.tenant(ids=True)
    ledgers = {a["id"]: a for a in tenant["apps"] if a["name"] == "General Ledger"}
    assert phase.ids("AppPublication")[key] == published and published in ledgers
    assert staged not in ledgers and len(ledgers) == 2
    names = {o["name"] for o in ledgers[published]["objects"]}
    assert {"Made in the cloud", "My own view", "Shared by a colleague"} <= names
    assert phase.tenant_task(published)["id"] == task["id"]
    assert phase.preview(expect_no_changes=True).ok
