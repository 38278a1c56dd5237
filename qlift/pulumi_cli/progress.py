"""How a long set-up tells people that it lives: a moving line on a terminal, a line now and then in a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console

SECONDS_BETWEEN_LINES = 30.0


class Progress(Protocol):
    """Takes what a set-up has to tell."""

    def say(self, text: str) -> None:
        """Something that must be read: always shown, and it stays."""

    def update(self, text: str) -> None:
        """Where it stands: shown on a terminal, once in a while elsewhere."""


class Silent:
    """For callers that show nothing."""

    def say(self, text: str) -> None:
        pass

    def update(self, text: str) -> None:
        pass


class Lines:
    """For logs: a line for what is said, at most one each 30 s for how it stands."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._last = clock()

    def say(self, text: str) -> None:
        self._last = self._clock()
        self._stream.write(text + "\n")
        self._stream.flush()

    def update(self, text: str) -> None:
        if self._clock() - self._last >= SECONDS_BETWEEN_LINES:
            self.say(text)


class _Terminal:
    def __init__(self, console: Console) -> None:
        self._console = console
        self.status = console.status("")

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)
        # Only a set-up that has something to say needs a moving line.
        self.status.start()

    def update(self, text: str) -> None:
        self.status.update(text.replace("[", r"\["))


@contextmanager
def shown_on(stream: TextIO) -> Iterator[Progress]:
    """A progress that suits the stream: moving on a terminal, lines elsewhere."""
    if not stream.isatty():
        yield Lines(stream)
        return
    terminal = _Terminal(Console(file=stream))
    try:
        yield terminal
    finally:
        terminal.status.stop()
