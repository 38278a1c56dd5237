"""A site from data nobody here wrote: real app files, and tasks as ctrl-q exports them (CSV).

The data is not part of the project; the folders are always given by the caller.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from qlift.simulator import qvf
from qlift.simulator.site import appfile
from qlift.simulator.site.documents import (
    Ids,
    app,
    app_object,
    custom_property,
    property_value,
    tag,
)
from qlift.simulator.site.kinds import (
    APP,
    APP_OBJECT,
    COMPOSITE_EVENT,
    CUSTOM_PROPERTY,
    EXTERNAL_TASK,
    RELOAD_TASK,
    SCHEMA_EVENT,
    STREAM,
    TAG,
    USER,
    Document,
    reference,
)
from qlift.simulator.site.task_documents import composite_event, external_task, reload_task, schema_event
from qlift.simulator.store import Store

_Row = dict[str, str]
_FILE_BYTES = 8192
_INCREMENT = {"once": 0, "hourly": 1, "daily": 2, "weekly": 3, "monthly": 4, "custom": 5}
_DAYLIGHT = {"ObserveDaylightSavingTime": 0, "PermanentStandardTime": 1, "PermanentDaylightSavingTime": 2}
_RULE_STATE = {"Undefined": 0, "TaskSuccessful": 1, "TaskFail": 2}


def seed_real_qvf(store: Store, folder: Path) -> list[Document]:
    """Adds each `.qvf` of a folder as a published app of the first stream; the files stay as they are.

    The owner is the stream's. Raises ValueError when the site has no stream or user yet.
    """
    owner, stream = _home(store)
    ids = Ids("real files")
    made = []
    for file in sorted(folder.glob("*.qvf")):
        header = qvf.read_header(file) or {}
        document = app(ids(file.name), str(header.get("qTitle") or file.stem), owner, stream)
        with file.open("rb") as content:
            sha256 = store.put_blob(content)
        document |= {
            appfile.FILE: sha256,
            "fileSize": file.stat().st_size,
            "lastReloadTime": header.get("qLastReloadTime", document["lastReloadTime"]),
            "savedInProductVersion": header.get("qSavedInProductVersion", ""),
        }
        script = app_object(
            ids(file.name, "app_appscript"),
            document,
            owner,
            "app_appscript",
            "",
            appfile.content_hash({"qScript": header.get("qScript", "")}),
            published=True,
            approved=True,
        )
        store.put(APP.stored, document["id"], document)
        store.put(APP_OBJECT.stored, script["id"], script)
        made.append(document)
    return made


def tasks_from_ctrl_q(store: Store, folder: Path) -> None:
    """Adds the tasks, events and chains of every `ctrl-q-tasks-*.csv` of a folder.

    Ids that are not GUIDs (`task-1`) count within their file. Apps and upstream tasks that the files name and
    the site lacks are made. Raises ValueError when the site has no stream or user yet.
    """
    for file in sorted(folder.glob("ctrl-q-tasks-*.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            rows = [{name: value or "" for name, value in row.items()} for row in csv.DictReader(lines)]
        tasks_from_rows(store, file.name, rows)


def tasks_from_rows(store: Store, name: str, rows: Iterable[_Row]) -> list[str]:
    """Adds the tasks of one ctrl-q table, a dictionary for each line; gives the ids of the tasks it lists.

    `name` keeps ids that are not GUIDs apart from those of other tables.
    """
    return _File(store, Ids(f"ctrl-q {name}")).add(rows)


def _home(store: Store) -> tuple[Document, Document]:
    streams = store.all(STREAM.stored)
    if not streams:
        raise ValueError("seed a site with a stream first: apps need one")
    owner = store.get(USER.stored, streams[0]["owner"]["id"])
    if owner is None:
        raise ValueError(f"the owner of the stream {streams[0]['name']} is not among the users")
    return owner, streams[0]


@dataclass
class _Trigger:
    row: _Row
    rules: list[_Row] = field(default_factory=list)


class _File:
    """One file: rows come as a task, then its events, and below a composite event its rules."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids
        self._by_id: dict[str, Document] = {}

    def add(self, rows: Iterable[_Row]) -> list[str]:
        waiting: list[tuple[Document, list[_Trigger]]] = []
        for row in rows:
            if row["Task type"]:
                waiting.append((self._task(row), []))
            elif row["Event type"]:
                waiting[-1][1].append(_Trigger(row))
            elif row["Rule counter"]:
                waiting[-1][1][-1].rules.append(row)
        for task, triggers in waiting:
            for trigger in triggers:
                self._event(task, trigger)
        return [task["id"] for task, _ in waiting]

    def _task(self, row: _Row) -> Document:
        # A number without an id is no id of another line: `1` may be both.
        id_ = self._id("task", row["Task id"] or f"number {row['Task counter']}")
        enabled = row["Task enabled"] == "1"
        if row["Task type"] == "Reload":
            timeout = int(row["Task timeout"] or 1440)
            task = reload_task(
                id_, row["Task name"], self._app(row["App id"]), enabled=enabled, timeout=timeout
            )
            task |= {
                "maxRetries": int(row["Task retries"] or 0),
                "isPartialReload": row["Partial reload"] == "1",
                "isManuallyTriggered": row["Manually triggered"] == "1",
            }
            kind = RELOAD_TASK
        else:
            task = external_task(
                id_, row["Task name"], row["Ext program path"], row["Ext program parameters"], enabled=enabled
            )
            kind = EXTERNAL_TASK
        task |= {
            "tags": [reference(TAG, self._tag(name)) for name in _parts(row["Tags"])],
            "customProperties": [self._property(text, id_) for text in _parts(row["Custom properties"])],
        }
        self._store.put(kind.stored, id_, task)
        self._by_id[id_] = task
        return task

    def _event(self, task: Document, trigger: _Trigger) -> None:
        row = trigger.row
        id_ = self._ids("event", row["Event type"], task["id"], row["Event counter"])
        enabled = row["Event enabled"] == "1"
        if row["Event type"] == "Schema":
            event = schema_event(
                id_,
                row["Event name"],
                task,
                row["Schema start"],
                row["Schema time zone"],
                row["Schema increment description"],
                _INCREMENT[row["Schema increment option"]],
                (row["Schema filter description"],),
                enabled=enabled,
                expires=row["Schema expiration"],
                daylight=_DAYLIGHT[row["Daylight savings time"]],
            )
            kind = SCHEMA_EVENT
        else:
            upstream = [(self._upstream(rule), _RULE_STATE[rule["Rule state"]]) for rule in trigger.rules]
            minutes = int(row["Time contstraint minutes"] or 0)
            event = composite_event(id_, row["Event name"], task, upstream, enabled=enabled, minutes=minutes)
            event["timeConstraint"] |= {
                "seconds": int(row["Time contstraint seconds"] or 0),
                "hours": int(row["Time contstraint hours"] or 0),
                "days": int(row["Time contstraint days"] or 0),
            }
            kind = COMPOSITE_EVENT
        for field_, column in (("createdDate", "created date"), ("modifiedDate", "modified date")):
            if row[f"Event {column}"]:
                event[field_] = row[f"Event {column}"]
        if row["Event modified by"]:
            event["modifiedByUserName"] = row["Event modified by"]
        self._store.put(kind.stored, id_, event)

    def _upstream(self, rule: _Row) -> Document:
        id_ = self._id("task", rule["Rule task id"])
        known = self._by_id.get(id_) or self._store.get(RELOAD_TASK.stored, id_)
        if known is None:
            name = rule["Rule task name"] or f"Task {id_[:8]}"
            known = reload_task(id_, name, self._app(self._ids("app of", id_)))
            self._store.put(RELOAD_TASK.stored, id_, known)
        self._by_id[id_] = known
        return known

    def _app(self, id_: str) -> Document:
        known = self._store.get(APP.stored, id_)
        if known is not None:
            return known
        owner, stream = _home(self._store)
        made = app(id_, f"App {id_[:8]}", owner, stream)
        script = app_object(
            Ids(id_)("app_appscript"),
            made,
            owner,
            "app_appscript",
            "",
            appfile.content_hash({"qScript": ""}),
            published=True,
            approved=True,
        )
        self._store.put(APP_OBJECT.stored, script["id"], script)
        appfile.put(self._store, made, appfile.header(made, [(script, {"qScript": ""})], ""), _FILE_BYTES)
        return made

    def _tag(self, name: str) -> Document:
        for known in self._store.all(TAG.stored):
            if known["name"] == name:
                return known
        made = tag(Ids("tags")(name), name)
        self._store.put(TAG.stored, made["id"], made)
        return made

    def _property(self, text: str, holder: str) -> Document:
        name, _, value = text.partition("=")
        for known in self._store.all(CUSTOM_PROPERTY.stored):
            if known["name"] == name:
                return property_value(known, value, holder)
        made = custom_property(Ids("properties")(name), name, (), ("ReloadTask",))
        self._store.put(CUSTOM_PROPERTY.stored, made["id"], made)
        return property_value(made, value, holder)

    def _id(self, kind: str, text: str) -> str:
        return text if len(text) == 36 and text.count("-") == 4 else self._ids(kind, text)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(" / ") if part.strip()]
