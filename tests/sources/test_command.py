"""`qlift export` as people and pipelines run it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from qlift.bundle import load_bundle
from qlift.cli import app as qlift
from qlift.cli.progress import shown
from qlift.simulator import Fault, Simulator
from qlift.simulator.site.changes import rename_stream
from qlift.sources.progress import Meter, size_text, time_text
from tests.sources.ends import USER, source_file

ROOT = Path(__file__).parents[2]


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Simulator]:
    monkeypatch.chdir(tmp_path)
    with Simulator() as running:
        header = running.description["site"]["header"]
        (tmp_path / "stacks/sources").mkdir(parents=True)
        file = source_file(tmp_path, header["url"], {"header": {"name": header["name"], "value_env": USER}})
        file.rename("stacks/sources/sample.yaml")
        monkeypatch.setenv(USER, header["value"])
        yield running


def test_an_export_and_what_changed_since(simulator: Simulator, tmp_path: Path) -> None:
    run = CliRunner()
    first = run.invoke(qlift, ["export", "sample", "--since-report", "changes.md"])
    assert first.exit_code == 0, first.output
    assert first.stdout.startswith("exports/sample: 14 apps (14 fetched, ")
    assert "first export" in Path("changes.md").read_text()
    stream = next(s for s in simulator.store.all("site/stream") if s["name"] == "HR")
    rename_stream(simulator.store, stream["id"], "People")
    second = run.invoke(qlift, ["export", "sample", "--since-report", "changes.md", "--json"])
    assert second.exit_code == 0
    told = json.loads(second.stdout)
    assert (told["fetched"], told["unchanged"], told["bundle"]) == (0, 14, "exports/sample")
    assert (
        "**renamed** People" in Path("changes.md").read_text()
        and ": was HR" in Path("changes.md").read_text()
    )
    assert not Path("exports/sample/.unfinished").exists()


def test_a_report_that_was_written_before_a_kill_is_not_lost(simulator: Simulator, tmp_path: Path) -> None:
    """The export is complete, its process is killed while the files are put in place."""
    run = CliRunner()
    run.invoke(qlift, ["export", "sample"])
    unfinished = Path("exports/sample/.unfinished")
    unfinished.mkdir()
    for name in Path("exports/sample").iterdir():
        if name.name in ("manifest.json", "stream.json"):
            (unfinished / name.name).write_bytes(name.read_bytes())
    (unfinished / "changes.md").write_text("- **renamed** Told Before\n")
    (unfinished / "commit").write_text("")
    done = run.invoke(qlift, ["export", "sample", "--since-report", "changes.md"])
    assert done.exit_code == 0, done.output
    text = Path("changes.md").read_text()
    assert "Nothing changed" in text and "Told Before" in text


def test_what_is_incomplete_is_told_with_what_to_do(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = next(u for u in simulator.store.all("site/user") if "ContentAdmin" in u["roles"])
    monkeypatch.setenv(USER, f"{admin['userDirectory']}\\{admin['userId']}")
    done = CliRunner().invoke(qlift, ["export", "sample"])
    assert done.exit_code == 1
    assert "not RootAdmin" in done.stderr and "run the same command again" in done.stderr
    assert "The bundle is NOT complete" in done.stderr
    assert not load_bundle(Path("exports/sample")).manifest.identity.complete


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What is started in the background, tests too, may ignore Ctrl-C, and its children with it."""
    was = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, was)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_keeps_what_is_done(simulator: Simulator, tmp_path: Path) -> None:
    # The ninth app file never comes; until then all others do.
    simulator.faults.add(Fault(side="site", path="/tempcontent/", nth=9, action="slow:20"))
    process = subprocess.Popen(
        [sys.executable, "-m", "qlift.cli", "export", "sample", "--parallel", "1", "--scope", "published"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    journal = Path("exports/sample/.unfinished/journal.jsonl")
    while not journal.exists() or journal.read_text().count('"what": "file"') < 8:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130, err
    assert "run the same command to go on" in err and "Traceback" not in err and not out
    simulator.faults.clear()
    done = CliRunner().invoke(qlift, ["export", "sample", "--json", "--scope", "published"])
    assert done.exit_code == 0
    assert (json.loads(done.stdout)["unchanged"], json.loads(done.stdout)["fetched"]) == (8, 6)
    assert not list(Path("exports/sample/blobs").glob("*.part"))


def test_a_pipe_gets_a_line_now_and_then(tmp_path: Path) -> None:
    now = 0.0
    path = tmp_path / "err"
    with path.open("w") as stream, shown(stream, every=10, clock=lambda: now) as progress:
        for second in range(25):
            now = float(second)
            progress(f"at {second}")
    assert path.read_text().split("\n") == ["at 0", "at 10", "at 20", ""]
    with path.open("w") as stream, shown(stream) as progress:
        progress("nothing")
    assert path.read_text() == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_names_as_they_are() -> None:
    stream = Terminal()
    with shown(stream, every=10) as progress:
        progress("reading [bold]Sales[/bold] [Größe]")
    assert "[bold]Sales[/bold] [Größe]" in stream.getvalue()


def test_size_speed_and_time_left() -> None:
    now = 0.0
    told: list[str] = []
    meter = Meter(3, 400_000_000, told.append, clock=lambda: now)
    meter.passed("a", 0)
    assert told[-1] == "app files: 0 of 3, 0 B"
    for second in range(1, 11):
        now = float(second)
        meter.passed("a", 10_000_000)
    assert told[-1] == "app files: 0 of 3, 100.0 MB, 10.0 MB/s, 30 s left"
    # The file was smaller than expected: what is left are the other two.
    meter.settled("a", 200_000_000)
    assert told[-1] == "app files: 1 of 3, 100.0 MB, 10.0 MB/s, 20 s left"
    meter.settled("a", 200_000_000)
    assert told[-1].startswith("app files: 1 of 3")
    assert [size_text(s) for s in (999, 1500, 2.5e9, 3e13)] == ["999 B", "1.5 kB", "2.5 GB", "30.0 TB"]
    assert [time_text(s) for s in (59, 61, 3600 * 13 + 300)] == ["59 s", "1 min", "13 h 05 min"]


def test_help_has_examples_and_exit_codes() -> None:
    for command in ("export", "import-dump"):
        text = CliRunner().invoke(qlift, [command, "--help"]).output
        assert "Example: " in text and "Exit code 0" in text
