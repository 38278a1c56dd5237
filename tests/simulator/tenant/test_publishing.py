"""Publishing by copy and by move, republishing, and whose the objects are afterwards."""

from __future__ import annotations

import httpx
import pytest

from qlift.simulator import Simulator
from tests.simulator.tenant.client import Json, Tenant, app_file, sheet, task_body

APPS = "/api/v1/apps"
BASE = sheet("base", published=True, approved=True)
COMMUNITY = sheet("community", published=True)
PRIVATE = sheet("private")


def _objects(simulator: Simulator, app_id: str) -> dict[str, tuple[bool, bool, str]]:
    app = simulator.world.app(app_id)
    assert app is not None
    return {o["engineObjectId"]: (o["published"], o["approved"], o["ownerId"]) for o in app["_objects"]}


def _publish(tenant: Tenant, app_id: str, space_id: str, **body: object) -> Json:
    made: Json = tenant.post(f"{APPS}/{app_id}/publish", {"spaceId": space_id, **body}, expect=200)[
        "attributes"
    ]
    return made


@pytest.fixture
def shared(tenant: Tenant) -> str:
    return tenant.space("Staging")


@pytest.fixture
def managed(tenant: Tenant) -> str:
    return tenant.space("Published", "managed")


def test_a_copy_gets_its_own_id_and_names_its_origin(
    simulator: Simulator, tenant: Tenant, shared: str, managed: str, me: str
) -> None:
    app = tenant.app(spaceId=shared)
    made = _publish(tenant, app, managed, attributes={"name": "Public", "description": "d"})
    assert made["id"] != app
    assert (made["originAppId"], made["spaceId"], made["ownerId"]) == (app, managed, me)
    assert made["published"] is False, "false even for published apps"
    assert made["publishTime"]
    assert tenant.attributes(app)["publishTime"] == ""
    item = tenant.get("/api/v1/items", resourceId=app, resourceType="app")["data"][0]["id"]
    published = tenant.get(f"/api/v1/items/{item}/publisheditems")["data"]
    assert [row["resourceId"] for row in published] == [made["id"]]
    assert _publish(tenant, app, managed)["id"] != made["id"], "twice gives two apps"
    simulator.switches.publish_twice = "refused"
    assert tenant.status("POST", f"{APPS}/{app}/publish", {"spaceId": managed}) == 409


def test_publishing_needs_the_right_space_and_role(
    simulator: Simulator, tenant: Tenant, shared: str, managed: str, somebody: str, me: str
) -> None:
    app = tenant.app(spaceId=shared)
    path = f"{APPS}/{app}/publish"
    assert tenant.status("POST", path, {"spaceId": shared}) == 403
    simulator.switches.app_refusal_status = 400
    assert tenant.status("POST", path, {"spaceId": shared}) == 400
    assert tenant.status("POST", path, {"spaceId": "none"}) == 404
    tenant.put(f"/api/v1/spaces/{managed}", {"ownerId": somebody})
    assert tenant.status("POST", path, {"spaceId": managed}) == 403
    mine = tenant.assign(managed, me, "facilitator")
    assert tenant.status("POST", path, {"spaceId": managed}) == 403, "can manage alone does not publish"
    tenant.put(f"/api/v1/spaces/{managed}/assignments/{mine['id']}", {"roles": ["publisher"]})
    assert tenant.status("POST", path, {"spaceId": managed}) == 200


def test_a_young_space_is_not_ready(simulator: Simulator, tenant: Tenant, shared: str) -> None:
    app = tenant.app(spaceId=shared)
    simulator.switches.space_lag = 2.0
    young = tenant.space("Young", "managed")
    assert tenant.status("POST", f"{APPS}/{app}/publish", {"spaceId": young}) == 403
    simulator.clock.advance(2)
    assert tenant.status("POST", f"{APPS}/{app}/publish", {"spaceId": young}) == 200


@pytest.mark.parametrize(
    ("fate", "expected"), [("dropped", None), ("kept", (False, False)), ("exposed", (True, True))]
)
def test_private_objects_when_a_copy_is_published(
    simulator: Simulator, tenant: Tenant, managed: str, fate: str, expected: tuple[bool, bool] | None
) -> None:
    simulator.switches.private_objects_on_copy = fate  # type: ignore[assignment]
    app = tenant.app(app_file("App", BASE, PRIVATE))
    found = _objects(simulator, _publish(tenant, app, managed)["id"])
    assert found["base"][:2] == (True, True)
    assert (found["private"][:2] if "private" in found else None) == expected


