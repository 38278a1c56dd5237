"""Scheduling tasks (section 6.3): disabled unless enabled, owned by whoever wrote them last."""

# ruff: noqa: N803 (query parameters carry Qlik's names)
from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ValidationError

from qlift.simulator.tenant import items
from qlift.simulator.tenant.errors import Refusal
from qlift.simulator.tenant.paging import page, sort_of
from qlift.simulator.tenant.patches import Patch, apply_patch
from qlift.simulator.tenant.rights import edits, sees
from qlift.simulator.tenant.schedules import TaskBody, check
from qlift.simulator.tenant.scim import Attribute, matches, parse
from qlift.simulator.tenant.world import RUN, SPACE, TASK, Call, Document, Me, World

router = APIRouter(prefix="/api/scheduling/tasks")

TASKS_PER_APP = 10
_RUN_SORT = {name: name for name in ("startedAt", "endedAt", "status", "taskId", "actionId")}
_SORT = {
    name: name
    for name in (
        "createdAt",
        "enabled",
        "name",
        "ownerId",
        "resourceId",
        "spaceId",
        "updatedAt",
        "updatedBy",
        "lastStatus",
        "lastTriggeredBy",
        "lastStartedAt",
        "lastEndedAt",
        "lastExecutedAs",
        "triggerType",
    )
}


class Writable(BaseModel):
    """Of `metadata`."""

    usage: str | None = None
    disabledCode: str | None = None


@router.get("")
async def list_tasks(
    call: Me,
    filter: str | None = None,
    resourceId: str | None = None,
    sort: str | None = None,
    limit: int = Query(20, ge=1, le=100),
    page_: str | None = Query(None, alias="page"),
) -> Document:
    world = call.world
    rows = [t for t in world.store.all(TASK) if resourceId in (None, t["resourceId"]) and _reads(call, t)]
    if filter:
        attributes = {name: _attribute(world, name) for name in _SORT}
        node = parse(filter, attributes, ignore_case=True)
        rows = [task for task in rows if matches(node, task, attributes, ignore_case=True)]
    field, descending = sort_of(sort, _SORT, "-updatedAt")
    return page(
        call,
        rows,
        lambda task: render(world, task),
        key=lambda task: str(_field(world, task, field) or ""),
        descending=descending,
        limit=limit,
        next_=page_,
        parameter="page",
    )


@router.post("", status_code=201)
async def create(call: Me, request: Request) -> Document:
    world = call.world
    raw = await _json(request)
    body = _checked(call, raw)
    _reloadable(call, body.app_id)
    if sum(1 for task in world.store.all(TASK) if task["resourceId"] == body.app_id) >= TASKS_PER_APP:
        raise Refusal(
            422, "Too many tasks", code="CHO-014", detail=f"an app has at most {TASKS_PER_APP} tasks"
        )
    now = world.stamp()
    task = {
        "id": world.new_uuid("task"),
        "_createdBy": call.user_id,
        "_createdAt": now,
        "_disabledCode": None,
        **_written(call, body),
    }
    world.store.put(TASK, task["id"], task)
    return render(world, task)


@router.get("/resources/{resource_id}/runs")
async def runs_of_resource(
    call: Me,
    resource_id: str,
    sort: str | None = None,
    limit: int = Query(20, ge=1, le=100),
    page_: str | None = Query(None, alias="page"),
) -> Document:
    _reloadable(call, resource_id)
    return _runs(call, lambda run: bool(run["resourceId"] == resource_id), sort, limit, page_)


@router.get("/{task_id}")
async def get(call: Me, task_id: str) -> Document:
    return render(call.world, _task(call, task_id))


@router.put("/{task_id}")
async def replace(call: Me, task_id: str, request: Request) -> Document:
    """The whole task: what is left out is reset. The task becomes the caller's."""
    task = _task(call, task_id)
    return _rewrite(call, task, await _json(request))


@router.patch("/{task_id}")
async def patch(call: Me, task_id: str, body: list[Patch]) -> Any:
    task = _task(call, task_id)
    answer = _rewrite(call, task, apply_patch(render(call.world, task), body))
    return answer if call.world.switches.task_patch_answer == 200 else Response(status_code=204)


@router.delete("/{task_id}")
async def delete(call: Me, task_id: str) -> Response:
    task = _task(call, task_id)
    if not call.is_admin:
        _reloadable(call, task["resourceId"])
    _delete(call.world, task)
    return Response(status_code=204)


