"""Ends this process when its engine is gone (POSIX only).

After a kill -9 of the engine a provider process otherwise finishes what it had begun, and what it was
about to begin: a second `up` at once would make everything twice. The engine reads this process's
standard output; when the reading end closes, poll answers POLLERR.
"""

from __future__ import annotations

import os
import select
import sys
import threading

_INTERVAL_MS = 200
_started = threading.Lock()


def start() -> None:
    """Watch from now on; once a process. Does nothing where there is no poll (Windows)."""
    if not hasattr(select, "poll") or not _started.acquire(blocking=False):
        return
    poll = select.poll()
    poll.register(sys.__stdout__.fileno() if sys.__stdout__ else 1, select.POLLERR | select.POLLHUP)
    threading.Thread(target=_watch, args=(poll,), name="engine-watchdog", daemon=True).start()


def _watch(poll: select.poll) -> None:
    while True:
        if any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(_INTERVAL_MS)):
            os._exit(1)
