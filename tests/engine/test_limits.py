"""Whole runs under the tenant's limits, scaled down in time."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest

from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from tests.crash_matrix.compact import PLAN, SAMPLE
from tests.support.phase import Phase

pytestmark = pytest.mark.engine


def limited(phase: Phase, *, writes: int, window: int) -> None:
    """The compact phase on a tenant that takes so many writes a minute, over a window of seconds."""
    phase.plan |= PLAN
    phase.export()
    phase.control("PATCH", "switches", {"tier2_per_minute": writes, "limit_window_seconds": window})


def test_a_run_waits_for_the_limit_says_so_and_meets_no_429(engine: Engine, tmp_path: Path) -> None:
    with Simulator(sample=SAMPLE) as simulator:
        phase = Phase(engine, simulator, tmp_path)
        # 30 writes in any six seconds; the compact phase needs about 50, its uploads not counted.
        limited(phase, writes=300, window=6)
        phase.set_target(limits={"writes": 300, "window_seconds": 6})
        up = phase.up("--skip-preview")
        assert up.ok, up.output
        assert "s for the tenant's limit of writes" in up.output
        told = [(int(a), int(b)) for a, b in re.findall(r"(\d+) of (\d+) objects done", up.output)]
        assert told == sorted(told) and 0 < told[-1][0] <= told[-1][1], told
        # The components and the guard are no objects; what the engine has not asked about yet is not known.
        assert told[-1][1] <= len([r for r in phase.resources() if r.get("custom")]), told
        assert not [r for r in phase.control("GET", "requests") if r["status"] == 429]


def test_a_429_is_waited_for_as_told(engine: Engine, tmp_path: Path) -> None:
    """Somebody else uses the same identity: the limiter of this process cannot know."""
    with Simulator(sample=SAMPLE) as simulator:
        phase = Phase(engine, simulator, tmp_path)
        limited(phase, writes=300, window=6)
        up = phase.up("--skip-preview")
        assert up.ok, up.output
        refused = [r for r in phase.control("GET", "requests") if r["status"] == 429]
        assert 0 < len(refused) <= 12, refused
        assert "s for the tenant's limit of writes" in up.output


UPLOAD = "/api/v1/temp-contents"
"""A tier of its own."""


def writes(phase: Phase) -> list[dict[str, Any]]:
    """What the tenant counts as a write, in the order of its answers; who signs in is nobody yet."""
    asked = [r for r in phase.control("GET", "requests") if r["side"] == "tenant" and r["client"]]
    return [r for r in asked if r["method"] != "GET" and not r["path"].startswith(UPLOAD)]


def test_a_run_uses_the_bursts_and_ends_within_five_percent_of_the_floor(
    engine: Engine, tmp_path: Path
) -> None:
    """A window's worth at once, then nothing until it is over: nobody gets more writes taken in that time."""
    in_a_window, window = 14, 20
    with Simulator(sample=SAMPLE) as simulator:
        phase = Phase(engine, simulator, tmp_path)
        a_minute = in_a_window * 60 // window
        limited(phase, writes=a_minute, window=window)
        phase.set_target(limits={"writes": a_minute, "window_seconds": window})
        phase.control("DELETE", "requests")
        up = phase.up("--skip-preview")
        assert up.ok, up.output
        asked = writes(phase)
        assert not [r for r in asked if r["status"] == 429]
        floor = (math.ceil(len(asked) / in_a_window) - 1) * window
        seconds = asked[-1]["at"] - asked[0]["at"]
        assert floor >= 2 * window and seconds <= floor * 1.05, (len(asked), floor, seconds)
