"""Scheduling tasks."""

from __future__ import annotations

from typing import Any

import pytest

from qlift.simulator import Simulator
from tests.simulator.tenant.client import Json, Tenant, task_body

TASKS = "/api/scheduling/tasks"


@pytest.fixture
def app(tenant: Tenant) -> str:
    return tenant.app(spaceId=tenant.space("Shared"))


def _code(tenant: Tenant, body: Any) -> tuple[int, str]:
    answer = tenant.http.post(TASKS, json=body)
    return answer.status_code, "" if answer.is_success else answer.json()["errors"][0]["code"]


def _scheduled(app_id: str, **schedule: object) -> Json:
    return task_body(app_id, start={"schedule": schedule})


def test_disabled_unless_enabled_and_owned_by_the_caller(tenant: Tenant, app: str, me: str) -> None:
    made = tenant.post(TASKS, task_body(app, resourceId="ignored"))
    assert (made["enabled"], made["resourceId"]) == (False, app)
    assert made["metadata"]["ownerId"] == me
    assert made["metadata"]["spaceType"] == "shared"
    assert tenant.get(f"{TASKS}/{made['id']}") == made
    assert tenant.post(TASKS, task_body(app, enabled=True))["enabled"] is True


def test_put_resets_what_is_left_out_and_takes_the_task_over(
    tenant: Tenant, as_person: Tenant, somebody: str, me: str
) -> None:
    space = tenant.space("Shared")
    tenant.assign(space, somebody, "producer")
    app = as_person.app(spaceId=space)
    made = as_person.post(TASKS, task_body(app, enabled=True, description="text"))
    assert made["metadata"]["ownerId"] == somebody
    changed = tenant.put(f"{TASKS}/{made['id']}", task_body(app, name="Other"))
    assert (changed["enabled"], changed["name"]) == (False, "Other")
    assert "description" not in changed
    assert changed["metadata"]["ownerId"] == me
    assert changed["metadata"]["createdBy"] == somebody
    assert changed["metadata"]["disabledCode"] == "MANUALLY"
    assert "disabledCode" not in tenant.put(f"{TASKS}/{made['id']}", task_body(app, enabled=True))["metadata"]


def test_patch(simulator: Simulator, tenant: Tenant, app: str) -> None:
    path = f"{TASKS}/{tenant.post(TASKS, task_body(app))['id']}"
    patch = [
        {"op": "replace", "path": "/enabled", "value": True},
        {"op": "replace", "path": "/start/schedule/timezone", "value": "Asia/Tokyo"},
        {"op": "add", "path": "/description", "value": "text"},
        {"op": "remove", "path": "/start/schedule/startDateTime"},
    ]
    answer = tenant.http.patch(path, json=patch)
    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["enabled"], changed["description"]) == (True, "text")
    assert changed["start"]["schedule"]["timezone"] == "Asia/Tokyo"
    assert "startDateTime" not in changed["start"]["schedule"]
    assert tenant.status("PATCH", path, [{"op": "replace", "path": "/none/at/all", "value": 1}]) == 400
    simulator.switches.task_patch_answer = 204
    assert tenant.status("PATCH", path, patch[:1]) == 204


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "x" * 1025},
        {"specVersion": None},
        {"states": []},
        {"states": [{"name": "reload", "onEvents": [{"eventRefs": [], "actions": []}]}]},
        {"states": [{"name": "reload", "onEvents": [{"actions": []}]}]},
        {"start": {"stateName": "another", "schedule": {"recurrence": "RRULE:FREQ=DAILY"}}},
        {"metadata": {"usage": 1}},
    ],
)
def test_bodies_that_are_no_task(tenant: Tenant, app: str, changes: Json) -> None:
    assert _code(tenant, task_body(app, **changes)) == (400, "CHO-001")


def test_the_state_may_be_written_small(tenant: Tenant, app: str) -> None:
    body = task_body(app)
    body["states"][0]["type"] = "event"
    assert _code(tenant, body) == (201, "")


