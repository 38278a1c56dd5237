"""Reload tasks that ctrl-q exported from real sites: each becomes a schedule or is reported with a reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qlift.bundle.models import CompositeEvent, SchemaEvent
from qlift.derivation.desired import Desired
from qlift.simulator.site.kinds import (
    APP,
    APP_OBJECT,
    COMPOSITE_EVENT,
    RELOAD_TASK,
    SCHEMA_EVENT,
    STREAM,
    USER,
)
from qlift.simulator.site.real import tasks_from_ctrl_q
from qlift.simulator.store import Store
from tests.derivation.site import SiteBuilder, derived

REAL = Path(os.environ.get("QLIFT_REAL_DATA", Path(__file__).parents[3] / "shared" / "data")) / "qseow"
ALL = {"version": 1, "phase": "real", "sources": [{"site": "prod", "bundle": "b"}]}


@pytest.fixture
def site(tmp_path: Path) -> SiteBuilder:
    """The real tasks, on a small site that has their apps."""
    if not list(REAL.glob("ctrl-q-tasks-*.csv")):
        pytest.skip(f"no real tasks: {REAL} is absent (set QLIFT_REAL_DATA)")
    small = SiteBuilder()
    jane = small.user("CORP\\jane")
    stream = small.stream("Finance", jane)
    store = Store(None)
    for kind, found in ((USER, small.kinds["user"]), (STREAM, small.kinds["stream"])):
        store.put_all(kind.stored, ((raw["id"], raw) for raw in found))
    tasks_from_ctrl_q(store, REAL)
    for document in store.all(APP.stored):
        made = small.app(document["name"], jane, stream, id=document["id"])
        small.objects[made["id"]] = [o for o in store.all(APP_OBJECT.stored) if o["app"]["id"] == made["id"]]
    for kind in (RELOAD_TASK, SCHEMA_EVENT, COMPOSITE_EVENT):
        small.kinds[kind.path] = store.all(kind.stored)
    store.close()
    return small


def test_real_tasks_derive_or_are_reported(tmp_path: Path, site: SiteBuilder) -> None:
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
