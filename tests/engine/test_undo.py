"""Undo, restore and hand-over on the real engine, with people at work in between."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from tests.support.phase import Phase

pytestmark = pytest.mark.engine

WORD = "QLIFT_ALLOW_CHANGED_APPS"
LEDGER, BUDGET, PIPELINE = "General Ledger", "Budget vs Actuals", "Pipeline Review"


def small(phase: Phase) -> None:
    """Finance (managed, with an owner) and Sales Lab (shared)."""
    spaces = {k: phase.plan["spaces"][k] for k in ("Finance", "Sales Lab")}
    phase.plan |= {"select": {"streams": ["Finance", "Sales"]}, "spaces": spaces}


def wait(phase: Phase, seconds: float) -> None:
    phase.control("POST", "clock", {"advance": seconds})


def app_id(phase: Phase, name: str) -> str:
    """Of the published one, if it is published."""
    found = [a for a in phase.tenant(ids=True)["apps"] if a["name"] == name]
    return str(next((a for a in found if a["published"]), found[0])["id"])


def make_sheet(phase: Phase, name: str) -> None:
    body = {"subject": "ACME\\zoe.dahl", "name": "Made by people", "published": True, "approved": True}
    phase.control("POST", f"tenant/apps/{app_id(phase, name)}/objects", body)
    wait(phase, 120)


def flat(text: str) -> str:
    return " ".join(text.split())


def restore(phase: Phase) -> subprocess.CompletedProcess[str]:
    return phase.qlift("restore", "demo", "--log", "changes.jsonl")


def review(phase: Phase) -> str:
    """What the pull request shows, as plain text."""
    phase.write_plan()
    done = phase.qlift("review", "demo")
    assert done.returncode == 0, done.stderr
    return flat(
        (phase.folder / "reports" / "demo" / "review.md").read_text(encoding="utf-8").replace("\\", "")
    )


def closure(phase: Phase, job: str) -> list[str]:
    """URNs of a job's resources and of all that depends on them, as `--target` wants them."""
    resources = phase.resources()
    chosen = {
        r["urn"]
        for r in resources
        if r.get("parent", "").endswith(f"::{job}") and "qlik:job:Job" in r["parent"]
    }
    while True:
        more = {r["urn"] for r in resources if needs(r) & chosen} - chosen
        if not more:
            return sorted(chosen)
        chosen |= more


def needs(resource: dict[str, Any]) -> set[str]:
    by_property = resource.get("propertyDependencies") or {}
    return {*(resource.get("dependencies") or ()), *(u for us in by_property.values() for u in us or ())}


