"""Runs a stack, or some of it, on Pulumi's Automation API, with the engine that `qlift.pulumi_cli` found."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pulumi.automation import (
    CommandError,
    CommandResult,
    EngineEvent,
    LocalWorkspace,
    OnOutput,
    OpType,
    PulumiCommand,
    Stack,
)
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from qlift.pulumi_cli import Engine
from qlift.pulumi_cli.stack import GUARD, OURS, name_in
from qlift.runs.graph import Graph

Command = Literal["up", "destroy"]
_CALLING = "Exception calling application: "
"""What gRPC puts before a provider's message."""
_WAITING = re.compile(r"waiting \d+ s for the tenant's limit[^<\n]*")
"""How a provider says that the tenant's limit makes it wait (providers.session)."""
_WORDS = {
    OpType.CREATE: "created",
    OpType.CREATE_REPLACEMENT: "replaced",
    OpType.UPDATE: "updated",
    OpType.DELETE: "deleted",
}
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Failure:
    job: str
    step: str
    object: str
    why: str


@dataclass
class Progress:
    """Where a run stands. `waiting`: what it says while the tenant's limit holds it up."""

    looked_at: int = 0
    done: int = 0
    waiting: str = ""


@dataclass
class Ran:
    ok: bool
    interrupted: bool
    done: dict[str, int]
    """Objects created, updated, replaced, deleted."""
    failures: tuple[Failure, ...]
    messages: tuple[str, ...]
    """Errors that belong to no object."""


def run(
    command: Command,
    engine: Engine,
    root: Path,
    stack: str,
    env: Mapping[str, str],
    *,
    graph: Graph,
    targets: Iterable[str] | None,
    progress: Callable[[Progress], None],
    tell: Callable[[str], None],
) -> Ran:
    """`targets`: URNs, None for all. `tell` is called when somebody interrupts the run.

    One failure does not stop the rest of an `up`; what depends on it stays as it is.
    """
    program = _Command(engine, env, tell)
    watch = _Watch(graph, progress)
    workspace = _Workspace(work_dir=str(root), env_vars=dict(env), pulumi_command=program)
    automated = Stack.select(stack, workspace)
    chosen = graph.targets(targets) if targets is not None else None
    error: CommandError | None = None
    try:
        if command == "up":
            automated.up(
                target=chosen,
                on_event=watch.see,
                continue_on_error=True,
                show_secrets=False,
                suppress_outputs=True,
            )
        else:
            automated.destroy(target=chosen, on_event=watch.see, show_secrets=False, suppress_outputs=True)
    except CommandError as failed:
        error = failed
    return watch.result(error, interrupted=program.interrupted)


class _Workspace(LocalWorkspace):
    def select_stack(self, stack_name: str) -> None:
        """Nothing: every call names the stack, and a run is no reason to change which one is selected."""


class _Command(PulumiCommand):
    """The SDK's own would not wait for an engine that a Ctrl-C lets finish its calls.

    The engine runs in a session of its own, so that the terminal's Ctrl-C reaches it once, through us: of a
    second one it would leave running calls behind unrecorded.
    """

    def __init__(self, engine: Engine, env: Mapping[str, str], tell: Callable[[str], None]) -> None:
        # Not the base class's, which looks for `bin/pulumi` and asks it for its version again.
        self.command, self.version = str(engine.binary), VersionInfo.parse(engine.version)
        self._engine, self._env, self._tell = engine, env, tell
        self.interrupted = False

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,  # noqa: ARG002
        on_error: OnOutput | None = None,  # noqa: ARG002
    ) -> CommandResult:
        env = {**self._env, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        process = self._engine.popen(["--non-interactive", "--color=never", *args], cwd=Path(cwd), env=env)
        with self._passing_on(process):
            out, err = process.communicate()
        result = CommandResult(stdout=out, stderr=err, code=process.returncode)
        if process.returncode:
            raise create_command_error(result)
        return result

    @contextmanager
    def _passing_on(self, process: subprocess.Popen[str]) -> Iterator[None]:
        def end(*_: Any) -> None:
            if self.interrupted:
                self._tell("Already ending: the calls that are running finish first.")
                return
            self.interrupted = True
            process.send_signal(signal.SIGINT)
            self._tell(
                "Ending: the calls that are running finish, and the state is saved. Run the same command "
                "again to go on."
            )

        before = {number: signal.signal(number, end) for number in _ENDS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@dataclass
class _Watch:
    """Called from the threads of the SDK's event server."""

    graph: Graph
    progress: Callable[[Progress], None]
    _at: Progress = field(default_factory=Progress)
    _done: Counter[str] = field(default_factory=Counter)
    _why: dict[str, list[str]] = field(default_factory=dict)
    """Errors by URN."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def see(self, event: EngineEvent) -> None:
        with self._lock:
            if (after := event.res_outputs_event) is not None:
                self._ended(after.metadata.urn, OpType(after.metadata.op))
            elif (told := event.diagnostic_event) is not None:
                text = told.message.strip()
                if told.severity == "error" and text:
                    whys = self._why.setdefault(told.urn or "", [])
                    if (why := _plain(text)) not in whys:
                        whys.append(why)
                elif waiting := _WAITING.search(text):
                    self._at.waiting = waiting[0]
            else:
                return
            self.progress(Progress(self._at.looked_at, self._at.done, self._at.waiting))

    def _ended(self, urn: str, op: OpType) -> None:
        if OURS not in urn:
            return
        self._at.looked_at += 1
        if op in _WORDS and f"{OURS}{GUARD}::" not in urn:
            self._at.done += 1
            self._at.waiting = ""
            self._done[_WORDS[op]] += 1

    def result(self, error: CommandError | None, *, interrupted: bool) -> Ran:
        failures, messages = [], []
        for urn, whys in self._why.items():
            node = self.graph.nodes.get(urn)
            if node is not None and node.kind:
                failures += [Failure(node.job, node.kind, node.key, why) for why in whys]
            elif OURS in urn:
                failures += [Failure("", urn.split(OURS)[1].split("::")[0], name_in(urn), w) for w in whys]
            else:
                messages += [w for w in whys if w not in ("update failed", "destroy failed")]
        if error is not None and not failures and not messages and not interrupted:
            messages.append(str(error).strip())
        return Ran(
            ok=error is None,
            interrupted=interrupted,
            done=dict(sorted(self._done.items())),
            failures=tuple(failures),
            messages=tuple(dict.fromkeys(messages)),
        )


def _plain(text: str) -> str:
    return " ".join(text.replace(_CALLING, "").split())
