"""What this package does that works on POSIX only."""

import fcntl
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(lock: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold `lock` alone on this machine; `on_wait` is called once if somebody else holds it.

    The kernel releases the lock when its holder dies, so there is never a stale one; the file stays.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def kill_group(process: subprocess.Popen[str]) -> None:
    """End a process that was started in a group of its own, and that group, at once (kill -9)."""
    # Before it is waited for, a dead leader's group still exists, so the id cannot have been reused.
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
