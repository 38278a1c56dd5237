"""Documents as they are at this moment: next executions follow the clock."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime

from qlift.simulator.site.documents import NO_DATE
from qlift.simulator.site.kinds import SCHEMA_EVENT, TASK_KINDS, Document, Kind
from qlift.simulator.site.schedule import next_execution
from qlift.simulator.site.task_documents import SLOTS
from qlift.simulator.store import Store


def current(store: Store, kind: Kind, documents: Sequence[Document], now: datetime) -> list[Document]:
    """The documents with `operational.nextExecution` as of `now`."""
    if kind is SCHEMA_EVENT:
        return [_due(event, next_execution(event, now)) for event in documents]
    if kind in TASK_KINDS:
        dates = _by_task(store, {task["id"] for task in documents}, now)
        return [
            _due(task, dates.get(task["id"], NO_DATE) if task["enabled"] else NO_DATE) for task in documents
        ]
    return list(documents)


def _by_task(store: Store, tasks: Container[str], now: datetime) -> dict[str, str]:
    dates: dict[str, str] = {}
    for event in store.all(SCHEMA_EVENT.stored):
        task = next((str(event[field]["id"]) for field, _ in SLOTS.values() if event.get(field)), "")
        if task not in tasks:
            continue
        date = next_execution(event, now)
        if date != NO_DATE:
            dates[task] = min(date, dates.get(task, date))
    return dates


def _due(document: Document, date: str) -> Document:
    operational = document.get("operational")
    if not isinstance(operational, dict):
        return document
    return document | {"operational": operational | {"nextExecution": date}}
