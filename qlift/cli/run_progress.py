"""Shows a run: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from qlift.cli.progress import shown
from qlift.runs.run import Progress


@contextmanager
def shown_run(
    what: str,
    total: int,
    stream: TextIO,
    *,
    every: float,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Callable[[Progress], None]]:
    """`total`: objects that the run will change. `every`: seconds between two lines without a terminal."""
    if not stream.isatty():
        started = clock()
        with shown(stream, every=every, clock=clock) as tell:
            yield lambda at: tell(f"{what}: {line(at, total, clock() - started)}")
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[waiting]}"),
    )
    with Bar(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task(what, total=total, waiting="")
        yield lambda at: bar.update(task, completed=at.done, waiting=escape(at.waiting or _reading(at)))


def line(at: Progress, total: int, seconds: float) -> str:
    """`seconds`: since the run began."""
    parts = [f"{at.done:,} of {total:,} objects done"]
    if 0 < at.done < total:
        parts.append(f"about {_spoken(seconds / at.done * (total - at.done))} left")
    if at.waiting or _reading(at):
        parts.append(at.waiting or _reading(at))
    return ", ".join(parts)


def _reading(at: Progress) -> str:
    return "" if at.done else f"{at.looked_at:,} looked at"


def _spoken(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
