"""What happens on a site between two exports: reloads at night, people's work by day.

Dates go on from the object's own, so that the same changes to the same sample give the same site.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, ValidationError

from qlift.simulator.site import appfile, writes
from qlift.simulator.site.documents import Ids, app_object, login
from qlift.simulator.site.kinds import APP, APP_OBJECT, RELOAD_TASK, STREAM, USER, Document, Kind
from qlift.simulator.site.switches import SiteSwitches
from qlift.simulator.store import Store

SITE_SWITCHES = "site switches"


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


class ChangeRequest(BaseModel):
    """`id` is that of the app or stream."""

    model_config = ConfigDict(extra="forbid")

    id: str
    name: str | None = None
    text: str | None = None
    user_id: str | None = None
    size: int | None = None


def _named(request: ChangeRequest) -> str:
    if request.name is None:
        raise ChangeError("`name` is missing.")
    return request.name


def _private_sheet(store: Store, request: ChangeRequest) -> None:
    if request.user_id is None:
        raise ChangeError("`user_id` is missing.")
    add_private_sheet(store, request.id, request.user_id, request.name or "My private sheet")


def _resize(store: Store, request: ChangeRequest) -> None:
    if request.size is None:
        raise ChangeError("`size` is missing.")
    resize_file(store, request.id, request.size)


CHANGES: Mapping[str, Callable[[Store, ChangeRequest], None]] = {
    "nightly_reload": lambda store, request: nightly_reload(store, request.id),
    "edit_script": lambda store, request: edit_script(store, request.id, request.text),
    "edit_sheet": lambda store, request: edit_sheet(store, request.id),
    "rename_app": lambda store, request: rename_app(store, request.id, _named(request)),
    "rename_stream": lambda store, request: rename_stream(store, request.id, _named(request)),
    "add_private_sheet": _private_sheet,
    "delete_app": lambda store, request: delete_app(store, request.id),
    "resize_file": _resize,
}


def control_router(store: Store, switches: SiteSwitches | None = None) -> APIRouter:
    """`POST /control/site/<change>` with `{"id": ...}` and what the change needs; the site's switches."""
    router = APIRouter(prefix="/control/site")
    known = switches or SiteSwitches()

    @router.get("/switches")
    def get_switches() -> SiteSwitches:
        return known

    @router.patch("/switches")
    def change_switches(body: dict[str, Any]) -> SiteSwitches:
        try:
            wanted = SiteSwitches.model_validate(known.model_dump() | body)
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            raise HTTPException(400, "; ".join(problems)) from None
        for name, value in wanted:
            setattr(known, name, value)
        store.put_setting(SITE_SWITCHES, known.model_dump())
        return known

    @router.post("/{change}")
    def make(change: str, request: ChangeRequest) -> dict[str, str]:
        if change not in CHANGES:
            raise HTTPException(404, f"no change {change}; there are: {', '.join(CHANGES)}")
        try:
            CHANGES[change](store, request)
        except ChangeError as problem:
            raise HTTPException(400, str(problem)) from None
        return {"done": change}

    return router
