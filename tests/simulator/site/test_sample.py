"""The sample site: the same for the same seed, as large as asked, with the shapes that a migration meets."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qlift.bundle import models
from qlift.simulator import qvf
from qlift.simulator.sample import SAMPLE_PASSWORDS, SCRIPT_PASSWORD, SampleOptions, people, seed_sample
from qlift.simulator.site import appfile
from qlift.simulator.site.kinds import (
    APP,
    APP_OBJECT,
    COMPOSITE_EVENT,
    CONTENT_LIBRARY,
    CUSTOM_PROPERTY,
    DATA_CONNECTION,
    EXTENSION,
    EXTERNAL_TASK,
    KINDS,
    RELOAD_TASK,
    SCHEMA_EVENT,
    STREAM,
    SYSTEM_RULE,
    TAG,
    TASK_KINDS,
    USER,
    USER_DIRECTORY,
    USER_SYNC_TASK,
    full,
)
from qlift.simulator.site.task_documents import SLOTS
from qlift.simulator.store import Store


def _dump(options: SampleOptions) -> dict[str, Any]:
    store = Store(None)
    try:
        seed_sample(store, options)
        return {kind.path: store.all(kind.stored) for kind in KINDS}
    finally:
        store.close()


def test_the_same_options_give_the_same_site_and_another_seed_another() -> None:
    first, again = _dump(SampleOptions()), _dump(SampleOptions())
    assert json.dumps(first) == json.dumps(again)
    other = _dump(SampleOptions(seed=8))
    assert not {item["id"] for item in first["app"]} & {item["id"] for item in other["app"]}


def test_more_apps_leave_the_first_ones_alone() -> None:
    small, large = _dump(SampleOptions()), _dump(SampleOptions(apps=20))
    assert {item["id"] for item in small["app"]} < {item["id"] for item in large["app"]}


def test_the_size_of_the_default_site(store: Store) -> None:
    counts = {kind.path: store.count(kind.stored) for kind in KINDS}
    people_ = [item for item in store.all(USER.stored) if item["userDirectory"] != "INTERNAL"]
    groups = {
        value["attributeValue"]
        for item in people_
        for value in item["attributes"]
        if value["attributeType"].lower() == "group"
    }
    assert (counts["stream"], counts["app"], len(people_), len(groups)) == (5, 14, 25, 4)
    assert (counts["reloadtask"], counts["dataconnection"]) == (9, 6)
    assert sum(1 for item in store.all(APP.stored) if not item["published"]) == 3


def test_every_kind_of_object_state_and_several_owners(store: Store) -> None:
    apps = {item["id"]: item for item in store.all(APP.stored)}
    states: Counter[tuple[bool, bool]] = Counter()
    for item in store.all(APP_OBJECT.stored):
        app = apps[item["app"]["id"]]
        states[item["published"], item["approved"]] += bool(app["published"])
        if not app["published"]:
            assert not item["published"]
            assert item["owner"]["id"] == app["owner"]["id"]
        elif not item["approved"]:
            assert item["owner"]["id"] != app["owner"]["id"]
    assert set(states) == {(True, True), (True, False), (False, False)}
    scripts = Counter(
        item["app"]["id"] for item in store.all(APP_OBJECT.stored) if item["objectType"] == "app_appscript"
    )
    assert scripts == Counter(apps.keys())


def test_files_and_documents_say_the_same(store: Store) -> None:
    for app in store.all(APP.stored):
        path = store.blob_path(app["_file"])
        assert hashlib.sha256(path.read_bytes()).hexdigest() == app["_file"]
        content = b"".join(appfile.body(store, app).chunks())
        assert len(content) == app["fileSize"] and content.rstrip(b"\0") == path.read_bytes().rstrip(b"\0")
        header = qvf.read_header(content)
        assert header is not None
        assert header["qTitle"] == app["name"]
        assert "lib://" in header["qScript"]
        in_file = {(o["engineObjectId"], o["published"], o["approved"]) for o in header["simulatorObjects"]}
        assert in_file == {
            (item["engineObjectId"], item["published"], item["approved"])
            for item in store.all(APP_OBJECT.stored)
            if item["app"]["id"] == app["id"]
        }


def test_schedules_of_all_sorts(store: Store) -> None:
    events = store.all(SCHEMA_EVENT.stored)
    assert {item["incrementOption"] for item in events} == {0, 1, 2, 3, 4}
    assert len({item["timeZone"] for item in events}) > 3
    chains = store.all(COMPOSITE_EVENT.stored)
    after = {
        item["reloadTask"]["id"]: [r["reloadTask"]["id"] for r in item["compositeRules"]]
        for item in chains
        if item["reloadTask"] and all(r["reloadTask"] for r in item["compositeRules"])
    }
    single = {task: upstream[0] for task, upstream in after.items() if len(upstream) == 1}
    assert any(upstream in single and single[upstream] not in after for upstream in single.values())
    assert [len(upstream) for upstream in after.values()].count(2) == 1
    assert [item["enabled"] for item in store.all(RELOAD_TASK.stored)].count(False) == 1


def test_chains_pass_through_programs_and_user_syncs(store: Store) -> None:
    names = {item["id"]: (kind.path, item["name"]) for kind in TASK_KINDS for item in store.all(kind.stored)}
    links = set()
    for event in store.all(COMPOSITE_EVENT.stored):
        for rule in event["compositeRules"]:
            places = [[place[slot] for slot, _ in SLOTS.values() if place[slot]] for place in (rule, event)]
            [upstream], [downstream] = places
            links.add((*names[upstream["id"]], *names[downstream["id"]]))
    assert {
        ("externalprogramtask", "Fetch absence files", "reloadtask", "Reload Absence Analysis"),
        ("usersynctask", "User synchronization task for ACME", "reloadtask", "Reload Headcount"),
        ("reloadtask", "Reload Cash Flow Forecast", "externalprogramtask", "Archive the ledger"),
    } <= links


def test_somebody_left_and_still_owns_an_app(store: Store) -> None:
    left = {item["id"] for item in store.all(USER.stored) if item["inactive"]}
    assert [item["name"] for item in store.all(APP.stored) if item["owner"]["id"] in left] == [
        "Absence Analysis"
    ]
    assert not [item for item in store.all(STREAM.stored) if item["owner"]["id"] in left]


def test_each_password_is_in_one_object_and_nowhere_else(store: Store) -> None:
    documents = [(kind, json.dumps(item)) for kind in KINDS for item in store.all(kind.stored)]
    for password in SAMPLE_PASSWORDS:
        [(kind, text)] = [(kind, text) for kind, text in documents if password in text]
        assert kind in (DATA_CONNECTION, USER_DIRECTORY, EXTERNAL_TASK)
        assert text.count(password) == 1
        for app in store.all(APP.stored):
            assert password not in json.dumps(qvf.read_header(store.blob_path(app["_file"])))


def test_the_bundle_s_models_read_every_document(store: Store) -> None:
    for kind, model in (
        (APP, models.App),
        (APP_OBJECT, models.AppObject),
        (STREAM, models.Stream),
        (USER, models.User),
        (RELOAD_TASK, models.ReloadTask),
        (SCHEMA_EVENT, models.SchemaEvent),
        (COMPOSITE_EVENT, models.CompositeEvent),
        (SYSTEM_RULE, models.SystemRule),
        (DATA_CONNECTION, models.DataConnection),
        (TAG, models.Named),
        (CUSTOM_PROPERTY, models.CustomPropertyDefinition),
        (EXTENSION, models.Extension),
        (EXTERNAL_TASK, models.ExternalProgramTask),
        (USER_SYNC_TASK, models.UserSyncTask),
        (CONTENT_LIBRARY, models.ContentLibrary),
        (USER_DIRECTORY, models.UserDirectory),
    ):
        for document in store.all(kind.stored):
            model.model_validate(full(document))


def test_references_lead_somewhere(store: Store) -> None:
    ids = {kind: {item["id"] for item in store.all(kind.stored)} for kind in KINDS}
    for kind, field, target in (
        (APP, "owner", USER),
        (APP, "stream", STREAM),
        (APP_OBJECT, "owner", USER),
        (APP_OBJECT, "app", APP),
        (STREAM, "owner", USER),
        (RELOAD_TASK, "app", APP),
        (SCHEMA_EVENT, "reloadTask", RELOAD_TASK),
        (COMPOSITE_EVENT, "reloadTask", RELOAD_TASK),
        (SCHEMA_EVENT, "externalProgramTask", EXTERNAL_TASK),
        (SCHEMA_EVENT, "userSyncTask", USER_SYNC_TASK),
        (USER_SYNC_TASK, "userDirectory", USER_DIRECTORY),
        (CONTENT_LIBRARY, "owner", USER),
    ):
        for item in store.all(kind.stored):
            assert item[field] is None or item[field]["id"] in ids[target], (kind.path, field)


def test_people_are_those_of_the_site(store: Store) -> None:
    on_site = {(item["userDirectory"], item["userId"]): item for item in store.all(USER.stored)}
    for person in people(SampleOptions()):
        document = models.User.model_validate(on_site[person.directory, person.user_id])
        assert document.login == person.login
        assert document.emails == ((person.email,) if person.email else ())
        assert document.groups == person.groups
        assert document.inactive == person.left


def test_too_few_users_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 10 users, not 3"):
        people(SampleOptions(users=3))


@pytest.fixture
def on_disk(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "state.sqlite")
    yield store
    store.close()


def test_a_large_site(on_disk: Store) -> None:
    options = SampleOptions(
        apps=400,
        personal=250,
        users=2000,
        groups=30,
        streams=40,
        reload_tasks=200,
        app_bytes=0,
        connections=50,
    )
    seed_sample(on_disk, options)
    assert on_disk.count(APP.stored) == 400
    assert on_disk.count(USER.stored) == 2004
    logins = [(item["userDirectory"], item["userId"]) for item in on_disk.all(USER.stored)]
    assert len(set(logins)) == len(logins)
    assert on_disk.count(STREAM.stored) == 40
    assert on_disk.count(RELOAD_TASK.stored) == 200
    assert on_disk.count(DATA_CONNECTION.stored) == 50
    for kind in KINDS:
        assert len({item["id"] for item in on_disk.all(kind.stored)}) == on_disk.count(kind.stored)


def _scripts(store: Store) -> dict[str, str]:
    headers = {app["name"]: qvf.read_header(store.blob_path(app["_file"])) for app in store.all(APP.stored)}
    return {name: header["qScript"] for name, header in headers.items() if header is not None}


def test_scripts_use_the_connections_of_the_site_and_one_another_s_files(store: Store) -> None:
    scripts = _scripts(store)
    assert len(scripts) == store.count(APP.stored)
    connections = {item["name"] for item in store.all(DATA_CONNECTION.stored)}
    stored, read = set(), set()
    for name, script in scripts.items():
        assert script.startswith("///$tab Main\r\nSET ") and script.count("///$tab") >= 2, name
        assert "\n" not in script.replace("\r\n", ""), name
        assert "lib://" in script, name
        used = re.findall(r"lib://([^/\]']+)|LIB CONNECT TO '([^']+)'", script)
        assert {one or other for one, other in used} <= connections, name
        expanded = script.replace("$(vQvd)", "lib://Shared Files/qvd")
        stored |= set(re.findall(r"STORE \w+ INTO \[lib://Shared Files/qvd/(\w+)\.qvd\]", expanded))
        read |= set(re.findall(r"FROM \[lib://Shared Files/qvd/(\w+)\.qvd\]", expanded))
    assert read - stored == set() and len(read) > 4


def test_one_script_has_section_access_and_one_a_password(store: Store) -> None:
    scripts = _scripts(store)
    assert [name for name, script in scripts.items() if "SECTION ACCESS" in script] == ["Headcount"]
    assert [name for name, script in scripts.items() if SCRIPT_PASSWORD in script] == ["Quarter What-if"]
    rows = re.findall(r"^(ADMIN|USER), (.+?), ", scripts["Headcount"], re.MULTILINE)
    logins = {f"{u['userDirectory']}\\{u['userId']}".upper(): u for u in store.all(USER.stored)}
    assert rows and {login for _, login in rows} <= set(logins)
    assert ("ADMIN", "INTERNAL\\SA_SCHEDULER") in rows
    [flagged] = [
        app["name"]
        for app in store.all(APP.stored)
        if (qvf.read_header(store.blob_path(app["_file"])) or {})["hassectionaccess"]
    ]
    assert flagged == "Headcount"
