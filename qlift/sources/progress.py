"""How far an export is, for people: what is being done, how much of it, how fast, how long still."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

Progress = Callable[[str], None]
"""Takes what is being done now; called often, from several threads."""

_WINDOW = 60.0
"""Seconds over which the speed is taken."""


@dataclass
class Meter:
    """Counts app files and their bytes. Files are expected to be as large as the site says they are."""

    files: int
    expected: int
    """Bytes."""
    progress: Progress
    clock: Callable[[], float] = time.monotonic
    _settled: set[str] = field(default_factory=set)
    _bytes: int = 0
    _under_way: dict[str, int] = field(default_factory=dict)
    _marks: list[tuple[float, int]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def passed(self, app: str, size: int) -> None:
        """So many bytes of the app's file have arrived."""
        with self._lock:
            self._bytes += size
            self._under_way[app] = self._under_way.get(app, 0) + size
            text = self._text()
        self.progress(text)

    def settled(self, app: str, expected: int) -> None:
        """The app's file is there, or has failed; it counts once."""
        with self._lock:
            if app not in self._settled:
                self._settled.add(app)
                self.expected -= expected
            self._under_way.pop(app, None)
            text = self._text()
        self.progress(text)

    def _text(self) -> str:
        parts = [f"app files: {len(self._settled):,} of {self.files:,}", size_text(self._bytes)]
        speed = self._speed()
        if speed:
            parts.append(f"{size_text(speed)}/s")
            left = max(self.expected - sum(self._under_way.values()), 0)
            # Of files without data no size is known.
            parts += [f"{time_text(left / speed)} left"] if left else []
        return ", ".join(parts)

    def _speed(self) -> float:
        """Bytes a second over the last minute."""
        now = self.clock()
        if not self._marks or now - self._marks[-1][0] >= 1:
            self._marks.append((now, self._bytes))
        while len(self._marks) > 2 and now - self._marks[0][0] > _WINDOW:
            self._marks.pop(0)
        at, size = self._marks[0]
        return (self._bytes - size) / (now - at) if now > at else 0.0


def size_text(size: float) -> str:
    """`1.5 GB`; powers of 1,000, as the vendor counts."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def time_text(seconds: float) -> str:
    """`2 h 05 min`, `7 min`, `40 s`."""
    minutes = int(seconds) // 60
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min" if minutes else f"{int(seconds)} s"
