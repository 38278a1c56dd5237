"""Spaces and who has which roles in them."""

from __future__ import annotations

import pytest

from qlift.simulator import Simulator
from tests.simulator.tenant.client import Json, Tenant

SPACES = "/api/v1/spaces"


def test_a_space_as_it_comes_back(tenant: Tenant, me: str) -> None:
    made = tenant.post(SPACES, {"name": "Finance", "type": "managed", "description": "d"})
    assert made["ownerId"] == made["createdBy"] == me
    assert set(made["meta"]["roles"]) == set(made["meta"]["assignableRoles"])
    assert {"change_owner", "link_environment", "restrict", "publish"} <= set(made["meta"]["actions"])
    assert made["links"]["assignments"]["href"] == f"{tenant.url}{SPACES}/{made['id']}/assignments"
    assert tenant.get(f"{SPACES}/{made['id']}") == made
    assert tenant.post(SPACES, {"name": "No description", "type": "shared"})["description"] == ""
    assert tenant.get(f"{SPACES}/types") == {"data": ["shared", "managed", "data"]}


@pytest.mark.parametrize("name", ["", "x" * 257, *(f"a{c}b" for c in '"*?<>/|\\:')])
def test_names_that_are_no_names(simulator: Simulator, tenant: Tenant, name: str) -> None:
    assert tenant.status("POST", SPACES, {"name": name, "type": "shared"}) == 400
    simulator.switches.bad_space_name_status = 422
    assert tenant.status("POST", SPACES, {"name": name, "type": "shared"}) == 422


def test_names_are_unique(simulator: Simulator, tenant: Tenant) -> None:
    first, second = tenant.space("Sales"), tenant.space("SALES")
    assert tenant.status("POST", SPACES, {"name": "Sales", "type": "managed"}) == 409
    rename = [{"op": "replace", "path": "/name", "value": "Sales"}]
    assert tenant.status("PATCH", f"{SPACES}/{second}", rename) == 409
    assert tenant.status("PATCH", f"{SPACES}/{first}", rename) == 200, "its own name"
    simulator.switches.rename_conflict_status = 400
    assert tenant.status("PUT", f"{SPACES}/{second}", {"name": "Sales"}) == 400
    simulator.switches.space_name_scope = "type"
    assert tenant.status("POST", SPACES, {"name": "Sales", "type": "managed"}) == 201
    simulator.switches.space_name_case_sensitive = False
    assert tenant.status("POST", SPACES, {"name": "sales", "type": "shared"}) == 409


def test_changes_answer_the_space(tenant: Tenant, somebody: str, me: str) -> None:
    space = tenant.space("Old")
    patch = [
        {"op": "replace", "path": "/name", "value": "New"},
        {"op": "replace", "path": "/description", "value": "text"},
    ]
    patched = tenant.http.patch(f"{SPACES}/{space}", json=patch)
    assert (patched.status_code, patched.json()["name"]) == (200, "New")
    changed = tenant.put(f"{SPACES}/{space}", {"ownerId": somebody})
    assert (changed["ownerId"], changed["description"]) == (somebody, "text")
    assert changed["meta"]["roles"] == [], "roles are the caller's own"
    assert tenant.status("PUT", f"{SPACES}/{space}", {"ownerId": "nobody"}) == 400
    assert (
        tenant.status("PATCH", f"{SPACES}/{space}", [{"op": "replace", "path": "/type", "value": "x"}]) == 400
    )
    assert (
        tenant.status("PATCH", f"{SPACES}/{space}", [{"op": "remove", "path": "/name", "value": ""}]) == 400
    )


def test_list_filters(tenant: Tenant, me: str) -> None:
    tenant.space("North sales"), tenant.space("South"), tenant.space("Sales board", "managed")

    def names(**query: object) -> set[str]:
        return {space["name"] for space in tenant.get(SPACES, limit=100, **query)["data"]}

    assert names(name="SALES") == {"North sales", "Sales board"}, "anywhere, in either case"
    assert names(type="managed") == names(action="publish") == {"Sales board"}
    assert names(ownerId=me) == {"North sales", "South", "Sales board"}
    assert names(roles="publisher") == {"Sales board"}
    assert "Board papers" in names(), "an admin sees the spaces of others"
    page = tenant.get(SPACES, sort="-name", limit=2)
    assert [space["name"] for space in page["data"]] == ["South", "Sales board"]
    assert page["meta"]["count"] == 4


def test_more_than_a_page_of_ten(tenant: Tenant) -> None:
    made = {tenant.space(f"Space {number}") for number in range(25)}
    found: list[str] = []
    url: str | None = SPACES
    pages = 0
    while url:
        page = tenant.get(url)
        found += [space["id"] for space in page["data"]]
        url = page["links"].get("next", {}).get("href")
        pages += 1
    assert pages == 3
    assert len(found) == len(set(found)) == 26
    assert made <= set(found)


def test_only_empty_spaces_are_deleted(simulator: Simulator, tenant: Tenant, somebody: str) -> None:
    space = tenant.space("Full")
    assignment = tenant.assign(space, somebody, "consumer")
    app = tenant.app(spaceId=space)
    assert tenant.status("DELETE", f"{SPACES}/{space}") == 412
    assert tenant.status("DELETE", f"/api/v1/apps/{app}") == 200
    simulator.switches.assignments_block_space_delete = True
    assert tenant.status("DELETE", f"{SPACES}/{space}") == 412
    simulator.switches.assignments_block_space_delete = False
    assert tenant.status("DELETE", f"{SPACES}/{space}") == 204
    assert tenant.status("GET", f"{SPACES}/{space}") == 404
    assert tenant.status("GET", f"{SPACES}/{space}/assignments/{assignment['id']}") == 404


