"""`make demo` and `make demo-undo`: the commands behind them, in a copy of the project."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from qlift.simulator.tenant.world import APP, SPACE
from tests.support.project import Clone, clone_project

pytestmark = pytest.mark.engine

STATE = Path(".qlift", "demo", "simulator")
OTHERS = {"Board papers", "Board figures", "Private notes"}
"""What the tenant holds before anybody migrates into it."""


def said(clone: Clone, command: str) -> str:
    # Wide, so that no line of what it says is folded.
    done = subprocess.run(
        ["qlift", "demo", command],
        cwd=clone.folder,
        env={**clone.env, "COLUMNS": "300"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def names_in_tenant(clone: Clone) -> set[str]:
    """Of spaces and apps, looked up in what the simulator kept."""
    with Simulator(clone.folder / STATE) as simulator:
        return {str(thing["name"]) for kind in (SPACE, APP) for thing in simulator.store.all(kind)}


def test_the_demo_migrates_and_takes_everything_back(engine: Engine, tmp_path: Path) -> None:
    clone = clone_project(engine, tmp_path)
    up = said(clone, "up")
    first, again, summary = re.split("5. Once more: nothing to do|Created in the simulated tenant: ", up)
    assert re.search(r"\+ \d+ created", first)
    assert "pulumi up -s demo --yes --skip-preview --expect-no-changes" in again
    assert re.search(r"^ +\d+ unchanged$", again, re.MULTILINE)
    assert not re.search(r"\d+ (created|updated|deleted|replaced)", again)
    assert re.match(r"\d\d objects", summary) and re.search(r"Finance +│ managed", summary)
    assert "Not migrated, or worth a look" in summary and "What to try next" in summary
    assert names_in_tenant(clone) > {*OTHERS, "Finance"}

    down = said(clone, "down")
    assert down.rstrip().endswith("The tenant is as it was before. Nothing of the demo is left in it.")
    assert names_in_tenant(clone) == OTHERS
    folder = clone.folder / ".qlift" / "demo"
    assert not (folder / "tenant-before.json").exists()
