"""Rate limits: by identity and tier, in windows that the simulator's clock measures (section 1.5)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from qlift.simulator.switches import Switches

_SPECIAL = (
    ("POST", re.compile(r"/api/v1/users/actions/filter"), 200),
    ("POST", re.compile(r"/api/v1/groups/actions/filter"), 200),
    ("POST", re.compile(r"/api/v1/temp-contents/files"), 800),
    ("PATCH", re.compile(r"/api/v1/temp-contents/files/[^/]+"), 800),
)


@dataclass
class _Window:
    start: float
    requests: int = 0


class Limits:
    """Five minutes' worth at once, then nothing until the window ends. Refused requests do not count."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], _Window] = {}

    def wait(self, switches: Switches, identity: str, method: str, path: str, now: float) -> int | None:
        """None: go on. Otherwise the whole seconds to wait, at least 1."""
        if not switches.rate_limits:
            return None
        tier, per_minute = _tier(switches, method, path)
        length = switches.limit_window_seconds
        window = self._windows.get((identity, tier))
        if window is None or now >= window.start + length:
            window = self._windows[identity, tier] = _Window(now)
        if window.requests >= max(1, per_minute * length // 60):
            return max(1, math.ceil(window.start + length - now))
        window.requests += 1
        return None


def _tier(switches: Switches, method: str, path: str) -> tuple[str, int]:
    for verb, pattern, per_minute in _SPECIAL:
        if verb == method and pattern.fullmatch(path):
            return f"{verb} {pattern.pattern}", per_minute
    if method in ("GET", "HEAD", "OPTIONS"):
        return "1", switches.tier1_per_minute
    return "2", switches.tier2_per_minute
