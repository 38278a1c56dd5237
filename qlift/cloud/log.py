"""The log of every request that changed something: one JSON object a line, without bodies."""

from __future__ import annotations

import json
import logging
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

log = logging.getLogger(__name__)

VARIABLE = "QLIFT_LOG"


class DeletedApp(BaseModel):
    """An app that a run deleted."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    event: Literal["app deleted"] = "app deleted"
    stack: str
    kind: Literal["App", "AppPublication"]
    key: str
    """Logical name."""
    app: str
    """Its id."""
    name: str
    superseded: bool
    """Newer content took its place: not what an undo would bring back."""
    changes: tuple[str, ...]
    """What people had done to it, when the run was allowed to delete it all the same."""
    deleted_at: datetime
    recoverable_until: datetime | None
    """None: it was too young to be kept."""


class LogError(Exception):
    """The log cannot be written."""


class RequestLog:
    """Appends to a file that only its owner can read. Without a path it writes nothing.

    Raises:
        LogError: at the start. Later, a full disk must not make a change look as if it had failed, so the
            process's own log gets the word instead.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._append(b"")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise LogError(f"the log {path} cannot be written: {reason}; correct {VARIABLE}") from None

    @classmethod
    def from_environment(cls) -> RequestLog:
        value = os.environ.get(VARIABLE)
        return cls(Path(value) if value else None)

    def note(
        self,
        *,
        method: str,
        path: str,
        subject: str,
        status: int | None,
        trace_id: str | None,
        seconds: float,
    ) -> None:
        """`path` without its query; `status` None means that no answer came."""
        self._note(
            f"{method} {subject}",
            {
                "method": method,
                "path": path.partition("?")[0],
                "subject": subject,
                "status": status,
                "trace_id": trace_id,
                "milliseconds": round(seconds * 1000),
            },
        )

    def note_deleted_app(self, app: DeletedApp) -> None:
        """What `qlift restore` reads."""
        self._note(f"the end of app {app.app}", app.model_dump(mode="json"))

    def _note(self, what: str, entry: dict[str, Any]) -> None:
        if self._path is None:
            return
        entry = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **entry}
        try:
            self._append(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        except OSError as error:
            log.warning("%s is missing in the log %s: %s", what, self._path, error.strerror)

    def _append(self, line: bytes) -> None:
        """In one go: other processes of the run append to the same file."""
        assert self._path is not None
        with self._lock:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)


def deleted_apps(path: Path, stack: str) -> list[DeletedApp]:
    """Of a stack, as the log tells, the last of each logical name; oldest first. Raises `LogError`."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise LogError(f"the log {path} cannot be read: {reason}") from None
    found: dict[tuple[str, str], DeletedApp] = {}
    for line in lines:
        if '"app deleted"' not in line:
            continue
        try:
            entry = DeletedApp.model_validate_json(line)
        except ValidationError:
            # A line that a full disk cut off, or that somebody edited.
            log.warning("a line of %s is not readable: %s", path, line[:80])
            continue
        if entry.stack == stack and not entry.superseded:
            found.pop((entry.kind, entry.key), None)
            found[entry.kind, entry.key] = entry
    return list(found.values())
