"""A pull request from branch to tenant, in a real git repository, with the script that CI systems run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from tests.support.backends import postgresql
from tests.support.phase import Phase
from tests.support.project import ROOT

pytestmark = pytest.mark.engine

SCRIPT = ROOT / "docs" / "examples" / "ci" / "qlift-ci.sh"
AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Jane"), ("EMAIL", "jane@example.invalid"))
}


class Team:
    """A repository that people push to, and runners that know nothing but a fresh clone of it."""

    def __init__(self, phase: Phase, folder: Path) -> None:
        self.phase, self.folder = phase, folder
        self.origin = folder / "origin.git"
        self.artifacts = folder / "artifacts"
        # App files are in no git repository: every runner reaches the same store.
        phase.plan["sources"][0]["blobs"] = str(phase.folder / "exports" / "sample" / "blobs")
        phase.write_plan()
        (phase.folder / ".gitignore").write_text("/exports/*/blobs/\n/reports/\n/changes.jsonl\n")
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.origin))
        self.git("remote", "add", "origin", str(self.origin))
        self.commit("The phase")
        self.git("push", "--quiet", "origin", "main")

    def git(self, *args: str) -> None:
        env = {**os.environ, **AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        subprocess.run(["git", *args], cwd=self.phase.folder, env=env, check=True)

    def commit(self, message: str) -> None:
        self.phase.write_plan()
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def branch(self, name: str) -> None:
        """A branch with the plan as it is now."""
        self.git("switch", "--quiet", "--create", name)
        self.commit(f"Change the plan: {name}")
        self.git("push", "--quiet", "origin", name)

    def merge(self, name: str) -> None:
        self.git("switch", "--quiet", "main")
        self.git("merge", "--quiet", "--no-ff", "--message", f"Merge {name}", name)
        self.git("push", "--quiet", "origin", "main")

    def runs(self, command: str, branch: str) -> subprocess.CompletedProcess[str]:
        """A runner: clones, gets the artifacts of earlier jobs, runs the script, leaves artifacts behind."""
        runner = self.folder / "runner"
        shutil.rmtree(runner, ignore_errors=True)
        self.git("clone", "--quiet", "--branch", branch, str(self.origin), str(runner))
        if self.artifacts.exists():
            shutil.copytree(self.artifacts, runner / "reports")
        tools = {"QLIFT": f"{sys.executable} -m qlift.cli", "PULUMI": str(self.phase.project.binary)}
        done = subprocess.run(
            [str(SCRIPT), command, "demo"],
            cwd=runner,
            env={**os.environ, **self.phase.project.env, **tools},
            capture_output=True,
            text=True,
            check=False,
        )
        if (runner / "reports").exists():
            shutil.copytree(runner / "reports", self.artifacts, dirs_exist_ok=True)
        return done

    def review(self) -> dict[str, Any]:
        return dict(json.loads((self.artifacts / "demo" / "review.json").read_text(encoding="utf-8")))

    def comment(self) -> list[str]:
        return (self.artifacts / "demo" / "review.md").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def phase(engine: Engine, tmp_path: Path) -> Iterator[Phase]:
    """Exported; its state is where runners share it."""
    with postgresql() as env, Simulator() as simulator:
        made = Phase(engine, simulator, tmp_path, env=env | {"PULUMI_HOME": str(tmp_path / "home")})
        made.export()
        yield made


def description_of_hr(phase: Phase, text: str) -> None:
    patch = [{"op": "replace", "path": "/description", "value": text}]
    phase.tenant_api("PATCH", f"/api/v1/spaces/{phase.ids('Space')['hr']}", patch)


def test_a_pull_request_from_branch_to_tenant(phase: Phase, tmp_path: Path) -> None:
    phase.plan["select"] = {"streams": ["HR"], "personal": False}
    phase.plan["spaces"] = {"HR": phase.plan["spaces"]["HR"]}
    team = Team(phase, tmp_path)
    empty = phase.tenant()

    phase.plan["spaces"]["HR"]["description"] = "All about people"
    team.branch("describe")
    # All conflicts at once, and nothing to apply.
    taken = [
        phase.tenant_api("POST", "/api/v1/spaces", {"name": name, "type": "shared"})["id"]
        for name in ("HR", "HR Staging")
    ]
    reviewed = team.runs("review", "describe")
    assert reviewed.returncode == 1, reviewed.stdout + reviewed.stderr
    assert [c["object"] for c in team.review()["conflicts"]] == ['space "HR Staging"', 'space "HR"']
    assert not (team.artifacts / "demo" / "plan.json").exists()
    for id_ in taken:
        phase.tenant_api("DELETE", f"/api/v1/spaces/{id_}", None)

    phase.control("DELETE", "requests")
    reviewed = team.runs("review", "describe")
    assert reviewed.returncode == 0, reviewed.stdout + reviewed.stderr
    asked = {r["method"] for r in phase.control("GET", "requests") if "/api/" in r["path"]}
    assert asked == {"GET"} and phase.tenant() == empty
    team.merge("describe")
    applied = team.runs("apply", "main")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    hr = next(s for s in phase.tenant()["spaces"] if s["name"] == "HR")
    assert hr["description"].startswith("All about people")
    made = {r["urn"].rpartition("::")[2] for r in phase.resources() if "dynamic/qlik" in r["type"]}
    assert {c["key"] for c in team.review()["changes"]} == made - {"delete-guard"}
    assert team.runs("drift", "main").returncode == 0

    # A branch that widens and deletes; meanwhile somebody changes the tenant.
    phase.plan["spaces"]["HR"]["access"] = [{"group": "BI-Finance-Readers", "roles": ["consumer"]}]
    team.branch("widen")
    assert team.runs("review", "widen").returncode == 0
    head = team.comment()[:10]
    deletes = next(n for n, line in enumerate(head) if "Deletes 3 objects" in line)
    assert deletes < next(n for n, line in enumerate(head) if "Widens access" in line)
    team.merge("widen")
    description_of_hr(phase, "mine now")
    spoiled = phase.tenant()
    refused = team.runs("apply", "main")
    assert refused.returncode == 1 and "violates plan" in refused.stdout + refused.stderr
    assert "description" in refused.stdout and phase.tenant() == spoiled
    drifted = team.runs("drift", "main")
    assert drifted.returncode == 3 and "1 object was changed by others" in drifted.stdout
    description_of_hr(phase, hr["description"])

    # Nor is anything applied but what was reviewed, even where no object differs: the file is named.
    waivers = phase.folder / "stacks" / "demo" / "waivers.yaml"
    waivers.write_text(waivers.read_text(encoding="utf-8") + "# Nothing else changed.\n", encoding="utf-8")
    files = phase.folder / "exports" / "sample" / "app-file.json"
    files.write_text(files.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    team.branch("one-more")
    team.merge("one-more")
    refused = team.runs("apply", "main")
    assert refused.returncode == 1 and "plan: stacks/demo/waivers.yaml changed" in refused.stdout
    assert "bundle: exports/sample/app-file.json changed" in refused.stdout
    bare = phase.project.up("--plan", str(team.artifacts / "demo" / "plan.json"))
    assert not bare.ok and "DeleteGuard::delete-guard violates plan" in bare.output
