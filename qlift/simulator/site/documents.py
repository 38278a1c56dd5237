"""Makes the documents of the Repository Service, with every field that its full form has."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

from qlift.simulator.site.kinds import (
    APP,
    CUSTOM_PROPERTY,
    RELOAD_TASK,
    STREAM,
    TAG,
    USER,
    Document,
)
from qlift.simulator.site.kinds import reference as ref

ZERO_ID = str(uuid.UUID(int=0))
NO_DATE = "1753-01-01T00:00:00.000Z"
"""How the service writes a date that is absent."""
NEVER = "9999-01-01T00:00:00.000"

_CREATED = "2024-02-01T08:12:21.204Z"
_NAMESPACE = uuid.UUID("7f6f0d3e-3a0b-5f0c-9d57-0c6d0ad6c0de")


class Ids:
    """Ids that depend on the seed and on what is named, so that adding an object moves no other."""

    def __init__(self, seed: int | str) -> None:
        self._namespace = uuid.uuid5(_NAMESPACE, str(seed))

    def __call__(self, *names: object) -> str:
        return str(uuid.uuid5(self._namespace, "\x1f".join(str(name) for name in names)))


def _common(id_: str, type_: str, by: str = "INTERNAL\\sa_repository") -> Document:
    return {
        "id": id_,
        "createdDate": _CREATED,
        "modifiedDate": _CREATED,
        "modifiedByUserName": by,
        "schemaPath": type_,
        "privileges": None,
    }


def login(owner: Mapping[str, object]) -> str:
    """`DIRECTORY\\user`, of a user or of a reference to one."""
    return f"{owner['userDirectory']}\\{owner['userId']}"


def user(
    id_: str,
    directory: str,
    user_id: str,
    name: str,
    attributes: Iterable[tuple[str, str]] = (),
    roles: Iterable[str] = (),
    *,
    inactive: bool = False,
) -> Document:
    """`attributes` are pairs of type and value: `("group", ...)`, `("email", ...)`."""
    ids = Ids(id_)
    return _common(id_, USER.type) | {
        "userId": user_id,
        "userDirectory": directory,
        "userDirectoryConnectorName": directory,
        "name": name,
        "roles": list(roles),
        "attributes": [
            {
                "id": ids(type_, value),
                "createdDate": _CREATED,
                "modifiedDate": _CREATED,
                "modifiedByUserName": "INTERNAL\\sa_repository",
                "attributeType": type_,
                "attributeValue": value,
                "externalId": "",
                "schemaPath": "User.Attribute",
            }
            for type_, value in attributes
        ],
        "inactive": inactive,
        "removedExternally": False,
        "blacklisted": False,
        "deleteProhibited": directory == "INTERNAL",
        "tags": [],
        "customProperties": [],
        "favorites": [],
    }


SERVICE_ACCOUNTS = ("sa_repository", "sa_api", "sa_engine", "sa_scheduler")


def service_accounts(ids: Ids) -> list[Document]:
    """The accounts of the directory INTERNAL that every site has."""
    return [
        user(ids("user", "INTERNAL", name), "INTERNAL", name, name, roles=("RootAdmin",))
        for name in SERVICE_ACCOUNTS
    ]


def tag(id_: str, name: str) -> Document:
    return _common(id_, TAG.type) | {"name": name}


def custom_property(id_: str, name: str, choices: Iterable[str], objects: Iterable[str]) -> Document:
    return _common(id_, CUSTOM_PROPERTY.type) | {
        "name": name,
        "valueType": "Text",
        "choiceValues": list(choices),
        "objectTypes": list(objects),
        "description": "",
    }


def property_value(definition: Document, value: str, holder: str) -> Document:
    """One value of a custom property on the object with the id `holder`."""
    return {
        "id": Ids(holder)(definition["id"], value),
        "createdDate": _CREATED,
        "modifiedDate": _CREATED,
        "modifiedByUserName": "INTERNAL\\sa_repository",
        "value": value,
        "definition": ref(CUSTOM_PROPERTY, definition),
        "schemaPath": "CustomPropertyValue",
    }


def stream(id_: str, name: str, owner: Document) -> Document:
    return _common(id_, STREAM.type) | {
        "name": name,
        "owner": ref(USER, owner),
        "tags": [],
        "customProperties": [],
    }


def app(id_: str, name: str, owner: Document, stream_: Document | None, description: str = "") -> Document:
    """An app without a file; published when there is a stream."""
    return _common(id_, APP.type, login(owner)) | {
        "owner": ref(USER, owner),
        "name": name,
        "appId": "",
        "sourceAppId": ZERO_ID,
        "targetAppId": ZERO_ID,
        "publishTime": NO_DATE if stream_ is None else "2024-02-03T10:00:00.000Z",
        "published": stream_ is not None,
        "tags": [],
        "customProperties": [],
        "description": description,
        "stream": None if stream_ is None else ref(STREAM, stream_),
        "fileSize": 0,
        "staticByteSize": 0,
        "lastReloadTime": "2026-03-09T05:30:20.199Z",
        "thumbnail": "",
        "savedInProductVersion": "12.2102.0",
        "migrationHash": "98d482c3f964dccf69cbfb9a00e0c048ea6eb221",
        "dynamicColor": "",
        "lastDataDistribution": NO_DATE,
        "availabilityStatus": 0,
    }


def app_object(
    id_: str,
    app_: Document,
    owner: Document,
    object_type: str,
    name: str,
    content_hash: str,
    *,
    published: bool,
    approved: bool,
) -> Document:
    return _common(id_, "App.Object", login(owner)) | {
        "owner": ref(USER, owner),
        "app": ref(APP, app_),
        "name": name,
        "engineObjectId": "LoadModel" if object_type == "loadmodel" else Ids(id_)("engine"),
        "engineObjectType": object_type,
        "objectType": object_type,
        "description": "",
        "attributes": "",
        "contentHash": content_hash,
        "size": 512,
        "publishTime": "2024-02-03T10:00:00.000Z" if published else NO_DATE,
        "published": published,
        "approved": approved,
        "tags": [],
        "sourceObject": "",
        "draftObject": "",
        "appObjectBlobId": ZERO_ID,
    }


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
    return _common(id_, RELOAD_TASK.type) | {
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
    return _common(id_, "ExternalProgramTask") | {
        "name": name,
        "taskType": 1,
        "enabled": enabled,
        "taskSessionTimeout": 1440,
        "maxRetries": 0,
        "path": path,
        "parameters": parameters,
        "tags": [],
        "customProperties": [],
        "operational": task_operational(id_),
    }


def task_slots(task: Document) -> Document:
    """The three fields of an event or a rule that may name a task; exactly one is filled."""
    mine = "externalProgramTask" if task["taskType"] == 1 else "reloadTask"
    slots: Document = {"reloadTask": None, "userSyncTask": None, "externalProgramTask": None}
    return slots | {mine: ref(RELOAD_TASK, task)}


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
    return _common(id_, "SchemaEvent") | {
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
    return _common(id_, "CompositeEvent") | {
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


def system_rule(
    id_: str,
    name: str,
    resource_filter: str,
    rule: str,
    actions: int,
    *,
    type_: str = "Custom",
    context: int = 0,
    comment: str = "",
    disabled: bool = False,
    category: str = "Security",
) -> Document:
    """`context`: 0 everywhere, 1 in the hub only, 2 in the management console only."""
    return _common(id_, "SystemRule") | {
        "category": category,
        "subcategory": "",
        "type": type_,
        "name": name,
        "rule": rule,
        "resourceFilter": resource_filter,
        "actions": actions,
        "comment": comment,
        "disabled": disabled,
        "ruleContext": context,
        "seedId": ZERO_ID,
        "version": 0,
        "tags": [],
    }


def data_connection(
    id_: str, name: str, owner: Document, type_: str, connectionstring: str, username: str = ""
) -> Document:
    return _common(id_, "DataConnection", login(owner)) | {
        "name": name,
        "owner": ref(USER, owner),
        "connectionstring": connectionstring,
        "type": type_,
        "engineObjectId": Ids(id_)("engine"),
        "username": username,
        "password": "",
        "logOn": 0,
        "architecture": 0,
        "tags": [],
        "customProperties": [],
    }


def extension(id_: str, name: str, owner: Document) -> Document:
    path = f"/extensions/{name}/{name}.qext"
    return _common(id_, "Extension", login(owner)) | {
        "name": name,
        "owner": ref(USER, owner),
        "tags": [],
        "customProperties": [],
        "whiteList": {"id": Ids(id_)("whiteList"), "libraryType": 1, "privileges": None},
        "references": [
            {
                "id": Ids(id_)(path),
                "dataLocation": path,
                "logicalPath": path,
                "externalPath": path,
                "serveOptions": 0,
                "privileges": None,
            }
        ],
    }
