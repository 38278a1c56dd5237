"""How an engine is run: its environment, its output, its failures."""

import sys
from pathlib import Path

import pytest

from qlift.pulumi_cli import Engine, EngineError
from qlift.pulumi_cli.cache import Way
from tests.pulumi_cli.fakes import script


def engine_of(folder: Path, body: str, way: Way = "built") -> Engine:
    return Engine(binary=script(folder / "pulumi", body), folder=folder, version="3.259.0", way=way)


def test_output_and_exit_code_come_back(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, 'echo "out $1"; echo "err $2" >&2; exit 3')
    result = engine.run(["up", "--yes"], cwd=tmp_path, env={})
    assert (result.returncode, result.stdout, result.stderr) == (3, "out up\n", "err --yes\n")


def test_a_checked_failure_shows_what_the_engine_said(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, "echo 'the stack is locked'; exit 255")
    with pytest.raises(EngineError, match=r"pulumi up ended with exit code 255:\nthe stack is locked"):
        engine.run(["up"], cwd=tmp_path, env={}, check=True)


def test_a_run_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, "while :; do :; done")
    with pytest.raises(EngineError, match=r"pulumi preview was ended after 0\.2 s"):
        engine.run(["preview"], cwd=tmp_path, env={}, timeout=0.2)


def test_an_engine_that_has_gone_is_an_error_for_people(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, "exit 0")
    engine.binary.unlink()
    with pytest.raises(EngineError, match=r"Cannot start .*/pulumi: No such file"):
        engine.run(["up"], cwd=tmp_path, env={})


def test_the_projects_own_environment_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QLIFT_PYTHON", raising=False)
    engine = engine_of(tmp_path / "bin", "exit 0")
    assert engine.environment(tmp_path)["QLIFT_PYTHON"] == sys.executable
    python = script(tmp_path / ".venv" / "bin" / "python", "exit 0")
    environment = engine.environment(tmp_path)
    assert environment["QLIFT_PYTHON"] == str(python)
    assert environment["PATH"].startswith(f"{tmp_path / 'bin'}:{python.parent}:")


def test_only_an_engine_of_ours_gets_a_home_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_HOME", raising=False)
    assert "PULUMI_HOME" not in engine_of(tmp_path, "exit 0", way="path").environment(tmp_path)
    assert "PULUMI_HOME" in engine_of(tmp_path, "exit 0").environment(tmp_path)
    monkeypatch.setenv("PULUMI_HOME", "/theirs")
    assert engine_of(tmp_path, "exit 0").environment(tmp_path)["PULUMI_HOME"] == "/theirs"
