"""A second app or publication, which a killed run left, goes, unless people changed it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from qlift.cloud.log_files import Told, deleted_apps, undone_apps
from qlift.simulator import Fault
from qlift.simulator.tenant.apps import save
from qlift.simulator.tenant.items import reloaded
from qlift.simulator.tenant.world import APP
from tests.faults.life import program, tenant
from tests.faults.people import schedule, share
from tests.faults.plans import AppPlan, Plan, SpacePlan
from tests.faults.test_strays import Life

SPACES = Plan(SpacePlan(), fin=SpacePlan())
COPIED = Plan(SpacePlan(), fin=SpacePlan(), budget=AppPlan(published="copy", schedules=1))
MOVED = Plan(SpacePlan(), fin=SpacePlan(), ledger=AppPlan(published="move"))
STAGED = Plan(SpacePlan(), fin=SpacePlan(), notes=AppPlan())
IMPORTED_AT, PUBLISHED_AT, SCHEDULED_AT, COPIED_AT, MOVED_AT = 3, 5, 6, 8, 10
"""Writes of a run after the spaces."""
DAY = 86_400.0


class Twins(Life):
    """Killed after a write, run again before the lists know of it: what it made is there twice."""

    def __init__(self, caplog: pytest.LogCaptureFixture, plan: Plan, write: int) -> None:
        super().__init__(caplog, item_lag=120.0)
        self.up(SPACES)
        assert self.killed_up(plan, write)
        self.engine.up(program(plan), random.Random(0))
        held = {r.id for r in self.engine.state}
        made = [a for a in tenant.world.store.all(APP) if a["publishTime"] or a["name"].startswith("[qlift ")]
        [self.twin] = {a["id"] for a in made} - held
        self.others = [i for i in self.unknown() if i != self.twin]
        """Finished apps, which stay."""

    @property
    def is_there(self) -> bool:
        return tenant.world.app(self.twin) is not None

    @property
    def named(self) -> list[str]:
        lines = [m for m in self._caplog.messages if m.startswith("left by a killed run")]
        assert len(lines) < 2
        return re.findall(r"\(([0-9a-f-]{24,36})\)", "".join(lines))


def _sheet(app_id: str) -> None:
    save(tenant.world, tenant.world.store.get(APP, app_id) or {})


def _reload(app_id: str) -> None:
    reloaded(tenant.world, tenant.world.store.get(APP, app_id) or {})


@pytest.mark.parametrize(
    ("plan", "write", "change", "told"),
    [
        (COPIED, PUBLISHED_AT, _sheet, "changed 2026-11-26"),
        (MOVED, MOVED_AT, _sheet, "changed 2026-11-26"),
        (COPIED, PUBLISHED_AT, _reload, "reloaded 2026-11-26"),
        (COPIED, PUBLISHED_AT, schedule, 'schedule "Before the board meets"'),
        (COPIED, PUBLISHED_AT, share, "shared with 1"),
        (STAGED, IMPORTED_AT, _sheet, "changed 2026-11-26"),
    ],
)
def test_one_that_people_changed_stays_and_is_named(
    caplog: pytest.LogCaptureFixture,
    plan: Plan,
    write: int,
    change: Callable[[str], None],
    told: str,
) -> None:
    twins = Twins(caplog, plan, write)
    tenant.world.clock.advance(DAY)
    change(twins.twin)
    for _ in range(2):
        assert twins.preview(plan).changes == []
        assert twins.named == [twins.twin] and told in caplog.text
        assert twins.up(plan).changes == []
        assert twins.named == [twins.twin] and twins.told == twins.others
        assert twins.is_there
    # What the message says to do: it shall stay, and is theirs.
    app = tenant.world.store.get(APP, twins.twin) or {}
    save(tenant.world, app | {"name": "Mine", "description": ""})
    assert twins.up(plan).changes == [] and twins.named == [] and twins.is_there


def test_one_that_people_changed_after_the_run_had_read_it_stays(caplog: pytest.LogCaptureFixture) -> None:
    twins = Twins(caplog, COPIED, PUBLISHED_AT)
    tenant.world.clock.advance(DAY)
    twins.engine.refresh(random.Random(0))
    [row] = [r for r in twins.engine.state if r.outputs.get("left_over")]
    _sheet(twins.twin)
    tenant.begin()
    new = {k: v for k, v in row.inputs.items() if k != "left_over"}
    row.provider.update(row.id, row.outputs, new)
    assert twins.is_there


@pytest.mark.parametrize(
    ("plan", "write", "kind"),
    [
        (COPIED, PUBLISHED_AT, "AppPublication"),
        # A schedule on it is the killed run's own.
        (COPIED, SCHEDULED_AT, "AppPublication"),
        (MOVED, MOVED_AT, "AppPublication"),
        (STAGED, IMPORTED_AT, "App"),
    ],
)
def test_one_that_nobody_changed_goes_and_stands_in_the_log(
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    plan: Plan,
    write: int,
    kind: str,
) -> None:
    twins = Twins(caplog, plan, write)
    tenant.log = tmp_path / "log.jsonl"
    tenant.world.clock.advance(DAY)
    [(changed, _)] = twins.preview(plan).changes
    assert changed == kind and twins.named == [] and twins.told == twins.others
    twins.up(plan)
    assert not twins.is_there and twins.named == [] and twins.told == twins.others
    [gone] = _deleted(tmp_path)
    assert (gone.app, gone.kind, gone.superseded, gone.announced) == (twins.twin, kind, True, False)
    # It is not what an undo would bring back.
    assert undone_apps([gone]) == []
    assert twins.up(plan).changes == []


class HalfDone(Life):
    """Killed before what it imported had its name and its people; the lists know of it in the next run."""

    def __init__(self, caplog: pytest.LogCaptureFixture, plan: Plan, write: int) -> None:
        super().__init__(caplog)
        self.up(SPACES)
        assert self.killed_up(plan, write)
        [self.copy] = [a["id"] for a in tenant.world.store.all(APP) if a["name"].startswith("[qlift ")]

    @property
    def is_there(self) -> bool:
        return tenant.world.app(self.copy) is not None


HALF_DONE = [(STAGED, IMPORTED_AT, "App"), (MOVED, COPIED_AT, "AppPublication")]


@pytest.mark.parametrize(("plan", "write", "kind"), HALF_DONE)
@pytest.mark.parametrize("change", [_sheet, share])
def test_a_half_done_copy_that_people_changed_stays_when_the_next_run_begins_anew(
    caplog: pytest.LogCaptureFixture, plan: Plan, write: int, kind: str, change: Callable[[str], None]
) -> None:
    half_done = HalfDone(caplog, plan, write)
    tenant.world.clock.advance(DAY)
    change(half_done.copy)
    made = half_done.up(plan).changes
    assert kind in {k for k, _ in made} and half_done.is_there
    for _ in range(2):
        assert half_done.up(plan).changes == [] and half_done.is_there
        assert "left by a killed run" in caplog.text and half_done.copy in caplog.text
    assert half_done.unknown() == [half_done.copy]


@pytest.mark.parametrize(("plan", "write"), [half[:2] for half in HALF_DONE])
def test_nor_is_it_taken_for_the_new_one_whose_answer_was_lost(
    caplog: pytest.LogCaptureFixture, plan: Plan, write: int
) -> None:
    half_done = HalfDone(caplog, plan, write)
    tenant.world.clock.advance(DAY)
    _sheet(half_done.copy)
    tenant.disturb((Fault(path="/apps/import", when="after", action="drop"),), None)
    half_done.up(plan)
    assert half_done.is_there and half_done.copy not in {r.id for r in half_done.engine.state}
    assert half_done.unknown() == [half_done.copy]


@pytest.mark.parametrize(("plan", "write", "kind"), HALF_DONE)
def test_a_half_done_copy_that_nobody_changed_goes_and_stands_in_the_log(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, plan: Plan, write: int, kind: str
) -> None:
    half_done = HalfDone(caplog, plan, write)
    tenant.log = tmp_path / "log.jsonl"
    tenant.world.clock.advance(DAY)
    half_done.up(plan)
    assert not half_done.is_there
    [gone] = _deleted(tmp_path)
    assert (gone.app, gone.kind, gone.superseded, gone.announced) == (half_done.copy, kind, True, False)


def _deleted(folder: Path) -> list[Told]:
    return deleted_apps([folder / "log.jsonl"], "demo")
