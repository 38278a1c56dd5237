"""What the tenant answers, against the types that Qlik publishes for its own JavaScript library.

`published_types.json` holds the fields of these types, read from the declarations of the npm package
`@qlik/api` with the TypeScript compiler.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qlift.simulator import Simulator
from tests.simulator.tenant.client import Json, Tenant, app_file, sheet, task_body

FILE = Path(__file__).with_name("published_types.json")
TYPES: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))["types"]


def differences(answer: Any, type_: Any, path: str) -> Iterator[str]:
    """Unknown fields, missing ones and other kinds of values. `type_` is written as in the file."""
    if isinstance(type_, str) and type_.startswith("#"):
        type_ = TYPES[type_[1:]]
    if isinstance(type_, list):
        if not isinstance(answer, list):
            yield f"{path}: no array"
            return
        for item in answer:
            yield from differences(item, type_[0], f"{path}[]")
    elif isinstance(type_, dict) and "|" in type_:
        found = [list(differences(answer, one, path)) for one in type_["|"]]
        if all(found):
            yield from min(found, key=len)
    elif isinstance(type_, dict):
        yield from _differences_of_fields(answer, type_, path)
    elif type_ != "any" and not _is(answer, type_):
        yield f"{path}: {answer!r} is no {type_}"


def _differences_of_fields(answer: Any, type_: dict[str, Any], path: str) -> Iterator[str]:
    if not isinstance(answer, dict):
        yield f"{path}: {answer!r} is no object"
        return
    fields = {name.removesuffix("?"): of for name, of in type_.items()}
    for name in type_:
        if name != "*" and not name.endswith("?") and name not in answer:
            yield f"{path}.{name}: missing"
    for name, value in answer.items():
        if name in fields or "*" in fields:
            yield from differences(value, fields.get(name, fields.get("*")), f"{path}.{name}")
        else:
            yield f"{path}.{name}: unknown"


def _is(answer: Any, kind: str) -> bool:
    if kind == "number":
        return isinstance(answer, int | float) and not isinstance(answer, bool)
    return isinstance(answer, {"string": str, "boolean": bool}[kind])


BEYOND = ("apps.NxApp.attributes._resourcetype: unknown", "apps.NxApp.attributes.spaceId: unknown")
"""Real tenants answer these, as recorded exchanges show; the types do not name them."""

TASKS = "/api/scheduling/tasks"


def answers(simulator: Simulator, tenant: Tenant, me: str, somebody: str) -> Iterator[tuple[str, Json]]:
    """With one object of each kind at least."""
    space = tenant.space("Work")
    tenant.assign(space, me, "producer")
    app = tenant.app(app_file("App", sheet("s1", published=True), script="LOAD 1;"), spaceId=space)
    share = {"type": "user", "assigneeId": somebody, "resourceId": app, "resourceType": "app"}
    yield "spaces.Share", tenant.post(f"/api/v1/spaces/{space}/shares", {**share, "roles": ["consumer"]})
    first = tenant.post(TASKS, task_body(app, enabled=True))
    yield "tasks.Task", first
    tenant.post(f"{TASKS}/{first['id']}/actions/start", expect=200)
    yield "tasks.Task", tenant.post(TASKS, after(app, first["id"]))
    simulator.clock.advance(60)

    uploaded = tenant.http.post("/api/v1/temp-contents?filename=a.qvf", content=b"a")
    yield "temp-contents.DetailResponse", tenant.get(f"{uploaded.headers['location']}/details")
    owner = f"/api/v1/apps/{app}/objects/s1/actions/change-owner"
    yield "apps.NxAppObject", tenant.post(owner, {"ownerId": somebody}, expect=200)
    for type_, path in (
        ("users.Users", "/api/v1/users?totalResults=true"),
        ("users.User", f"/api/v1/users/{me}"),
        ("users.UserCount", "/api/v1/users/actions/count"),
        ("tenants.Tenant", "/api/v1/tenants/me"),
        ("groups.Groups", "/api/v1/groups"),
        ("roles.ListRolesResult", "/api/v1/roles"),
        ("spaces.Spaces", "/api/v1/spaces"),
        ("spaces.Space", f"/api/v1/spaces/{space}"),
        ("spaces.SpaceTypes", "/api/v1/spaces/types"),
        ("spaces.Assignments", f"/api/v1/spaces/{space}/assignments"),
        ("spaces.Shares", f"/api/v1/spaces/{space}/shares"),
        ("items.ItemsListItemsResponseBody", "/api/v1/items"),
        ("apps.NxApp", f"/api/v1/apps/{app}"),
        ("apps.ScriptMetaList", f"/api/v1/apps/{app}/scripts"),
        ("apps.ScriptVersion", f"/api/v1/apps/{app}/scripts/current"),
        ("quotas.GetQuotasResult", "/api/v1/quotas?reportUsage=true"),
        ("tasks.TaskList", TASKS),
        ("tasks.OrchRunList", f"{TASKS}/{first['id']}/runs"),
        ("tasks.OrchRun", f"{TASKS}/{first['id']}/runs/last"),
    ):
        answer = tenant.http.get(path, follow_redirects=True)
        assert answer.status_code == 200, (path, answer.text)
        found = answer.json()
        assert found.get("data", True), f"{path}: nothing to look at"
        yield type_, found


def after(app: str, task: str) -> Json:
    body = task_body(app, name="Afterwards")
    del body["start"]
    wait = {"contextAttributeName": "id", "contextAttributeValue": task}
    event = {"name": "done", "source": "system-events.task", "type": "com.qlik.v1.task.run.finished"}
    body["events"] = [{**event, "correlation": [wait]}]
    body["states"][0]["onEvents"][0]["eventRefs"] = ["done"]
    return body


def test_each_answer_is_of_the_published_type(
    simulator: Simulator, tenant: Tenant, me: str, somebody: str
) -> None:
    found = {
        difference
        for type_, answer in answers(simulator, tenant, me, somebody)
        for difference in differences(answer, f"#{type_}", type_)
    }
    assert sorted(found) == sorted(BEYOND)
