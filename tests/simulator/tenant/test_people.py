"""Users, groups, roles."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from qlift.simulator import Simulator
from tests.simulator.tenant.client import Json, Tenant, task_body


def _all(tenant: Tenant, path: str, **query: object) -> list[Json]:
    rows: list[Json] = []
    url: str | None = f"{path}?{urlencode(query)}"
    while url:
        page = tenant.get(url)
        rows += page["data"]
        url = page["links"].get("next", {}).get("href")
    return rows


def test_every_person_of_the_site_but_those_who_left_is_there(tenant: Tenant) -> None:
    subjects = {user["subject"] for user in _all(tenant, "/api/v1/users", limit=100)}
    assert "ACME\\qlik.admin" in subjects
    assert not any(subject.startswith("INTERNAL") for subject in subjects)
    site = tenant.simulator.store.all("site/user")
    left = {f"{u['userDirectory']}\\{u['userId']}" for u in site if u["inactive"] or u["removedExternally"]}
    assert left
    assert not left & subjects


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_pages_hold_everybody_once_in_order(tenant: Tenant, limit: int) -> None:
    names = [user["name"] for user in _all(tenant, "/api/v1/users", limit=limit)]
    assert names == sorted(names)
    assert len(names) == tenant.get("/api/v1/users/actions/count")["total"]


def test_a_cursor_may_come_back_with_another_limit_and_leads_back(tenant: Tenant) -> None:
    first = tenant.get("/api/v1/users", limit=3)
    following = first["links"]["next"]["href"]
    assert following.startswith(tenant.url)
    second = tenant.get(following.replace("limit=3", "limit=5"))
    assert len(second["data"]) == 5
    ids = [user["id"] for user in first["data"] + second["data"]]
    assert len(set(ids)) == 8
    assert ids == [user["id"] for user in tenant.get("/api/v1/users", limit=8)["data"]]
    back = tenant.get(second["links"]["prev"]["href"].replace("limit=5", "limit=3"))
    assert [user["id"] for user in back["data"]] == ids[:3]


def test_a_row_that_goes_between_two_pages_hides_no_other(tenant: Tenant) -> None:
    first = tenant.get("/api/v1/users", limit=5, filter='subject co "ACME"')
    expected = [
        user["id"] for user in tenant.get("/api/v1/users", limit=100, filter='subject co "ACME"')["data"]
    ]
    assert tenant.status("DELETE", f"/api/v1/users/{first['data'][0]['id']}") == 204
    second = tenant.get(first["links"]["next"]["href"])
    assert [user["id"] for user in second["data"]] == expected[5:10]


def test_the_last_page_has_no_next_or_an_empty_one(simulator: Simulator, tenant: Tenant) -> None:
    assert "next" not in tenant.get("/api/v1/users", limit=100)["links"]
    simulator.switches.last_page_link = "null"
    assert tenant.get("/api/v1/users", limit=100)["links"]["next"] == {"href": None}


def test_a_made_up_cursor_is_400(tenant: Tenant) -> None:
    assert tenant.status("GET", "/api/v1/users", next="made-up") == 400


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('subject eq "ACME\\\\qlik.admin"', 1),
        ('name co "qlik admin"', 1),
        ('(name eq "Qlik Administrator" or name eq "Nobody") and (status eq "active")', 1),
        ('assignedRoles.name eq "TenantAdmin"', 1),
        ('name eq "qlik administrator"', 0),
    ],
)
def test_filters_of_users(tenant: Tenant, text: str, found: int) -> None:
    assert len(tenant.get("/api/v1/users", filter=text)["data"]) == found
    assert len(tenant.post("/api/v1/users/actions/filter", {"filter": text}, expect=200)["data"]) == found


@pytest.mark.parametrize(
    "text",
    [
        'nickname eq "x"',
        'name sw "x"',
        'name eq "x" or status eq "active"',
        'status co "act"',
        "name eq",
        'name eq "x" and',
        '(name eq "x"',
        "name eq x",
    ],
)
def test_filters_that_are_not_documented_are_400(tenant: Tenant, text: str) -> None:
    assert tenant.status("GET", "/api/v1/users", filter=text) == 400


def test_old_parameters_of_user_lists_are_accepted(tenant: Tenant) -> None:
    page = tenant.get("/api/v1/users", sortBy="name", sortOrder="asc", status="disabled", totalResults="true")
    assert (page["data"], page["totalResults"]) == ([], 0)


def test_a_user_is_created_changed_and_deleted(simulator: Simulator, tenant: Tenant) -> None:
    made = tenant.post("/api/v1/users", {"subject": "NEW\\one", "name": "One", "email": "one@new.example"})
    path = f"/api/v1/users/{made['id']}"
    assert tenant.status("POST", "/api/v1/users", {"subject": "NEW\\one"}) == 409
    rename = [{"op": "replace", "path": "/name", "value": "First"}]
    assert tenant.status("PATCH", path, rename) == 204
    grant = {"op": "add", "path": "/assignedRoles", "value": [{"name": "Steward"}]}
    wrong = {"op": "replace", "path": "/status", "value": "sleeping"}
    assert tenant.status("PATCH", path, [grant, wrong]) == 207
    assert tenant.status("PATCH", path, [wrong]) == 400
    changed = tenant.get(path)
    assert (changed["name"], [role["name"] for role in changed["assignedRoles"]]) == ("First", ["Steward"])
    assert tenant.status("DELETE", path) == 204
    assert tenant.status("GET", path) == 404
    assert tenant.status("POST", "/api/v1/users", {"subject": "NEW\\one"}) == 201
    simulator.switches.deleted_user_get = "status"
    assert tenant.get(path)["status"] == "deleted"


def test_ordinary_users_change_nobody(as_person: Tenant, me: str) -> None:
    assert as_person.status("POST", "/api/v1/users", {"subject": "NEW\\one"}) == 403
    assert as_person.status("DELETE", f"/api/v1/users/{me}") == 403


def test_tasks_of_a_deleted_user_are_disabled(tenant: Tenant, as_person: Tenant, somebody: str) -> None:
    space = tenant.space("Shared")
    tenant.assign(space, somebody, "producer")
    task = as_person.post("/api/scheduling/tasks", task_body(as_person.app(spaceId=space), enabled=True))
    assert tenant.status("DELETE", f"/api/v1/users/{somebody}") == 204
    after = tenant.get(f"/api/scheduling/tasks/{task['id']}")
    assert (after["enabled"], after["metadata"]["disabledCode"]) == (False, "OWNER-DELETED")


def test_groups_without_the_built_in_one_unless_asked(tenant: Tenant) -> None:
    names = [group["name"] for group in tenant.get("/api/v1/groups")["data"]]
    assert "BI-Finance-Readers" in names
    assert "com.qlik.Everyone" not in names
    system = tenant.get("/api/v1/groups", systemGroups="true")["data"]
    assert "com.qlik.Everyone" in [group["name"] for group in system]


def test_group_names_are_unique_and_case_sensitive(tenant: Tenant) -> None:
    made = tenant.post("/api/v1/groups", {"name": "Team", "providerType": "custom"})
    assert tenant.status("POST", "/api/v1/groups", {"name": "Team"}) == 409
    assert tenant.status("POST", "/api/v1/groups", {"name": "TEAM"}) == 201
    path = f"/api/v1/groups/{made['id']}"
    renamed = {"op": "replace", "path": "name", "value": "Crew"}
    assert tenant.status("PATCH", path, [{**renamed, "path": "/name"}]) == 400, "no slash here"
    assert tenant.status("PATCH", path, [renamed]) == 204
    found = tenant.post("/api/v1/groups/actions/filter", {"filter": 'name eq "Crew"'}, expect=200)
    assert [group["id"] for group in found["data"]] == [made["id"]]
    assert tenant.status("DELETE", path) == 204
    assert tenant.status("GET", path) == 404


def test_roles(tenant: Tenant) -> None:
    found = tenant.get("/api/v1/roles", filter='name eq "TenantAdmin"')["data"]
    assert tenant.get(f"/api/v1/roles/{found[0]['id']}")["level"] == "admin"
