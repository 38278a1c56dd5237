"""One case: a run is killed at its k-th write as a machine would be lost, recovered as the documents say, and
the tenant compared with an undisturbed run's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from tests.crash_matrix.compact import CHANGED, PLAN, SAMPLE
from tests.support.phase import Phase
from tests.support.project import Result

Scenario = Literal["up", "update", "destroy"]
Position = Literal["before", "after", "answered"]
SCENARIOS: tuple[Scenario, ...] = ("up", "update", "destroy")
POSITIONS: tuple[Position, ...] = ("before", "after", "answered")
"""Before the tenant committed; after it did, the answer lost; when the answer is out, between two writes."""
WRITES = {"method": "POST|PUT|PATCH|DELETE", "path": "^/(?!oauth)"}
"""Everything that changes something in the tenant; signing in does not."""
LONGEST_RUN_SECONDS = 120


@dataclass(frozen=True, order=True)
class Case:
    scenario: Scenario
    write: int
    """Counted from 1."""
    position: Position
    checkpoints: bool

    @property
    def name(self) -> str:
        mode = "checkpoints" if self.checkpoints else "skip-checkpoints"
        return f"{self.scenario}-{self.write}-{self.position}-{mode}"


@dataclass(frozen=True)
class Outcome:
    case: Case
    killed_at: str
    """The request."""
    problem: str
    """Empty: the tenant is as without the kill."""


class Matrix:
    """The starting points of the scenarios, made once in `folder`, and what each ends with undisturbed."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine, self._folder = engine, folder
        self.wanted: dict[Scenario, Any] = {}
        self.writes: dict[Scenario, list[str]] = {}
        """Of the undisturbed run, in their order."""
        with self._at(folder / "up") as phase:
            phase.plan |= PLAN
            phase.export()
            phase.write_plan()
        shutil.copytree(folder / "up", folder / "update")
        with self._at(folder / "update") as phase:
            self._record("up", phase)
        shutil.copytree(folder / "update", folder / "destroy")
        with self._at(folder / "update") as phase:
            _change(phase)
        for scenario in ("update", "destroy"):
            shutil.copytree(folder / scenario, folder / "undisturbed")
            with self._at(folder / "undisturbed") as phase:
                self._record(scenario, phase)
            shutil.rmtree(folder / "undisturbed")

    def cases(self) -> list[Case]:
        return [
            Case(scenario, write, position, checkpoints)
            for scenario in SCENARIOS
            for write, position, checkpoints in product(
                range(1, len(self.writes[scenario]) + 1), POSITIONS, (True, False)
            )
        ]

    def run(self, case: Case, then: Scenario | None = None) -> Outcome:
        """`then`: what is run after the kill, in place of the same again."""
        place, goal = self._folder / "case", then or case.scenario
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self._folder / case.scenario, place)
        env = {} if case.checkpoints else {"PULUMI_SKIP_CHECKPOINTS": "true"}
        with self._at(place) as phase:
            killed_at = _killed(phase, case, env)
            recovered = _recovered(phase, goal, env)
            if not recovered.ok:
                return Outcome(case, killed_at, f"the recovery failed: {recovered.output[-2000:]}")
            if phase.tenant() != self.wanted[goal]:
                return Outcome(case, killed_at, _difference(self.wanted[goal], phase.tenant()))
            if goal == "destroy" and phase.resources():
                return Outcome(case, killed_at, f"the state still holds {len(phase.resources())} resources")
            if goal != "destroy" and not phase.project.preview(expect_no_changes=True).ok:
                return Outcome(case, killed_at, "the next preview is not empty")
            if locks := [p.name for p in (place / "backend" / ".pulumi" / "locks").rglob("*.json")]:
                return Outcome(case, killed_at, f"the stack is still locked: {locks}")
        return Outcome(case, killed_at, "")

    @contextmanager
    def _at(self, place: Path) -> Iterator[Phase]:
        with Simulator(place / "simulator" / "state", sample=SAMPLE) as simulator:
            yield Phase(self._engine, simulator, place)

    def _record(self, scenario: Scenario, phase: Phase) -> None:
        phase.control("DELETE", "requests")
        done = _run(phase, scenario, {})
        assert done.ok, done.output
        self.wanted[scenario] = phase.tenant()
        self.writes[scenario] = [
            f"{r['method']} {r['path'].partition('?')[0]}"
            for r in phase.control("GET", "requests")
            if r["side"] == "tenant" and r["method"] != "GET" and not r["path"].startswith("/oauth")
        ]


def _change(phase: Phase) -> None:
    """New content of a published app with private content, a renamed app, and a later version of the plan."""
    bundle = phase.bundle()
    ledger = next(a for a in bundle.apps if a.name == "General Ledger")
    budget = next(a for a in bundle.apps if a.name == "Budget vs Actuals")
    phase.control("POST", "site/edit_sheet", {"id": ledger.id})
    phase.control("POST", "site/rename_app", {"id": budget.id, "name": "Budget and Actuals"})
    phase.export()
    phase.plan |= PLAN | CHANGED
    phase.write_plan()


def _arguments(phase: Phase, scenario: Scenario) -> tuple[list[str], dict[str, str]]:
    if scenario == "destroy":
        return ["destroy", "--yes"], phase.allowed_deletes()
    return ["up", "--yes", "--skip-preview"], {}


def _run(phase: Phase, scenario: Scenario, env: dict[str, str]) -> Result:
    arguments, more = _arguments(phase, scenario)
    return phase.project.run(*arguments, env=env | more)


def _killed(phase: Phase, case: Case, env: dict[str, str]) -> str:
    """Run until the engine, its program and its providers are gone. Returns the request that it died at."""
    arguments, more = _arguments(phase, case.scenario)
    phase.control("DELETE", "requests")
    running = phase.project.start(*arguments, env=env | more)
    action = f"killsession:{running.pid}"
    phase.control("POST", "faults", {**WRITES, "nth": case.write, "when": case.position, "action": action})
    output, _ = running.communicate(timeout=LONGEST_RUN_SECONDS)
    assert running.returncode == -9, f"it ended before write {case.write}: {output}"
    phase.control("DELETE", "faults")
    writes = [r for r in phase.control("GET", "requests") if r["side"] == "tenant" and r["method"] != "GET"]
    return f"{writes[-1]['method']} {writes[-1]['path'].partition('?')[0]}"


def _recovered(phase: Phase, scenario: Scenario, env: dict[str, str]) -> Result:
    """docs/recovery.md, word for word."""
    cancelled = phase.project.cancel()
    if not cancelled.ok:
        return cancelled
    done = _run(phase, scenario, env)
    if not done.ok or scenario == "destroy":
        return done
    return phase.project.refresh("--clear-pending-creates", env=env)


def _difference(wanted: Any, found: Any) -> str:
    kinds = [k for k in wanted if wanted[k] != found.get(k)]
    return "; ".join(
        f"{kind}: missing {[x for x in wanted[kind] if x not in found[kind]]}, "
        f"too much {[x for x in found[kind] if x not in wanted[kind]]}"
        if isinstance(wanted[kind], list)
        else f"{kind}: {found.get(kind)} instead of {wanted[kind]}"
        for kind in kinds
    )[:2000]
