"""Shares of single apps, what a reload changes, and the end of the recovery."""

from __future__ import annotations

from typing import Literal

import pytest

from qlift.simulator import Simulator
from tests.simulator.tenant.client import Json, Tenant, app_file, sheet, task_body

DAY = 24 * 3600


def share(app: str, somebody: str, *roles: str) -> Json:
    return {
        "type": "user",
        "assigneeId": somebody,
        "resourceId": app,
        "resourceType": "app",
        "roles": list(roles) or ["consumer"],
    }


def test_shares_of_a_space(tenant: Tenant, somebody: str, me: str) -> None:
    space = tenant.space("Shared")
    app, other = tenant.app(spaceId=space), tenant.app(spaceId=space)
    shares = f"/api/v1/spaces/{space}/shares"
    made = tenant.post(shares, share(app, somebody))
    assert (made["createdBy"], made["disabled"], made["resourceName"]) == (me, False, "App")
    assert tenant.status("POST", shares, share(app, somebody)) == 409
    assert tenant.status("POST", shares, share(app, somebody, "contributor")) == 400
    assert tenant.status("POST", shares, share(tenant.app(), somebody)) == 404
    assert [s["id"] for s in tenant.get(shares, resourceId=app)["data"]] == [made["id"]]
    assert tenant.get(shares, resourceId=other)["meta"]["count"] == 0
    assert tenant.status("DELETE", f"{shares}/{made['id']}") == 204
    assert tenant.status("DELETE", f"{shares}/{made['id']}") == 404
    tenant.post(shares, share(app, somebody))
    assert tenant.status("DELETE", f"/api/v1/apps/{app}") == 200
    assert not tenant.get(shares)["data"]


@pytest.mark.parametrize("moves", [False, True])
def test_a_reload_shows_in_app_and_item(simulator: Simulator, tenant: Tenant, moves: bool) -> None:
    simulator.switches.reload_moves_modified_date = moves
    app = tenant.app(spaceId=tenant.space("Shared"))
    before = tenant.attributes(app)
    simulator.clock.advance(3600)
    task = tenant.post("/api/scheduling/tasks", task_body(app))["id"]
    tenant.post(f"/api/scheduling/tasks/{task}/actions/start", expect=200)
    after = tenant.attributes(app)
    assert after["lastReloadTime"] > before["modifiedDate"]
    assert (after["modifiedDate"] != before["modifiedDate"]) == moves
    simulator.clock.advance(5)
    [item] = tenant.get("/api/v1/items", resourceType="app", resourceId=app)["data"]
    assert item["resourceAttributes"] == after


def test_deleted_apps_are_kept_for_fourteen_days(simulator: Simulator, tenant: Tenant) -> None:
    apps = [tenant.app(app_file("Kept", sheet("one"))) for _ in range(2)]
    simulator.clock.advance(3600)
    for app in apps:
        assert tenant.status("DELETE", f"/api/v1/apps/{app}") == 200
    restore = "/api/analytics/apps/{}/actions/restore"
    simulator.clock.advance(14 * DAY - 60)
    assert tenant.status("POST", restore.format(apps[0])) == 200
    assert tenant.attributes(apps[0])["name"] == "Kept"
    simulator.clock.advance(120)
    for status in (404, 400, 403):
        simulator.switches.restore_status = status
        assert tenant.status("POST", restore.format(apps[1])) == status
        assert tenant.status("POST", restore.format(apps[0])) == status, "it is not deleted"


@pytest.mark.parametrize("where", ["personal", "kept", "refused"])
def test_where_a_restored_app_goes_when_its_space_is_gone(
    simulator: Simulator, tenant: Tenant, where: Literal["personal", "kept", "refused"]
) -> None:
    simulator.switches.restored_without_space = where
    space = tenant.space("Shared")
    app = tenant.app(spaceId=space)
    simulator.clock.advance(3600)
    assert tenant.status("DELETE", f"/api/v1/apps/{app}") == 200
    assert tenant.status("DELETE", f"/api/v1/spaces/{space}") == 204
    status = tenant.status("POST", f"/api/analytics/apps/{app}/actions/restore")
    assert status == (403 if where == "refused" else 200)
    if status == 200:
        assert tenant.attributes(app)["spaceId"] == ("" if where == "personal" else space)


def test_answers_are_dated_by_the_tenants_clock(simulator: Simulator, tenant: Tenant) -> None:
    simulator.clock.advance(400 * DAY)
    dates = tenant.http.get("/api/v1/users/me").headers.get_list("date")
    assert dates == [simulator.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT")]
