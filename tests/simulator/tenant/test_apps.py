"""Apps and their items: import, change, move, give away, delete, export."""

from __future__ import annotations

import hashlib

import pytest

from qlift.simulator import Simulator
from tests.simulator.tenant.client import Json, Tenant, app_file, sheet, task_body

APPS = "/api/v1/apps"


def _state(simulator: Simulator, name: str) -> Json:
    found = [app for app in simulator.world.apps() if app["name"] == name]
    assert len(found) == 1
    return found[0]


def test_import_keeps_the_bytes_and_reads_the_title(simulator: Simulator, tenant: Tenant, me: str) -> None:
    content = app_file("Title inside") + b"\0" * 100_000
    space = tenant.space("Shared")
    answer = tenant.import_(content, spaceId=space)
    made = answer.json()["attributes"]
    assert (made["name"], made["spaceId"], made["ownerId"]) == ("Title inside", space, me)
    assert (made["published"], made["publishTime"], made["originAppId"]) == (False, "", "")
    stored = _state(simulator, "Title inside")
    assert stored["_blob"] == hashlib.sha256(content).hexdigest()
    assert simulator.store.blob_path(stored["_blob"]).read_bytes() == content


def test_import_chunked_and_into_the_personal_space(tenant: Tenant) -> None:
    content = app_file("Chunked")
    headers = {"Content-Type": "application/octet-stream"}
    pieces = (content[start : start + 10] for start in range(0, len(content), 10))
    answer = tenant.http.post(f"{APPS}/import", content=pieces, headers=headers, params={"name": "Other"})
    assert answer.status_code == 200
    assert (answer.json()["attributes"]["name"], answer.json()["attributes"]["spaceId"]) == ("Other", "")


def test_every_import_makes_a_new_app(tenant: Tenant) -> None:
    assert tenant.app(name="Same") != tenant.app(name="Same")


def test_imports_that_are_refused(simulator: Simulator, tenant: Tenant) -> None:
    managed = tenant.space("Managed", "managed")
    good = app_file("App")
    assert tenant.import_(good, mode="AUTOREPLACE").status_code == 403
    assert tenant.import_(good, spaceId="none").status_code == 404
    assert tenant.import_(good, fileId="none").status_code == 404
    assert tenant.import_(good, spaceId=managed).status_code == 403
    assert tenant.http.post(f"{APPS}/import", content=good).status_code == 415
    for bad in (b"", b"<html>", good[:5], good[1:]):
        assert tenant.import_(bad).status_code == 400
    simulator.switches.corrupt_import_status = 422
    assert tenant.import_(b"<html>").status_code == 422
    simulator.switches.app_upload_disk_size = len(good) - 1
    assert tenant.import_(good).status_code == 413
    simulator.switches.app_upload_disk_size = -1
    simulator.switches.managed_import = "accepted"
    assert tenant.import_(good, spaceId=managed).status_code == 200


def test_imports_a_day_are_counted(simulator: Simulator, tenant: Tenant) -> None:
    simulator.switches.imports_per_day = 1
    tenant.app()
    assert tenant.import_(app_file("App")).status_code == 403
    simulator.clock.advance(12 * 3600)
    assert tenant.import_(app_file("App")).status_code == 200


def test_an_admin_needs_a_role_but_not_for_deleting(
    simulator: Simulator, tenant: Tenant, somebody: str, me: str
) -> None:
    space = tenant.space("Shared")
    app = tenant.app(spaceId=space)
    tenant.put(f"/api/v1/spaces/{space}", {"ownerId": somebody})
    assert tenant.status("GET", f"{APPS}/{app}") == 200
    assert tenant.status("PUT", f"{APPS}/{app}", {"attributes": {"name": "x"}}) == 403
    assert tenant.import_(app_file("App"), spaceId=space).status_code == 403
    assert tenant.status("POST", f"{APPS}/{app}/export") == 403
    tenant.assign(space, me, "producer")
    assert tenant.status("PUT", f"{APPS}/{app}", {"attributes": {"name": "x"}}) == 200
    tenant.assign(space, somebody, "consumer")
    found = tenant.get(f"/api/v1/spaces/{space}/assignments", assigneeId=me)["data"][0]["id"]
    assert tenant.status("DELETE", f"/api/v1/spaces/{space}/assignments/{found}") == 204
    simulator.switches.admin_needs_space_role = False
    assert tenant.status("PUT", f"{APPS}/{app}", {"attributes": {"name": "y"}}) == 200
    simulator.switches.admin_needs_space_role = True
    assert tenant.status("DELETE", f"{APPS}/{app}") == 200