@router.post("/{task_id}/actions/start")
async def start(call: Me, task_id: str, source: str = "manual") -> Document:
    """The run is over at once, and well."""
    world = call.world
    task = _task(call, task_id)
    app = _reloadable(call, task["resourceId"])
    now = world.stamp()
    run = {
        "id": world.new_id("run"),
        "taskId": task_id,
        "taskName": task["name"],
        "resourceId": task["resourceId"],
        "actionId": world.new_id("action"),
        "status": "SUCCEEDED",
        "startedAt": now,
        "endedAt": now,
        "executedAs": task["_ownerId"],
        "triggeredBy": source,
        "workerId": world.new_id("reload"),
        "workerType": "reloads",
        "log": "",
    }
    world.store.put(RUN, run["id"], run)
    items.reloaded(world, app)
    return {"message": "ok", "code": "CHO-000"}


@router.get("/{task_id}/runs")
async def runs(
    call: Me,
    task_id: str,
    sort: str | None = None,
    limit: int = Query(20, ge=1, le=100),
    page_: str | None = Query(None, alias="page"),
) -> Document:
    _task(call, task_id)
    return _runs(call, lambda run: bool(run["taskId"] == task_id), sort, limit, page_)


@router.get("/{task_id}/runs/last")
async def last_run(call: Me, task_id: str) -> Document:
    task = _task(call, task_id)
    found = [run for run in call.world.store.all(RUN) if run["taskId"] == task_id]
    if not found:
        raise Refusal(404, "Not found", code="CHO-002", detail="the task never ran")
    return _render_run(call.world, found[-1], task)


@router.get("/{task_id}/runs/{run_id}/log")
async def log(call: Me, request: Request, task_id: str, run_id: str) -> Any:
    _task(call, task_id)
    run = call.world.store.get(RUN, run_id)
    if run is None or run["taskId"] != task_id:
        raise Refusal(404, "Not found", code="CHO-002")
    if "text/plain" in request.headers.get("accept", ""):
        return Response(run["log"], media_type="text/plain")
    return {"logContent": run["log"]}


def app_moved(world: World, app_id: str) -> None:
    """What a move of the app does to its tasks: a switch."""
    if world.switches.tasks_on_app_move == "deleted":
        delete_tasks_of_app(world, app_id)
    else:
        disable_tasks_of_app(world, app_id, "APP-MOVED-SPACE")


def disable_tasks_of_app(world: World, app_id: str, code: str) -> None:
    _disable(world, (task for task in world.store.all(TASK) if task["resourceId"] == app_id), code)


def disable_tasks_of_owner(
    world: World, user_id: str, code: Literal["OWNER-DELETED", "OWNER-DISABLED"]
) -> None:
    _disable(world, (task for task in world.store.all(TASK) if task["_ownerId"] == user_id), code)


def delete_tasks_of_app(world: World, app_id: str) -> None:
    for task in world.store.all(TASK):
        if task["resourceId"] == app_id:
            _delete(world, task)


def render(world: World, task: Document) -> Document:
    app = world.app(task["resourceId"])
    space = world.store.get(SPACE, app["spaceId"]) if app and app["spaceId"] else None
    all_tasks = world.store.all(TASK)
    metadata = {
        "ownerId": task["_ownerId"],
        "createdBy": task["_createdBy"],
        "createdAt": task["_createdAt"],
        "updatedAt": task["_updatedAt"],
        "tenantId": world.tenant_id,
        "spaceId": app["spaceId"] if app else "",
        "spaceType": space["type"] if space else "personal",
        "usage": task["_usage"],
        "resourceType": "app",
        "resourceName": app["name"] if app else "",
        "topology": {
            "isParent": any(task["id"] in _parents(other) for other in all_tasks),
            "isChild": bool(_parents(task)),
        },
    }
    if task["_disabledCode"]:
        metadata["disabledCode"] = task["_disabledCode"]
    shown = {name: value for name, value in task.items() if not name.startswith("_")}
    return {**shown, "metadata": metadata}


def _parents(task: Document) -> set[str]:
    return {
        entry["contextAttributeValue"]
        for event in task.get("events") or []
        for entry in event.get("correlation", [])
        if entry["contextAttributeName"] == "id"
    }


def _reads(call: Call, task: Document) -> bool:
    if call.is_admin or task["_ownerId"] == call.user_id:
        return True
    app = call.world.app(task["resourceId"])
    return app is not None and sees(call, app) and edits(call, app)


def _task(call: Call, task_id: str) -> Document:
    task = call.world.store.get(TASK, task_id)
    if task is None or not _reads(call, task):
        raise Refusal(404, "Not found", code="CHO-002", detail=f"no task {task_id}")
    return task


