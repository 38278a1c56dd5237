"""Reload tasks that ctrl-q exported from real sites: each becomes a schedule, or its reason is told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from qlift.bundle.models import CompositeEvent, SchemaEvent
from qlift.derivation.desired import Desired
from tests.derivation import ctrl_q
from tests.derivation.site import derived

DOCUMENT = Path(__file__).parents[2] / "docs" / "schedules.md"
TABLES = list(ctrl_q.tables())
absent = pytest.mark.skipif(
    not TABLES, reason=f"no real tasks: {ctrl_q.REAL} is absent (set QLIFT_REAL_DATA)"
)


@absent
@pytest.mark.parametrize(("name", "rows"), TABLES, ids=[name for name, _ in TABLES])
def test_every_task_and_trigger_of_a_table_is_accounted_for(
    tmp_path: Path, name: str, rows: ctrl_q.Rows
) -> None:
    found = ctrl_q.accounted(name, rows, tmp_path)
    for row in found:
        assert row.rules or row.notes, f"{row.task} / {row.trigger}: no word of it"
        assert (row.becomes in ("created", "created disabled")) is bool(row.rules)
    _, listed = ctrl_q.site(name, rows)
    assert {row.task_id for row in found} == listed
    assert len(listed) == sum(bool(r["Task type"]) for r in rows)
    # The lines of the table itself, counted without the code that reads them.
    assert Counter(r.kind for r in found if r.trigger) == Counter(
        {"Schema": "time", "Composite": "chain"}[r["Event type"]] for r in rows if r["Event type"]
    )


@absent
def test_the_table_in_the_documentation_is_that_of_today(tmp_path: Path) -> None:
    """`python -m tests.derivation.ctrl_q` prints it."""
    _, _, section = DOCUMENT.read_text(encoding="utf-8").partition("## Real tasks\n")
    _, _, table = section.partition("\n### ")
    assert f"### {table}".rstrip() == ctrl_q.section(tmp_path).rstrip()


@absent
def test_real_tasks_derive_or_are_reported(tmp_path: Path) -> None:
    name, rows = next((n, r) for n, r in TABLES if n == "ctrl-q-tasks-7.csv")
    site, _ = ctrl_q.site(name, rows)
    bundle = site.write(tmp_path / "b")
    desired: Desired = derived(tmp_path, bundle)
    assert bundle.reload_tasks and bundle.schema_events and bundle.composite_events
    wanted = {s.source.id for s in desired.schedules}
    said = {f.object: f for f in desired.findings}
    tasks = {t.id: t for t in bundle.reload_tasks}
    triggers: list[SchemaEvent | CompositeEvent] = [*bundle.schema_events, *bundle.composite_events]
    for event in triggers:
        task = tasks.get(event.reload_task.id) if event.reload_task else None
        if event.id in wanted:
            continue
        names = {event.name} if task is None else {f"{task.name} / {event.name}", task.name}
        reasons = [said[n] for n in names if n in said]
        assert reasons, f"{event.name} of {task.name if task else 'another kind of task'}: no word of it"
        assert all(f.message and f.remedy for f in reasons)
    assert wanted, "some of them are plain daily and weekly schedules"
    assert {s.timezone for s in desired.schedules if s.recurrence} == {"Europe/Paris"}
