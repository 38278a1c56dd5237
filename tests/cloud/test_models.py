from __future__ import annotations

from typing import Any

import pytest

from qlift.cloud.errors import Failed
from qlift.cloud.models import App, Assignment, Space, Task, User, parsed


def test_a_space_with_what_may_be_empty() -> None:
    raw = {"id": "1", "name": "Sales", "type": "shared", "description": None, "meta": None, "new": 1}
    space = parsed(Space, raw, "spaces")
    assert (space.description, space.owner_id, space.assignable_roles) == ("", "", ())


def test_roles_are_sorted() -> None:
    raw = {"id": "1", "spaceId": "2", "assigneeId": "3", "type": "user", "roles": ["producer", "consumer"]}
    assert parsed(Assignment, raw, "x").roles == ("consumer", "producer")


def test_an_item_of_a_personal_app() -> None:
    item = {
        "id": "item",
        "resourceId": "app-id",
        "name": "Old name",
        "ownerId": "u1",
        "resourceAttributes": {"id": "app-id", "name": "Name", "spaceId": "", "originAppId": ""},
    }
    app = App.of_item(item)
    assert (app.id, app.name, app.space_id, app.owner_id) == ("app-id", "Name", None, "u1")


def test_an_item_without_attributes() -> None:
    item = {"id": "item", "resourceId": "app-id", "name": "N", "spaceId": "s", "resourceAttributes": None}
    app = App.of_item(item)
    assert (app.id, app.name, app.space_id) == ("app-id", "N", "s")


def _task(**more: Any) -> dict[str, Any]:
    action = {"functionRef": {"refName": "app.reload", "arguments": {"appId": "a", "partial": True}}}
    states = [{"type": "event", "onEvents": [{"eventRefs": [], "actions": [action]}]}]
    return {"id": "t", "name": "Nightly", "enabled": True, "states": states, **more}


def test_a_task_by_the_clock() -> None:
    schedule = {
        "recurrence": "RRULE:FREQ=DAILY",
        "timezone": "Europe/Berlin",
        "startDateTime": "2026-01-01T02:00:00",
        "endDateTime": "",
    }
    task = parsed(Task, _task(start={"schedule": schedule}, metadata={"ownerId": "u"}), "x")
    assert (task.app_id, task.partial, task.enabled, task.owner_id) == ("a", True, True, "u")
    assert (task.recurrence, task.timezone) == ("RRULE:FREQ=DAILY", "Europe/Berlin")
    assert (task.start, task.end, task.after) == ("2026-01-01T02:00:00", None, None)


def test_a_task_after_another() -> None:
    pairs = [("id", "parent"), ("status", "SUCCEEDED")]
    correlation = [{"contextAttributeName": n, "contextAttributeValue": v} for n, v in pairs]
    task = parsed(Task, _task(events=[{"name": "e", "correlation": correlation}]), "x")
    assert (task.after, task.after_status, task.recurrence) == ("parent", "succeeded", None)


@pytest.mark.parametrize(
    "odd",
    [
        {"start": {"schedule": "a string"}},
        {"start": None, "metadata": None, "events": None, "enabled": None},
        {"start": {"schedule": {"recurrence": ["RRULE:A", "RRULE:B"]}}},
        {"events": [{"correlation": None}]},
        {"states": None, "resourceId": "a"},
        {"states": [{"onEvents": [{"actions": [{"functionRef": "x"}]}]}]},
    ],
)
def test_other_peoples_odd_tasks_do_not_stop_a_list(odd: dict[str, Any]) -> None:
    assert parsed(Task, _task(**odd), "x").id == "t"


def test_what_is_no_user_says_which_fields_and_not_their_values() -> None:
    with pytest.raises(Failed) as caught:
        parsed(User, {"id": None, "email": 7, "name": "Jane Private"}, "user x")
    assert "user x: " in str(caught.value)
    assert "id" in str(caught.value)
    assert "Jane" not in str(caught.value)
