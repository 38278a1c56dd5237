"""Whole runs under the tenant's limits, scaled down in time."""

from __future__ import annotations

from pathlib import Path

import pytest

from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from tests.crash_matrix.compact import PLAN, SAMPLE
from tests.support.phase import Phase

pytestmark = pytest.mark.engine


def test_a_run_waits_for_the_limit_says_so_and_meets_no_429(engine: Engine, tmp_path: Path) -> None:
    with Simulator(sample=SAMPLE) as simulator:
        phase = Phase(engine, simulator, tmp_path)
        phase.plan |= PLAN
        phase.export()
        # 30 writes in any six seconds; the compact phase needs about 50, its uploads not counted.
        phase.control("PATCH", "switches", {"tier2_per_minute": 300, "limit_window_seconds": 6})
        phase.set_target(limits={"writes": 300, "window_seconds": 6})
        up = phase.up("--skip-preview")
        assert up.ok, up.output
        assert "s for the tenant's limit of writes" in up.output and "objects done" in up.output
        assert not [r for r in phase.control("GET", "requests") if r["status"] == 429]


def test_a_429_is_waited_for_as_told(engine: Engine, tmp_path: Path) -> None:
    """Somebody else uses the same identity: the limiter of this process cannot know."""
    with Simulator(sample=SAMPLE) as simulator:
        phase = Phase(engine, simulator, tmp_path)
        phase.plan |= PLAN
        phase.export()
        phase.control("PATCH", "switches", {"tier2_per_minute": 300, "limit_window_seconds": 6})
        up = phase.up("--skip-preview")
        assert up.ok, up.output
        refused = [r for r in phase.control("GET", "requests") if r["status"] == 429]
        assert 0 < len(refused) <= 12, refused
        assert "s for the tenant's limit of writes" in up.output
