from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from qlift.cloud.client import Client
from qlift.cloud.errors import CloudError
from qlift.cloud.index import OWN_WRITES_SECONDS, Index
from qlift.cloud.models import App, Assignment, Space, Task
from qlift.simulator import Simulator, qvf
from tests.cloud.conftest import Break, Requests
from tests.cloud.servers import Time


@pytest.fixture
def index(client: Client) -> Index:
    return Index(client)


def _make_space(client: Client, name: str) -> Space:
    answer = client.post("/api/v1/spaces", subject=name, json={"name": name, "type": "shared"})
    return Space.model_validate(answer.data)


def _import(client: Client, name: str, space_id: str | None = None) -> App:
    answer = client.post(
        "/api/v1/apps/import",
        subject=name,
        params={"name": name, "spaceId": space_id},
        content=qvf.encode({"qTitle": name}),
        headers={"Content-Type": "application/octet-stream"},
    )
    return App.model_validate(answer.data["attributes"])


def _make_user(client: Client, subject: str, email: str) -> str:
    body = {"subject": subject, "email": email, "name": subject}
    return str(client.post("/api/v1/users", subject=subject, json=body).data["id"])


def _task(app_id: str, name: str) -> dict[str, Any]:
    action = {"functionRef": {"refName": "app.reload", "arguments": {"appId": app_id, "partial": False}}}
    return {
        "name": name,
        "specVersion": "1.16.0",
        "start": {"stateName": "s", "schedule": {"recurrence": "RRULE:FREQ=DAILY", "timezone": "UTC"}},
        "states": [{"name": "s", "type": "EVENT", "onEvents": [{"eventRefs": [], "actions": [action]}]}],
    }