def test_put_changes_name_and_description_alone(tenant: Tenant) -> None:
    app = tenant.app()
    before = tenant.attributes(app)
    changed = tenant.put(
        f"{APPS}/{app}", {"attributes": {"description": "d", "ownerId": "nobody", "spaceId": "none"}}
    )["attributes"]
    assert changed["description"] == "d"
    assert {k: v for k, v in changed.items() if k not in ("description", "modifiedDate")} == {
        k: v for k, v in before.items() if k not in ("description", "modifiedDate")
    }


def test_create_and_privileges(tenant: Tenant) -> None:
    made = tenant.post(APPS, {"attributes": {"name": "Empty", "description": "d"}}, expect=200)
    assert made["attributes"]["_resourcetype"] == "app"
    assert "update" in made["privileges"]
    assert tenant.http.get(f"{APPS}/privileges").json()[0] == "can_create_app"


def test_young_apps_are_deleted_for_good_older_ones_softly(simulator: Simulator, tenant: Tenant) -> None:
    young, old = tenant.app(name="Young"), tenant.app(name="Old")
    assert tenant.status("DELETE", f"{APPS}/{young}") == 200
    simulator.clock.advance(45 * 60 + 1)
    answer = tenant.http.delete(f"{APPS}/{old}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert tenant.status("GET", f"{APPS}/{old}") == 404
    assert tenant.status("DELETE", f"{APPS}/{old}") == 404
    simulator.switches.deleted_app_get_status = 410
    assert tenant.status("GET", f"{APPS}/{old}") == 410
    restore = "/api/analytics/apps/{}/actions/restore"
    assert tenant.status("POST", restore.format(young)) == 404
    assert tenant.status("POST", restore.format(old)) == 200
    assert tenant.attributes(old)["name"] == "Old"


def test_the_status_of_a_missing_app_is_a_switch(simulator: Simulator, tenant: Tenant) -> None:
    simulator.switches.app_missing_status = 403
    assert tenant.status("GET", f"{APPS}/none") == 403


def test_an_owner_is_given_a_role_in_the_space(
    simulator: Simulator, tenant: Tenant, people: list[Json]
) -> None:
    first, second, third = (str(person["id"]) for person in people[:3])
    space = tenant.space("Shared")
    tenant.assign(space, second, "consumer")
    app = tenant.app(spaceId=space)
    assert tenant.put(f"{APPS}/{app}/owner", {"ownerId": first})["attributes"]["ownerId"] == first
    assert tenant.roles(space, first) == ["producer"]
    tenant.put(f"{APPS}/{app}/owner", {"ownerId": second})
    assert tenant.roles(space, second) == ["consumer", "producer"]
    simulator.switches.app_owner_elevation = False
    tenant.put(f"{APPS}/{app}/owner", {"ownerId": third})
    assert tenant.roles(space, third) == []
    assert tenant.status("PUT", f"{APPS}/{app}/owner", {"ownerId": "nobody"}) == 404


def test_an_owner_is_made_facilitator_in_managed_spaces(tenant: Tenant, somebody: str) -> None:
    managed = tenant.space("Managed", "managed")
    published = tenant.post(f"{APPS}/{tenant.app()}/publish", {"spaceId": managed}, expect=200)
    tenant.put(f"{APPS}/{published['attributes']['id']}/owner", {"ownerId": somebody})
    assert tenant.roles(managed, somebody) == ["facilitator"]


def test_moving_between_spaces(simulator: Simulator, tenant: Tenant, somebody: str) -> None:
    one, two = tenant.space("One"), tenant.space("Two")
    managed = tenant.space("Managed", "managed")
    app = tenant.app(spaceId=one)
    task = tenant.post("/api/scheduling/tasks", task_body(app, enabled=True))
    assert tenant.put(f"{APPS}/{app}/space", {"spaceId": two})["attributes"]["spaceId"] == two
    disabled = tenant.get(f"/api/scheduling/tasks/{task['id']}")
    assert (disabled["enabled"], disabled["metadata"]["disabledCode"]) == (False, "APP-MOVED-SPACE")
    assert tenant.status("PUT", f"{APPS}/{app}/space", {"spaceId": managed}) == 403
    assert tenant.status("PUT", f"{APPS}/{app}/space", {"spaceId": "none"}) == 404
    simulator.switches.tasks_on_app_move = "deleted"
    assert tenant.http.delete(f"{APPS}/{app}/space").json()["attributes"]["spaceId"] == ""
    assert tenant.get("/api/scheduling/tasks")["data"] == []


def test_export_gives_the_same_bytes(tenant: Tenant) -> None:
    content = app_file("Out and in")
    answer = tenant.http.post(f"{APPS}/{tenant.app(content)}/export")
    assert (answer.status_code, answer.content) == (201, b"")
    location = answer.headers["location"]
    assert location.startswith(f"{tenant.url}/api/v1/temp-contents/")
    assert tenant.http.get(location).content == content


def test_published_apps_are_neither_exported_nor_copied(tenant: Tenant) -> None:
    managed = tenant.space("Managed", "managed")
    made = tenant.post(f"{APPS}/{tenant.app()}/publish", {"spaceId": managed}, expect=200)
    published = made["attributes"]["id"]
    assert tenant.status("POST", f"{APPS}/{published}/export") == 403
    assert tenant.status("POST", f"{APPS}/{published}/copy", {"attributes": {}}) == 403


def test_a_copy_is_a_new_app_of_the_caller(simulator: Simulator, tenant: Tenant, me: str) -> None:
    app = tenant.app(app_file("One", sheet("base", published=True, approved=True), sheet("own")))
    made = tenant.post(f"{APPS}/{app}/copy", {"attributes": {"name": "Two"}}, expect=200)["attributes"]
    assert (made["name"], made["ownerId"], made["originAppId"]) == ("Two", me, "")
    assert made["id"] != app
    assert _state(simulator, "Two")["_blob"] == _state(simulator, "One")["_blob"]


def test_items_follow_after_the_lag(simulator: Simulator, tenant: Tenant) -> None:
    simulator.switches.item_lag = 1.0

    def names() -> list[str]:
        return [item["name"] for item in tenant.get("/api/v1/items", resourceType="app", name="app")["data"]]

    app = tenant.app(name="App one")
    assert names() == []
    simulator.clock.advance(1)
    assert names() == ["App one"]
    tenant.put(f"{APPS}/{app}", {"attributes": {"name": "App two"}})
    assert names() == ["App one"]
    simulator.clock.advance(1)
    assert names() == ["App two"]
    tenant.status("DELETE", f"{APPS}/{app}")
    assert names() == ["App two"]
    simulator.clock.advance(1)
    assert names() == []


def test_items_and_their_filters(tenant: Tenant, me: str) -> None:
    space = tenant.space("Shared")
    shared, personal = tenant.app(name="Sales", spaceId=space), tenant.app(name="Drafts")

    def ids(**query: object) -> set[str]:
        return {item["resourceId"] for item in tenant.get("/api/v1/items", limit=100, **query)["data"]}

    assert {shared, personal} <= ids()
    assert ids(spaceId=space) == ids(resourceId=shared, resourceType="app") == {shared}
    assert ids(spaceId="personal") == ids(spaceType="personal") == ids(name="DRAFT") == {personal}
    assert ids(ownerId=me) == ids(resourceIds=f"{shared},{personal}", resourceType="app,note")
    assert ids(resourceType="automation") == set()
    assert tenant.status("GET", "/api/v1/items", resourceId=shared) == 400
    item = tenant.get("/api/v1/items", spaceId=space)["data"][0]
    assert item["id"] != shared
    assert item["resourceAttributes"]["spaceId"] == item["spaceId"] == space
    assert tenant.get(f"/api/v1/items/{item['id']}") == item
    assert "spaceId" not in tenant.get("/api/v1/items", name="Drafts")["data"][0]
    assert tenant.get("/api/v1/items", name="Drafts", noActions="true")["data"][0]["actions"] == []


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_items_page_completely(tenant: Tenant, limit: int) -> None:
    made = {tenant.app(name=f"App {number}") for number in range(5)}
    found: list[str] = []
    url: str | None = f"/api/v1/items?limit={limit}&sort=-name&name=App"
    while url:
        page = tenant.get(url)
        found += [item["resourceId"] for item in page["data"]]
        url = page["links"].get("next", {}).get("href")
    assert len(found) == 5
    assert set(found) == made


def test_scripts_have_versions_and_disable_tasks(simulator: Simulator, tenant: Tenant) -> None:
    app = tenant.app(app_file("App", script="LOAD 1;"))
    path = f"{APPS}/{app}/scripts"
    task = tenant.post("/api/scheduling/tasks", task_body(app, enabled=True))
    assert tenant.get(f"{path}/current")["script"] == "LOAD 1;"
    assert tenant.http.post(path, json={"script": "LOAD 2;", "versionMessage": "two"}).status_code == 200
    listed = tenant.get(path)["scripts"]
    assert [script["versionMessage"] for script in listed] == ["two", ""]
    assert tenant.get(f"{path}/{listed[1]['scriptId']}")["script"] == "LOAD 1;"
    code = tenant.get(f"/api/scheduling/tasks/{task['id']}")["metadata"]["disabledCode"]
    assert code == "APP-SCRIPT-UPDATED"