@pytest.mark.parametrize(("fate", "approved"), [("approved", True), ("kept", False)])
def test_community_objects_when_a_copy_is_published(
    simulator: Simulator, tenant: Tenant, managed: str, fate: str, approved: bool
) -> None:
    simulator.switches.community_objects_on_copy = fate  # type: ignore[assignment]
    app = tenant.app(app_file("App", COMMUNITY))
    assert _objects(simulator, _publish(tenant, app, managed)["id"])["community"][:2] == (True, approved)


@pytest.mark.parametrize("keeps_id", [True, False])
def test_a_move_keeps_states_and_owners(
    simulator: Simulator,
    tenant: Tenant,
    shared: str,
    managed: str,
    people: list[Json],
    me: str,
    keeps_id: bool,
) -> None:
    simulator.switches.publish_move_keeps_id = keeps_id
    first, second = (str(person["id"]) for person in people[:2])
    origin = tenant.app(app_file("App", BASE), spaceId=shared)
    app = tenant.app(app_file("App", BASE, COMMUNITY, PRIVATE), spaceId=shared)
    for id_, owner in (("private", first), ("community", second)):
        given = tenant.post(
            f"{APPS}/{app}/objects/{id_}/actions/change-owner", {"ownerId": owner}, expect=200
        )
        assert given["attributes"]["ownerId"] == owner
    made = _publish(tenant, app, managed, moveApp=True, originAppId=origin, attributes={"name": "Moved"})
    assert (made["id"] == app) == keeps_id
    assert tenant.status("GET", f"{APPS}/{app}") == (200 if keeps_id else 404)
    assert (made["originAppId"], made["spaceId"], made["name"]) == (origin, managed, "Moved")
    assert _objects(simulator, made["id"]) == {
        "base": (True, True, me),
        "community": (True, False, second),
        "private": (False, False, first),
    }
    item = tenant.get("/api/v1/items", resourceId=made["id"], resourceType="app")["data"]
    assert [row["spaceId"] for row in item] == [managed]
    assert len(tenant.get("/api/v1/items", name="Moved")["data"]) == 1


def test_a_move_needs_an_origin_that_exists(tenant: Tenant, shared: str, managed: str) -> None:
    app = tenant.app(spaceId=shared)
    path = f"{APPS}/{app}/publish"
    assert tenant.status("POST", path, {"spaceId": managed, "moveApp": True}) == 400
    assert tenant.status("POST", path, {"spaceId": managed, "moveApp": True, "originAppId": app}) == 400
    assert tenant.status("POST", path, {"spaceId": managed, "moveApp": True, "originAppId": "none"}) == 404


def test_only_the_owner_gives_an_object_away(
    simulator: Simulator, tenant: Tenant, as_person: Tenant, shared: str, people: list[Json], me: str
) -> None:
    person, other = (str(p["id"]) for p in people[:2])
    tenant.assign(shared, person, "producer")
    app = tenant.app(app_file("App", PRIVATE), spaceId=shared)
    path = f"{APPS}/{app}/objects/private/actions/change-owner"
    assert as_person.status("POST", path, {"ownerId": person}) == 404
    assert tenant.status("POST", path, {"ownerId": "nobody"}) == 400
    assert tenant.status("POST", path.replace("private", "unknown"), {"ownerId": person}) == 404
    assert tenant.status("POST", path, {"ownerId": person}) == 200
    assert tenant.status("POST", path, {"ownerId": me}) == 404, "given away, not to be taken back"
    simulator.switches.object_not_owned_status = 403
    assert tenant.status("POST", path, {"ownerId": me}) == 403
    assert as_person.status("POST", path, {"ownerId": other}) == 200


