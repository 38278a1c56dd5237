"""One phase on two targets: what was applied to the first is what the second gets, or the review says no."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from tests.crash_matrix.compact import SAMPLE
from tests.support.phase import Phase

pytestmark = pytest.mark.engine

SPACES = {"Sales Lab": {"from": {"stream": "Sales"}, "type": "shared"}}


class Promoting:
    """The repository of `phase`, whose tenant is `dev`, with a second tenant, `prod`."""

    def __init__(self, phase: Phase, prod: Simulator) -> None:
        self.phase = phase
        phase.plan |= {"select": {"streams": ["Sales"]}, "spaces": SPACES}
        phase.export()
        phase.write_plan()
        tenants = {"dev": phase.ends["tenant"], "prod": prod.description["tenant"]}
        stacks = phase.folder / "stacks"
        self.env: dict[str, str] = {}
        for name, tenant in tenants.items():
            # All that differs: the address, and where the credentials come from.
            where = {f"{k}_env": f"{name}_{k}".upper() for k in ("client_id", "client_secret")}
            self.env |= {where[f"{k}_env"]: tenant[k] for k in ("client_id", "client_secret")}
            self._write(stacks / "targets" / f"{name}.yaml", {"url": tenant["url"], **where})
            settings = {"config": {"qlift:target": name, "qlift:phase": "demo"}}
            self._write(stacks / f"Pulumi.demo-{name}.yaml", settings)
            phase.project.init(f"demo-{name}")

    def _write(self, path: Path, content: Any) -> None:
        path.write_text(yaml.safe_dump(content), encoding="utf-8")

    def up(self, target: str, *args: str) -> None:
        result = self.phase.project.up("--stack", f"demo-{target}", *args, env=self.env)
        assert result.ok, result.output

    def review(self, *args: str) -> tuple[int, str]:
        """Of prod, promoted from dev: exit code, and what it said."""
        done = self.phase.qlift("review", "demo-prod", "--promoted-from", "demo-dev", *args, env=self.env)
        return done.returncode, done.stdout + done.stderr

    @property
    def comment(self) -> str:
        path = self.phase.folder / "reports" / "demo-prod" / "review.md"
        return "\n".join(path.read_text(encoding="utf-8").splitlines()[:10])

    def edit(self, path: Path) -> None:
        """Without a change of any object."""
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")


def test_what_was_applied_to_dev_is_what_prod_gets(engine: Engine, tmp_path: Path) -> None:
    with Simulator(sample=SAMPLE) as dev, Simulator(sample=SAMPLE) as prod:
        team = Promoting(Phase(engine, dev, tmp_path), prod)
        code, said = team.review("--save-plan")
        assert code == 1 and "demo-dev has no run that came to its end" in said, said
        assert "**To do first**: demo-dev has no run" in team.comment
        assert not (team.phase.folder / "reports" / "demo-prod" / "plan.json").exists()

        team.up("dev", "--skip-preview")
        code, said = team.review()
        assert code == 0 and "the one that demo-dev was last run with" in said, said
        assert "the one that demo-dev was last run with" in team.comment

        # A word in the plan that changes no object: prod does not get what dev has not had.
        team.edit(team.phase.folder / "stacks" / "demo" / "plan.yaml")
        code, said = team.review()
        assert code == 1 and "the plan is not the one that demo-dev was last run with" in said
        assert "the bundle is not" not in said

        # Dev has it once it was run, whoever read the tenant since. A file of prod's own is no difference.
        team.up("dev", "--skip-preview", "--expect-no-changes")
        refreshed = team.phase.project.refresh("--stack", "demo-dev", env=team.env)
        assert refreshed.ok, refreshed.output
        team.edit(team.phase.folder / "stacks" / "targets" / "prod.yaml")
        code, said = team.review("--save-plan")
        assert code == 0 and "the one that demo-dev was last run with" in said, said
        team.up("prod", "--plan", "reports/demo-prod/plan.json")
