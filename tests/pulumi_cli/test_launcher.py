"""The `pulumi` of an activated environment."""

import subprocess
from pathlib import Path

import pytest

from qlift.pulumi_cli import Engine
from qlift.pulumi_cli.launcher import update_launcher
from tests.pulumi_cli.fakes import script


@pytest.fixture
def built(tmp_path: Path) -> Engine:
    """An engine in a folder with a blank in its name, which prints how it was started."""
    folder = tmp_path / "a cache" / "bin"
    show = 'echo "$# $1 $2|$PATH|$PULUMI_HOME|$QLIFT_PYTHON|$PULUMI_SKIP_UPDATE_CHECK"; exit 7'
    return Engine(binary=script(folder / "pulumi", show), folder=folder, version="3.259.0", way="built")


def test_it_starts_the_engine_with_its_settings(built: Engine, tmp_path: Path) -> None:
    scripts = tmp_path / "venv" / "bin"
    scripts.mkdir(parents=True)
    update_launcher(built, scripts)
    environment = {"PATH": "/usr/bin:/bin", "PULUMI_HOME": "mine"}
    done = subprocess.run(
        [scripts / "pulumi", "preview", "a stack"], env=environment, capture_output=True, text=True
    )
    python = scripts / "python"
    assert done.returncode == 7
    assert (
        done.stdout.strip() == f"2 preview a stack|{built.folder}:{scripts}:/usr/bin:/bin|mine|{python}|true"
    )


def test_it_goes_when_there_is_an_engine_on_path(built: Engine, tmp_path: Path) -> None:
    scripts = tmp_path / "bin"
    scripts.mkdir()
    update_launcher(built, scripts)
    update_launcher(Engine(built.binary, built.folder, "3.259.0", "path"), scripts)
    assert not (scripts / "pulumi").exists()


def test_somebody_else_s_pulumi_is_kept(built: Engine, tmp_path: Path) -> None:
    theirs = script(tmp_path / "bin" / "pulumi", "echo theirs")
    text = theirs.read_text()
    update_launcher(built, theirs.parent)
    update_launcher(Engine(built.binary, built.folder, "3.259.0", "path"), theirs.parent)
    assert theirs.read_text() == text


def test_a_launcher_that_is_right_is_left_alone(built: Engine, tmp_path: Path) -> None:
    scripts = tmp_path / "bin"
    scripts.mkdir()
    update_launcher(built, scripts)
    before = (scripts / "pulumi").stat().st_ino
    update_launcher(built, scripts)
    assert (scripts / "pulumi").stat().st_ino == before
