"""What happens on a site between two exports: reloads at night, people's work by day.

Dates go on from the object's own, so that the same changes to the same sample give the same site.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from qlift.simulator.site import appfile, writes
from qlift.simulator.site.access import EXPORT, READ
from qlift.simulator.site.documents import Ids, app, app_object, login, system_rule
from qlift.simulator.site.kinds import (
    APP,
    APP_OBJECT,
    RELOAD_TASK,
    STREAM,
    SYSTEM_RULE,
    USER,
    USER_DIRECTORY,
    USER_SYNC_TASK,
    Document,
    Kind,
)
from qlift.simulator.store import Store

PARTIAL_ROLE = "MigrationReader"

_NEW_SCRIPT = "///$tab Main\r\nLOAD * FROM [lib://Shared Files/qvd/ledger.qvd] (qvd);\r\n"
_NEW_FILE_BYTES = 32_768


class ChangeError(ValueError):
    """The change cannot be made; the message says why."""


def nightly_reload(store: Store, app_id: str) -> None:
    """New data in the app: its file, size and dates change, nothing that a person made does."""
    with store.lock:
        app = _get(store, APP, app_id)
        reloaded = _later(app["lastReloadTime"], days=1)
        app = app | {
            "lastReloadTime": reloaded,
            "modifiedDate": _later(max(reloaded, app["modifiedDate"]), seconds=42),
            "staticByteSize": app["staticByteSize"] + 1024,
        }
        header = _header(store, app)
        size = app["fileSize"] + 512
        appfile.put(store, app, header | {"qLastReloadTime": reloaded}, size)
        for task in store.where(RELOAD_TASK.stored, "app.id", app_id):
            store.put(RELOAD_TASK.stored, task["id"], task | {"operational": _ran(task, reloaded)})


def _ran(task: Document, stop: str) -> Document:
    operational = task.get("operational") or {}
    result = (operational.get("lastExecutionResult") or {}) | {
        "status": 7,
        "startTime": _later(stop, seconds=-60),
        "stopTime": stop,
    }
    changed: Document = operational | {"lastExecutionResult": result}
    return changed


def edit_script(store: Store, app_id: str, text: str | None = None) -> None:
    """Appends a line to the load script, or replaces it by `text`."""
    with store.lock:
        app = _get(store, APP, app_id)
        header = _header(store, app)
        script = text if text is not None else f"{header['qScript']}TRACE changed;\r\n"
        _edit(store, app, header | {"qScript": script}, "app_appscript", {"qScript": script})


def edit_sheet(store: Store, app_id: str) -> None:
    """Changes the content of the app's first public sheet (of an unpublished app: its first sheet)."""
    with store.lock:
        app = _get(store, APP, app_id)
        header = _header(store, app)
        for item in header["simulatorObjects"]:
            if item["objectType"] == "sheet" and item["approved"] == app["published"]:
                content = item["content"] | {"version": item["content"].get("version", 1) + 1}
                _edit(store, app, header, item["engineObjectId"], content)
                return
        raise ChangeError(f"The app {app['name']} has no sheet to change.")


def rename_app(store: Store, app_id: str, name: str) -> None:
    with store.lock:
        app = _get(store, APP, app_id)
        header = appfile.read(store, app)
        if header is not None:
            appfile.put(store, app, header | {"qTitle": name}, app["fileSize"])
        app = _get(store, APP, app_id)
        writes.save(store, APP, _touched(app) | {"name": name})


def rename_stream(store: Store, stream_id: str, name: str) -> None:
    with store.lock:
        writes.save(store, STREAM, _touched(_get(store, STREAM, stream_id)) | {"name": name})


def add_private_sheet(store: Store, app_id: str, user_id: str, name: str = "My private sheet") -> str:
    """A private sheet of the user with the id `user_id` in a published app; returns the sheet's id."""
    with store.lock:
        app = _get(store, APP, app_id)
        owner = _get(store, USER, user_id)
        header = _header(store, app)
        content = {"title": name, "type": "sheet", "version": 1, "cells": []}
        made = app_object(
            Ids(app_id)("private", user_id, name, len(header["simulatorObjects"])),
            app,
            owner,
            "sheet",
            name,
            appfile.content_hash({"app": app_id} | content),
            published=False,
            approved=False,
        )
        store.put(APP_OBJECT.stored, made["id"], made)
        item = {
            "engineObjectId": made["engineObjectId"],
            "objectType": "sheet",
            "name": name,
            "published": False,
            "approved": False,
            "ownerLogin": login(owner),
            "content": content,
        }
        changed = header | {"simulatorObjects": [*header["simulatorObjects"], item]}
        appfile.put(store, _touched(app), changed, app["fileSize"])
        return str(made["id"])


