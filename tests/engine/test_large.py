"""A phase of more than 1,200 objects of all kinds in one stack: past the SDK's recursion limit (980)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from qlift.simulator.site import SampleOptions
from tests.support.phase import Phase

pytestmark = pytest.mark.engine

LARGE = SampleOptions(
    streams=48,
    apps=290,
    personal=24,
    users=180,
    groups=24,
    reload_tasks=190,
    connections=10,
    app_bytes=2048,
)


SLOW = "- {code: TASK-TOO-LONG, object: Reload Returns (98), owner: a test, until: 2099-12-31}\n"


@pytest.fixture
def large(engine: Engine, tmp_path: Path) -> Iterator[Phase]:
    with Simulator(sample=LARGE) as simulator:
        phase = Phase(engine, simulator, tmp_path)
        phase.export()
        phase.plan |= {"select": {"streams": "all", "personal": True}, "spaces_rule": {"type": "managed"}}
        waivers = phase.folder / "stacks" / "demo" / "waivers.yaml"
        waivers.write_text(waivers.read_text(encoding="utf-8") + SLOW, encoding="utf-8")
        # Limits are for the tests that are about them: 1,800 writes would take a quarter of an hour.
        phase.control("PATCH", "switches", {"rate_limits": False})
        phase.set_target(limits={"reads": 600_000, "writes": 600_000, "uploads": 600_000})
        yield phase


@pytest.mark.parametrize("checkpoints", [True, False], ids=["checkpoints", "skip-checkpoints"])
def test_twelve_hundred_objects_of_all_kinds(large: Phase, checkpoints: bool) -> None:
    env = {} if checkpoints else {"PULUMI_SKIP_CHECKPOINTS": "true"}
    up = large.up("--skip-preview", env=env)
    assert up.ok, up.output
    assert sum("dynamic/qlik" in r["type"] for r in large.resources()) > 1200
    assert len(large.ids("App")) == LARGE.apps
    unchanged = large.preview(expect_no_changes=True, env=env)
    assert unchanged.ok, unchanged.output
