"""One engine on this machine, and how to run it."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qlift.pulumi_cli.cache import Way, cache_folder
from qlift.pulumi_cli.errors import EngineError


@dataclass(frozen=True)
class Result:
    """How a run of the engine ended; the texts are empty when they went to the terminal."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Engine:
    """A `pulumi` executable with its Python helpers in `folder` (beside it, or elsewhere on PATH)."""

    binary: Path
    folder: Path
    version: str
    way: Way

    def default_settings(self, python: Path) -> dict[str, str]:
        """The variables this engine wants, PATH excepted; what people have set themselves goes first."""
        wanted = {
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # Without the virtualenv option in Pulumi.yaml, programs and dynamic providers run with this one.
            "PULUMI_PYTHON_CMD": str(python),
        }
        if self.way != "path":
            # An engine of our own keeps its log-ins and workspaces out of other engines' ~/.pulumi.
            wanted["PULUMI_HOME"] = str(cache_folder() / "home")
        if self.way == "built":
            # Built because nothing could be downloaded: do not try it in the middle of a preview.
            wanted["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
            wanted["QLIFT_PYTHON"] = str(python)
        return wanted

    def environment(self, project_root: Path) -> dict[str, str]:
        """The complete environment to run this engine in: ours, with PATH and settings added.

        The Python that runs the project is that of its `.venv`, else the one that runs us.
        """
        python = project_root / ".venv" / "bin" / "python"
        if not os.access(python, os.X_OK):
            python = Path(sys.executable)
        path = [str(self.folder), str(python.parent), os.environ.get("PATH", os.defpath)]
        return {**self.default_settings(python), **os.environ, "PATH": os.pathsep.join(path)}

    def run(
        self,
        args: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        capture: bool = True,
        check: bool = False,
        timeout: float | None = None,
    ) -> Result:
        """Run `pulumi <args>` to its end.

        `capture` collects the output and gives the engine no input; without it both are the terminal's.
        `check` raises EngineError for an exit code other than 0, `timeout` (seconds) for one that takes
        longer (the engine is killed then, so its stack may stay locked).
        """
        pipe = subprocess.PIPE if capture else None
        process = self._start(
            args, cwd=cwd, env=env, stdin=subprocess.DEVNULL if capture else None, output=pipe
        )
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except KeyboardInterrupt:
            # The engine has had the Ctrl-C too: it finishes its running calls and saves the state. Leave it.
            process.communicate()
            raise
        except subprocess.TimeoutExpired as slow:
            process.kill()
            process.communicate()
            raise EngineError(f"pulumi {args[0]} was ended after {timeout:g} s") from slow
        result = Result(process.returncode, stdout or "", stderr or "")
        if check and result.returncode != 0:
            raise EngineError(
                f"pulumi {args[0]} ended with exit code {result.returncode}:\n{result.stdout}{result.stderr}"
            )
        return result

    def popen(self, args: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> "subprocess.Popen[str]":
        """Start `pulumi <args>` in a session of its own, output captured; the caller ends and reads it.

        The engine puts each of its plugins into a process group of its own: killing the engine's group
        kills the engine alone.
        """
        return self._start(
            args, cwd=cwd, env=env, stdin=subprocess.DEVNULL, output=subprocess.PIPE, own_session=True
        )

    def _start(
        self,
        args: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: int | None,
        output: int | None,
        own_session: bool = False,
    ) -> "subprocess.Popen[str]":
        try:
            return subprocess.Popen(
                [str(self.binary), *args],
                cwd=cwd,
                env=dict(env),
                stdin=stdin,
                stdout=output,
                stderr=output,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=own_session,
            )
        except OSError as error:
            raise EngineError(f"Cannot start {self.binary}: {error.strerror}") from error
