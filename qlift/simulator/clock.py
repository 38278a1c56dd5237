"""The simulator's time: expiry, limits and lag follow it, and a test can move it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Lock


class Clock:
    """Real time plus what `advance` added. With `frozen` (aware datetime) it only moves when told to."""

    def __init__(self, frozen: datetime | None = None) -> None:
        self._frozen = frozen
        self._offset = timedelta()
        self._lock = Lock()

    def now(self) -> datetime:
        """In UTC."""
        with self._lock:
            return (self._frozen or datetime.now(UTC)) + self._offset

    def advance(self, seconds: float) -> None:
        """Time does not go back.

        Raises:
            ValueError: negative seconds.
        """
        if seconds < 0:
            raise ValueError("the clock cannot be moved back")
        with self._lock:
            self._offset += timedelta(seconds=seconds)

    @property
    def offset(self) -> float:
        """Seconds that were added to real time so far."""
        with self._lock:
            return self._offset.total_seconds()
