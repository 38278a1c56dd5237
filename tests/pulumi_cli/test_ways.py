"""Which engine is taken, in which order, and what is said where there is none."""

import shutil
import sys
import threading
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from qlift.cli.engine import engine as engine_command
from qlift.pulumi_cli import ENGINE_VERSION, EngineError, ensure_engine, find_engine
from qlift.pulumi_cli.build import build_engine
from qlift.pulumi_cli.cache import engine_folder
from qlift.pulumi_cli.errors import WayFailed
from qlift.pulumi_cli.find import HELPERS
from qlift.pulumi_cli.helpers import FROM_SDK_MODULE
from qlift.pulumi_cli.install import install_engine
from qlift.pulumi_cli.launcher import launcher_text
from qlift.pulumi_cli.progress import Lines, Progress, Silent
from tests.pulumi_cli.fakes import calls, fake_pulumi, script

Maker = Callable[[Path, Progress], None]


def failing(reason: str) -> Maker:
    def make(folder: Path, progress: Progress) -> None:
        (folder / "half-an-engine").write_text("")
        raise WayFailed(reason)

    return make


def making(folder: Path, progress: Progress) -> None:
    fake_pulumi(folder / "bin")


def test_the_engine_on_path_comes_first(bare_machine: Path) -> None:
    binary = fake_pulumi(bare_machine, "3.260.1")
    engine = ensure_engine(install=failing("x"), build=failing("y"))
    assert (engine.way, engine.version, engine.binary) == ("path", "3.260.1", binary)
    assert not engine_folder().exists()


@pytest.mark.parametrize(
    ("version_there", "helpers", "why"),
    [
        ("3.100.0", HELPERS, "is version 3.100.0; 3.214.0 or a newer 3.x is needed"),
        ("4.0.0", HELPERS, "is version 4.0.0; 3.214.0 or a newer 3.x is needed"),
        ("3.259.0", (), "has no `pulumi-language-python`, neither beside it nor on PATH"),
        ("no version", HELPERS, "does not answer `pulumi version`"),
    ],
)
def test_an_engine_on_path_that_will_not_do_is_passed_over(
    bare_machine: Path, version_there: str, helpers: tuple[str, ...], why: str
) -> None:
    fake_pulumi(bare_machine, version_there, helpers)
    with pytest.raises(EngineError, match=why):
        ensure_engine(install=failing("x"), build=failing("y"))
    assert ensure_engine(install=making, build=failing("y")).way == "installed"


