"""Documents as they are at this moment: next executions follow the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from qlift.simulator.site.documents import NO_DATE
from qlift.simulator.site.kinds import RELOAD_TASK, SCHEMA_EVENT, Document, Kind
from qlift.simulator.site.schedule import next_execution
from qlift.simulator.store import Store


def current(store: Store, kind: Kind, documents: Sequence[Document], now: datetime) -> list[Document]:
    """The documents with `operational.nextExecution` as of `now`."""
    if kind is SCHEMA_EVENT:
        return [_due(event, next_execution(event, now)) for event in documents]
    if kind is RELOAD_TASK:
        dates = _by_task(store, now)
        return [
            _due(task, dates.get(task["id"], NO_DATE) if task["enabled"] else NO_DATE) for task in documents
        ]
    return list(documents)


def _by_task(store: Store, now: datetime) -> dict[str, str]:
    dates: dict[str, str] = {}
    for event in store.all(SCHEMA_EVENT.stored):
        task = event.get("reloadTask")
        date = next_execution(event, now)
        if task is not None and date != NO_DATE:
            dates[task["id"]] = min(date, dates.get(task["id"], date))
    return dates


def _due(document: Document, date: str) -> Document:
    operational = document.get("operational")
    if not isinstance(operational, dict):
        return document
    return document | {"operational": operational | {"nextExecution": date}}
