"""The table for people: a row for each task and trigger of a site."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from qlift.derivation.desired import Severity
from qlift.derivation.schedules import ScheduleRow, schedule_rows
from tests.derivation.site import SiteBuilder, guid, small_site

TODAY = date(2026, 11, 24)


def rows(tmp_path: Path, site: SiteBuilder, **more: Any) -> dict[str, ScheduleRow]:
    """By task and trigger."""
    found = schedule_rows(site.write(tmp_path / "b"), TODAY, **more)
    return {f"{r.task} / {r.trigger}" if r.trigger else r.task: r for r in found}


def test_a_time_trigger(tmp_path: Path) -> None:
    site, _, _, app = small_site()
    filter_ = ["* * - 1,3 1 * * *"]
    site.timed(site.task(app), schemaFilterDescription=filter_, timeZone="Europe/Berlin")
    row = rows(tmp_path, site, runs=2)["Reload / Daily"]
    assert (row.kind, row.becomes, row.enabled, row.app) == ("time", "created", True, "Ledger")
    assert (row.says, row.rules) == ("on Monday, Wednesday", ("RRULE:FREQ=WEEKLY;BYDAY=MO,WE",))
    assert (row.zone, row.next_runs) == ("Europe/Berlin", ("2026-11-25T05:30", "2026-11-30T05:30"))
    assert (row.notes, row.codes, row.severity) == ((), (), None)
    with pytest.raises(ValidationError):
        row.says = "never"  # type: ignore[misc]


def test_a_chain(tmp_path: Path) -> None:
    site, _, _, app = small_site()
    first, second = site.task(app, "First"), site.task(app, "Second")
    site.timed(first)
    site.chained(second, first, state=2)
    row = rows(tmp_path, site)["Second / After"]
    assert (row.kind, row.says, row.rules) == ("chain", "after `First` failed", ("after First failed",))
    assert (row.becomes, row.next_runs) == ("created", ())


@pytest.mark.parametrize(
    ("event", "becomes", "severity", "word"),
    [
        ({"enabled": False}, "created disabled", None, ""),
        (
            {"incrementOption": 0, "incrementDescription": "2 0 0 0"},
            "created disabled", Severity.WARNING, "two readings",
        ),
        ({"timeZone": "Nowhere"}, "nothing", Severity.WARNING, "Nowhere"),
        ({"incrementDescription": "0 0 0 0", "incrementOption": 0}, "nothing", Severity.INFO, "ran once"),
    ],
)  # fmt: skip
def test_what_happens_or_why_not(
    tmp_path: Path, event: dict[str, Any], becomes: str, severity: Severity | None, word: str
) -> None:
    site, _, _, app = small_site()
    site.timed(site.task(app), **event)
    row = rows(tmp_path, site)["Reload / Daily"]
    assert (row.becomes, row.severity) == (becomes, severity)
    assert word in " ".join(row.notes)


def test_what_is_about_the_task_stands_in_its_rows(tmp_path: Path) -> None:
    site, _, _, app = small_site()
    slow = {"lastExecutionResult": {"status": 7, "duration": 4 * 3_600_000}}
    site.timed(site.task(app, "Slow", operational=slow, maxRetries=2))
    site.task(app, "Lonely")
    site.task(app, "Now", isManuallyTriggered=True)
    found = rows(tmp_path, site)
    assert found["Slow / Daily"].codes == ("TASK-RETRIES", "TASK-TOO-LONG")
    assert found["Slow / Daily"].severity == Severity.ERROR
    assert (found["Lonely"].becomes, found["Lonely"].codes) == ("nothing", ("TASK-WITHOUT-TRIGGER",))
    assert found["Now"].codes == ("TASK-MANUAL",)


def test_an_app_with_too_many(tmp_path: Path) -> None:
    site, _, _, app = small_site()
    task = site.task(app)
    for n in range(12):
        site.timed(task, name=f"E{n:02}", startDate=f"2026-01-05T{n:02}:{n // 2:02}:00")
    found = rows(tmp_path, site)
    assert len(found) == 12
    kinds = [r.becomes for r in found.values()]
    assert kinds.count("merged") == 2 and "TASKS-PER-APP" not in {c for r in found.values() for c in r.codes}
    for n in range(12, 17):
        site.timed(task, name=f"E{n}", startDate=f"2026-01-05T{n:02}:{n:02}:00", timeZone="Asia/Tokyo")
    over = rows(tmp_path, site)
    assert [r.becomes for r in over.values()].count("merged") == 6, "six pairs, and five that stay alone"
    assert all("TASKS-PER-APP" in r.codes and r.severity == Severity.ERROR for r in over.values())


def test_tasks_that_the_tenant_has_not(tmp_path: Path) -> None:
    site, _, _, app = small_site()
    program = {"id": guid("x"), "name": "run.ps1", "enabled": False}
    idle = {"id": guid("y"), "name": "idle.ps1"}
    sync = {"id": guid("z"), "name": "Sync CORP"}
    site.kinds["externalprogramtask"] = [program, idle]
    site.kinds["usersynctask"] = [sync]
    event = site.timed(site.task(app))
    event |= {"reloadTask": None, "externalProgramTask": {"id": program["id"], "name": "run.ps1"}}
    found = rows(tmp_path, site)
    assert {k: (r.becomes, r.enabled) for k, r in found.items()} == {
        "run.ps1 / Daily": ("nothing", False),
        "idle.ps1": ("nothing", True),
        "Sync CORP": ("nothing", True),
        "Reload": ("nothing", True),
    }
    assert "user directory sync" in found["Sync CORP"].notes[0]


def test_rows_are_sorted_and_the_same_each_time(tmp_path: Path) -> None:
    site, _, _, app = small_site()
    for name in ("b", "A", "c"):
        site.timed(site.task(app, name))
    bundle = site.write(tmp_path / "b")
    found = schedule_rows(bundle, TODAY)
    assert [r.task for r in found] == ["A", "b", "c"] and found == schedule_rows(bundle, TODAY)
