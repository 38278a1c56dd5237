"""`qlift assess`, and that an installed qlift has what its reports are made of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from qlift.cli.assess import Tier
from qlift.cloud.limits import RateLimits
from qlift.cloud.uploads import CHUNK
from qlift.derivation.assessment import Assessment
from qlift.derivation.assessment.model import IMPORT_BUDGETS
from tests.derivation.assessed import FACTS, plain_site

ROOT = Path(__file__).parents[2]


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "qlift.cli", "assess", *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    plain_site()[0].write(folder / "exports" / "prod")
    return folder


def test_it_writes_three_files_where_one_expects_them(repository: Path) -> None:
    done = run(repository, "prod")
    assert (done.returncode, done.stderr) == (0, "")
    folder = repository / "reports" / "prod"
    assert sorted(p.name for p in folder.iterdir()) == ["assessment.html", "assessment.json", "assessment.md"]
    assert done.stdout.startswith("1 app of 1 can move to Qlik Cloud now or with known changes.")
    assert str(Path("reports/prod/assessment.html")) in done.stdout
    found = Assessment.model_validate_json((folder / "assessment.json").read_text(encoding="utf-8"))
    assert found.tenant == FACTS


def test_options_say_what_the_tenant_allows(repository: Path) -> None:
    done = run(
        repository, "x", "--bundle", "exports/prod", "--out", "elsewhere", "--tier", "enterprise",
        "--app-quota", "50", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed["tenant"]["imports_per_day"] == 10_000
    assert printed["tenant"]["app_quota"] == 50 * 1024**3
    assert printed == json.loads((repository / "elsewhere" / "assessment.json").read_text(encoding="utf-8"))


def test_a_missing_bundle_is_told_in_plain_words(repository: Path) -> None:
    done = run(repository, "nowhere")
    assert done.returncode == 1
    assert "exports/nowhere: the bundle does not exist" in done.stderr
    assert "Traceback" not in done.stderr
    assert run(repository, "prod", "--tier", "gold").returncode == 2


def test_facts_of_the_tests_are_those_of_the_client() -> None:
    limits = RateLimits()
    assert (FACTS.writes_per_minute, FACTS.uploads_per_minute) == (limits.writes, limits.uploads)
    assert (FACTS.window_seconds, FACTS.upload_chunk) == (limits.window_seconds, CHUNK)
    assert {t.value for t in Tier} == set(IMPORT_BUDGETS)


def test_templates_are_in_the_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["qlift.reports"]
    package = ROOT / "qlift" / "reports"
    files = [p.relative_to(package).as_posix() for p in package.rglob("*") if p.is_file()]
    others = [f for f in files if not f.endswith((".py", ".pyc"))]
    assert others
    assert all(any(fnmatch(f, p) for p in patterns) for f in others)
