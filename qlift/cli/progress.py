"""How commands show that they are alive: a spinner on a terminal; in a pipe nothing, or a line now and "
"then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TextIO

from rich.console import Console
from rich.markup import escape


@contextmanager
def shown(
    stream: TextIO, *, every: float | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[str], None]]:
    """Yields a function that takes what is being done now, from any thread.

    `every`: seconds between two lines where nobody watches; None for no lines.
    """
    if stream.isatty():
        with Console(file=stream).status("starting") as status:
            yield lambda text: status.update(escape(text))
    elif every is None:
        yield lambda _: None
    else:
        yield _Lines(stream, every, clock).tell


class _Lines:
    def __init__(self, stream: TextIO, every: float, clock: Callable[[], float]) -> None:
        self._stream, self._every, self._clock = stream, every, clock
        self._next = clock()
        self._lock = Lock()

    def tell(self, text: str) -> None:
        with self._lock:
            now = self._clock()
            if now < self._next:
                return
            self._next = now + self._every
        self._stream.write(f"{text}\n")
        self._stream.flush()
