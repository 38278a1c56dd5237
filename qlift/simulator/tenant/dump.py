"""The tenant in a form that two runs can be compared by: no times, no ids unless they are asked for."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from qlift.simulator.tenant.schedules import TaskBody
from qlift.simulator.tenant.world import ASSIGNMENT, GROUP, RUN, SPACE, TASK, USER, Document, World

Dump = dict[str, Any]


def dump(world: World, *, ids: bool = False) -> Dump:
    """Things are named by names: a user by subject, an app by space, name and file hash. Ordered by them.

    Temporary contents and softly deleted apps are left out.
    """
    return _Dump(world, ids).everything()


def canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2)


class _Dump:
    def __init__(self, world: World, ids: bool) -> None:
        self._world = world
        self._store = world.store
        self._ids = ids
        self._tasks: dict[str, list[Document]] = {}
        for task in self._store.all(TASK):
            self._tasks.setdefault(task["resourceId"], []).append(task)
        self._assignments: dict[str, list[Document]] = {}
        for assignment in self._store.all(ASSIGNMENT):
            self._assignments.setdefault(assignment["spaceId"], []).append(assignment)

    def everything(self) -> Dump:
        return {
            "users": _ordered(self._user(user) for user in self._store.all(USER)),
            "groups": _ordered(self._group(group) for group in self._store.all(GROUP)),
            "spaces": _ordered(self._space(space) for space in self._store.all(SPACE)),
            "apps": _ordered(self._app(app) for app in self._world.apps()),
        }

    def _named(self, document: Document, shown: Document) -> Document:
        return {"id": document["id"], **shown} if self._ids else shown

    def _subject(self, user_id: str) -> str:
        user = self._store.get(USER, user_id)
        return user["subject"] if user else f"unknown user {user_id}"

    def _user(self, user: Document) -> Document:
        groups = (self._store.get(GROUP, id_) for id_ in user["assignedGroups"])
        shown = {
            "subject": user["subject"],
            "name": user["name"],
            "email": user["email"],
            "status": user["status"],
            "roles": sorted(self._world.role_names(user)),
            "groups": sorted(group["name"] for group in groups if group),
        }
        return self._named(user, shown)

    def _group(self, group: Document) -> Document:
        names = ("name", "description", "status", "providerType")
        return self._named(group, {name: group[name] for name in names})

    def _assignee(self, assignment: Document) -> str:
        if assignment["type"] != "group":
            return f"user {self._subject(assignment['assigneeId'])}"
        group = self._store.get(GROUP, assignment["assigneeId"])
        return f"group {group['name']}" if group else f"unknown group {assignment['assigneeId']}"

    def _space(self, space: Document) -> Document:
        assignments = [
            self._named(a, {"assignee": self._assignee(a), "roles": a["roles"]})
            for a in self._assignments.get(space["id"], ())
        ]
        shown = {name: space[name] for name in ("name", "type", "description")}
        return self._named(
            space, {**shown, "owner": self._subject(space["ownerId"]), "assignments": _ordered(assignments)}
        )

    def _place(self, app: Document) -> str:
        space = self._store.get(SPACE, app["spaceId"]) if app["spaceId"] else None
        return f"{space['type']} {space['name']}" if space else f"personal {self._subject(app['ownerId'])}"

    def _origin(self, app: Document) -> str:
        origin = self._world.app(app["originAppId"]) if app["originAppId"] else None
        if origin is None:
            return "gone" if app["originAppId"] else ""
        return f"{self._place(origin)} / {origin['name']} / {origin['_blob']}"

    def _app(self, app: Document) -> Document:
        shown: Document = {
            "space": self._place(app),
            "name": app["name"],
            "description": app["description"],
            "owner": self._subject(app["ownerId"]),
            "sha256": app["_blob"],
            "published": bool(app["publishTime"]),
            "origin": self._origin(app),
            "objects": _ordered(self._object(item) for item in app["_objects"]),
            "tasks": _ordered(self._task(task) for task in self._tasks.get(app["id"], ())),
        }
        if app["_data"] != app["_blob"]:
            shown["data_of"] = app["_data"]
        if app["_scripts"]:
            script = app["_scripts"][-1]["script"]
            shown["script_sha256"] = hashlib.sha256(script.encode()).hexdigest()
        return self._named(app, shown)

    def _object(self, item: Document) -> Document:
        names = ("engineObjectId", "objectType", "name", "published", "approved")
        shown = {name: item[name] for name in names}
        content = hashlib.sha256(canonical(item["content"]).encode()).hexdigest()
        return {**shown, "owner": self._subject(item["ownerId"]), "content_sha256": content}

    def _task(self, task: Document) -> Document:
        body = TaskBody.model_validate(task)
        arguments = body.states[0].onEvents[0].actions[0].functionRef.arguments
        shown: Document = {
            "name": task["name"],
            "description": task.get("description", ""),
            "enabled": task["enabled"],
            "disabledCode": task["_disabledCode"],
            "owner": self._subject(task["_ownerId"]),
            "partial": arguments.get("partial", False),
            "schedule": body.start.schedule.model_dump(exclude_none=True) if body.start else None,
            "after": sorted(self._event(event) for event in task.get("events") or ()),
            "runs": sum(1 for run in self._store.all(RUN) if run["taskId"] == task["id"]),
        }
        return self._named(task, shown)

    def _event(self, event: Document) -> str:
        values = {e["contextAttributeName"]: e["contextAttributeValue"] for e in event["correlation"]}
        parent = self._store.get(TASK, str(values.get("id")))
        return f"{event['type']} {parent['name'] if parent else 'gone'} {values.get('status', '')}"


def _ordered(rows: Any) -> list[Document]:
    return sorted(rows, key=lambda row: canonical({k: v for k, v in row.items() if k != "id"}))