def test_a_kind_is_listed_once_however_many_threads_ask(
    client: Client, index: Index, requests: Requests
) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(index.spaces()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert found[0] >= 1
    assert len(requests("GET", "/api/v1/spaces")) == 1


def test_own_writes_keep_it_true_without_asking(client: Client, index: Index, requests: Requests) -> None:
    index.spaces()
    space = _make_space(client, "Recorded")
    assert index.space(space.id) is None
    index.record_space(space)
    assert index.space(space.id) == index.space_named("Recorded") == space
    renamed = space.model_copy(update={"name": "Renamed"})
    index.record_space(renamed)
    assert index.space_named("Recorded") is None
    assert index.space_named("Renamed") == renamed
    index.forget_space(space.id)
    assert index.space(space.id) is None
    assert index.spaces_alike("Renamed") == []
    assert len(requests("GET", "/api/v1/spaces")) == 1


def test_recording_does_not_list(client: Client, index: Index, requests: Requests) -> None:
    space = _make_space(client, "Recorded early")
    index.record_space(space)
    index.record_app(App(id="a", name="A", space_id=space.id))
    index.record_task(Task(id="t", app_id="a"))
    index.forget_app("b")
    assert requests("GET", "/api/") == []
    assert index.app("a") is not None
    assert [t.id for t in index.tasks("a")] == ["t"]
    assert [a.id for a in index.apps(space.id)] == ["a"]


def test_a_new_list_does_not_lose_what_was_just_written(
    client: Client, index: Index, simulator: Simulator, time: Time
) -> None:
    space = _make_space(client, "Lagging")
    gone = _import(client, "Gone", space.id)
    assert [a.id for a in index.apps(space.id)] == [gone.id]
    simulator.switches.item_lag = 1000.0
    client.delete(f"/api/v1/apps/{gone.id}", subject="app")
    index.forget_app(gone.id)
    new = _import(client, "New", space.id)
    index.record_app(new)
    index.refresh("apps")
    assert [a.name for a in index.apps(space.id)] == ["New"]
    # Long enough after the write the list decides, so that other people's changes show.
    time.sleep(OWN_WRITES_SECONDS + 1001)
    client.delete(f"/api/v1/apps/{new.id}", subject="app")
    time.sleep(1001)
    index.refresh("apps")
    assert index.apps(space.id) == []
    assert index.app(new.id) is None


def test_other_peoples_changes_show_after_a_refresh(client: Client, index: Index) -> None:
    space = _make_space(client, "Shared with others")
    assert index.apps(space.id) == []
    theirs = _import(client, "Theirs", space.id)
    assert index.app(theirs.id) is None
    index.refresh("apps")
    assert [a.id for a in index.apps(space.id)] == [theirs.id]
    client.put(f"/api/v1/apps/{theirs.id}", subject="app", json={"attributes": {"name": "Renamed there"}})
    index.refresh("apps")
    found = index.app(theirs.id)
    assert found is not None
    assert found.name == "Renamed there"


def test_fresh_lists_again_only_what_is_old(
    client: Client, index: Index, time: Time, requests: Requests
) -> None:
    index.spaces()
    time.sleep(100)
    index.fresh("spaces", 120)
    index.spaces()
    assert len(requests("GET", "/api/v1/spaces")) == 1
    time.sleep(21)
    index.fresh("spaces", 120)
    index.spaces()
    assert len(requests("GET", "/api/v1/spaces")) == 2


def test_a_failed_list_is_tried_again(client: Client, index: Index, fault: Break) -> None:
    client.post("/api/v1/groups", subject="group", json={"name": "Finance"})
    fault("status:403", "/api/v1/groups")
    with pytest.raises(CloudError):
        index.group_named("Finance")
    assert index.group_named("Finance") is not None
    assert index.group_named("finance") is None
    everyone = index.group_named("com.qlik.Everyone")
    assert everyone is not None
    listed = client.get("/api/v1/groups", subject="groups", params={"systemGroups": "true", "limit": 100})
    assert everyone.id in [g["id"] for g in listed["data"]]


def test_many_pages(client: Client, index: Index, simulator: Simulator, requests: Requests) -> None:
    simulator.switches.last_page_link = "null"
    space = _make_space(client, "Large")
    made = {_import(client, f"App {number:03}", space.id).id for number in range(203)}
    assert {a.id for a in index.apps(space.id)} == made
    assert len(requests("GET", "/api/v1/items")) == 3


def test_personal_apps_are_those_without_a_space(client: Client, index: Index) -> None:
    mine = _import(client, "Mine")
    assert mine.space_id is None
    assert mine.id in [a.id for a in index.apps(None)]


def test_names_that_differ_by_case(client: Client, index: Index) -> None:
    lower, upper = _make_space(client, "case"), _make_space(client, "CASE")
    assert index.space_named("case") == lower
    assert index.space_named("CASE") == upper
    found = index.space_named("Case")
    assert found in (lower, upper)
    assert {s.id for s in index.spaces_alike("Case")} == {lower.id, upper.id}
    assert index.space_named("cas") is None


def test_users(client: Client, index: Index) -> None:
    first = _make_user(client, "CORP\\Twin1", "Twin@Corp.example")
    second = _make_user(client, "CORP\\twin2", "twin@corp.example")
    left = _make_user(client, "CORP\\twin3", "twin@corp.example")
    change = [{"op": "replace", "path": "/status", "value": "disabled"}]
    client.patch(f"/api/v1/users/{left}", subject="user", json=change)
    assert [u.id for u in index.users_by("subject", "CORP\\Twin1")] == [first]
    assert index.users_by("subject", "corp\\twin1") == []
    assert sorted(u.id for u in index.users_by("email", "TWIN@corp.example")) == sorted([first, second])
    assert index.users_by("email", "nobody@corp.example") == []
    assert index.users_by("subject", "CORP\\twin3") == []
    disabled = index.user(left)
    assert disabled is not None
    assert disabled.status == "disabled"


def test_assignments_are_listed_by_space(client: Client, index: Index, requests: Requests) -> None:
    one, two = _make_space(client, "With people"), _make_space(client, "Without people")
    path = f"/api/v1/spaces/{one.id}/assignments"
    users = [_make_user(client, f"CORP\\member{n}", "") for n in range(12)]
    for user in users:
        body = {"type": "user", "assigneeId": user, "roles": ["producer", "consumer"]}
        client.post(path, subject="assignment", json=body)
    listed = index.assignments(one.id)
    assert {a.assignee_id for a in listed} == set(users)
    assert {a.roles for a in listed} == {("consumer", "producer")}
    assert {a.space_id for a in listed} == {one.id}
    assert index.assignments(two.id) == []
    changed = listed[0].model_copy(update={"roles": ("consumer",)})
    index.record_assignment(changed)
    index.forget_assignment(one.id, listed[1].id)
    now = index.assignments(one.id)
    assert changed in now
    assert len(now) == 11
    assert len(requests("GET", path)) == 1
    index.refresh("assignments")
    # The own record of a moment ago still counts; the rest is the tenant's.
    assert len(index.assignments(one.id)) == 11
    assert len(requests("GET", path)) == 2


def test_an_assignment_that_was_recorded_before_its_list(client: Client, index: Index) -> None:
    space = _make_space(client, "Early")
    index.record_assignment(Assignment(id="x", space_id=space.id, assignee_id="u", roles=("consumer",)))
    assert [a.assignee_id for a in index.assignments(space.id)] == ["u"]
    index.forget_assignment(space.id, "x")
    assert index.assignments(space.id) == []


def test_tasks_are_found_by_their_app(client: Client, index: Index) -> None:
    space = _make_space(client, "Scheduled")
    app, other = _import(client, "Scheduled", space.id), _import(client, "Other", space.id)
    document = client.post("/api/scheduling/tasks", subject="t", json=_task(app.id, "Daily")).data
    assert [t.name for t in index.tasks(app.id)] == ["Daily"]
    assert index.tasks(other.id) == []
    found = index.task(document["id"])
    assert found is not None
    assert (found.recurrence, found.start, found.enabled) == ("RRULE:FREQ=DAILY", None, False)
    index.forget_task(found.id)
    assert index.tasks(app.id) == []


def test_reading_while_others_write(index: Index) -> None:
    index.record_app(App(id="first"))
    index.apps(None)
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                failures.append(error)

        return run

    def write() -> None:
        for number in range(3000):
            index.record_app(App(id=str(number), name="x"))

    def read() -> None:
        for _ in range(300):
            assert all(a.space_id is None for a in index.apps(None))

    threads = [threading.Thread(target=guarded(work)) for work in (write, read, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