def test_spaces_of_others_are_not_there_for_who_has_no_role(
    tenant: Tenant, as_person: Tenant, somebody: str
) -> None:
    space = tenant.space("Closed")
    assert as_person.status("GET", f"{SPACES}/{space}") == 404
    tenant.assign(space, somebody, "consumer")
    assert as_person.get(f"{SPACES}/{space}")["meta"]["roles"] == ["consumer"]
    assert as_person.status("PUT", f"{SPACES}/{space}", {"name": "Mine"}) == 403
    assert as_person.status("DELETE", f"{SPACES}/{space}") == 403


def test_quota_of_spaces(simulator: Simulator, tenant: Tenant) -> None:
    simulator.switches.managed_spaces = 1
    tenant.space("One", "managed")
    assert tenant.status("POST", SPACES, {"name": "Two", "type": "managed"}) == 403
    quota = tenant.get("/api/v1/quotas/managed_spaces", reportUsage="true")["data"]
    assert quota[0]["attributes"]["quota"] == quota[0]["attributes"]["usage"] == 1
    assert tenant.status("GET", "/api/v1/quotas/unheard_of") == 404


def test_one_assignment_for_each_assignee(tenant: Tenant, somebody: str) -> None:
    space = tenant.space("Shared")
    made = tenant.assign(space, somebody, "producer", "consumer", "producer")
    assert sorted(made["roles"]) == ["consumer", "producer"]
    body = {"type": "user", "assigneeId": somebody, "roles": ["consumer"]}
    assert tenant.status("POST", f"{SPACES}/{space}/assignments", body) == 409
    path = f"{SPACES}/{space}/assignments/{made['id']}"
    assert tenant.put(path, {"roles": ["facilitator"]})["roles"] == ["facilitator"], "the whole list"
    found = tenant.get(f"{SPACES}/{space}/assignments", assigneeId=somebody)
    assert [(a["id"], a["roles"]) for a in found["data"]] == [(made["id"], ["facilitator"])]
    assert found["meta"]["count"] == 1
    assert tenant.status("DELETE", path) == 204
    assert tenant.status("GET", path) == 404


@pytest.mark.parametrize(
    ("type_", "role", "status"),
    [
        ("shared", "publisher", 400),
        ("shared", "codeveloper", 201),
        ("managed", "producer", 400),
        ("managed", "contributor", 201),
        ("data", "datapreview", 201),
    ],
)
def test_roles_go_with_the_type(tenant: Tenant, somebody: str, type_: str, role: str, status: int) -> None:
    space = tenant.space("Space", type_)
    assert (role in tenant.get(f"{SPACES}/{space}")["meta"]["assignableRoles"]) == (status == 201)
    body = {"type": "user", "assigneeId": somebody, "roles": [role]}
    assert tenant.status("POST", f"{SPACES}/{space}/assignments", body) == status


def test_assignees_must_exist_and_roles_be_named(tenant: Tenant, somebody: str) -> None:
    path = f"{SPACES}/{tenant.space('Shared')}/assignments"
    bodies: list[tuple[Json, int]] = [
        ({"type": "user", "assigneeId": "nobody", "roles": ["consumer"]}, 404),
        ({"type": "group", "assigneeId": somebody, "roles": ["consumer"]}, 404),
        ({"type": "bot", "assigneeId": somebody, "roles": ["consumer"]}, 404),
        ({"type": "user", "assigneeId": somebody, "roles": []}, 400),
        ({"type": "user", "assigneeId": somebody}, 400),
    ]
    assert [tenant.status("POST", path, body) for body, _ in bodies] == [status for _, status in bodies]


def test_the_owner_is_not_listed_and_may_or_may_not_be_assigned(
    simulator: Simulator, tenant: Tenant, me: str
) -> None:
    space = tenant.space("Mine")
    path = f"{SPACES}/{space}/assignments"
    assert tenant.get(path)["data"] == []
    simulator.switches.owner_assignment = "refused"
    assert tenant.status("POST", path, {"type": "user", "assigneeId": me, "roles": ["producer"]}) == 409
    simulator.switches.owner_assignment = "accepted"
    assert tenant.status("POST", path, {"type": "bot", "assigneeId": me, "roles": ["producer"]}) == 201


def test_an_assignee_who_becomes_the_owner(simulator: Simulator, tenant: Tenant, somebody: str) -> None:
    space = tenant.space("Given away")
    tenant.assign(space, somebody, "consumer")
    tenant.put(f"{SPACES}/{space}", {"ownerId": somebody})
    assert tenant.roles(space, somebody) == ["consumer"]
    simulator.switches.assigned_space_owner = "removed"
    other = tenant.space("Given away too")
    tenant.assign(other, somebody, "consumer")
    tenant.put(f"{SPACES}/{other}", {"ownerId": somebody})
    assert tenant.roles(other, somebody) == []


def test_roles_come_from_groups_too(tenant: Tenant, as_person: Tenant) -> None:
    space = tenant.space("For all")
    tenant.assign(space, "000000000000000000000001", "producer", type_="group")
    assert as_person.get(f"{SPACES}/{space}")["meta"]["roles"] == ["producer"]
    assert as_person.app(spaceId=space)


def test_a_grant_takes_its_time(
    simulator: Simulator, tenant: Tenant, as_person: Tenant, somebody: str
) -> None:
    simulator.switches.grant_lag = 2.0
    space = tenant.space("Shared")
    tenant.assign(space, somebody, "producer")
    assert as_person.status("GET", f"{SPACES}/{space}") == 404
    simulator.clock.advance(2)
    assert as_person.status("GET", f"{SPACES}/{space}") == 200
