"""Three phases and the foundation whose spaces they use, run at the same time against one tenant.

One identity, its limits on, the state of all on one PostgreSQL: once with the limit divided between the four
(`share`), once with each taking what it gets.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from qlift.simulator.site import SampleOptions
from tests.support.backends import postgresql
from tests.support.phase import Phase

pytestmark = pytest.mark.engine

SAMPLE = SampleOptions(
    streams=5, apps=8, personal=0, users=12, groups=3, reload_tasks=3, connections=1, app_bytes=1024
)
WRITES, WINDOW = 200, 6
"""A minute, and seconds."""
IN_A_WINDOW = WRITES * WINDOW // 60
"""Writes that the tenant takes at once; then it takes none until the window ends."""
BASE: dict[str, Any] = {
    "Staging": {"type": "shared"},
    "Reports": {"type": "managed", "access": [{"group": "BI-Finance-Readers", "roles": ["consumer"]}]},
}
COMPANY = {"Company": {"from": {"stream": "Supply Chain"}, "type": "managed", "staging": "Staging"}}
USED = {key: {"type": space["type"], "of": "foundation"} for key, space in BASE.items()}
PHASES: dict[str, dict[str, Any]] = {
    "finance": {"Finance": {"from": {"stream": "Finance"}, "type": "managed", "staging": "Staging"}},
    "sales": {"Reports": USED["Reports"] | {"from": {"stream": "Sales"}, "staging": "Staging"}},
    "hr": {"Reports": USED["Reports"] | {"from": {"stream": "HR"}, "staging": "Staging"}},
}


class Team:
    """One repository, one tenant, a stack for each phase."""

    def __init__(self, phase: Phase) -> None:
        self.phase, self.project = phase, phase.project
        phase.export()

    def plan(self, name: str, spaces: dict[str, Any], uses: list[str]) -> None:
        plan = self.phase.plan | {"phase": name, "spaces": spaces, "uses": uses, "select": {}}
        stacks = self.phase.folder / "stacks"
        (stacks / name).mkdir(exist_ok=True)
        (stacks / name / "plan.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")
        settings = {"config": {"qlift:target": "test", "qlift:phase": name}}
        (stacks / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")

    def at_once(self, *args: str) -> None:
        """`up` of every stack, started together."""
        names = ("foundation", *PHASES)
        running = {n: self.project.start("up", "--yes", "--skip-preview", "--stack", n, *args) for n in names}
        said = [one.communicate(timeout=300)[0] for one in running.values()]
        assert not any(one.returncode for one in running.values()), "\n".join(said)

    def objects(self) -> Counter[str]:
        """By kind, of all states."""
        kinds: Counter[str] = Counter()
        for name in ("foundation", *PHASES):
            exported = json.loads(self.project.run("stack", "export", "--stack", name).output)
            kinds.update(r["type"].rpartition(":")[2] for r in exported["deployment"]["resources"])
        return kinds


def longest_wait(writes: list[str], client: str) -> int:
    """Of one process: how many writes of others came before its first, or between two of its own."""
    own = [-1, *(n for n, c in enumerate(writes) if c == client)]
    return max(b - a - 1 for a, b in pairwise(own))


@pytest.mark.parametrize("share", [pytest.param(None, id="no share"), pytest.param(0.25, id="a share each")])
def test_three_phases_and_their_foundation_at_the_same_time(
    engine: Engine, tmp_path: Path, share: float | None
) -> None:
    with postgresql() as env, Simulator(sample=SAMPLE) as simulator:
        phase = Phase(engine, simulator, tmp_path, env=env | {"PULUMI_HOME": str(tmp_path / "home")})
        before = phase.tenant()
        team = Team(phase)
        team.plan("foundation", BASE, [])
        for name, spaces in PHASES.items():
            team.plan(name, {**USED, **spaces}, ["foundation"])
        for name in ("foundation", *PHASES):
            team.project.init(name)
        first = team.project.up("--skip-preview", "--stack", "foundation")
        assert first.ok, first.output

        # The foundation grows while the others use it.
        team.plan("foundation", {**BASE, **COMPANY}, [])
        phase.control("PATCH", "switches", {"tier2_per_minute": WRITES, "limit_window_seconds": WINDOW})
        divided = {} if share is None else {"share": share}
        phase.set_target(limits={"writes": WRITES, "window_seconds": WINDOW}, **divided)
        phase.control("DELETE", "requests")
        team.at_once()
        asked = [r for r in phase.control("GET", "requests") if r["side"] == "tenant" and r["client"]]
        changing = [r for r in asked if r["method"] != "GET"]
        writes = [r["client"] for r in changing if r["status"] < 300]
        assert len(set(writes)) == 1 + len(PHASES) and len(writes) > 2 * IN_A_WINDOW

        # No starvation: nobody waits while the others get more than two windows' worth of writes.
        waits = {client: longest_wait(writes, client) for client in set(writes)}
        assert max(waits.values()) <= 2 * IN_A_WINDOW, waits
        # Who was refused waits as told, instead of asking again and again; who shares is not refused.
        refused = [r for r in changing if r["status"] == 429]
        assert len(refused) < len(writes) / 2 if share is None else not refused, (len(refused), len(writes))

        after, kinds = phase.tenant(), team.objects()
        assert len(after["spaces"]) - len(before["spaces"]) == kinds["Space"]
        assert len(after["apps"]) - len(before["apps"]) == kinds["App"] + kinds["AppPublication"]
        twice = Counter((a["space"], a["name"]) for a in after["apps"])
        assert max(twice.values()) == 1, twice
        team.at_once("--expect-no-changes")
        assert phase.tenant() == after
