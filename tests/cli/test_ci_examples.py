"""What the examples for CI systems say fits the script that the engine's test runs."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.export import ROOT

FOLDER = ROOT / "docs" / "examples" / "ci"
SCRIPT = FOLDER / "qlift-ci.sh"
FILES = sorted(p for p in FOLDER.rglob("*") if p.suffix == ".yml")


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "QLIFT": "false", "PULUMI": "true"}
    return subprocess.run(
        [str(SCRIPT), *args], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def test_wrong_usage_and_a_missing_review(tmp_path: Path) -> None:
    for args in ((), ("review",), ("destroy", "demo"), ("review", "demo", "more")):
        done = run(tmp_path, *args)
        assert done.returncode == 2 and "usage:" in done.stderr
    done = run(tmp_path, "apply", "acme/qlift/demo")
    assert done.returncode == 1 and "reports/demo/plan.json is missing" in done.stderr
    # A failing review fails the job.
    assert run(tmp_path, "review", "demo").returncode == 1


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_the_examples_run_the_script(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert isinstance(yaml.safe_load(text), dict)
    commands = re.findall(r"qlift-ci\.sh (\w+) \"\$STACK\"", text)
    assert commands and set(commands) <= {"review", "apply", "drift"}
    secrets = ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "QLIFT_CLIENT_ID", "QLIFT_CLIENT_SECRET")
    assert all(name in text for name in secrets)
    # None is written down: they come from the CI system's store.
    assert not re.findall(rf"(?:{'|'.join(secrets)}): (?!\$\{{\{{ secrets\.)", text)


def test_all_examples_are_looked_at() -> None:
    assert {p.name for p in FILES} == {"review.yml", "apply.yml", "drift.yml", ".gitlab-ci.yml"}
