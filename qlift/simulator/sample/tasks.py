"""The reload tasks of the sample site: what schedules people make, one odd one among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qlift.simulator.sample.options import SampleOptions
from qlift.simulator.site.documents import Ids
from qlift.simulator.site.kinds import COMPOSITE_EVENT, EXTERNAL_TASK, RELOAD_TASK, SCHEMA_EVENT, Document
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
    daylight: int = 0


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

_SHAPES: tuple[tuple[str, str, int, str], ...] = (
    ("Daily", "0 0 1 0", 2, _ANY),
    ("Hourly", "0 1 0 0", 1, _ANY),
    ("Weekdays", "0 0 1 0", 3, "* * - 1,2,3,4,5 1 * * *"),
    ("Daily", "0 0 1 0", 2, _ANY),
    ("Sundays", "0 0 1 0", 3, "* * - 0 1 * * *"),
    ("Office hours", "0 1 0 0", 5, "* 8,9,10,11,12,13,14,15,16,17 - 1,2,3,4,5 * * * *"),
    ("First of the month", "0 0 1 0", 4, "* * - * * 1 * *"),
    ("Daily", "0 0 1 0", 2, _ANY),
    ("Half-hourly", "30 0 0 0", 1, _ANY),
    ("Every second Monday", "0 0 1 0", 3, "* * - 1 2 * * *"),
    ("Last of the month", "0 0 1 0", 4, "* * - * * ¤ * *"),
    ("Every five hours", "0 5 0 0", 1, _ANY),
    ("First Monday", "0 0 1 0", 5, "* * 1 1 * * * *"),
    ("Once", "0 0 0 0", 0, _ANY),
    ("Quarterly", "0 0 1 0", 5, "* * - * * 1 1,4,7,10 *"),
    ("Once, every two hours", "0 2 0 0", 0, _ANY),
)
"""Name, increment, option, filter. The last one contradicts itself, as triggers that scripts wrote do."""
_ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Tokyo",
    "Europe/London",
    "Europe/Paris",
    "Asia/Calcutta",
    "UTC",
    "Australia/Adelaide",
)
_CIRCLE = (12, 13)
"""Places of a task and of the one that follows it."""
_LONG_RELOAD = 4 * 3600 * 1000


def make_tasks(store: Store, options: SampleOptions, ids: Ids, apps: Sequence[Document]) -> None:
    """`apps`: the published ones. Tasks after the ninth have schedules and chains of all sorts."""
    if not apps:
        return
    made: list[Document] = []
    for number in range(options.reload_tasks):
        spec = _TASKS[number] if number < len(_TASKS) else _further(number)
        app = apps[spec.app % len(apps)]
        name = f"Reload {app['name']}" + ("" if number < len(_TASKS) else f" ({number + 1})")
        enabled = not isinstance(spec, _Timed) or spec.enabled
        task = reload_task(ids("task", number), name, app, enabled=enabled, timeout=60)
        if number >= len(_TASKS) and number % 97 == 0:
            task["operational"]["lastExecutionResult"]["duration"] = _LONG_RELOAD
        made.append(task)
        store.put(RELOAD_TASK.stored, task["id"], task)
        if isinstance(spec, _Timed):
            _put_schema_event(store, ids("schema event", number), task, spec)
        else:
            upstream = [(made[place], 1) for place in spec.after]
            event = composite_event(ids("composite event", number), spec.event, task, upstream)
            store.put(COMPOSITE_EVENT.stored, event["id"], event)


def more_triggers(store: Store, options: SampleOptions, ids: Ids) -> None:
    """Further triggers until the site has `schema_events` and `composite_events` of them."""
    reloads = store.all(RELOAD_TASK.stored)
    further = [(task, _further(n)) for n, task in enumerate(reloads) if n >= len(_TASKS)]
    timed = [task for task, spec in further if isinstance(spec, _Timed)]
    chained = [task for task, spec in further if isinstance(spec, _Chained)]
    if not timed or not chained:
        return
    for number in range(options.schema_events - store.count(SCHEMA_EVENT.stored)):
        spec = _schedule(number * 7 + 5)
        _put_schema_event(store, ids("more schema", number), timed[number % len(timed)], spec)
    programs = store.all(EXTERNAL_TASK.stored)
    for number in range(options.composite_events - store.count(COMPOSITE_EVENT.stored)):
        task, upstream = chained[number % len(chained)], timed[number * 3 % len(timed)]
        if number == 0:
            # A circle: the task that a chained one waits for waits for it.
            task, upstream = reloads[_CIRCLE[0]], reloads[_CIRCLE[1]]
        elif number % 5 == 4 and programs:
            upstream = programs[number % len(programs)]
        state = 2 if number % 9 == 8 else 1
        name = f"Also after {upstream['name']}"
        event = composite_event(ids("more composite", number), name, task, [(upstream, state)])
        store.put(COMPOSITE_EVENT.stored, event["id"], event)


def _put_schema_event(store: Store, id_: str, task: Document, spec: _Timed) -> None:
    event = schema_event(
        id_,
        spec.event,
        task,
        spec.start,
        spec.zone,
        spec.increment,
        spec.option,
        (spec.filter,),
        daylight=spec.daylight,
    )
    store.put(SCHEMA_EVENT.stored, event["id"], event)


def _further(number: int) -> _Timed | _Chained:
    """Two in five follow the task before them, one in fifty the two tasks before."""
    if number % 5 in (3, 4):
        after = (number - 1, number - 2) if number % 50 == 4 else (number - 1,)
        return _Chained(number, "After the one before", after)
    return _schedule(number)


def _schedule(number: int) -> _Timed:
    name, increment, option, filter_ = _SHAPES[number % len(_SHAPES)]
    start = f"2026-01-05T{number % 24:02}:{number * 7 % 60:02}:{'30' if number % 13 == 0 else '00'}.000"
    daylight = 1 if number % 50 == 0 else 0
    zone = _ZONES[number % len(_ZONES)]
    return _Timed(
        number, name, start, zone, increment, option, filter_, enabled=number % 11 != 0, daylight=daylight
    )
