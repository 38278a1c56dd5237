"""The Repository Service over HTTP: way in, lists, single objects, tables, writes, and how it refuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from qlift.simulator.clock import Clock
from qlift.simulator.sample import SampleOptions, people
from qlift.simulator.site import SITE_ADMIN, SiteSwitches, create_site_app
from qlift.simulator.site.kinds import (
    APP,
    APP_OBJECT,
    COMPOSITE_EVENT,
    EXTERNAL_TASK,
    KINDS,
    RELOAD_TASK,
    SCHEMA_EVENT,
    STREAM,
    USER,
    USER_DIRECTORY,
    Document,
    Kind,
)
from qlift.simulator.store import Store

KEY = "0123456789abcdef"
Caller = Callable[[str], httpx.Client]

PEOPLE = people(SampleOptions())
XSRF = (403, "XSRF prevention check failed. Possible XSRF discovered.")


def _named(store: Store, kind: Kind, name: str) -> Document:
    return next(item for item in store.all(kind.stored) if item["name"] == name)


def _get(client: httpx.Client, path: str, **params: Any) -> Any:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("query", "header"),
    [
        ({}, {"X-Qlik-Xrfkey": KEY}),
        ({"xrfkey": KEY}, {}),
        ({"xrfkey": KEY}, {"X-Qlik-Xrfkey": KEY.upper()}),
        ({"xrfkey": "short"}, {"X-Qlik-Xrfkey": "short"}),
        ({"xrfkey": "0123456789abcde-"}, {"X-Qlik-Xrfkey": "0123456789abcde-"}),
    ],
)
@pytest.mark.parametrize("path", ["/qrs/about", "/qrs/app/full"])
def test_every_request_needs_the_key_twice(
    admin: httpx.Client, path: str, query: dict[str, str], header: dict[str, str]
) -> None:
    headers = {"hdr-usr": SITE_ADMIN} | header
    with httpx.Client(base_url=admin.base_url, headers=headers, trust_env=False) as client:
        answer = client.get(path, params=query)
    assert (answer.status_code, answer.text) == XSRF


def test_the_key_may_be_spelt_as_the_documents_do(admin: httpx.Client) -> None:
    headers = {"hdr-usr": SITE_ADMIN, "x-Qlik-Xrfkey": KEY}
    with httpx.Client(base_url=admin.base_url, headers=headers, trust_env=False) as client:
        assert client.get("/qrs/about", params={"Xrfkey": KEY}).json()["buildVersion"] == "38.35.0.0"


@pytest.mark.parametrize("login", ["ACME\\nobody", "nobody", PEOPLE[5].login])
def test_a_stranger_is_sent_to_the_login_page(caller: Caller, login: str) -> None:
    client = caller(login)
    answer = client.get("/qrs/app/full")
    assert answer.status_code == 302
    page = client.get(answer.headers["location"])
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")


def test_the_certificate_way_takes_the_user_from_its_own_header(
    store: Store, clock: Clock, serve: Callable[[Any], str]
) -> None:
    address = serve(create_site_app(store, clock, "certificate"))
    for value, status in (
        ("UserDirectory=INTERNAL; UserId=sa_repository", 200),
        ("userdirectory=internal;USERID=sa_repository", 200),
        ("UserDirectory=ACME; UserId=nobody", 403),
        ("sa_repository", 403),
    ):
        headers = {"X-Qlik-User": value, "X-Qlik-Xrfkey": KEY, "hdr-usr": SITE_ADMIN}
        answer = httpx.get(f"{address}/qrs/about?xrfkey={KEY}", headers=headers, trust_env=False)
        assert answer.status_code == status, value


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.path)
def test_lists_counts_and_single_objects_agree(admin: httpx.Client, kind: Kind) -> None:
    short = _get(admin, f"/qrs/{kind.path}")
    everything = _get(admin, f"/qrs/{kind.path}/full")
    assert _get(admin, f"/qrs/{kind.path}/count") == {"value": len(everything)}
    assert [item["id"] for item in short] == [item["id"] for item in everything]
    for item in everything:
        assert item["schemaPath"] == kind.type
        assert set(item) <= kind.fields
    for item in short:
        assert not {"createdDate", "schemaPath", "owner", "tags"} & set(item)
    for item in everything[:3]:
        assert _get(admin, f"/qrs/{kind.path}/{item['id']}") == item


def test_the_condensed_app_lacks_what_only_the_full_one_has(admin: httpx.Client) -> None:
    assert {"name", "stream", "published"} <= set(_get(admin, "/qrs/app")[0])
    assert {"owner", "fileSize", "tags"} <= set(_get(admin, "/qrs/app/full")[0])
    assert "approved" not in _get(admin, "/qrs/app/object")[0]
    assert "_file" not in _get(admin, "/qrs/app/full")[0]


def test_filters_and_order_of_lists(admin: httpx.Client) -> None:
    names = [
        item["name"] for item in _get(admin, "/qrs/app", filter="stream.name eq 'sales'", orderby="name")
    ]
    assert names == ["Customer Profitability", "Pipeline Review", "Sales Overview"]
    tagged = _get(admin, "/qrs/app/full", filter="tags.name eq 'App - 30 Ready to Migrate'")
    assert [item["name"] for item in tagged] == ["Sales Overview"]
    assert _get(admin, "/qrs/app/count", filter="published eq false") == {"value": 3}


def test_a_filter_that_cannot_be_parsed_is_named(admin: httpx.Client) -> None:
    answer = admin.get("/qrs/app/full", params={"filter": "name eq 'O'Brien'"})
    assert (answer.status_code, answer.text) == (400, "Cannot parse the expression: name eq 'O'Brien'")


def test_a_raw_ampersand_breaks_the_query(admin: httpx.Client) -> None:
    headers = {"hdr-usr": SITE_ADMIN, "X-Qlik-Xrfkey": KEY}
    url = f"{admin.base_url}/qrs/app/full?filter=name%20eq%20'A&B'&xrfkey={KEY}"
    answer = httpx.get(url, headers=headers, trust_env=False)
    assert (answer.status_code, answer.text) == (400, "Missing parameter value(s)")


def test_an_unknown_id_is_404_and_one_out_of_reach_403(
    store: Store, caller: Caller, admin: httpx.Client
) -> None:
    assert admin.get("/qrs/app/00000000-0000-0000-0000-000000000001").status_code == 404
    finance = _named(store, APP, "General Ledger")
    assert caller(PEOPLE[2].login).get(f"/qrs/app/{finance['id']}").status_code == 200
    assert caller(PEOPLE[3].login).get(f"/qrs/app/{finance['id']}").status_code == 403


def test_missing_rights_shorten_lists_in_silence(
    store: Store, caller: Caller, admin: httpx.Client, switches: SiteSwitches
) -> None:
    developer = caller(PEOPLE[3].login)
    names = {item["name"] for item in _get(developer, "/qrs/app/full")}
    assert names == {"Headcount", "Absence Analysis", "Company KPIs", "Payroll Experiments"}
    assert _get(developer, "/qrs/app/count") == {"value": store.count(APP.stored)}
    assert _get(developer, "/qrs/task/count") == {"value": 14}
    switches.count = "visible"
    assert _get(developer, "/qrs/app/count") == {"value": len(names)}
    assert _get(developer, "/qrs/app/count", filter="name so 'a'") == {"value": 4}
    assert {item["name"] for item in _get(developer, "/qrs/stream")} == {"HR", "Everyone"}
    content = caller(PEOPLE[6].login)
    assert len(_get(content, "/qrs/app/full")) == len(store.all(APP.stored))
    assert len(_get(content, "/qrs/systemrule/full")) < len(_get(admin, "/qrs/systemrule/full"))


def test_tables_page(store: Store, admin: httpx.Client) -> None:
    body = {
        "type": "App.Object",
        "columns": [
            {"name": "id", "columnType": "Property", "definition": "id"},
            {"name": "app", "columnType": "Property", "definition": "app.id"},
            {"name": "approved", "columnType": "Property", "definition": "approved"},
            {"name": "owner", "columnType": "Property", "definition": "owner.userId"},
        ],
    }
    ledger = _named(store, APP, "General Ledger")
    expected = {
        item["id"]: [item["id"], ledger["id"], item["approved"], item["owner"]["userId"]]
        for item in store.all(APP_OBJECT.stored)
        if item["app"]["id"] == ledger["id"]
    }
    rows: list[list[Any]] = []
    while True:
        query: dict[str, str | int] = {
            "filter": f"app.id eq {ledger['id']}",
            "skip": len(rows),
            "take": 5,
            "sortColumn": "id",
        }
        answer = admin.post("/qrs/app/object/table", json=body, params=query).json()
        assert answer["columnNames"] == ["id", "app", "approved", "owner"]
        assert len(answer["rows"]) <= 5
        if not answer["rows"]:
            break
        rows += answer["rows"]
    assert rows == [expected[key] for key in sorted(expected)]


def test_next_executions_follow_the_clock(store: Store, clock: Clock, admin: httpx.Client) -> None:
    daily = next(item for item in store.all(SCHEMA_EVENT.stored) if item["name"] == "Daily")
    task = daily["reloadTask"]["id"]

    def due() -> tuple[str, str]:
        event = _get(admin, f"/qrs/schemaevent/{daily['id']}")["operational"]["nextExecution"]
        return event, _get(admin, f"/qrs/reloadtask/{task}")["operational"]["nextExecution"]

    assert due() == ("2026-03-11T04:30:00.000Z",) * 2
    clock.advance(30 * 24 * 3600)
    assert due() == ("2026-04-10T03:30:00.000Z",) * 2


def test_a_rename_is_seen_wherever_the_name_is(store: Store, admin: httpx.Client) -> None:
    stream = _get(admin, f"/qrs/stream/{_named(store, STREAM, 'Sales')['id']}")
    answer = admin.put(f"/qrs/stream/{stream['id']}", json=stream | {"name": "Sales & Marketing"})
    assert answer.status_code == 200
    apps = _get(admin, "/qrs/app/full", filter="stream.name eq 'Sales & Marketing'")
    assert len(apps) == 3
    assert apps[0]["stream"]["id"] == stream["id"]
    again = admin.put(f"/qrs/stream/{stream['id']}", json=stream | {"name": "Sales"})
    assert again.status_code == 409


def test_a_reader_may_not_write(store: Store, caller: Caller) -> None:
    reader = caller(PEOPLE[8].login)
    stream = _named(store, STREAM, "Everyone")
    assert reader.put(f"/qrs/stream/{stream['id']}", json={"name": "x"}).status_code == 403
    assert reader.delete(f"/qrs/stream/{stream['id']}").status_code == 403
    assert reader.post("/qrs/stream", json={"name": "x"}).status_code == 403
    assert store.get(STREAM.stored, stream["id"]) == stream


def test_create_and_delete(store: Store, admin: httpx.Client) -> None:
    made = admin.post("/qrs/stream", json={"name": "New"})
    assert made.status_code == 201
    assert made.json()["owner"]["userId"] == "qlik.admin"
    path = f"/qrs/stream/{made.json()['id']}"
    assert _get(admin, path) == made.json()
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404


def test_a_task_comes_and_goes_with_its_events(store: Store, admin: httpx.Client) -> None:
    app = _named(store, APP, "General Ledger")
    event = {
        "name": "Hourly",
        "enabled": True,
        "eventType": 0,
        "timeZone": "Europe/Berlin",
        "daylightSavingTime": 0,
        "startDate": "2026-03-01T00:10:00.000",
        "expirationDate": "9999-01-01T00:00:00.000",
        "schemaFilterDescription": ["* * - * * * * *"],
        "incrementDescription": "0 1 0 0",
        "incrementOption": 1,
    }
    body = {"task": {"name": "Extra", "enabled": True, "app": {"id": app["id"], "name": app["name"]}}}
    made = admin.post("/qrs/reloadtask/create", json=body | {"schemaEvents": [event], "compositeEvents": []})
    assert made.status_code == 201
    task = made.json()
    events = _get(admin, "/qrs/schemaevent/full", filter=f"reloadTask.id eq {task['id']}")
    assert [item["name"] for item in events] == ["Hourly"]
    update = {"task": task | {"name": "Extra 2"}, "schemaEventsToDelete": [events[0]["id"]]}
    assert admin.post("/qrs/reloadtask/update", json=update).json()["name"] == "Extra 2"
    assert _get(admin, "/qrs/schemaevent/count", filter=f"reloadTask.id eq {task['id']}") == {"value": 0}

    ledger = _named(store, RELOAD_TASK, "Reload General Ledger")
    assert admin.delete(f"/qrs/reloadtask/{ledger['id']}").status_code == 204
    left = [rule for item in store.all(COMPOSITE_EVENT.stored) for rule in item["compositeRules"]]
    assert ledger["id"] not in {(rule["reloadTask"] or {}).get("id") for rule in left}


def test_the_service_fills_in_what_a_task_needs_and_refuses_unknown_apps(
    store: Store, admin: httpx.Client
) -> None:
    app = _named(store, APP, "General Ledger")
    body = {"task": {"name": "Bare", "app": {"id": app["id"]}}}
    made = admin.post("/qrs/reloadtask/create", json=body).json()
    assert (made["app"]["name"], made["enabled"], made["taskSessionTimeout"]) == (
        "General Ledger",
        True,
        1440,
    )
    nowhere = {"task": {"name": "Bare", "app": {"id": "00000000-0000-0000-0000-000000000001"}}}
    assert admin.post("/qrs/reloadtask/create", json=nowhere).status_code == 400


def test_several_at_once(store: Store, admin: httpx.Client) -> None:
    made = admin.post("/qrs/tag/many", json=[{"name": "One"}, {"name": "Two"}])
    assert [item["name"] for item in made.json()] == ["One", "Two"]
    assert _get(admin, "/qrs/tag/count", filter="name eq 'one' or name eq 'two'") == {"value": 2}


def test_tasks_of_every_kind_in_one_list(store: Store, admin: httpx.Client) -> None:
    tasks = {item["id"]: item["schemaPath"] for item in _get(admin, "/qrs/task/full")}
    assert Counter(tasks.values()) == {"ReloadTask": 9, "ExternalProgramTask": 3, "UserSyncTask": 2}
    assert [item["id"] for item in _get(admin, "/qrs/task")] == list(tasks)
    assert _get(admin, "/qrs/task/count", filter="taskType eq 2") == {"value": 2}
    for id_ in tasks:
        assert _get(admin, f"/qrs/task/{id_}")["id"] == id_
    assert admin.get("/qrs/task/00000000-0000-0000-0000-000000000001").status_code == 404


def test_a_sync_and_a_program_come_and_go_with_their_events(store: Store, admin: httpx.Client) -> None:
    directory = _named(store, USER_DIRECTORY, "ACME")
    body = {"name": "Sync again", "userDirectory": {"id": directory["id"]}}
    sync = admin.post("/qrs/usersynctask", json=body).json()
    assert (sync["taskType"], sync["userDirectory"]["name"]) == (2, "ACME")
    renamed = admin.put(f"/qrs/userdirectory/{directory['id']}", json={"name": "ACME (old)"})
    assert renamed.status_code == 200
    assert _get(admin, f"/qrs/usersynctask/{sync['id']}")["userDirectory"]["name"] == "ACME (old)"

    program = _named(store, EXTERNAL_TASK, "Fetch absence files")
    due = _get(admin, f"/qrs/externalprogramtask/{program['id']}")["operational"]["nextExecution"]
    assert due == "2026-03-11T02:30:00.000Z"
    before = store.count(SCHEMA_EVENT.stored), store.count(COMPOSITE_EVENT.stored)
    assert admin.delete(f"/qrs/externalprogramtask/{program['id']}").status_code == 204
    after = store.count(SCHEMA_EVENT.stored), store.count(COMPOSITE_EVENT.stored)
    assert after == (before[0] - 1, before[1] - 1)


def test_users_say_who_they_are(admin: httpx.Client) -> None:
    found = _get(admin, "/qrs/user/full", filter="userId eq 'qlik.admin' and userDirectory eq 'acme'")
    assert [item["roles"] for item in found] == [["RootAdmin"]]
    assert len(_get(admin, "/qrs/user", filter="userDirectory ne 'INTERNAL'")) == len(PEOPLE)
    assert USER.fields >= set(found[0])


def test_the_meaning_of_numbers_can_be_asked(admin: httpx.Client) -> None:
    options = _get(admin, "/qrs/about/api/enums")
    usages = {usage: entry["values"] for entry in options.values() for usage in entry["usages"]}
    assert usages["SchemaEvent.IncrementOption"][5] == "5: custom"