@pytest.mark.parametrize(
    "schedule",
    [
        {"recurrence": "FREQ=DAILY"},
        {"recurrence": "RRULE:FREQ=SOMETIMES"},
        {"recurrence": "RRULE:FREQ=DAILY;BYHOUR=25"},
        {"recurrence": "DTSTART:20260101T000000\nRRULE:FREQ=DAILY"},
        {"recurrence": "RRULE:FREQ=DAILY", "timezone": "Berlin"},
        {"recurrence": "RRULE:FREQ=DAILY", "startDateTime": "soon"},
        {"recurrence": "RRULE:FREQ=DAILY", "endDateTime": "2026-11-24T11:59:00"},
        {
            "recurrence": "RRULE:FREQ=DAILY",
            "startDateTime": "2027-01-01T00:00:00",
            "endDateTime": "2027-01-01T00:00:00",
        },
        {"cron": "0 0 3 * * *"},
        {},
        {"recurrence": "RRULE:FREQ=DAILY;DTEND=20260101T000000"},
        {"recurrence": "RRULE:FREQ=DAILY;BYDAY=1MO"},
        {"recurrence": "RRULE:FREQ=WEEKLY;BYDAY=MO,-1FR"},
        {"recurrence": "RRULE:FREQ=WEEKLY;BYMONTHDAY=1"},
        {"recurrence": "RRULE:FREQ=DAILY;COUNT=2;UNTIL=20270101T000000Z"},
        {
            "recurrence": "RRULE:FREQ=DAILY",
            "timezone": "Europe/Berlin",
            "startDateTime": "2027-01-01T00:00:00Z",
        },
        {
            "recurrence": "RRULE:FREQ=DAILY",
            "timezone": "Europe/Berlin",
            "endDateTime": "2027-01-01T00:00:00+01:00",
        },
    ],
)
def test_schedules_that_are_none(tenant: Tenant, app: str, schedule: Json) -> None:
    assert _code(tenant, _scheduled(app, **schedule)) == (400, "CHO-017")


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=WEEKLY;BYDAY=MO,FR;BYHOUR=3",
        "FREQ=DAILY;UNTIL=20270101T000000Z",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "FREQ=MONTHLY;INTERVAL=3;BYDAY=-1MO",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA;WKST=SA",
        "FREQ=DAILY;COUNT=1",
    ],
)
def test_schedules_that_are_accepted(tenant: Tenant, app: str, rule: str) -> None:
    made = tenant.post(
        TASKS, _scheduled(app, recurrence=f"RRULE:{rule}", startDateTime="2026-12-01T03:00:00")
    )
    assert made["start"]["schedule"]["timezone"] == "UTC", "the default"


def test_cron_is_a_switch(simulator: Simulator, tenant: Tenant, app: str) -> None:
    simulator.switches.task_cron = "accepted"
    assert _code(tenant, _scheduled(app, cron="0 0 3 * * *")) == (201, "")


def test_a_missing_app_is_403_and_the_eleventh_task_422(
    tenant: Tenant, as_person: Tenant, app: str, somebody: str
) -> None:
    assert _code(tenant, task_body("none")) == (403, "CHO-003")
    assert _code(as_person, task_body(app)) == (403, "CHO-003")
    made = [_code(tenant, task_body(app, name=f"Task {number}")) for number in range(11)]
    assert made == [(201, "")] * 10 + [(422, "CHO-014")]


