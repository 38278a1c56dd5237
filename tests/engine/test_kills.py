"""The engine alone is killed in the middle, then the documented recovery: nothing twice, nothing missing.

Its provider processes live on for a moment, and must not go on writing. What a lost machine leaves is the
crash matrix's work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from tests.support.phase import Phase

pytestmark = pytest.mark.engine

POINTS = {
    "a space made": ("POST", "/api/v1/spaces$", 4),
    "an app imported": ("POST", "/api/v1/apps/import", 5),
    "an object given away": ("POST", "actions/change-owner", 3),
    "an app published": ("POST", "/publish", 2),
    "a task made": ("POST", "/api/scheduling/tasks", 2),
}


@pytest.fixture(scope="module")
def undisturbed(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with Simulator() as simulator:
        phase = Phase(engine, simulator, tmp_path_factory.mktemp("undisturbed"))
        phase.export()
        up = phase.up("--skip-preview")
        assert up.ok, up.output
        yield phase.tenant()


@pytest.mark.parametrize("checkpoints", [True, False], ids=["checkpoints", "skip-checkpoints"])
@pytest.mark.parametrize("point", POINTS)
def test_recovery_after_a_kill(
    engine: Engine,
    tmp_path: Path,
    undisturbed: Any,
    point: str,
    checkpoints: bool,
) -> None:
    with Simulator() as simulator:
        phase = Phase(engine, simulator, tmp_path)
        phase.export()
        phase.write_plan()
        env = {} if checkpoints else {"PULUMI_SKIP_CHECKPOINTS": "true"}
        running = phase.project.start("up", "--yes", "--skip-preview", env=env)
        method, path, nth = POINTS[point]
        fault = {"method": method, "path": path, "nth": nth, "when": "after", "action": f"kill:{running.pid}"}
        phase.control("POST", "faults", fault)
        assert running.stdout is not None
        running.wait(timeout=120)
        running.stdout.close()
        assert running.returncode == -9
        assert phase.tenant() != undisturbed

        assert phase.project.cancel().ok
        if point == "an app published" and not checkpoints:
            _what_another_plan_would_leave_is_named(phase)
        up = phase.up("--skip-preview", env=env)
        assert up.ok, up.output
        assert phase.project.refresh("--clear-pending-creates").ok
        assert phase.tenant() == undisturbed
        assert phase.preview(expect_no_changes=True).ok


def _what_another_plan_would_leave_is_named(phase: Phase) -> None:
    """The state holds nothing of the killed run."""
    planned, before = phase.plan, phase.tenant()
    phase.plan = {**planned, "select": {"streams": ["Finance"]}, "spaces": {}}
    phase.plan["spaces"]["Finance"] = planned["spaces"]["Finance"]
    preview = phase.preview()
    assert preview.ok, preview.output
    assert re.search(r"in neither the state nor the plan, and yet .*; space \"HR\" \(", preview.output)
    assert 'space "Finance" (' not in preview.output
    assert phase.tenant() == before
    phase.plan = planned
