"""Reload schedules: tasks of the scheduling service.

Recognition: a task by its app and a name that ends in the short id of its trigger, owned by this identity:
a duplicate that somebody makes of our task keeps the end of its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from qlift.cloud.errors import NotFound
from qlift.cloud.index import TASKS
from qlift.cloud.models import Task, parsed
from qlift.cloud.tenant import LOOK_UP_SECONDS, Tenant

SPEC_VERSION = "1.16.0"
"""Of the task document; the newer of the two that the vendor's examples carry."""
FINISHED = "com.qlik.v1.task.run.finished"
EVENT = "upstream"


@dataclass(frozen=True)
class Definition:
    """What a task is, without who owns it. `after` is the id of the task that has to finish first."""

    name: str
    app_id: str
    enabled: bool
    partial: bool
    recurrence: str | None
    timezone: str | None
    start: str | None
    end: str | None
    after: str | None
    after_status: str | None

    @property
    def document(self) -> dict[str, Any]:
        """The whole task: a PUT resets what is left out."""
        document: dict[str, Any] = {
            "name": self.name,
            "specVersion": SPEC_VERSION,
            "enabled": self.enabled,
            "states": [
                {
                    "name": "reload",
                    "type": "EVENT",
                    "onEvents": [
                        {
                            "eventRefs": [EVENT] if self.after else [],
                            "actions": [
                                {
                                    "functionRef": {
                                        "refName": "app.reload",
                                        "arguments": {"appId": self.app_id, "partial": self.partial},
                                    }
                                }
                            ],
                        }
                    ],
                }
            ],
        }
        if self.after:
            document["events"] = [
                {
                    "name": EVENT,
                    "source": "system-events.task",
                    "type": FINISHED,
                    "correlation": [
                        {"contextAttributeName": "id", "contextAttributeValue": self.after},
                        {
                            "contextAttributeName": "status",
                            "contextAttributeValue": (self.after_status or "succeeded").upper(),
                        },
                    ],
                }
            ]
        else:
            schedule = {
                "recurrence": self.recurrence,
                "timezone": self.timezone,
                "startDateTime": self.start,
                "endDateTime": self.end,
            }
            document["start"] = {
                "stateName": "reload",
                "schedule": {k: v for k, v in schedule.items() if v is not None},
            }
        return document


def create_task(tenant: Tenant, definition: Definition, short_id: str) -> Task:
    subject = f'schedule "{definition.name}"'
    tenant.index.fresh("tasks", LOOK_UP_SECONDS)
    ours = _recognise(tenant, definition.app_id, short_id)
    if ours is not None:
        try:
            return replace_task(tenant, ours.id, definition)
        except NotFound:
            # It went with a move of its app.
            tenant.index.forget_task(ours.id)

    def write() -> Task:
        answer = tenant.client.post(TASKS, subject=subject, json=definition.document)
        return parsed(Task, answer.data, subject)

    def look() -> Task | None:
        tenant.index.refresh("tasks")
        return _recognise(tenant, definition.app_id, short_id)

    task = tenant.settled(lambda: tenant.once_granted(write), look)
    tenant.index.record_task(task)
    return task


def _recognise(tenant: Tenant, app_id: str, short_id: str) -> Task | None:
    return next(_own(tenant, app_id, short_id), None)


def _own(tenant: Tenant, app_id: str, short_id: str) -> Iterator[Task]:
    me = tenant.client.me().id
    return (t for t in tenant.index.tasks(app_id) if t.owner_id == me and t.name.endswith(short_id))


def left_over(tenant: Tenant, app_id: str, short_id: str, kept_id: str) -> list[str]:
    """Ids of further own tasks of the same trigger: what a tenant committed after a rerun had looked."""
    return sorted(t.id for t in _own(tenant, app_id, short_id) if t.id != kept_id)


def own_enabled(tenant: Tenant, app_id: str) -> list[str]:
    """Ids of the app's tasks that are the tool's and enabled."""
    me = tenant.client.me().id
    return [t.id for t in tenant.index.tasks(app_id) if t.enabled and t.owner_id == me]


def get_task(tenant: Tenant, task_id: str, subject: str) -> Task | None:
    found = tenant.client.find(f"{TASKS}/{task_id}", subject=subject)
    return parsed(Task, found, subject) if found else None


def replace_task(tenant: Tenant, task_id: str, definition: Definition) -> Task:
    """Takes the task over: whoever writes a task becomes its owner. Repeating it is harmless."""
    subject = f'schedule "{definition.name}"'

    def write() -> Task:
        answer = tenant.client.put(f"{TASKS}/{task_id}", subject=subject, json=definition.document)
        return parsed(Task, answer.data, subject)

    task = tenant.repeated(write)
    tenant.index.record_task(task)
    return task


def delete_task(tenant: Tenant, task_id: str, subject: str) -> None:
    with suppress(NotFound):
        tenant.client.delete(f"{TASKS}/{task_id}", subject=subject)
    tenant.index.forget_task(task_id)
