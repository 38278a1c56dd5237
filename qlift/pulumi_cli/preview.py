"""Runs `pulumi preview` and reads what the engine says about each object.

The engine writes its events to a file (`--event-log`, which the Automation API uses too); what is on the
terminal is for people and nobody parses it.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from qlift.pulumi_cli.engine import Engine
from qlift.pulumi_cli.errors import EngineError
from qlift.pulumi_cli.stack import GUARD, OURS, job_of, name_in

Op = Literal["create", "update", "replace", "delete"]
_OPS: dict[str, Op] = {"create": "create", "update": "update", "replace": "replace", "delete": "delete"}
"""A replacement is three events; `replace` stands for all of it."""
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The engine's sign for what only the run itself will know."""
_LOOK_SECONDS = 0.5
_HIDDEN = "__provider"


@dataclass(frozen=True)
class Step:
    """What a run would do with one object. Property bags are empty where there is none; unknown is None."""

    op: Op
    kind: str
    key: str
    job: str
    """Empty for what is in none."""
    id: str
    old: dict[str, Any]
    """The live values: a preview refreshes first."""
    new: dict[str, Any]

    @property
    def former(self) -> dict[str, Any] | None:
        """What an adopted object was before: it is an input of every such object."""
        found = (self.new or self.old).get("former")
        return dict(found) if found else None


@dataclass(frozen=True)
class Drift:
    """What somebody changed in the tenant since the last run. `now` None: the object is gone."""

    kind: str
    key: str
    was: dict[str, Any]
    now: dict[str, Any] | None


@dataclass
class Previewed:
    ok: bool
    """The engine came to the end."""
    steps: list[Step] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    """In the plan's order, which the delete guard's inputs hold."""
    unchanged: int = 0
    errors: list[str] = field(default_factory=list)
    """What the engine, the program or a provider said in the end, without repetitions."""
    warnings: list[str] = field(default_factory=list)
    """What providers noted that stops nothing."""


def preview(
    engine: Engine,
    root: Path,
    stack: str,
    env: Mapping[str, str],
    *,
    args: tuple[str, ...] = (),
    progress: Callable[[str], None],
) -> Previewed:
    """Raises `EngineError` when the engine did not even begin, such as for a stack that does not exist."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "events"
        command = ["preview", "-s", stack, "--non-interactive", "--color=never", "--event-log", str(log)]
        # The event log's flag is one of those that the engine hides otherwise.
        shown = {**env, "PULUMI_DEBUG_COMMANDS": "true"}
        process = engine.popen([*command, *args], cwd=root, env=shown)
        output = _waited_for(process, log, progress)
        if not log.exists() or not log.stat().st_size:
            raise EngineError(f"pulumi preview did not begin:\n{output.strip()}")
        with log.open(encoding="utf-8") as lines:
            found = read_events(lines)
    if process.returncode and not found.errors:
        found.errors.append(output.strip())
    found.ok = process.returncode == 0
    return found


def _waited_for(process: subprocess.Popen[str], log: Path, progress: Callable[[str], None]) -> str:
    at, seen = 0, 0
    while True:
        try:
            out, err = process.communicate(timeout=_LOOK_SECONDS)
            return f"{out or ''}{err or ''}"
        except subprocess.TimeoutExpired:
            if log.exists():
                with log.open("rb") as file:
                    file.seek(at)
                    new = file.read()
                at, seen = at + len(new), seen + new.count(b'"resOutputsEvent"')
            progress(f"previewing: {seen:,} objects looked at")
        except BaseException:
            process.terminate()
            process.communicate()
            raise


def read_events(lines: Iterator[str] | list[str]) -> Previewed:
    """Lines are the engine's events, one JSON object each."""
    found = Previewed(ok=True)
    for line in lines:
        event = json.loads(line)
        if (before := event.get("resourcePreEvent")) is not None:
            _step(before["metadata"], found)
        elif (after := event.get("resOutputsEvent")) is not None:
            _drift(after["metadata"], found)
        elif (told := event.get("diagnosticEvent")) is not None and told.get("severity") == "error":
            message = str(told["message"]).strip()
            if message and message not in found.errors:
                found.errors.append(message)
    return found


def _step(metadata: dict[str, Any], found: Previewed) -> None:
    kind = _kind(metadata)
    if kind is None:
        return
    if kind == GUARD and (jobs := _plain((metadata.get("new") or {}).get("inputs")).get("jobs")):
        found.jobs = [str(job) for job in jobs]
    if metadata["op"] == "same" and kind != GUARD:
        found.unchanged += 1
    if metadata["op"] not in _OPS:
        return
    old, new = metadata.get("old") or {}, metadata.get("new") or {}
    parent = str((new or old).get("parent") or "")
    found.steps.append(
        Step(
            op=_OPS[metadata["op"]],
            kind=kind,
            key=name_in(metadata["urn"]),
            job=job_of(parent),
            id=str(old.get("id") or ""),
            old=_plain(old.get("outputs") or old.get("inputs")),
            new=_plain(new.get("inputs")),
        )
    )


def _drift(metadata: dict[str, Any], found: Previewed) -> None:
    kind = _kind(metadata)
    if kind is None or metadata["op"] != "refresh":
        return
    old, new = metadata.get("old") or {}, metadata.get("new") or {}
    was = _plain(old.get("outputs"))
    now = _plain(new.get("outputs")) if new.get("id") else None
    if was != now:
        found.drift.append(Drift(kind, name_in(metadata["urn"]), was, now))


def _kind(metadata: dict[str, Any]) -> str | None:
    type_ = str(metadata["type"])
    return type_.removeprefix(OURS) if type_.startswith(OURS) else None


def _plain(values: dict[str, Any] | None) -> dict[str, Any]:
    return {k: _known(v) for k, v in (values or {}).items() if k != _HIDDEN}


def _known(value: Any) -> Any:
    if value == UNKNOWN:
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_known(v) for v in value]
    if isinstance(value, dict):
        return {k: _known(v) for k, v in value.items()}
    return value
