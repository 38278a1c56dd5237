"""Executables that stand in for `pulumi`, its helpers and `go`: shell scripts that need no PATH."""

from pathlib import Path

from qlift.pulumi_cli.find import HELPERS


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def fake_pulumi(folder: Path, version: str = "3.259.0", helpers: tuple[str, ...] = HELPERS) -> Path:
    """A `pulumi` that knows `version`, and writes each call's arguments to `calls` beside it."""
    for helper in helpers:
        script(folder / helper, "exit 0")
    return script(folder / "pulumi", f'echo "$@" >> "{folder}/calls"; echo v{version}')


def calls(binary: Path) -> list[str]:
    log = binary.with_name("calls")
    return log.read_text().splitlines() if log.exists() else []
