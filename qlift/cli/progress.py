"""How commands show that they are alive: a spinner on a terminal, nothing in a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console


@contextmanager
def shown(stream: TextIO) -> Iterator[Callable[[str], None]]:
    """Yields a function that takes what is being done now."""
    if not stream.isatty():
        yield lambda _: None
        return
    with Console(file=stream).status("starting") as status:
        yield status.update
