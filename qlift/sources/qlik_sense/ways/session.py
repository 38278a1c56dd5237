"""Ways that log in once and then show a session's cookie, until the site forgets it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

import httpx


@dataclass
class Session:
    """Logs in with the first request, and again when the site does not know the session any more.

    A proxy forgets sessions after 30 minutes without a request by default: one long export is enough.
    """

    login: str
    tls: ssl.SSLContext
    log_in: Callable[[], httpx.Cookies]
    """Raises `SourceError`."""
    extra: Mapping[str, str] = field(default_factory=dict)
    _cookie: str | None = field(default=None, repr=False)
    _lock: Lock = field(default_factory=Lock)

    def headers(self) -> dict[str, str]:
        with self._lock:
            if self._cookie is None:
                self._cookie = _header(self.log_in())
            return {**self.extra, "Cookie": self._cookie}

    def renew(self, used: Mapping[str, str]) -> bool:
        with self._lock:
            # Another thread may have logged in again already.
            if self._cookie == used.get("Cookie"):
                self._cookie = None
        return True


def _header(cookies: httpx.Cookies) -> str:
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in cookies.jar)
