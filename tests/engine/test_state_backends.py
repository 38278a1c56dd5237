"""The same life of a stack, wherever its state is kept: killed, recovered as documented, destroyed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from tests.crash_matrix.compact import PLAN, SAMPLE
from tests.support.backends import BACKENDS, PASSWORD, SECRET_KEY
from tests.support.phase import Phase
from tests.support.planted import found_below, found_in

pytestmark = pytest.mark.engine

IN_THE_MIDDLE = {"method": "POST", "path": "/api/v1/apps/import", "nth": 3, "when": "after"}


@pytest.fixture(scope="module")
def undisturbed(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with Simulator(sample=SAMPLE) as simulator:
        phase = _exported(Phase(engine, simulator, tmp_path_factory.mktemp("undisturbed")))
        up = phase.up("--skip-preview")
        assert up.ok, up.output
        yield phase.tenant()


@pytest.mark.parametrize("backend", BACKENDS)
def test_life_of_a_stack(engine: Engine, tmp_path: Path, undisturbed: Any, backend: str) -> None:
    with BACKENDS[backend]() as env, Simulator(sample=SAMPLE) as simulator:
        phase = _exported(
            Phase(engine, simulator, tmp_path, env=env | {"PULUMI_HOME": str(tmp_path / "home")})
        )
        before = phase.tenant()
        _killed_in_the_middle(phase)
        assert phase.tenant() not in (before, undisturbed)

        # Nobody writes beside a run that may still be going on.
        refused = phase.up("--skip-preview")
        assert not refused.ok and "currently locked by 1 lock" in refused.output

        # docs/recovery.md, word for word.
        assert phase.project.cancel().ok
        up = phase.up("--skip-preview")
        assert up.ok, up.output
        refreshed = phase.project.refresh("--clear-pending-creates")
        assert refreshed.ok, refreshed.output
        assert phase.tenant() == undisturbed
        second = phase.up("--skip-preview", "--expect-no-changes")
        assert second.ok, second.output

        destroyed = phase.destroy()
        assert destroyed.ok, destroyed.output
        assert phase.tenant() == before

        # What opens the place itself is not left anywhere either.
        secrets = {"password": PASSWORD, "secret key": SECRET_KEY}
        said = "".join(run.output for run in (refused, up, refreshed, second, destroyed))
        assert found_below(tmp_path, secrets) == [] and found_in(said.encode(), secrets) == set()


def _exported(phase: Phase) -> Phase:
    phase.plan |= PLAN
    phase.export()
    phase.write_plan()
    return phase


def _killed_in_the_middle(phase: Phase) -> None:
    """Engine, program and providers at once, as a lost machine would end them."""
    running = phase.project.start("up", "--yes", "--skip-preview")
    phase.control("POST", "faults", {**IN_THE_MIDDLE, "action": f"killsession:{running.pid}"})
    running.communicate(timeout=120)
    assert running.returncode == -9
    phase.control("DELETE", "faults")
