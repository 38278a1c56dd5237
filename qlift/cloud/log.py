"""The log of every request that changed something: one JSON object a line, without bodies."""

from __future__ import annotations

import json
import logging
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

log = logging.getLogger(__name__)

VARIABLE = "QLIFT_LOG"


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
        if self._path is None:
            return
        line = json.dumps(
            {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "method": method,
                "path": path.partition("?")[0],
                "subject": subject,
                "status": status,
                "trace_id": trace_id,
                "milliseconds": round(seconds * 1000),
            },
            ensure_ascii=False,
        )
        try:
            self._append(line.encode() + b"\n")
        except OSError as error:
            log.warning("%s %s is missing in the log %s: %s", method, subject, self._path, error.strerror)

    def _append(self, line: bytes) -> None:
        """In one go: other processes of the run append to the same file."""
        assert self._path is not None
        with self._lock:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)
