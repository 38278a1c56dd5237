"""What an export gathered so far, one line each: the run after an interruption goes on from there."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, TextIO

FRESH = timedelta(hours=24)
"""For so long, what was read before an interruption counts as read by the same export."""


class Journal:
    """Lines are facts about one thing: `{"what": "objects", "id": ..., "at": ..., ...}`. The last one "
    "counts."""

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._lock = Lock()
        self._lines: dict[tuple[str, str], dict[str, Any]] = {}
        if path.exists():
            self._read(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("a", encoding="utf-8")

    def close(self) -> None:
        self._file.close()

    def note(self, what: str, id_: str, **facts: Any) -> dict[str, Any]:
        """From any thread."""
        line = {"what": what, "id": id_, "at": self._now().isoformat(timespec="seconds"), **facts}
        with self._lock:
            self._lines[what, id_] = line
            # Flushed, so that a kill loses nothing.
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()
        return line

    def fresh(self, what: str, id_: str, **facts: Any) -> dict[str, Any] | None:
        """The line, if it is not too old and says the same of these facts."""
        line = self._lines.get((what, id_))
        if line is None or any(line.get(k) != v for k, v in facts.items()):
            return None
        return line if self._now() - datetime.fromisoformat(line["at"]) <= FRESH else None

    def all(self, what: str) -> list[dict[str, Any]]:
        """However old."""
        return [line for (kind, _), line in self._lines.items() if kind == what]

    def _read(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8", errors="replace")
        for line in text.splitlines():
            try:
                facts = json.loads(line)
                self._lines[str(facts["what"]), str(facts["id"])] = facts
                datetime.fromisoformat(facts["at"])
            except (ValueError, KeyError, TypeError):
                continue
        # What follows has to be a line of its own, even after one that a kill cut off.
        if text and not text.endswith("\n"):
            with path.open("a", encoding="utf-8") as file:
                file.write("\n")