def test_republish_keeps_id_and_users_own_content(
    simulator: Simulator, tenant: Tenant, control: httpx.Client, shared: str, managed: str, people: list[Json]
) -> None:
    old = tenant.app(app_file("App", BASE, sheet("gone", published=True, approved=True)), spaceId=shared)
    published = _publish(tenant, old, managed, attributes={"name": "Public", "description": "d"})
    own = {"subject": people[0]["subject"], "engineObjectId": "own", "name": "Mine"}
    assert control.post(f"/control/tenant/apps/{published['id']}/objects", json=own).status_code == 201
    new = tenant.app(app_file("App", BASE, PRIVATE, script="LOAD 2;"), spaceId=shared)
    simulator.clock.advance(60)
    answer = tenant.put(
        f"{APPS}/{new}/publish",
        {"targetId": published["id"], "checkOriginAppId": False, "attributes": {"name": "Public"}},
    )["attributes"]
    assert answer["id"] == published["id"]
    assert answer["publishTime"] > published["publishTime"]
    assert (answer["name"], answer["originAppId"]) == ("Public", new)
    found = _objects(simulator, published["id"])
    assert found.keys() == {"base", "own"}
    assert found["own"] == (False, False, people[0]["id"])
    target, source = simulator.world.app(published["id"]), simulator.world.app(new)
    assert target is not None
    assert source is not None
    assert target["_blob"] == target["_data"] == source["_blob"]
    assert tenant.get(f"{APPS}/{published['id']}/scripts/current")["script"] == "LOAD 2;"


def test_republish_does_not_touch_objects_that_were_moved_with_the_app(
    simulator: Simulator, tenant: Tenant, shared: str, managed: str, somebody: str
) -> None:
    simulator.switches.private_objects_on_copy = "exposed"
    origin = tenant.app(app_file("App", BASE, PRIVATE), spaceId=shared)
    app = tenant.app(app_file("App", BASE, PRIVATE), spaceId=shared)
    change = f"{APPS}/{app}/objects/private/actions/change-owner"
    tenant.post(change, {"ownerId": somebody}, expect=200)
    published = _publish(tenant, app, managed, moveApp=True, originAppId=origin)["id"]
    tenant.put(f"{APPS}/{origin}/publish", {"targetId": published})
    assert _objects(simulator, published)["private"] == (False, False, somebody)


def test_republish_checks_the_origin_when_asked(
    simulator: Simulator, tenant: Tenant, shared: str, managed: str
) -> None:
    old, new = tenant.app(spaceId=shared), tenant.app(spaceId=shared)
    target = _publish(tenant, old, managed)["id"]
    simulator.switches.republish_origin_app_id = "unchanged"
    path, body = f"{APPS}/{new}/publish", {"targetId": target}
    assert tenant.status("PUT", path, {**body, "checkOriginAppId": True}) == 403
    simulator.switches.origin_check_default = True
    simulator.switches.origin_check_status = 409
    assert tenant.status("PUT", path, body) == 409
    assert tenant.put(path, {**body, "checkOriginAppId": False})["attributes"]["originAppId"] == old
    assert tenant.status("PUT", f"{APPS}/{old}/publish", body) == 200
    assert tenant.status("PUT", path, {"targetId": old}) == 403, "not a published app"


def test_republish_can_keep_the_data(simulator: Simulator, tenant: Tenant, shared: str, managed: str) -> None:
    old = tenant.app(app_file("Old"), spaceId=shared)
    new = tenant.app(app_file("New"), spaceId=shared)
    target = _publish(tenant, old, managed)["id"]
    tenant.put(f"{APPS}/{new}/publish", {"targetId": target, "data": "target"})
    app, source, first = (simulator.world.app(id_) for id_ in (target, new, old))
    assert app is not None
    assert source is not None
    assert first is not None
    assert (app["_blob"], app["_data"]) == (source["_blob"], first["_blob"])


def test_the_published_app_stays_when_its_origin_goes(tenant: Tenant, shared: str, managed: str) -> None:
    app = tenant.app(spaceId=shared)
    published = _publish(tenant, app, managed)["id"]
    assert tenant.status("DELETE", f"{APPS}/{app}") == 200
    assert tenant.attributes(published)["originAppId"] == app


@pytest.mark.parametrize("counts", [False, True])
def test_tasks_of_a_republished_app(
    simulator: Simulator, tenant: Tenant, shared: str, managed: str, counts: bool
) -> None:
    simulator.switches.republish_disables_tasks = counts
    app = tenant.app(spaceId=shared)
    target = _publish(tenant, app, managed)["id"]
    task = tenant.post("/api/scheduling/tasks", task_body(target, enabled=True))
    tenant.put(f"{APPS}/{app}/publish", {"targetId": target})
    assert tenant.get(f"/api/scheduling/tasks/{task['id']}")["enabled"] is not counts
