"""Whatever ends a destroy, each app that is gone stands in the log, once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from providers.base import Refusal
from providers.session import session
from qlift.cloud.errors import CloudError
from qlift.cloud.log import VARIABLE
from qlift.cloud.log_files import deleted_apps, gone_apps, undone_apps
from qlift.cloud.recovery import restore_app
from qlift.simulator import Fault, Switches
from tests.faults.life import allowed, program, tenant
from tests.faults.plans import AppPlan, Plan, SpacePlan
from tests.faults.tenant import Kill, Killed
from tests.support.engine_model import EngineModel

PLAN = Plan(
    SpacePlan(),
    fin=SpacePlan(),
    budget=AppPlan(published="copy"),
    notes=AppPlan(owner="ben"),
    diary=AppPlan(owner="cleo"),
)
DAY = 86_400.0


class Undo:
    def __init__(self, log: Path | None) -> None:
        """`log` None: in the project's folder, where later runs find it."""
        if log is not None:
            log.unlink(missing_ok=True)
        tenant.reset(Switches())
        self.engine = EngineModel(tenant.begin, (Refusal,), of=(Refusal, CloudError))
        self.engine.up(program(PLAN), random.Random(0))
        self.ids = sorted(r.id for r in self.engine.state if r.key[0] in ("App", "AppPublication"))
        tenant.world.clock.advance(DAY)
        tenant.log = log

    def destroy(self) -> list[str]:
        with allowed(self.engine, []):
            return self.engine.destroy(random.Random(0)).failures

    def destroy_and_lose_the_state(self, kill: Kill) -> None:
        """Killed without checkpoints; past the last write it ends, and so does its state."""
        known = list(self.engine.state)
        try:
            with tenant.disturbed(kill=kill):
                self.destroy()
        except Killed:
            self.engine.state = known

    def gone(self) -> list[str]:
        return [i for i in self.ids if tenant.world.app(i) is None]


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where later runs find it too."""
    path = tmp_path / "log.jsonl"
    monkeypatch.setenv(VARIABLE, str(path))
    return path


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("checkpoints", [False, True])
def test_a_destroy_that_is_killed_at_any_write(log: Path, after: bool, checkpoints: bool) -> None:
    kills = 0
    for write in range(1, 30):
        undo = Undo(log)
        known = list(undo.engine.state)
        try:
            with tenant.disturbed(kill=Kill(write, after)):
                assert undo.destroy() == []
            # Where nothing ends it, each delete is confirmed, with the tenant's word on how long it is kept.
            assert [e.app for e in deleted_apps([log], "demo") if e.announced] == []
            break
        except Killed:
            kills += 1
        if not checkpoints:
            undo.engine.state = known
        told = deleted_apps([log], "demo") if log.exists() else []
        # One may have been announced that is there still.
        assert {*undo.gone()} <= {e.app for e in told}
        assert {e.app for e in told if not e.announced} <= {*undo.gone()}
        assert undo.destroy() == []
        assert sorted(e.app for e in undone_apps(deleted_apps([log], "demo"))) == undo.ids == undo.gone()
    assert kills > 5


@pytest.mark.parametrize("after", [False, True])
def test_the_log_says_which_apps_are_gone(log: Path, after: bool) -> None:
    """Not one that a killed destroy was about to delete, or that was restored, and that an `up` met since."""
    for write in range(1, 30):
        undo = Undo(log)
        undo.destroy_and_lose_the_state(Kill(write, after))
        gone = undo.gone()
        told = gone_apps([log], "demo") if log.exists() else set()
        assert set(gone) <= told, write
        assert len(told) - len(gone) <= 1, write
        tenant.begin()
        for app_id in gone:
            restore_app(session().tenant, app_id, "")
        if log.exists():
            assert len(gone_apps([log], "demo")) == len(told) - len(gone), write
        tenant.world.clock.advance(DAY)
        assert undo.engine.up(program(PLAN), random.Random(0)).failures == []
        # One that was only announced and is nobody's but the tool's was not written since: it cannot be out
        # of reach. What is, in its owner's space, had to be given to its owner again.
        away = {a["id"] for a in tenant.world.apps() if not a["spaceId"]}
        if log.exists():
            assert away & gone_apps([log], "demo") == set(), write


@pytest.mark.parametrize("after", [False, True])
def test_a_killed_destroy_whose_state_was_lost_ends_after_a_refresh(after: bool) -> None:
    """The refresh finds out what is gone, a personal app and its owner among it."""
    for write in range(1, 30):
        undo = Undo(None)
        undo.destroy_and_lose_the_state(Kill(write, after))
        tenant.world.clock.advance(400.0)
        assert undo.engine.refresh(random.Random(0)).failures == []
        for id_ in undo.gone():
            assert [r.key for r in undo.engine.state if r.id == id_] == []
        assert undo.destroy() == []
        assert undo.engine.state == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("action", ["status:500", "status:503", "drop", "html"])
def test_an_answer_to_a_delete_that_is_lost(log: Path, when: str, action: str) -> None:
    for nth in (1, 2, 3):
        undo = Undo(log)
        fault = {"method": "DELETE", "path": "/api/v1/apps/[^/]*$", "nth": nth, "when": when}
        with tenant.disturbed(Fault.model_validate({**fault, "action": action})):
            undo.destroy()
        assert undo.destroy() == []
        told = deleted_apps([log], "demo")
        assert sorted(e.app for e in undone_apps(told)) == undo.ids == undo.gone()