def _reloadable(call: Call, app_id: str) -> Document:
    """Refused with 403, not 404, when there is no such app."""
    app = call.world.app(app_id)
    if app is None or not sees(call, app) or not edits(call, app):
        raise Refusal(403, "Forbidden", code="CHO-003", detail=f"no right to reload the app {app_id}")
    return app


async def _json(request: Request) -> Document:
    try:
        raw = json.loads(await request.body())
    except ValueError as error:
        raise Refusal(400, "Invalid task", code="CHO-001", detail="the body is not JSON") from error
    if not isinstance(raw, dict):
        raise Refusal(400, "Invalid task", code="CHO-001", detail="the body is not an object")
    return raw


def _checked(call: Call, raw: Document, own_id: str | None = None) -> TaskBody:
    world = call.world
    try:
        body = TaskBody.model_validate(raw)
        writable = raw.get("metadata")
        Writable.model_validate(writable if isinstance(writable, dict) else {})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Refusal(400, "Invalid task", code="CHO-001", detail=f"{place}: {first['msg']}") from error
    check(
        body,
        now=world.clock.now(),
        cron_allowed=world.switches.task_cron == "accepted",
        parents={task["id"] for task in world.store.all(TASK) if task["id"] != own_id},
    )
    return body


def _written(call: Call, body: TaskBody) -> Document:
    document = body.model_dump(mode="json", exclude_none=True)
    return {
        **document,
        "resourceId": body.app_id,
        "_ownerId": call.user_id,
        "_updatedBy": call.user_id,
        "_updatedAt": call.world.stamp(),
        "_usage": "ANALYTICS",
    }


def _rewrite(call: Call, task: Document, raw: Document) -> Document:
    world = call.world
    body = _checked(call, raw, task["id"])
    _reloadable(call, body.app_id)
    if body.app_id != task["resourceId"]:
        raise Refusal(409, "Conflict", detail="a task stays with its app")
    kept = {name: task[name] for name in ("id", "_createdBy", "_createdAt", "_disabledCode")}
    if body.enabled:
        kept["_disabledCode"] = None
    elif task["enabled"]:
        kept["_disabledCode"] = "MANUALLY"
    changed = {**kept, **_written(call, body)}
    world.store.put(TASK, task["id"], changed)
    return render(world, changed)


def _disable(world: World, tasks: Iterable[Document], code: str) -> None:
    for task in tasks:
        if task["enabled"]:
            task |= {"enabled": False, "_disabledCode": code, "_updatedAt": world.stamp()}
            world.store.put(TASK, task["id"], task)


def _delete(world: World, task: Document) -> None:
    for run in world.store.all(RUN):
        if run["taskId"] == task["id"]:
            world.store.delete(RUN, run["id"])
    world.store.delete(TASK, task["id"])


def _attribute(world: World, name: str) -> Attribute:
    return Attribute(lambda task: [_field(world, task, name)])


def _field(world: World, task: Document, name: str) -> Any:
    if name in ("name", "enabled", "resourceId"):
        return task[name]
    if name in ("ownerId", "createdAt", "updatedAt", "updatedBy"):
        return task[f"_{name}"]
    if name == "spaceId":
        app = world.app(task["resourceId"])
        return app["spaceId"] if app else ""
    if name == "triggerType":
        return "time" if task.get("start") else "event" if task.get("events") else "none"
    last = next((run for run in reversed(world.store.all(RUN)) if run["taskId"] == task["id"]), None)
    names = {
        "lastStatus": "status",
        "lastTriggeredBy": "triggeredBy",
        "lastStartedAt": "startedAt",
        "lastEndedAt": "endedAt",
        "lastExecutedAs": "executedAs",
    }
    return last[names[name]] if last else ""


def _runs(call: Call, wanted: Any, sort: str | None, limit: int, cursor: str | None) -> Document:
    field, descending = sort_of(sort, _RUN_SORT, "-startedAt")

    def show(run: Document) -> Document:
        return _render_run(call.world, run, call.world.store.get(TASK, run["taskId"]) or {})

    return page(
        call,
        [run for run in call.world.store.all(RUN) if wanted(run)],
        show,
        key=lambda run: str(run[field]),
        descending=descending,
        limit=limit,
        next_=cursor,
        parameter="page",
    )


def _render_run(world: World, run: Document, task: Document) -> Document:
    return {**run, "taskMeta": render(world, task)["metadata"] if task else {}}
