"""The reload tasks of the sample site: what schedules people make, one odd one among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qlift.simulator.sample.options import SampleOptions
from qlift.simulator.site.documents import Ids
from qlift.simulator.site.kinds import COMPOSITE_EVENT, RELOAD_TASK, SCHEMA_EVENT, Document
from qlift.simulator.site.task_documents import composite_event, reload_task, schema_event
from qlift.simulator.store import Store

_ANY = "* * - * * * * *"


@dataclass(frozen=True)
class _Timed:
    """A task with one schema event. `app` is the place among the published apps."""

    app: int
    event: str
    start: str
    zone: str
    increment: str
    option: int
    filter: str = _ANY
    enabled: bool = True


@dataclass(frozen=True)
class _Chained:
    """A task that starts when all the tasks at `after` (places in the list) have succeeded."""

    app: int
    event: str
    after: tuple[int, ...]


_TASKS: tuple[_Timed | _Chained, ...] = (
    _Timed(0, "Daily", "2026-01-05T05:30:00.000", "Europe/Berlin", "0 0 1 0", 2),
    _Chained(1, "After the ledger", (0,)),
    _Chained(2, "After the budget", (1,)),
    _Timed(3, "Every two hours", "2026-01-05T07:10:00.000", "America/New_York", "0 2 0 0", 1),
    _Timed(
        6,
        "Monday, Wednesday, Friday",
        "2026-01-05T06:00:00.000",
        "Europe/London",
        "0 0 1 0",
        3,
        "* * - 1,3,5 1 * * *",
    ),
    _Timed(
        10, "First and fifteenth", "2026-01-01T02:00:00.000", "Asia/Tokyo", "0 0 1 0", 4, "* * - * * 1,15 * *"
    ),
    _Timed(7, "Once", "2023-03-01T04:00:00.000", "Europe/Stockholm", "0 0 0 0", 0),
    _Chained(9, "When stock and sales are ready", (0, 3)),
    _Timed(
        4,
        "Sundays",
        "2026-01-04T22:00:00.000",
        "Europe/Paris",
        "0 0 1 0",
        3,
        "* * - 0 1 * * *",
        enabled=False,
    ),
)
"""Tasks 0, 1 and 2 are the chain of three; 7 waits for two upstream tasks, which Qlik Cloud cannot say."""

_ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Europe/London")


def make_tasks(store: Store, options: SampleOptions, ids: Ids, apps: Sequence[Document]) -> None:
    """`apps`: the published ones. Further tasks than the nine are daily ones, an app after the other."""
    if not apps:
        return
    made: list[Document] = []
    for number in range(options.reload_tasks):
        spec = _TASKS[number] if number < len(_TASKS) else _further(number)
        app = apps[spec.app % len(apps)]
        name = f"Reload {app['name']}" + ("" if number < len(_TASKS) else f" ({number + 1})")
        enabled = not isinstance(spec, _Timed) or spec.enabled
        task = reload_task(ids("task", number), name, app, enabled=enabled, timeout=60)
        made.append(task)
        store.put(RELOAD_TASK.stored, task["id"], task)
        if isinstance(spec, _Timed):
            event = schema_event(
                ids("schema event", number),
                spec.event,
                task,
                spec.start,
                spec.zone,
                spec.increment,
                spec.option,
                (spec.filter,),
            )
            store.put(SCHEMA_EVENT.stored, event["id"], event)
        else:
            upstream = [(made[place], 1) for place in spec.after]
            event = composite_event(ids("composite event", number), spec.event, task, upstream)
            store.put(COMPOSITE_EVENT.stored, event["id"], event)


def _further(number: int) -> _Timed:
    start = f"2026-01-05T{number % 24:02}:{number * 7 % 60:02}:00.000"
    return _Timed(number, "Daily", start, _ZONES[number % len(_ZONES)], "0 0 1 0", 2)
