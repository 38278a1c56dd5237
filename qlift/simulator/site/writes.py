"""Changes by callers of the Repository Service: create, update, delete, publish, upload.

References in other objects are copies of a name; they follow when the name changes.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from qlift.simulator import qvf
from qlift.simulator.site import appfile
from qlift.simulator.site.documents import NEVER, NO_DATE, app, login
from qlift.simulator.site.kinds import (
    APP,
    APP_OBJECT,
    COMPOSITE_EVENT,
    CONTENT_LIBRARY,
    DATA_CONNECTION,
    EXTENSION,
    KINDS,
    RELOAD_TASK,
    SCHEMA_EVENT,
    STREAM,
    TASK_KINDS,
    USER,
    USER_DIRECTORY,
    USER_SYNC_TASK,
    Document,
    Kind,
    reference,
)
from qlift.simulator.site.task_documents import SLOTS, event_operational, task_operational
from qlift.simulator.store import Store

_REFERENCED_AS: tuple[tuple[Kind, str, tuple[Kind, ...]], ...] = (
    (APP, "app", (APP_OBJECT, RELOAD_TASK)),
    (STREAM, "stream", (APP,)),
    (USER, "owner", (APP, APP_OBJECT, STREAM, DATA_CONNECTION, EXTENSION, CONTENT_LIBRARY)),
    (USER_DIRECTORY, "userDirectory", (USER_SYNC_TASK,)),
    *((kind, field, (SCHEMA_EVENT, COMPOSITE_EVENT)) for field, kind in SLOTS.values()),
)
_SERVER_FIELDS = ("id", "createdDate", "schemaPath", "privileges")


class StaleError(Exception):
    """The object was changed after the caller read it."""


class UnknownReferenceError(ValueError):
    """The object names another one that the site does not have."""


class NotAnAppError(ValueError):
    """The uploaded bytes are no app file."""


def stamp(now: datetime) -> str:
    """UTC with milliseconds and `Z`, as the service writes dates."""
    return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z"


def create(store: Store, kind: Kind, body: Document, user: Document, now: datetime) -> Document:
    """Raises UnknownReferenceError."""
    id_ = body.get("id") or str(uuid.uuid4())
    given = {name: value for name, value in body.items() if value is not None}
    document = _defaults(kind, id_) | body | _resolved(store, kind, given)
    document |= {
        "id": id_,
        "createdDate": stamp(now),
        "modifiedDate": stamp(now),
        "modifiedByUserName": login(user),
        "schemaPath": kind.type,
        "privileges": None,
    }
    if "owner" in kind.fields and not document.get("owner"):
        document["owner"] = reference(USER, user)
    store.put(kind.stored, document["id"], document)
    return document


def _defaults(kind: Kind, id_: str) -> Document:
    """What the service fills in where the caller is silent."""
    empty: dict[str, Any] = {"tags": [], "customProperties": []}
    found = {name: value for name, value in empty.items() if name in kind.fields}
    if kind in TASK_KINDS:
        found |= {
            "taskType": next(type_ for type_, (_, task) in SLOTS.items() if task is kind),
            "enabled": True,
            "taskSessionTimeout": 1440,
            "maxRetries": 0,
            "operational": task_operational(id_),
        }
    if kind is RELOAD_TASK:
        found |= {
            "isManuallyTriggered": False,
            "isPartialReload": False,
            "timeToLive": 0,
            "preloadNodes": [],
        }
    if kind in (SCHEMA_EVENT, COMPOSITE_EVENT):
        found |= dict.fromkeys((field for field, _ in SLOTS.values()))
        found |= {"enabled": True, "operational": event_operational(id_)}
    if kind is SCHEMA_EVENT:
        found |= {"eventType": 0, "timeZone": "UTC", "daylightSavingTime": 0, "expirationDate": NEVER}
    if kind is COMPOSITE_EVENT:
        found |= {"eventType": 1, "compositeRules": []}
    return found


def _resolved(store: Store, kind: Kind, body: Document) -> Document:
    """References in their condensed form; callers often send nothing but the id."""
    found = {}
    for target, field, holders in _REFERENCED_AS:
        if field in body and kind in holders:
            named = store.get(target.stored, str(body[field].get("id", "")))
            if named is None:
                raise UnknownReferenceError(f"{field}: there is no {target.type} with this id.")
            found[field] = reference(target, named)
    return found


def update(
    store: Store, kind: Kind, stored: Document, body: Document, user: Document, now: datetime
) -> Document:
    """Raises StaleError when `modifiedDate` is not the one that the caller was last given."""
    if body.get("modifiedDate", stored["modifiedDate"]) != stored["modifiedDate"]:
        raise StaleError
    own = {name: value for name, value in stored.items() if name in _SERVER_FIELDS or name.startswith("_")}
    document = stored | body | own
    document |= {"modifiedDate": stamp(now), "modifiedByUserName": login(user)}
    save(store, kind, document)
    return document


def save(store: Store, kind: Kind, document: Document) -> None:
    """Stores a changed object, and its new name wherever another object names it."""
    with store.batch():
        before = store.get(kind.stored, document["id"])
        store.put(kind.stored, document["id"], document)
        if before is not None and reference(kind, before) == reference(kind, document):
            return
        for target, field, holders in _REFERENCED_AS:
            if target is kind:
                for holder in holders:
                    _rename(store, holder, field, reference(kind, document))


def _rename(store: Store, holder: Kind, field: str, named: Document) -> None:
    # The rules of a chain are a list, which has no index.
    chains = holder is COMPOSITE_EVENT
    concerned = store.all(holder.stored) if chains else store.where(holder.stored, f"{field}.id", named["id"])
    for document in concerned:
        changed = dict(document)
        if (document.get(field) or {}).get("id") == named["id"]:
            changed[field] = named
        if chains:
            changed["compositeRules"] = [
                rule | {field: named} if (rule.get(field) or {}).get("id") == named["id"] else rule
                for rule in document["compositeRules"]
            ]
        if changed != document:
            store.put(holder.stored, document["id"], changed)


def delete(store: Store, kind: Kind, id_: str) -> None:
    """Deletes an object and what cannot be without it: an app's objects and tasks, a task's events."""
    with store.batch():
        store.delete(kind.stored, id_)
        if kind is APP:
            for holder in (APP_OBJECT, RELOAD_TASK):
                for document in store.where(holder.stored, "app.id", id_):
                    delete(store, holder, document["id"])
        if kind in TASK_KINDS:
            for holder in (SCHEMA_EVENT, COMPOSITE_EVENT):
                for event in store.all(holder.stored):
                    if id_ in {task["id"] for task in _named_tasks(event)}:
                        store.delete(holder.stored, event["id"])


def _named_tasks(event: Document) -> list[Document]:
    """The tasks that an event starts or waits for."""
    places = [event, *event.get("compositeRules", ())]
    return [place[field] for place in places for field, _ in SLOTS.values() if place.get(field)]


def publish(
    store: Store, stored: Document, stream: Document, name: str | None, user: Document, now: datetime
) -> Document:
    """Publishes an app to a stream: the objects that it has become base content."""
    with store.lock:
        document = stored | {
            "published": True,
            "publishTime": stamp(now),
            "stream": reference(STREAM, stream),
            "name": name or stored["name"],
            "modifiedDate": stamp(now),
            "modifiedByUserName": login(user),
        }
        save(store, APP, document)
        for item in store.where(APP_OBJECT.stored, "app.id", stored["id"]):
            state = {"published": True, "approved": True, "publishTime": stamp(now)}
            store.put(APP_OBJECT.stored, item["id"], item | state)
        header = appfile.read(store, document)
        if header is not None:
            objects = [item | {"published": True, "approved": True} for item in header["simulatorObjects"]]
            appfile.put(store, document, header | {"simulatorObjects": objects}, document["fileSize"])
        return store.get(APP.stored, stored["id"]) or document


def upload(store: Store, name: str, sha256: str, user: Document, now: datetime) -> Document:
    """Makes an unpublished app of an uploaded file. Raises NotAnAppError."""
    path = store.blob_path(sha256)
    header = qvf.read_header(path)
    if header is None:
        raise NotAnAppError("The file is not an app.")
    made = app(str(uuid.uuid4()), name, user, None, str(header.get("description", "")))
    made |= {
        "createdDate": stamp(now),
        "modifiedDate": stamp(now),
        "publishTime": NO_DATE,
        "fileSize": path.stat().st_size,
        "lastReloadTime": header.get("qLastReloadTime", NO_DATE),
        "savedInProductVersion": header.get("qSavedInProductVersion", ""),
        appfile.FILE: sha256,
    }
    store.put(APP.stored, made["id"], made)
    return made


def put_task(store: Store, body: Document, user: Document, now: datetime) -> Document:
    """`reloadtask/create` and `/update`: a task together with its events."""
    task_body = body.get("task") or {}
    with store.lock:
        stored = store.get(RELOAD_TASK.stored, str(task_body.get("id", "")))
        if stored is None:
            task = create(store, RELOAD_TASK, task_body, user, now)
        else:
            task = update(store, RELOAD_TASK, stored, task_body, user, now)
        named = reference(RELOAD_TASK, task)
        for kind, field in ((SCHEMA_EVENT, "schemaEvents"), (COMPOSITE_EVENT, "compositeEvents")):
            for event in body.get(field) or ():
                known = store.get(kind.stored, str(event.get("id", "")))
                changed = event | {"reloadTask": event.get("reloadTask") or named}
                if known is None:
                    create(store, kind, changed, user, now)
                else:
                    update(store, kind, known, changed, user, now)
            for id_ in body.get(f"{field}ToDelete") or ():
                store.delete(kind.stored, id_)
    return task


WRITABLE = tuple(kind for kind in KINDS if kind is not APP)
"""Kinds that a POST makes; an app comes by upload."""
