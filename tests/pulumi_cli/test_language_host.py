"""Programs run by the real engine through the language host beside it (ours, where the engine is built)."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from qlift.pulumi_cli import Engine
from tests.support.project import Project

pytestmark = pytest.mark.engine

PULUMI_YAML = "name: tiny\nruntime: python\n"


def tiny(engine: Engine, folder: Path, program: str, pulumi_yaml: str = PULUMI_YAML) -> Project:
    program_folder = folder / "program"
    program_folder.mkdir()
    (program_folder / "Pulumi.yaml").write_text(pulumi_yaml)
    (program_folder / "__main__.py").write_text(program)
    project = Project(engine, program_folder, env={})
    project.init("dev")
    return project


def eventually(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie that nobody has waited for yet is dead as well.
    return (
        subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout[:1]
        != "Z"
    )


def test_config_reaches_the_program_and_secrets_stay_secret(engine: Engine, tmp_path: Path) -> None:
    project = tiny(
        engine,
        tmp_path,
        """
import os
import sys
import pulumi
config = pulumi.Config()
print("said on stdout")
print("said on stderr", file=sys.stderr)
pulumi.export("plain", config.require("plain"))
pulumi.export("secret", config.require_secret("secret"))
pulumi.export("secret_length", len(config.require("secret")))
pulumi.export("where", [pulumi.get_project(), pulumi.get_stack(), os.getcwd()])
pulumi.export("dry", pulumi.runtime.is_dry_run())
pulumi.export("python", sys.executable)
""",
    )
    assert project.run("config", "set", "plain", "some value").ok
    assert project.run("config", "set", "--secret", "secret", "open sesame").ok
    up = project.up()
    assert up.ok, up.output
    assert "said on stdout" in up.output and "said on stderr" in up.output
    assert "open sesame" not in up.output
    shown = json.loads(project.run("stack", "output", "--json").output)
    assert shown["plain"] == "some value" and shown["secret"] == "[secret]" and shown["dry"] is False
    assert shown["where"] == ["tiny", "dev", str(tmp_path / "program")]
    assert Path(shown["python"]).samefile(sys.executable)
    revealed = json.loads(project.run("stack", "output", "--json", "--show-secrets").output)
    assert revealed["secret"] == "open sesame"
    state = json.dumps(project.export())
    assert "some value" in state and "open sesame" not in state


def test_the_program_runs_in_the_virtual_environment_of_pulumi_yaml(engine: Engine, tmp_path: Path) -> None:
    # Links to our packages: what matters is which interpreter the program says it runs in.
    environment = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    packages = next((Path(sys.prefix) / "lib").glob("python3*/site-packages"))
    target = next((environment / "lib").glob("python3*/site-packages"))
    (target / "ours.pth").write_text(str(packages))
    project = tiny(
        engine,
        tmp_path,
        "import sys\nimport pulumi\npulumi.export('prefix', sys.prefix)\n",
        "name: tiny\nruntime:\n  name: python\n  options:\n    virtualenv: ../env\n",
    )
    up = project.up()
    assert up.ok, up.output
    assert Path(json.loads(project.run("stack", "output", "--json").output)["prefix"]).samefile(environment)


def test_a_virtual_environment_that_is_not_there_is_named(engine: Engine, tmp_path: Path) -> None:
    project = tiny(
        engine,
        tmp_path,
        "import pulumi\n",
        "name: tiny\nruntime:\n  name: python\n  options:\n    virtualenv: .missing\n",
    )
    preview = project.preview()
    assert not preview.ok and ".missing" in preview.output and "Traceback" not in preview.output


def test_an_exception_in_the_program_is_shown_once(engine: Engine, tmp_path: Path) -> None:
    preview = tiny(engine, tmp_path, "import pulumi\nraise LookupError('no such stream')\n").preview()
    assert not preview.ok
    assert preview.output.count("Traceback") == 1
    assert preview.output.count("LookupError: no such stream") == 1


def test_a_program_that_exits_fails_the_preview(engine: Engine, tmp_path: Path) -> None:
    preview = tiny(engine, tmp_path, "import pulumi, os\nos._exit(5)\n").preview()
    assert not preview.ok and "exit" in preview.output and "5" in preview.output


def sleeping_program(engine: Engine, folder: Path) -> tuple["subprocess.Popen[str]", list[int]]:
    """A preview whose program sleeps, and the process ids of the program and its language host."""
    note = folder / "pids"
    program = "import os, time, pulumi\n"
    program += f"open({str(note)!r} + '.new', 'w').write(f'{{os.getpid()}} {{os.getppid()}}')\n"
    program += f"os.rename({str(note)!r} + '.new', {str(note)!r})\ntime.sleep(3600)\n"
    running = tiny(engine, folder, program).start("preview")
    eventually(note.exists, "the program did not start")
    return running, [int(pid) for pid in note.read_text().split()]


def test_ctrl_c_ends_engine_and_program_without_a_traceback(engine: Engine, tmp_path: Path) -> None:
    running, processes = sleeping_program(engine, tmp_path)
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=60)
    assert running.returncode != 0
    assert "KeyboardInterrupt" not in output and "Traceback" not in output
    eventually(lambda: not any(map(is_alive, processes)), "the program or its host lives on")


def test_program_and_host_end_with_a_killed_engine(engine: Engine, tmp_path: Path) -> None:
    running, processes = sleeping_program(engine, tmp_path)
    running.kill()
    running.communicate(timeout=60)
    eventually(lambda: not any(map(is_alive, processes)), "the program or its host lives on")


def test_the_host_ends_when_interrupted_though_its_parents_ignored_interrupts() -> None:
    """As in the background of a script: what is ignored is inherited, and the engine waits for our end."""
    host = [sys.executable, "-m", "qlift.pulumi_cli.language_host", "no-program-runner", "127.0.0.1:1"]
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
    with subprocess.Popen([*ignoring, *host], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None and int(running.stdout.readline())
        running.send_signal(signal.SIGINT)
        try:
            assert running.wait(timeout=30) == 0
        finally:
            running.kill()