def test_helpers_elsewhere_on_path_will_do(
    bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_pulumi(bare_machine, helpers=())
    for helper in HELPERS:
        script(tmp_path / "other" / helper, "exit 0")
    monkeypatch.setenv("PATH", f"{bare_machine}:{tmp_path / 'other'}")
    assert find_engine().way == "path"


def test_an_engine_on_path_is_asked_for_its_version_once(bare_machine: Path) -> None:
    binary = fake_pulumi(bare_machine, "3.250.0")
    for _ in range(3):
        assert find_engine().version == "3.250.0"
    assert calls(binary) == ["version"]
    fake_pulumi(bare_machine, "3.251.17")
    assert find_engine().version == "3.251.17"


def test_the_installer_comes_before_the_build_and_its_engine_is_found_again(bare_machine: Path) -> None:
    made = ensure_engine(install=making, build=failing("y"))
    assert made.way == "installed" and made.binary == engine_folder() / "bin" / "pulumi"
    asked = calls(made.binary)
    assert ensure_engine(install=failing("x"), build=failing("y")) == made == find_engine()
    assert calls(made.binary) == asked, "no process is started to find it again"


def test_the_build_is_the_last_way_and_a_failed_way_leaves_nothing(bare_machine: Path) -> None:
    assert ensure_engine(install=failing("no network"), build=making).way == "built"
    assert [p.name for p in engine_folder().parent.iterdir() if p.is_dir()] == [engine_folder().name]
    assert not (engine_folder() / "half-an-engine").exists()


def test_where_none_works_one_message_names_the_three_ways(bare_machine: Path) -> None:
    with pytest.raises(EngineError) as raised:
        ensure_engine(install=failing("nothing arrived for 5 s"), build=failing("there is no `go` on PATH"))
    message = str(raised.value)
    assert "1. `pulumi` on PATH: there is no `pulumi`" in message
    assert "2. the Pulumi SDK's installer: nothing arrived for 5 s" in message
    assert "3. the build with Go: there is no `go` on PATH" in message
    with pytest.raises(EngineError, match="make setup"):
        find_engine()


def test_what_a_killed_set_up_left_is_no_engine_and_goes(bare_machine: Path) -> None:
    left_over = engine_folder().with_name(f".{engine_folder().name}.abc")
    fake_pulumi(left_over / "bin")
    fake_pulumi(engine_folder() / "bin")  # no stamp: not finished
    with pytest.raises(EngineError):
        find_engine()
    assert ensure_engine(install=failing("x"), build=making).way == "built"
    assert not left_over.exists()


def test_two_set_ups_at_once_build_once(bare_machine: Path) -> None:
    other_waits = threading.Event()
    built: list[str] = []

    class Telling(Silent):
        def say(self, text: str) -> None:
            if "waiting" in text:
                other_waits.set()

    def build(folder: Path, progress: Progress) -> None:
        assert other_waits.wait(60)
        built.append(folder.name)
        making(folder, progress)

    ways: list[str] = []

    def set_up() -> None:
        ways.append(ensure_engine(Telling(), install=failing("x"), build=build).way)

    threads = [threading.Thread(target=set_up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ways == ["built", "built"] and len(built) == 1


def test_a_launcher_is_no_engine(bare_machine: Path) -> None:
    ours = ensure_engine(install=making, build=failing("y"))
    script(bare_machine / "pulumi", launcher_text(ours, bare_machine))
    assert find_engine() == ours


def test_an_installer_that_hangs_is_given_up(bare_machine: Path, tmp_path: Path) -> None:
    hanging = (sys.executable, "-c", "import time; time.sleep(3600)")
    with pytest.raises(WayFailed, match=r"nothing arrived for 0\.3 s"):
        install_engine(tmp_path / "engine", Silent(), installer=hanging, first_byte=0.3)


def test_an_installer_whose_download_stops_is_given_up(bare_machine: Path, tmp_path: Path) -> None:
    code = "import tempfile, time; open(tempfile.gettempdir() + '/part', 'w').write('x')"
    stops = (sys.executable, "-c", f"{code}; time.sleep(3600)")
    with pytest.raises(WayFailed, match=r"nothing arrived for 0\.4 s"):
        install_engine(tmp_path / "engine", Silent(), installer=stops, first_byte=60, next_byte=0.4)


def test_an_installer_that_is_refused_says_why(bare_machine: Path, tmp_path: Path) -> None:
    refused = (sys.executable, "-c", "import sys; sys.exit('starting\\nName or service not known')")
    with pytest.raises(WayFailed, match=r"^Name or service not known$"):
        install_engine(tmp_path / "engine", Silent(), installer=refused)


def test_an_installer_that_leaves_no_engine_has_failed(bare_machine: Path, tmp_path: Path) -> None:
    with pytest.raises(WayFailed, match="left no engine"):
        install_engine(tmp_path / "engine", Silent(), installer=(sys.executable, "-c", "pass"))


def fake_go(folder: Path, tmp_path: Path, build: str) -> None:
    """A `go` whose `list` answers and whose `build` does what is told; $6 of it is the output's path."""
    for helper in FROM_SDK_MODULE:
        script(tmp_path / "sdk" / helper, "exit 0")
    fake_pulumi(tmp_path / "compiled", helpers=())
    script(
        folder / "go",
        f"""
case "$1 $2" in
  "list -m") echo {tmp_path}/sdk ;;
  "list -deps") echo "go: downloading example.org/a v1.0.0" >&2; echo a; echo b ;;
  build*) {build} ;;
esac""",
    )


def test_the_build_with_go_puts_the_helpers_beside_the_engine(bare_machine: Path, tmp_path: Path) -> None:
    while_building = 'while [ "$1" != -o ]; do shift; done; '
    copy = f"{shutil.which('cp', path='/bin:/usr/bin')} {tmp_path}/compiled/pulumi $2"
    fake_go(bare_machine, tmp_path, while_building + copy)
    engine = ensure_engine(install=failing("x"), build=build_engine)
    assert engine.way == "built"
    assert sorted(p.name for p in engine.folder.iterdir() if p.name != "calls") == sorted(
        ["pulumi", *HELPERS]
    )
    assert "qlift.pulumi_cli.language_host" in (engine.folder / "pulumi-language-python").read_text()


def test_a_build_that_fails_says_what_go_said(bare_machine: Path, tmp_path: Path) -> None:
    fake_go(bare_machine, tmp_path, 'echo "go.mod requires go >= 1.25.11" >&2; exit 1')
    with pytest.raises(EngineError, match=r"`go build` failed: go\.mod requires go >= 1\.25\.11"):
        ensure_engine(install=failing("x"), build=build_engine)


def test_without_go_the_build_says_so(bare_machine: Path, tmp_path: Path) -> None:
    with pytest.raises(WayFailed, match="no `go` on PATH"):
        build_engine(tmp_path / "engine", Silent())


def test_the_engine_that_is_built_is_of_the_sdk_s_version() -> None:
    module = Path(__file__).parents[2] / "qlift" / "pulumi_cli" / "engine_module" / "go.mod"
    assert f"github.com/pulumi/pulumi/pkg/v3 v{ENGINE_VERSION}" in module.read_text()
    assert f"github.com/pulumi/pulumi/sdk/v3 v{ENGINE_VERSION}" in module.read_text()
    assert version("pulumi") == ENGINE_VERSION


def test_a_log_gets_what_is_said_and_a_line_each_half_minute(tmp_path: Path) -> None:
    now = 0.0
    with (tmp_path / "log").open("w+") as log:
        lines = Lines(log, clock=lambda: now)
        lines.say("Building")
        for second in range(1, 100):
            now = float(second)
            lines.update(f"after {second}")
        log.seek(0)
        assert log.read().splitlines() == ["Building", "after 30", "after 60", "after 90"]


def test_the_command_prints_one_line_or_one_object(bare_machine: Path) -> None:
    binary = fake_pulumi(bare_machine, "3.260.1")
    app = typer.Typer()
    app.command()(engine_command)
    line = CliRunner().invoke(app, [])
    assert line.exit_code == 0
    assert (
        line.stdout.startswith(f"Pulumi 3.260.1, found on PATH: {binary} (") and line.stdout.count("\n") == 1
    )
    assert f'"binary": "{binary}"' in CliRunner().invoke(app, ["--json"]).stdout
