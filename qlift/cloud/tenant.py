"""One tenant for one operation: its client, its index, and how to wait for what comes late."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from qlift.cloud.client import Client
from qlift.cloud.errors import Ambiguous, CloudError, Forbidden, NotFound
from qlift.cloud.index import Index

T = TypeVar("T")

LAG_SECONDS = 20.0
"""How long item records and fresh grants may lag, unless the target says otherwise; Qlik names no bound, the
vendor's tutorial polls 120 s."""
LOOK_UP_SECONDS = 180.0
"""A create's own look-up is live once the lists are older."""
ATTEMPTS = 3


@dataclass
class Tenant:
    client: Client
    index: Index
    lag_seconds: float = LAG_SECONDS
    owner_lock: threading.Lock = field(default_factory=threading.Lock)
    """Owner changes go one by one: each looks at the owner's roles before and after."""
    _lists_lock: threading.Lock = field(default_factory=threading.Lock)
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.client.now()

    def wait_for_lists(self) -> None:
        """Before an app is made: until what was made before this process began is listed.

        A run that was killed a moment ago may have made it, and nothing need tell of that run: its state may
        be lost, and lists lag. Takes the lag at most, once in a process.
        """
        with self._lists_lock:
            listed = self._began + self.lag_seconds
            if (left := listed - self.client.now()) > 0:
                self.client.sleep(left)
            self.index.fresh("apps", self.client.now() - listed)

    def settled(self, write: Callable[[], T], look: Callable[[], T | None]) -> T:
        """Write; when the answer is ambiguous, look whether it took effect, and write again only if not."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return write()
            except Ambiguous:
                if (found := look()) is not None:
                    return found
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def repeated(self, write: Callable[[], T]) -> T:
        """A write that may be done twice without harm: after an ambiguous answer it is done again.

        Its object exists, so only a refusal is waited for: an administrator may have taken the tool's role,
        which this run gave back a moment ago.
        """
        return self.settled(lambda: self.once_granted(write, (Forbidden,)), lambda: None)

    def eventually(self, look: Callable[[], T | None]) -> T | None:
        """Look again and again for what may show late; None when it did not show within the bound."""
        end, pause = self.client.now() + self.lag_seconds, 0.25
        while (found := look()) is None and self.client.now() + pause < end:
            self.client.sleep(pause)
            pause = min(pause * 2, 4.0)
        return found

    def once_granted(
        self, call: Callable[[], T], refusals: tuple[type[CloudError], ...] = (Forbidden, NotFound)
    ) -> T:
        """A call that may be refused for a moment after a grant or the creation of its space."""
        end, pause = self.client.now() + self.lag_seconds, 0.25
        while True:
            try:
                return call()
            except refusals:
                if self.client.now() + pause >= end:
                    raise
                self.client.sleep(pause)
                pause = min(pause * 2, 4.0)