def test_a_chain(tenant: Tenant, app: str) -> None:
    parent = tenant.post(TASKS, task_body(app, "First"))
    event: Json = {
        "name": "first",
        "source": "system-events.task",
        "type": "com.qlik.v1.task.run.finished",
        "correlation": [
            {"contextAttributeName": "id", "contextAttributeValue": parent["id"]},
            {"contextAttributeName": "status", "contextAttributeValue": "SUCCEEDED"},
        ],
    }
    body = task_body(app, "Second", start=None, events=[event])
    body["states"][0]["onEvents"][0]["eventRefs"] = ["first"]
    child = tenant.post(TASKS, body)
    assert child["metadata"]["topology"] == {"isParent": False, "isChild": True}
    assert tenant.get(f"{TASKS}/{parent['id']}")["metadata"]["topology"]["isParent"] is True
    event["correlation"][0]["contextAttributeValue"] = "none"
    assert _code(tenant, body) == (400, "CHO-001")
    event["correlation"][0]["contextAttributeValue"] = parent["id"]
    event["correlation"][1]["contextAttributeValue"] = "RUNNING"
    assert _code(tenant, body) == (400, "CHO-001"), "a run does not end as that"
    event["correlation"][1]["contextAttributeValue"] = "any"
    assert _code(tenant, body) == (201, "")
    body["states"][0]["onEvents"][0]["eventRefs"] = ["unknown"]
    assert _code(tenant, body) == (400, "CHO-001")


def test_owner_changes_of_the_app_disable_its_tasks(tenant: Tenant, app: str, somebody: str) -> None:
    task = tenant.post(TASKS, task_body(app, enabled=True))
    tenant.put(f"/api/v1/apps/{app}/owner", {"ownerId": somebody})
    after = tenant.get(f"{TASKS}/{task['id']}")
    assert (after["enabled"], after["metadata"]["disabledCode"]) == (False, "OWNER-MOVED")


def test_lists_and_their_filters(simulator: Simulator, tenant: Tenant, app: str, me: str) -> None:
    other = tenant.app()
    for number in range(3):
        simulator.clock.advance(1)
        tenant.post(TASKS, task_body(app, f"Task {number}", enabled=number == 0))
    tenant.post(TASKS, task_body(other, "Other"))

    def names(**query: object) -> list[str]:
        return [task["name"] for task in tenant.get(TASKS, **query)["data"]]

    assert set(names()) == {"Task 0", "Task 1", "Task 2", "Other"}
    assert names(resourceId=app) == ["Task 2", "Task 1", "Task 0"], "newest first"
    assert names(filter=f'NAME eq "task 1" and ownerid eq "{me}"') == ["Task 1"], "case does not matter"
    assert names(filter="enabled eq true") == ["Task 0"]
    assert tenant.status("GET", TASKS, filter='colour eq "red"') == 400
    first = tenant.get(TASKS, resourceId=app, limit=2, sort="+name")
    following = first["links"]["next"]["href"]
    assert "page=" in following
    assert [task["name"] for task in first["data"] + tenant.get(following)["data"]] == [
        "Task 0",
        "Task 1",
        "Task 2",
    ]


def test_runs(tenant: Tenant, app: str) -> None:
    task = tenant.post(TASKS, task_body(app))["id"]
    assert tenant.status("GET", f"{TASKS}/{task}/runs/last") == 404
    assert tenant.post(f"{TASKS}/{task}/actions/start", expect=200)["message"]
    last = tenant.get(f"{TASKS}/{task}/runs/last")
    assert (last["status"], last["triggeredBy"], last["resourceId"]) == ("SUCCEEDED", "manual", app)
    assert len(tenant.get(f"{TASKS}/{task}/runs")["data"]) == 1
    assert len(tenant.get(f"{TASKS}/resources/{app}/runs")["data"]) == 1
    assert tenant.get(f"{TASKS}/{task}/runs/{last['id']}/log") == {"logContent": ""}


def test_tasks_go_with_their_app_and_by_themselves(tenant: Tenant, app: str) -> None:
    first, second = (tenant.post(TASKS, task_body(app))["id"] for _ in range(2))
    assert tenant.status("DELETE", f"{TASKS}/{first}") == 204
    assert tenant.status("DELETE", f"{TASKS}/{first}") == 404
    assert tenant.status("DELETE", f"/api/v1/apps/{app}") == 200
    assert tenant.status("GET", f"{TASKS}/{second}") == 404
