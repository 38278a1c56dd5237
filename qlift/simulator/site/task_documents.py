"""Makes the documents of tasks and of what starts them, with every field that their full form has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qlift.simulator.site.documents import NEVER, NO_DATE, ZERO_ID, Ids, common
from qlift.simulator.site.kinds import (
    APP,
    COMPOSITE_EVENT,
    EXTERNAL_TASK,
    RELOAD_TASK,
    SCHEMA_EVENT,
    USER_DIRECTORY,
    USER_SYNC_TASK,
    Document,
    Kind,
)
from qlift.simulator.site.kinds import reference as ref

SLOTS: Mapping[int, tuple[str, Kind]] = {
    0: ("reloadTask", RELOAD_TASK),
    1: ("externalProgramTask", EXTERNAL_TASK),
    2: ("userSyncTask", USER_SYNC_TASK),
}
"""By `taskType`: the field of an event or a rule that names a task of this type."""


def task_operational(task_id: str) -> Document:
    ids = Ids(task_id)
    return {
        "id": ids("operational"),
        "lastExecutionResult": {
            "id": ids("lastExecutionResult"),
            "executingNodeName": "qs-node-1.acme.example",
            "status": 7,
            "startTime": "2026-03-09T05:30:02.000Z",
            "stopTime": "2026-03-09T05:31:02.000Z",
            "duration": 60_000,
            "fileReferenceID": ZERO_ID,
            "scriptLogAvailable": False,
            "details": [],
            "scriptLogLocation": "",
            "scriptLogSize": -1,
            "privileges": None,
        },
        "nextExecution": NO_DATE,
        "privileges": None,
    }


def reload_task(
    id_: str, name: str, app_: Document, *, enabled: bool = True, timeout: int = 1440
) -> Document:
    """`timeout` in minutes."""
    return common(id_, RELOAD_TASK.type) | {
        "name": name,
        "taskType": 0,
        "enabled": enabled,
        "taskSessionTimeout": timeout,
        "maxRetries": 0,
        "app": ref(APP, app_),
        "isManuallyTriggered": False,
        "isPartialReload": False,
        "timeToLive": 0,
        "preloadNodes": [],
        "tags": [],
        "customProperties": [],
        "operational": task_operational(id_),
    }


def external_task(id_: str, name: str, path: str, parameters: str, *, enabled: bool = True) -> Document:
    return common(id_, EXTERNAL_TASK.type) | {
        "name": name,
        "taskType": 1,
        "enabled": enabled,
        "taskSessionTimeout": 1440,
        "maxRetries": 0,
        "path": path,
        "parameters": parameters,
        "qlikUser": None,
        "tags": [],
        "customProperties": [],
        "operational": task_operational(id_),
    }


def user_sync_task(id_: str, directory: Document, *, enabled: bool = True) -> Document:
    """Named as the service names the one that it makes with a user directory connector."""
    return common(id_, USER_SYNC_TASK.type) | {
        "name": f"User synchronization task for {directory['name']}",
        "taskType": 2,
        "enabled": enabled,
        "taskSessionTimeout": 1440,
        "maxRetries": 0,
        "userDirectory": ref(USER_DIRECTORY, directory),
        "tags": [],
        "customProperties": [],
        "operational": task_operational(id_),
    }


def task_slots(task: Document) -> Document:
    """The three fields of an event or a rule that may name a task; exactly one is filled."""
    slots: Document = dict.fromkeys(("reloadTask", "userSyncTask", "externalProgramTask"))
    field, kind = SLOTS[task["taskType"]]
    return slots | {field: ref(kind, task)}


def event_operational(event_id: str) -> Document:
    return {
        "id": Ids(event_id)("operational"),
        "nextExecution": NO_DATE,
        "timesTriggered": 177,
        "lastEventDate": "2026-03-09T05:30:00.000Z",
        "privileges": None,
    }


def schema_event(
    id_: str,
    name: str,
    task: Document,
    start: str,
    zone: str,
    increment: str,
    option: int,
    filters: Iterable[str] = ("* * - * * * * *",),
    *,
    enabled: bool = True,
    expires: str = NEVER,
    daylight: int = 0,
) -> Document:
    """`start` is wall-clock time in `zone`, without an offset (`2026-01-05T05:30:00.000`)."""
    return common(id_, SCHEMA_EVENT.type) | {
        "name": name,
        "enabled": enabled,
        "eventType": 0,
        "timeZone": zone,
        "daylightSavingTime": daylight,
        "startDate": start,
        "expirationDate": expires,
        "schemaFilterDescription": list(filters),
        "incrementDescription": increment,
        "incrementOption": option,
        **task_slots(task),
        "operational": event_operational(id_),
    }


def composite_event(
    id_: str,
    name: str,
    task: Document,
    after: Iterable[tuple[Document, int]],
    *,
    enabled: bool = True,
    minutes: int = 360,
) -> Document:
    """Starts `task` when all of `after` happened within `minutes`; a state is 1 (succeeded) or 2 (failed)."""
    ids = Ids(id_)
    return common(id_, COMPOSITE_EVENT.type) | {
        "name": name,
        "enabled": enabled,
        "eventType": 1,
        **task_slots(task),
        "timeConstraint": {
            "id": ids("timeConstraint"),
            "days": 0,
            "hours": 0,
            "minutes": minutes,
            "seconds": 0,
            "schemaPath": "CompositeEventTimeConstraint",
        },
        "compositeRules": [
            {
                "id": ids("rule", number, upstream["id"]),
                "ruleState": state,
                **task_slots(upstream),
                "operational": {"timeStamp": "2026-03-09T05:31:02.071Z", "currentState": 1},
                "schemaPath": "CompositeEventRule",
            }
            for number, (upstream, state) in enumerate(after)
        ],
        "operational": event_operational(id_),
    }
