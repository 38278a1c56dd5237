"""What the proxy remembers: who has a session, and which tickets may open one."""

from __future__ import annotations

import secrets
import string
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from qlift.simulator.clock import Clock

TICKET_LIFE = timedelta(minutes=1)
"""The page "Add ticket" of the Proxy Service API."""
SESSION_INACTIVITY = timedelta(minutes=30)
"""A virtual proxy's default for its session inactivity timeout."""

_LETTERS = string.ascii_letters + string.digits
_TICKET_LENGTH = 16


@dataclass
class _Entry:
    prefix: str
    user: str
    until: datetime


class Sessions:
    """Sessions by cookie and tickets, each for one virtual proxy. A restart forgets them. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sessions: dict[str, _Entry] = {}
        self._tickets: dict[str, _Entry] = {}
        self._lock = Lock()

    def open(self, prefix: str, user: str) -> str:
        """A new session of the user with the id `user`; returns the cookie's value."""
        value = str(uuid.uuid4())
        with self._lock:
            self._sessions[value] = _Entry(prefix, user, self._clock.now() + SESSION_INACTIVITY)
        return value

    def user_of(self, prefix: str, cookie: str) -> str | None:
        """Id of the session's user. The session then lives on."""
        with self._lock:
            found = self._sessions.get(cookie)
            if found is None or found.prefix != prefix or found.until < self._clock.now():
                return None
            found.until = self._clock.now() + SESSION_INACTIVITY
            return found.user

    def issue(self, prefix: str, user: str) -> str:
        """A ticket for the user with the id `user`."""
        ticket = "".join(secrets.choice(_LETTERS) for _ in range(_TICKET_LENGTH))
        with self._lock:
            self._tickets[ticket] = _Entry(prefix, user, self._clock.now() + TICKET_LIFE)
        return ticket

    def take(self, prefix: str, ticket: str) -> str | None:
        """Id of the ticket's user, once and within a minute."""
        with self._lock:
            found = self._tickets.get(ticket)
            if found is None or found.prefix != prefix:
                return None
            del self._tickets[ticket]
            return found.user if found.until >= self._clock.now() else None
