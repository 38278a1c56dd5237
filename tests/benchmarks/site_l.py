"""A bundle of the size of site L, with full objects as the Repository Service sends them.

2,000 apps (60 % unpublished), 150 streams, 20,000 users in 15 groups each, 1,500 reload tasks, 1,800 time
triggers, 900 chains, 120 custom rules, 300 connections, 150,000 app objects. No app files, no randomness.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from qlift.bundle import Writer
from qlift.bundle.layout import KINDS
from qlift.bundle.models import AppFile, Identity, StreamAccess

APPS, STREAMS, USERS, GROUPS_EACH, GROUPS = 2_000, 150, 20_000, 15, 1_000
TASKS, TIMED, CHAINS, RULES, CONNECTIONS, OBJECTS = 1_500, 1_800, 900, 120, 300, 150_000
DATE, NEVER = "2026-03-09T05:31:02.071Z", "1753-01-01T00:00:00.000Z"
TYPES = (
    "sheet",
    "masterobject",
    "dimension",
    "measure",
    "bookmark",
    "app_appscript",
    "loadmodel",
    "appprops",
)
Raw = dict[str, Any]


def guid(kind: str, number: int) -> str:
    return str(uuid.UUID(int=hash_of(kind) + number))


def hash_of(kind: str) -> int:
    return uuid.uuid5(uuid.NAMESPACE_URL, kind).int >> 32 << 32


def write(folder: Path) -> None:
    users = [user(n) for n in range(USERS)]
    streams = [stream(n, users) for n in range(STREAMS)]
    apps = [app(n, users, streams) for n in range(APPS)]
    tasks = [task(n, apps) for n in range(TASKS)]
    kinds: dict[str, list[Raw]] = {
        "user": users,
        "stream": streams,
        "app": apps,
        "reloadtask": tasks,
        "schemaevent": [timed(n, tasks) for n in range(TIMED)],
        "compositeevent": [chain(n, tasks) for n in range(CHAINS)],
        "systemrule": [rule(n, streams) for n in range(RULES)],
        "dataconnection": [connection(n, users) for n in range(CONNECTIONS)],
    }
    writer = Writer(folder)
    writer.begin()
    for kind in KINDS:
        writer.entities(kind, kinds.get(kind, []))
    for n, owner_app in enumerate(apps):
        writer.objects(owner_app["id"], [app_object(n, k, owner_app, users) for k in range(OBJECTS // APPS)])
    writer.app_files(
        AppFile(app=a["id"], sha256=f"{n:064x}", size=10_000_000, modified_date=DATE)
        for n, a in enumerate(apps)
    )
    writer.access(audit(n, streams, users) for n in range(STREAMS))
    writer.finish(
        site="site-l",
        product_version="31.0",
        identity=Identity(user="INTERNAL\\sa_api", roles=("RootAdmin",), complete=True),
        data="all",
        scope="all",
        runtime={},
    )


def common(kind: str, number: int, schema: str) -> Raw:
    return {
        "id": guid(kind, number),
        "createdDate": "2024-02-01T08:12:21.204Z",
        "modifiedDate": DATE,
        "modifiedByUserName": "ACME\\user1",
        "schemaPath": schema,
        "privileges": None,
        "tags": [],
        "customProperties": [],
    }


def ref(raw: Raw, *more: str) -> Raw:
    return {k: raw[k] for k in ("id", "name", *more)} | {"privileges": None}


def owner(raw: Raw) -> Raw:
    return ref(raw, "userId", "userDirectory", "userDirectoryConnectorName")


def attribute(number: int, type_: str, value: str) -> Raw:
    return {
        "id": guid("attribute", number),
        "createdDate": DATE,
        "attributeType": type_,
        "attributeValue": value,
        "externalId": "",
        "schemaPath": "User.Attribute",
    }


def groups_of(n: int) -> list[int]:
    return [(n * 7 + k * 67) % GROUPS for k in range(GROUPS_EACH)]


def user(n: int) -> Raw:
    number = n * (GROUPS_EACH + 1)
    attributes = [attribute(number, "email", f"user{n}@acme.example")]
    attributes += [attribute(number + k, "group", f"BI Group {g}") for k, g in enumerate(groups_of(n), 1)]
    return common("user", n, "User") | {
        "userId": f"user{n}",
        "userDirectory": "ACME",
        "userDirectoryConnectorName": "ACME",
        "name": f"User Number {n}",
        "roles": [],
        "attributes": attributes,
        "inactive": False,
        "removedExternally": False,
        "blacklisted": False,
        "deleteProhibited": False,
        "favorites": [],
    }


def stream(n: int, users: list[Raw]) -> Raw:
    return common("stream", n, "Stream") | {"name": f"Stream {n}", "owner": owner(users[n])}


def app(n: int, users: list[Raw], streams: list[Raw]) -> Raw:
    published = n % 5 < 2
    return common("app", n, "App") | {
        "name": f"App {n}",
        "description": "What this app is for, in a sentence.",
        "owner": owner(users[n]),
        "appId": "",
        "publishTime": DATE if published else NEVER,
        "published": published,
        "stream": ref(streams[n % STREAMS]) if published else None,
        "fileSize": 10_000_000,
        "lastReloadTime": DATE,
        "thumbnail": "",
        "savedInProductVersion": "12.2102.0",
        "migrationHash": f"{n:040x}",
        "dynamicColor": "",
        "availabilityStatus": 0,
    }


def app_object(n: int, k: int, owner_app: Raw, users: list[Raw]) -> Raw:
    """Of a published app half is public, a quarter community and a quarter private."""
    number = n * (OBJECTS // APPS) + k
    type_ = TYPES[k % len(TYPES)]
    public = bool(owner_app["published"]) and (k % 4 < 2 or TYPES.index(type_) > 4)
    return common("object", number, "App.Object") | {
        "owner": owner(users[(n + k // 4 % 3) % USERS]),
        "app": ref(owner_app, "appId", "publishTime", "published", "migrationHash"),
        "name": f"{type_} {k}",
        "engineObjectId": guid("engine", number),
        "engineObjectType": type_,
        "objectType": type_,
        "description": "",
        "attributes": "",
        "contentHash": f"{number:064x}",
        "size": 2_000,
        "publishTime": DATE if public else NEVER,
        "published": public or (bool(owner_app["published"]) and k % 4 == 2),
        "approved": public,
        "sourceObject": "",
        "draftObject": "",
        "appObjectBlobId": "00000000-0000-0000-0000-000000000000",
    }


def task(n: int, apps: list[Raw]) -> Raw:
    return common("task", n, "ReloadTask") | {
        "name": f"Reload App {n}",
        "taskType": 0,
        "enabled": True,
        "taskSessionTimeout": 1440,
        "maxRetries": 0,
        "app": ref(apps[n]),
        "isManuallyTriggered": False,
        "isPartialReload": False,
        "operational": {
            "id": guid("operational", n),
            "nextExecution": "2026-11-25T04:30:00.000Z",
            "lastExecutionResult": {"status": 7, "startTime": DATE, "stopTime": DATE, "duration": 90_000},
        },
    }


def event(kind: str, n: int, started: Raw) -> Raw:
    return common(kind, n, "SchemaEvent" if kind == "timed" else "CompositeEvent") | {
        "name": f"Trigger {n}",
        "enabled": True,
        "eventType": 0 if kind == "timed" else 1,
        "reloadTask": ref(started, "taskType", "enabled", "taskSessionTimeout", "maxRetries"),
        "userSyncTask": None,
        "externalProgramTask": None,
    }


def timed(n: int, tasks: list[Raw]) -> Raw:
    """The first 600 tasks have two or three, the last 900 are chained instead."""
    increments = (("0 0 1 0", 2), ("0 1 0 0", 1), ("30 0 0 0", 1))
    increment, option = increments[n % 3]
    return event("timed", n, tasks[n % (TASKS - CHAINS)]) | {
        "timeZone": "Europe/Berlin",
        "daylightSavingTime": 0,
        "startDate": f"2025-01-05T0{n % 9}:30:00.000",
        "expirationDate": "9999-01-01T00:00:00.000",
        "schemaFilterDescription": ["* * - * * * * *"],
        "incrementDescription": increment,
        "incrementOption": option,
        "operational": {"id": guid("announced", n), "timesTriggered": 177},
    }


def chain(n: int, tasks: list[Raw]) -> Raw:
    """Each follows the one before, ten in a row."""
    after = tasks[n % 600] if n % 10 == 0 else tasks[TASKS - CHAINS + n - 1]
    following = {"id": guid("follows", n), "ruleState": 1, "reloadTask": ref(after)}
    return event("chain", n, tasks[TASKS - CHAINS + n]) | {
        "timeConstraint": {"id": guid("window", n), "days": 0, "hours": 0, "minutes": 360, "seconds": 0},
        "compositeRules": [following | {"userSyncTask": None, "externalProgramTask": None}],
    }


def ruled_groups(n: int) -> list[int]:
    return [n * 5 % GROUPS, (n * 5 + 1) % GROUPS]


def rule(n: int, streams: list[Raw]) -> Raw:
    condition = " or ".join(f'user.group="BI Group {g}"' for g in ruled_groups(n))
    return common("rule", n, "SystemRule") | {
        "category": "Security",
        "subcategory": "",
        "type": "Custom",
        "name": f"Readers of stream {n}",
        "rule": f"(({condition}))",
        "resourceFilter": f"Stream_{streams[n % STREAMS]['id']}",
        "actions": 2,
        "ruleContext": 0,
        "comment": "",
        "disabled": False,
    }


def audit(n: int, streams: list[Raw], users: list[Raw]) -> StreamAccess:
    groups = set(ruled_groups(n)) if n < RULES else set()
    allowed = {u["id"]: 2 for k, u in enumerate(users) if groups and groups & set(groups_of(k))}
    return StreamAccess(stream=streams[n]["id"], users=allowed)


def connection(n: int, users: list[Raw]) -> Raw:
    return common("connection", n, "DataConnection") | {
        "name": f"Connection {n}",
        "owner": owner(users[n]),
        "connectionstring": f'CUSTOM CONNECT TO "provider=QvOdbcConnectorPackage.exe;host=db{n};port=5432"',
        "type": "QvOdbcConnectorPackage.exe",
        "engineObjectId": guid("engine connection", n),
        "username": "",
        "password": "",
        "logOn": 0,
        "architecture": 0,
    }
