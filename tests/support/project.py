"""A Pulumi project on the real engine, with a backend of its own; and a copy of the whole project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qlift.pulumi_cli import Engine

ROOT = Path(__file__).parents[2]
CLONED = ("Pulumi.yaml", "__main__.py", "providers", "qlift", "stacks", "docs", ".gitignore")


@dataclass(frozen=True)
class Result:
    code: int
    output: str
    """Standard output and error, as a person sees them."""

    @property
    def ok(self) -> bool:
        return self.code == 0


class Project:
    """Runs `pulumi` in `folder`. Credentials and settings come through `env`."""

    def __init__(self, engine: Engine, folder: Path, env: Mapping[str, str]) -> None:
        self.folder = folder
        backend = folder.parent / "backend"
        backend.mkdir(exist_ok=True)
        self.binary = engine.binary
        self.env = {
            **engine.environment(ROOT),
            "PULUMI_BACKEND_URL": f"file://{backend}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PYTHONPATH": str(ROOT),
            **env,
        }

    def init(self, stack: str) -> None:
        result = self.run("stack", "init", stack)
        assert result.ok, result.output

    def run(self, *args: str, env: Mapping[str, str] | None = None) -> Result:
        running = self.start(*args, env=env)
        output, _ = running.communicate()
        return Result(running.returncode, output)

    def start(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """In a process group of its own, so that a test can kill all of it."""
        return subprocess.Popen(
            [str(self.binary), "--non-interactive", "--color=never", *args],
            cwd=self.folder,
            env={**os.environ, **self.env, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def preview(
        self, *args: str, expect_no_changes: bool = False, env: Mapping[str, str] | None = None
    ) -> Result:
        return self.run("preview", *(["--expect-no-changes"] if expect_no_changes else []), *args, env=env)

    def up(self, *args: str, env: Mapping[str, str] | None = None) -> Result:
        return self.run("up", "--yes", *args, env=env)

    def destroy(self, *args: str, env: Mapping[str, str] | None = None) -> Result:
        return self.run("destroy", "--yes", *args, env=env)

    def refresh(self, *args: str, env: Mapping[str, str] | None = None) -> Result:
        return self.run("refresh", "--yes", *args, env=env)

    def cancel(self) -> Result:
        """As documented: after a kill a file backend may hold an empty side file, which has to go."""
        result = self.run("cancel", "--yes")
        if "failed to load checkpoint: EOF" not in result.output:
            return result
        for side_file in (self.folder.parent / "backend").rglob("*.attrs"):
            if side_file.stat().st_size == 0:
                side_file.unlink()
        return self.run("cancel", "--yes")

    def export(self) -> dict[str, Any]:
        result = self.run("stack", "export")
        assert result.ok, result.output
        return dict(json.loads(result.output))


@dataclass(frozen=True)
class Clone:
    """What a newcomer has after cloning and `make setup`; `env` is that of a shell in it."""

    folder: Path
    env: Mapping[str, str]


def clone_project(engine: Engine, into: Path) -> Clone:
    """A copy in `into`, which is its home folder, too."""
    clone = into / "qlift"
    clone.mkdir()
    for part in CLONED:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, clone / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, clone / part)
    (clone / ".venv").symlink_to(sys.prefix)
    env = os.environ | engine.environment(clone) | {"HOME": str(into), "PYTHONPATH": str(clone)}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), str(engine.folder), env["PATH"]])
    return Clone(clone, env)
