"""The tenant's rate limits, kept before the tenant has to enforce them.

A tier has so many requests a minute, evaluated over five minutes, for each user: a burst may use the
whole window. Source: qlik.dev, rate limiting. The budget belongs to the identity, this limiter to a
process: `share` leaves room for phases that run side by side. A 429 means that others use the budget too,
so it stops the tier as told and ends bursts: for one window requests go out one by one, the slower the
more 429s come.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

READS, WRITES, UPLOADS = "reads", "writes", "uploads"
Waiting = Callable[[str, float], None]
"""Told the tier and the seconds of a pause that people would wonder about."""
WORTH_A_WORD_SECONDS = 2.0
UNDER_WAY_SECONDS = 0.25
"""When all that is allowed is under way: look again after so long."""
SLOWER = 1.5
SLOWEST = 10.0
"""Times the even pace: a tenth of the share still gets through."""


class RateLimits(BaseModel):
    """Requests a minute by tier, evaluated over a window. Defaults: what Qlik documents for every plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reads: int = Field(1000, gt=0)
    writes: int = Field(100, gt=0)
    uploads: int = Field(800, gt=0)
    window_seconds: float = Field(300.0, gt=0)

    def allowed(self, tier: str, share: float) -> int:
        """Requests in a window."""
        per_minute = {READS: self.reads, WRITES: self.writes, UPLOADS: self.uploads}[tier]
        return max(1, int(per_minute * self.window_seconds / 60 * share))


@dataclass
class _Tier:
    allowed: int
    """Requests in a window."""
    expiries: deque[float] = field(default_factory=deque)
    """When each request that was answered leaves the window."""
    under_way: int = 0
    stopped_until: float = 0.0
    refused_at: float | None = None
    slowness: float = 1.0
    next_at: float = 0.0


class Limiter:
    """Thread-safe."""

    def __init__(
        self,
        *,
        share: float,
        now: Callable[[], float],
        sleep: Callable[[float], None],
        limits: RateLimits | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        self._now, self._sleep, self._waiting = now, sleep, waiting
        limits = limits or RateLimits()
        self._window = limits.window_seconds
        self._tiers = {tier: _Tier(limits.allowed(tier, share)) for tier in (READS, WRITES, UPLOADS)}
        self._lock = threading.Lock()

    @contextmanager
    def request(self, tier: str) -> Iterator[None]:
        """Sleeps until a request of the tier may be sent.

        The tenant counts it at some moment between sending and answer, so it counts here until its window
        after the answer is over.
        """
        state = self._tiers[tier]
        while (pause := self._pause(state)) > 0:
            if self._waiting is not None and pause >= WORTH_A_WORD_SECONDS:
                self._waiting(tier, pause)
            self._sleep(pause)
        try:
            yield
        finally:
            with self._lock:
                state.under_way -= 1
                state.expiries.append(self._now() + self._window)

    def stop(self, tier: str, seconds: float) -> None:
        """A 429: nobody sends anything of this tier for so long."""
        with self._lock:
            state, now = self._tiers[tier], self._now()
            # Requests that were on their way when the first 429 came say nothing new.
            if now >= state.stopped_until:
                again = state.refused_at is not None
                state.slowness = min(state.slowness * SLOWER, SLOWEST) if again else 1.0
            state.stopped_until = max(state.stopped_until, now + seconds)
            state.refused_at = state.stopped_until

    def _pause(self, state: _Tier) -> float:
        """Seconds to wait; 0 when the request is counted and may go."""
        with self._lock:
            now, expiries = self._now(), state.expiries
            while expiries and expiries[0] <= now:
                expiries.popleft()
            if state.refused_at is not None and now >= state.refused_at + self._window:
                state.refused_at, state.slowness = None, 1.0
            wait = state.stopped_until - now
            if len(expiries) + state.under_way >= state.allowed:
                wait = max(wait, expiries[0] - now if expiries else UNDER_WAY_SECONDS)
            if state.refused_at is not None:
                wait = max(wait, state.next_at - now)
            if wait > 0:
                # Never so little that rounding keeps the clock where it is.
                return max(wait, 0.001)
            state.under_way += 1
            state.next_at = now + self._window / state.allowed * state.slowness
            return 0.0
