"""Adoption on the real engine: reviewed, killed in the middle, refreshed, updated, undone, killed again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qlift.derivation.desired import Desired
from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from tests.crash_matrix.compact import PLAN, SAMPLE
from tests.support.people_first import (
    EVERYTHING,
    SPACES,
    Tenancy,
    adoptable,
    make_what_people_have,
    without_what_tells_nothing,
)
from tests.support.phase import Phase

pytestmark = pytest.mark.engine

GROUP = "BI-Finance-Readers"


class Adopting:
    def __init__(self, phase: Phase) -> None:
        self.phase = phase
        phase.plan |= {**PLAN, "spaces": {k: dict(v) for k, v in SPACES.items()}, "adopt": dict(EVERYTHING)}
        tenant = phase.ends["tenant"]
        self.people = Tenancy(tenant["url"], tenant["api_key"])
        phase.write_plan()
        # Which app that is: `qlift phase show` says it, and exits with what has to be adopted.
        shown = self.phase.qlift("phase", "show", "demo", "--target", "test", "--json")
        app, schedule = adoptable(Desired.model_validate_json(shown.stdout))
        self.ids = make_what_people_have(self.people, app, schedule, GROUP)
        phase.control("POST", "clock", {"advance": 300})

    def tenant(self) -> Any:
        return without_what_tells_nothing(self.phase.tenant(ids=True))

    def killed(self, method: str, path: str, *command: str, env: dict[str, str] | None = None) -> None:
        """The engine, right after the tenant has done that."""
        running = self.phase.project.start(*command, env=env)
        fault = {"method": method, "path": path, "when": "after", "action": f"kill:{running.pid}"}
        self.phase.control("POST", "faults", fault)
        assert running.stdout is not None
        running.wait(timeout=120)
        running.stdout.close()
        assert running.returncode == -9
        assert self.phase.project.cancel().ok


@pytest.fixture
def adopting(engine: Engine, tmp_path: Path) -> Iterator[Adopting]:
    with Simulator(sample=SAMPLE) as simulator:
        phase = Phase(engine, simulator, tmp_path)
        phase.export()
        yield Adopting(phase)


def test_what_people_had_comes_back_whatever_happens_between(adopting: Adopting) -> None:
    phase, ids = adopting.phase, adopting.ids
    before = adopting.tenant()
    refused = phase.preview()
    assert not refused.ok and "qlift adopt" in refused.output and "ADOPTED-MISSING" in refused.output
    # The review writes them down, and nothing may be applied before a person has read and committed them.
    done = adopting.phase.qlift("review", "demo", "--save-plan")
    assert done.returncode == 1, done.stderr
    assert "now stand in stacks/demo/adopted.yaml with the former values" in done.stdout
    written = (phase.folder / "stacks" / "demo" / "adopted.yaml").read_bytes()
    done = adopting.phase.qlift("review", "demo", "--save-plan")
    assert done.returncode == 0 and adopting.tenant() == before, done.stdout
    reviewed = phase.folder / "reports" / "demo"
    assert (reviewed / "plan.json").exists()
    told = (reviewed / "review.md").read_text(encoding="utf-8")
    assert '| `space "Finance"` | description: `Ours since 2019 second line` → `Reports` |' in told
    assert '| `space "Sales Lab"` | stays as it is |' in told and "space\\_id" not in told
    assert (phase.folder / "stacks" / "demo" / "adopted.yaml").read_bytes() == written

    adopting.people.change_space(ids["finance"], description="Changed since the review")
    spoiled = adopting.tenant()
    for result in (phase.preview(), phase.up()):
        flat = " ".join(result.output.split())
        assert not result.ok and "its description is 'Changed since the review' in the tenant" in flat
        assert "Traceback" not in result.output and adopting.tenant() == spoiled
    adopting.people.change_space(ids["finance"], description="Ours since 2019\nsecond line")
    assert adopting.tenant() == before

    adopting.killed("PUT", f"/api/v1/apps/{ids['app']}$", "up", "--yes", "--skip-preview")
    up = phase.up("--skip-preview")
    assert up.ok, up.output
    assert phase.project.refresh("--clear-pending-creates").ok
    assert phase.preview(expect_no_changes=True).ok
    assert phase.ids("Space")["finance"] == ids["finance"] and ids["app"] in phase.ids("App").values()

    # Drift, a refresh, and two versions of the plan.
    adopting.people.change_space(ids["finance"], description="By hand")
    assert phase.project.refresh().ok
    phase.plan["spaces"]["Finance"] |= {"description": "Newer", "owner": "ACME\\tilda.horvat"}
    assert phase.up("--skip-preview").ok
    phase.plan["schedules"] = {"enabled": False}
    phase.plan["spaces"]["Finance"] |= {"name": "Finance Europe"}
    assert phase.up("--skip-preview").ok
    assert phase.project.refresh("--expect-no-changes").ok
    assert phase.preview(expect_no_changes=True).ok

    destroying = ("destroy", "--yes", "--skip-preview")
    adopting.killed("PUT", f"/api/v1/apps/{ids['app']}/owner", *destroying, env=phase.allowed_deletes())
    destroy = phase.destroy()
    assert destroy.ok, destroy.output
    assert adopting.tenant() == before