def add_app(store: Store, name: str, owner_id: str, stream_id: str | None = None) -> str:
    """A new app of the user with the id `owner_id`, with a sheet and a script; returns the app's id."""
    with store.batch():
        owner = _get(store, USER, owner_id)
        stream = None if stream_id is None else _get(store, STREAM, stream_id)
        ids = Ids(f"added {name} {owner_id} {store.count(APP.stored)}")
        made = app(ids("app"), name, owner, stream)
        contents: list[tuple[str, appfile.Content]] = [
            ("sheet", {"title": "First sheet", "type": "sheet", "version": 1, "cells": []}),
            ("app_appscript", {"qScript": _NEW_SCRIPT}),
        ]
        objects = [
            (
                app_object(
                    ids(type_),
                    made,
                    owner,
                    type_,
                    str(content.get("title", "")),
                    appfile.content_hash({"app": made["id"]} | content),
                    published=made["published"],
                    approved=made["published"],
                ),
                content,
            )
            for type_, content in contents
        ]
        store.put_all(APP_OBJECT.stored, ((item["id"], item) for item, _ in objects))
        appfile.put(store, made, appfile.header(made, objects, _NEW_SCRIPT), _NEW_FILE_BYTES)
        return str(made["id"])


def nightly_sync(store: Store, directory_id: str) -> None:
    """A user directory was read: its times go on, nobody is new or gone."""
    with store.batch():
        directory = _get(store, USER_DIRECTORY, directory_id)
        times = ("syncLastStarted", "syncLastSuccessfulEnded")
        moved = {field: _later(directory[field], days=1) for field in times}
        store.put(USER_DIRECTORY.stored, directory_id, directory | moved)
        for task in store.all(USER_SYNC_TASK.stored):
            if (task["userDirectory"] or {}).get("id") == directory_id:
                operational = _ran(task, moved["syncLastSuccessfulEnded"])
                store.put(USER_SYNC_TASK.stored, task["id"], task | {"operational": operational})


def give_partial_role(store: Store, user_id: str) -> None:
    """The user gets the custom role MigrationReader, which shows much and hides the rest in silence.

    Hidden are unpublished apps with what is theirs, private objects, connections, rules, extensions.
    """
    with store.batch():
        user = _get(store, USER, user_id)
        roles = sorted({*user["roles"], PARTIAL_ROLE})
        store.put(USER.stored, user_id, _touched(user) | {"roles": roles})
        rule = system_rule(
            Ids("partial role")(PARTIAL_ROLE),
            "Migration readers",
            "Stream_*, App*, ReloadTask_*, SchemaEvent_*, CompositeEvent_*, User_*, Tag_*, CustomProperty*",
            f'((user.roles="{PARTIAL_ROLE}" and !(resource.published="false") '
            'and !(resource.app.published="false")))',
            READ | EXPORT,
            context=2,
        )
        store.put(SYSTEM_RULE.stored, rule["id"], rule)


def delete_app(store: Store, app_id: str) -> None:
    """With its objects, its tasks and their events."""
    _get(store, APP, app_id)
    writes.delete(store, APP, app_id)


def resize_file(store: Store, app_id: str, size: int) -> None:
    """Makes the app's file at least `size` bytes long."""
    with store.lock:
        app = _get(store, APP, app_id)
        appfile.put(store, app, _header(store, app), size)


def _edit(store: Store, app: Document, header: dict[str, Any], which: str, content: appfile.Content) -> None:
    """Gives the object with this engine id, or of this type, a new content."""
    for document in store.where(APP_OBJECT.stored, "app.id", app["id"]):
        if which in (document["engineObjectId"], document["objectType"]):
            break
    else:
        raise ChangeError(f"The app {app['name']} has no object {which}.")
    hash_ = appfile.content_hash({"app": app["id"]} | content)
    store.put(APP_OBJECT.stored, document["id"], _touched(document) | {"contentHash": hash_})
    objects = [
        item | {"content": content} if item["engineObjectId"] == document["engineObjectId"] else item
        for item in header["simulatorObjects"]
    ]
    appfile.put(store, _touched(app), header | {"simulatorObjects": objects}, app["fileSize"])


def _get(store: Store, kind: Kind, id_: str) -> Document:
    found = store.get(kind.stored, id_)
    if found is None:
        raise ChangeError(f"There is no {kind.type} with the id {id_}.")
    return found


def _header(store: Store, app: Document) -> dict[str, Any]:
    header = appfile.read(store, app)
    if header is None:
        raise ChangeError(
            f"The file of the app {app['name']} is a real one, its content cannot be changed here."
        )
    return header


def _touched(document: Document) -> Document:
    return document | {"modifiedDate": _later(document["modifiedDate"], seconds=60)}


def _later(date: str, *, days: int = 0, seconds: int = 0) -> str:
    moment = datetime.fromisoformat(re.sub(r"Z$", "+00:00", date)) + timedelta(days=days, seconds=seconds)
    return writes.stamp(moment)
