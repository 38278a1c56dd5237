"""The tenant's rate limits, kept before the tenant has to enforce them.

A tier has so many requests a minute, evaluated over five minutes, for each user: a burst may use the
whole window. Source: qlik.dev, rate limiting. The budget belongs to the identity, this limiter to a
process: `share` leaves room for phases that run side by side, and a 429 stops a tier as told.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 300.0
READS, WRITES, UPLOADS = "reads", "writes", "uploads"
PER_MINUTE = {READS: 1000, WRITES: 100, UPLOADS: 800}


class Limiter:
    """Thread-safe. `acquire` sleeps until a request of the tier may be sent."""

    def __init__(self, *, share: float, now: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._now, self._sleep = now, sleep
        self._allowed = {t: max(1, int(n * WINDOW_SECONDS / 60 * share)) for t, n in PER_MINUTE.items()}
        self._sent: dict[str, deque[float]] = {t: deque() for t in PER_MINUTE}
        self._stopped_until = dict.fromkeys(PER_MINUTE, 0.0)
        self._lock = threading.Lock()

    def acquire(self, tier: str) -> None:
        while (pause := self._pause(tier)) > 0:
            self._sleep(pause)

    def stop(self, tier: str, seconds: float) -> None:
        """A 429: nobody sends anything of this tier for so long."""
        with self._lock:
            self._stopped_until[tier] = max(self._stopped_until[tier], self._now() + seconds)

    def _pause(self, tier: str) -> float:
        """Seconds to wait; 0 when the request is counted and may go."""
        with self._lock:
            now, sent = self._now(), self._sent[tier]
            while sent and sent[0] <= now - WINDOW_SECONDS:
                sent.popleft()
            if self._stopped_until[tier] > now:
                return self._stopped_until[tier] - now
            if len(sent) < self._allowed[tier]:
                sent.append(now)
                return 0.0
            return sent[0] + WINDOW_SECONDS - now