def test_a_whole_life_with_people_in_it(phase: Phase) -> None:
    small(phase)
    before = phase.tenant()
    up = phase.up("--skip-preview")
    assert up.ok, up.output
    made = phase.tenant()
    ids = {**phase.ids("AppPublication"), **phase.ids("AppOwner")}
    wait(phase, 3 * 3600)

    # People work: nothing of it shows as a change, and an undo names all of it and stops.
    make_sheet(phase, LEDGER)
    make_sheet(phase, PIPELINE)
    theirs = phase.tenant()
    shown = phase.preview(expect_no_changes=True)
    assert shown.ok and "people changed 2 apps in the tenant" in flat(shown.output), shown.output
    refused = phase.destroy()
    told = flat(refused.output)
    assert not refused.ok and "Traceback" not in told
    assert f'publication "{LEDGER}" ({app_id(phase, LEDGER)}): changed' in told
    assert f'app "{PIPELINE}" ({app_id(phase, PIPELINE)}): changed' in told and f"{WORD}=2" in told
    assert phase.tenant() == theirs

    # The source changes too: the preview stops, the tenant stays as it is.
    source = next(a.id for a in phase.bundle().apps if a.name == LEDGER)
    phase.control("POST", "site/edit_sheet", {"id": source})
    phase.export()
    conflict = phase.preview()
    assert not conflict.ok and "apps.on_source_change: republish" in flat(conflict.output), conflict.output
    assert phase.tenant() == theirs
    phase.plan["apps"]["on_source_change"] = "republish"
    read = review(phase)
    assert f'publication "{LEDGER}"' in read and "the plan says republish" in read, read
    assert "people changed 1 apps in the tenant" in read and PIPELINE in read, read
    assert phase.tenant() == theirs
    published = phase.up()
    assert published.ok and "the plan says republish" in flat(published.output), published.output
    assert phase.preview(expect_no_changes=True).ok
    wait(phase, 3 * 3600)

    # Allowed by its number, once; then everything comes back with its ids. The ledger counts still: new
    # content went over it, and what users made for themselves is in it.
    before_undo = phase.tenant()
    undone = phase.project.destroy(env={**phase.allowed_deletes(), WORD: "2"})
    assert undone.ok, undone.output
    assert "brings it back until 20" in flat(undone.output)
    assert phase.tenant() == before
    wait(phase, 60)
    back = restore(phase)
    assert back.returncode == 0, back.stdout + back.stderr
    wait(phase, 60)
    again = phase.up("--skip-preview")
    assert again.ok, again.output
    assert phase.preview(expect_no_changes=True).ok
    assert phase.tenant() == before_undo
    now = {**phase.ids("AppPublication"), **phase.ids("AppOwner")}
    assert now == ids
    assert {a["name"] for a in made["apps"]} == {a["name"] for a in before_undo["apps"]}

    # Handed over, an app is theirs: destroy leaves it, with its space and its people.
    phase.plan["spaces"]["Finance"]["handed_over"] = True
    handed = phase.up()
    assert handed.ok, handed.output
    assert phase.preview(expect_no_changes=True).ok
    finance = next(s for s in phase.tenant()["spaces"] if s["name"] == "Finance")
    assert not [a for a in finance["assignments"] if "qlikbot" in a["assignee"]]
    make_sheet(phase, LEDGER)
    wait(phase, 3 * 3600)
    left = phase.tenant()
    count = sum(
        not r.get("outputs", {}).get("handed_over") and "dynamic/qlik:" in r["type"]
        for r in phase.resources()
    )
    gone = phase.project.destroy(env={"QLIFT_ALLOW_DELETES": str(count - 1)})
    assert gone.ok, gone.output
    assert "is handed over; it stays in the tenant" in flat(gone.output)
    after = phase.tenant()
    for kind, kept in (("apps", ("managed Finance", "shared Finance Staging")), ("spaces", ())):
        of_finance = [
            x for x in left[kind] if x.get("space") in kept or x["name"] in ("Finance", "Finance Staging")
        ]
        assert of_finance and [x for x in after[kind] if x not in before[kind]] == of_finance
    assert not phase.resources()


def test_a_job_is_taken_back_with_what_depends_on_it(phase: Phase) -> None:
    small(phase)
    assert phase.up("--skip-preview").ok
    wanted = phase.tenant()
    wait(phase, 3 * 3600)
    make_sheet(phase, PIPELINE)
    changed = phase.tenant()
    for job, held in (("schedules", "ReloadSchedule"), ("apps", "App")):
        targets = [a for urn in closure(phase, job) for a in ("--target", urn)]
        count = sum("dynamic/qlik:" in t and "DeleteGuard" not in t for t in targets)
        allowed = {"QLIFT_ALLOW_DELETES": str(count)}
        if job == "apps":
            refused = phase.project.destroy(*targets, env=allowed)
            assert not refused.ok and f"{WORD}=1" in refused.output, refused.output
            assert phase.tenant()["apps"] == [{**a, "tasks": []} for a in changed["apps"]]
            allowed[WORD] = "1"
        done = phase.project.destroy(*targets, env=allowed)
        assert done.ok, done.output
        assert not phase.ids(held) and phase.ids("Space")
    again = phase.up("--skip-preview")
    assert again.ok, again.output
    assert phase.tenant() == wanted
    assert phase.preview(expect_no_changes=True).ok
