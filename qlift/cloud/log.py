"""The log of every request that changed something: one JSON object a line, without bodies."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

VARIABLE = "QLIFT_LOG"


class RequestLog:
    """Appends to a file that only its owner can read. Without a path it writes nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()

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
        with self._lock:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "a", encoding="utf-8") as file:
                file.write(line + "\n")
