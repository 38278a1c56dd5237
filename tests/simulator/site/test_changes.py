"""What happens between two exports touches what it should and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from qlift.simulator import qvf
from qlift.simulator.site import SITE_SWITCHES, SiteSwitches, changes, control_router
from qlift.simulator.site.kinds import (
    APP,
    APP_OBJECT,
    COMPOSITE_EVENT,
    KINDS,
    RELOAD_TASK,
    SCHEMA_EVENT,
    STREAM,
    TASK_KINDS,
    USER,
    Document,
)
from qlift.simulator.site.task_documents import SLOTS
from qlift.simulator.store import Store

_All = dict[tuple[str, str], Document]


def _everything(store: Store) -> _All:
    return {(kind.path, item["id"]): copy.deepcopy(item) for kind in KINDS for item in store.all(kind.stored)}


def _changed(before: _All, after: _All) -> dict[tuple[str, str], set[str]]:
    """The fields that differ, by object; new and deleted objects with an empty set."""
    found = {}
    for key in before.keys() | after.keys():
        if key not in before or key not in after:
            found[key] = set[str]()
        elif before[key] != after[key]:
            old, new = before[key], after[key]
            found[key] = {name for name in old | new if old.get(name) != new.get(name)}
    return found


def _app(store: Store, name: str = "General Ledger") -> str:
    return str(next(item["id"] for item in store.all(APP.stored) if item["name"] == name))


def _header(store: Store, app_id: str) -> dict[str, Any]:
    app = store.get(APP.stored, app_id)
    assert app is not None
    header = qvf.read_header(store.blob_path(app["_file"]))
    assert header is not None
    return header


def test_a_nightly_reload_changes_no_work_of_people(store: Store) -> None:
    app_id = _app(store)
    before, header = _everything(store), _header(store, app_id)
    changes.nightly_reload(store, app_id)
    found = _changed(before, _everything(store))
    volatile = {"_file", "fileSize", "lastReloadTime", "staticByteSize", "modifiedDate"}
    assert found.pop(("app", app_id)) == volatile
    assert set(map(frozenset, found.values())) == {frozenset({"operational"})}
    assert {kind for kind, _ in found} == {"reloadtask"}
    new = _header(store, app_id)
    assert new.pop("qLastReloadTime") > header.pop("qLastReloadTime")
    assert new == header
    once = store.get(APP.stored, app_id)
    changes.nightly_reload(store, app_id)
    assert once != store.get(APP.stored, app_id)


@pytest.mark.parametrize(
    ("change", "object_type"), [(changes.edit_script, "app_appscript"), (changes.edit_sheet, "sheet")]
)
@pytest.mark.parametrize("name", ["General Ledger", "Payroll Experiments"])
def test_an_edit_shows_in_one_hash_and_in_the_file(
    store: Store, change: Callable[[Store, str], None], object_type: str, name: str
) -> None:
    app_id = _app(store, name)
    for _ in range(2):
        before, header = _everything(store), _header(store, app_id)
        change(store, app_id)
        found = _changed(before, _everything(store))
        assert found.pop(("app", app_id)) == {"_file", "modifiedDate"}
        [((kind, object_id), fields)] = found.items()
        assert (kind, fields) == ("app/object", {"contentHash", "modifiedDate"})
        edited = store.get(APP_OBJECT.stored, object_id)
        assert edited is not None
        assert edited["objectType"] == object_type
        assert edited["approved"] == edited["app"]["published"]
        assert (_header(store, app_id)["qScript"] != header["qScript"]) == (object_type == "app_appscript")
        assert _header(store, app_id)["simulatorObjects"] != header["simulatorObjects"]


def test_a_renamed_app_keeps_its_content(store: Store) -> None:
    app_id = _app(store)
    before = _everything(store)
    changes.rename_app(store, app_id, "Ledger")
    found = _changed(before, _everything(store))
    assert found.pop(("app", app_id)) == {"name", "modifiedDate", "_file"}
    assert set(map(frozenset, found.values())) == {frozenset({"app"})}
    tasks = [item for item in store.all(RELOAD_TASK.stored) if item["app"]["id"] == app_id]
    assert [item["app"]["name"] for item in tasks] == ["Ledger"]
    assert _header(store, app_id)["qTitle"] == "Ledger"


def test_a_renamed_stream_keeps_its_apps(store: Store) -> None:
    stream = next(item for item in store.all(STREAM.stored) if item["name"] == "Sales")
    before = _everything(store)
    changes.rename_stream(store, stream["id"], "Revenue")
    found = _changed(before, _everything(store))
    assert found.pop(("stream", stream["id"])) == {"name", "modifiedDate"}
    assert set(map(frozenset, found.values())) == {frozenset({"stream"})}
    assert len(found) == 3


def test_a_new_private_sheet_is_its_owner_s(store: Store) -> None:
    app_id, owner = _app(store), store.all(USER.stored)[15]
    before = _everything(store)
    first = changes.add_private_sheet(store, app_id, owner["id"])
    second = changes.add_private_sheet(store, app_id, owner["id"])
    found = _changed(before, _everything(store))
    assert found.pop(("app", app_id)) == {"_file", "modifiedDate"}
    assert found == {("app/object", first): set(), ("app/object", second): set()}
    sheet = store.get(APP_OBJECT.stored, first)
    assert sheet is not None
    assert (sheet["published"], sheet["approved"], sheet["owner"]["id"]) == (False, False, owner["id"])
    in_file = [o for o in _header(store, app_id)["simulatorObjects"] if o["name"] == "My private sheet"]
    assert {o["ownerLogin"] for o in in_file} == {f"{owner['userDirectory']}\\{owner['userId']}"}
    assert len(in_file) == 2


def test_a_deleted_app_takes_its_objects_tasks_and_triggers_along(store: Store) -> None:
    app_id = _app(store)
    changes.delete_app(store, app_id)
    assert store.get(APP.stored, app_id) is None
    for kind in (APP_OBJECT, RELOAD_TASK):
        assert not [item for item in store.all(kind.stored) if item["app"]["id"] == app_id]
    tasks = {item["id"] for kind in TASK_KINDS for item in store.all(kind.stored)}
    for event in [*store.all(SCHEMA_EVENT.stored), *store.all(COMPOSITE_EVENT.stored)]:
        for place in (event, *event.get("compositeRules", ())):
            assert {place[slot]["id"] for slot, _ in SLOTS.values() if place[slot]} <= tasks


def test_switches_over_the_control_endpoint(store: Store, serve: Callable[[FastAPI], str]) -> None:
    control, known = FastAPI(), SiteSwitches()
    control.include_router(control_router(store, known))
    address = f"{serve(control)}/control/site/switches"
    assert httpx.get(address, trust_env=False).json() == SiteSwitches().model_dump()
    changed = httpx.patch(address, json={"count": "visible"}, trust_env=False)
    assert changed.json()["count"] == known.count == "visible"
    assert SiteSwitches.model_validate(store.get_setting(SITE_SWITCHES)) == known
    refused = httpx.patch(address, json={"count": "some", "colour": "red"}, trust_env=False)
    assert refused.status_code == 400 and "count" in refused.text and "colour" in refused.text
    assert known.count == "visible"


def test_changes_over_the_control_endpoint(store: Store, serve: Callable[[FastAPI], str]) -> None:
    control = FastAPI()
    control.include_router(control_router(store))
    address = serve(control)

    def post(change: str, **body: object) -> httpx.Response:
        return httpx.post(f"{address}/control/site/{change}", json=body, trust_env=False)

    app_id = _app(store)
    assert post("rename_app", id=app_id, name="Ledger").json() == {"done": "rename_app"}
    assert _app(store, "Ledger") == app_id
    assert post("resize_file", id=app_id, size=100_000).status_code == 200
    owner = store.all(USER.stored)[15]["id"]
    assert post("add_private_sheet", id=app_id, user_id=owner).status_code == 200
    for change in ("nightly_reload", "edit_script", "edit_sheet"):
        assert post(change, id=app_id).status_code == 200
    assert post("delete_app", id=app_id).status_code == 200
    gone = post("delete_app", id=app_id)
    assert (gone.status_code, gone.json()["detail"]) == (400, f"There is no App with the id {app_id}.")
    assert post("explode", id=app_id).status_code == 404
    assert post("rename_stream", id=store.all(STREAM.stored)[0]["id"]).status_code == 400
    assert post("rename_app", id=app_id, colour="red").status_code == 422
