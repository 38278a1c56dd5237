"""A few calls at once, and an interruption that does not wait for them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
_GLANCE_SECONDS = 0.2
_FAREWELL_SECONDS = 2.0
"""How long calls that are under way may still take when nobody wants their results any more."""


def in_parallel(
    work: Callable[[T], R], items: Iterable[T], workers: int, stopped: Event
) -> Generator[tuple[T, R | Exception], None, None]:
    """Each item with what `work` gave or raised, in the order in which they are done.

    When the caller stops asking, `stopped` is set and no further item is begun. The threads end with the
    process: a call to a site may take half an hour, and Ctrl-C should not.
    """
    waiting: Queue[T] = Queue()
    for item in items:
        waiting.put(item)
    # Bounded: what is done waits until it is written, and must not pile up.
    done: Queue[tuple[T, R | Exception] | BaseException | None] = Queue(maxsize=workers)

    def give(result: tuple[T, R | Exception] | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                done.put(result, timeout=_GLANCE_SECONDS)
            except Full:
                continue
            return

    def run() -> None:
        while not stopped.is_set():
            try:
                item = waiting.get_nowait()
            except Empty:
                break
            try:
                give((item, work(item)))
            except Exception as error:
                give((item, error))
            except BaseException as error:
                give(error)
        give(None)

    running = min(workers, waiting.qsize())
    threads = [Thread(target=run, name=f"qlift-{n}", daemon=True) for n in range(running)]
    for thread in threads:
        thread.start()
    try:
        while running:
            result = done.get()
            if result is None:
                running -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result
    finally:
        stopped.set()
        for thread in threads:
            thread.join(_FAREWELL_SECONDS / len(threads))
