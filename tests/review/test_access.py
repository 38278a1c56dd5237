"""Who sees what before and after, against a live tenant: real lists, steps as the engine tells them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from qlift.cloud.auth import OAuthClient
from qlift.cloud.client import Client
from qlift.cloud.index import EVERYONE, Index
from qlift.derivation.desired import Finding, Severity
from qlift.derivation.members import SourceMembers
from qlift.derivation.people import People
from qlift.derivation.phase import PhaseFiles
from qlift.derivation.plan import Plan
from qlift.pulumi_cli.preview import Op, Step
from qlift.reports.review.model import Access, SpaceAccess
from qlift.review.access import access_of
from qlift.review.people import Directory
from qlift.review.states import states
from qlift.simulator import Simulator
from tests.derivation.site import SiteBuilder

SOURCE = ("CORP\\ann", "CORP\\bea")
"""Members of Readers in the source; bea is in the tenant too, ann is not yet."""


@dataclass
class Tenant:
    simulator: Simulator
    source: SourceMembers

    def api(self, method: str, path: str, body: Any = None) -> Any:
        tenant = self.simulator.description["tenant"]
        headers = {"Authorization": f"Bearer {tenant['api_key']}"}
        answer = httpx.request(method, tenant["url"] + path, json=body, headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def user(self, subject: str) -> str:
        body = {"subject": subject, "name": subject, "email": f"{subject[5:]}@corp.example"}
        return str(self.api("POST", "/api/v1/users", body)["id"])

    def group(self, name: str) -> str:
        return str(self.api("POST", "/api/v1/groups", {"name": name, "providerType": "custom"})["id"])

    def space(self, name: str, type_: str = "managed") -> str:
        return str(self.api("POST", "/api/v1/spaces", {"name": name, "type": type_})["id"])

    def assign(self, space: str, type_: str, id_: str, *roles: str) -> None:
        body = {"type": type_, "assigneeId": id_, "roles": list(roles)}
        self.api("POST", f"/api/v1/spaces/{space}/assignments", body)

    def compare(self, *steps: Step, findings: tuple[Finding, ...] = ()) -> Access:
        tenant = self.simulator.description["tenant"]
        client = Client(tenant["url"], OAuthClient(tenant["client_id"], SecretStr(tenant["client_secret"])))
        try:
            index = Index(client)
            directory = Directory(index, self.source, client.me().id)
            before, after = states(index, directory, list(steps))
            return access_of(before, after, directory, findings)
        finally:
            client.close()


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    site = SiteBuilder()
    for login in SOURCE:
        site.user(login, ("Readers",))
    plan = Plan.model_validate(
        {
            "version": 1,
            "phase": "demo",
            "sources": [{"site": "prod", "bundle": "unused"}],
            "users": {"rules": [{"directory": "CORP", "subject": "CORP\\{user_id}"}]},
        }
    )
    read = PhaseFiles(plan, [site.write(tmp_path)], People(plan), [])
    with Simulator() as simulator:
        yield Tenant(simulator, SourceMembers(read))


def step(op: Op, kind: str, key: str, id_: str = "", old: Any = None, new: Any = None) -> Step:
    return Step(op, kind, key, "job", id_, old or {}, new or {})


def assignment(type_: str, name: str, space: str, space_id: str | None, *roles: str) -> dict[str, Any]:
    return {
        "assignee_type": type_,
        "assignee": name,
        "match_by": "subject",
        "space": space,
        "space_id": space_id,
        "roles": list(roles),
    }


def only(access: Access) -> SpaceAccess:
    [space] = access.spaces
    return space


def app(name: str, space: str, space_id: str | None) -> dict[str, Any]:
    return {"name": name, "space": space, "space_id": space_id}


def test_everything_new_is_seen_newly(tenant: Tenant) -> None:
    bea = tenant.user("CORP\\bea")
    found = tenant.compare(
        step("create", "Space", "hr", new={"name": "HR", "type": "managed"}),
        step("create", "SpaceAssignment", "hr.self", new=assignment("self", "", "HR", None, "facilitator")),
        step("create", "SpaceAssignment", "hr.r", new=assignment("group", "Readers", "HR", None, "consumer")),
        step(
            "create",
            "SpaceAssignment",
            "hr.x",
            new=assignment("group", "Nobody knows", "HR", None, "consumer"),
        ),
        step(
            "create",
            "SpaceAssignment",
            "hr.d",
            new=assignment("user", "CORP\\dan", "HR", None, "dataconsumer"),
        ),
        step("create", "AppPublication", "pay", new=app("Pay", "HR", None)),
        step(
            "create",
            "AppOwner",
            "published.pay",
            new={"app": "pay", "app_id": None, "owner": "CORP\\eve", "match_by": "subject"},
        ),
    )
    space = only(found)
    assert (space.space, space.state) == ("HR", "new")
    assert {w.name: (w.people, w.before, w.after) for w in space.gain} == {
        "Readers": (2, (), ("consumer",)),
        "Nobody knows": (None, (), ("consumer",)),
    }
    # Data only: no app of the space is opened with it.
    assert [(w.name, w.after) for w in space.other] == [("CORP\\dan", ("dataconsumer",))]
    [pay] = space.apps
    assert (pay.sees, pay.loses, pay.owners, pay.unknown_groups) == (3, 0, ("CORP\\eve",), ("Nobody knows",))
    assert (found.sees, found.loses, found.groups_see) == (3, 0, ("Nobody knows",))
    assert found.members == {"Readers": SOURCE}
    assert bea not in found.members["Readers"]


def test_who_could_see_it_already_gains_nothing(tenant: Tenant) -> None:
    bea, hr, readers = tenant.user("CORP\\bea"), tenant.space("HR"), tenant.group("Readers")
    tenant.assign(hr, "group", readers, "consumer")
    found = tenant.compare(
        step(
            "create",
            "SpaceAssignment",
            "b",
            new=assignment("user", "CORP\\bea", "HR", hr, "publisher", "consumer"),
        )
    )
    space = only(found)
    assert (found.sees, found.loses, space.gain) == (0, 0, ())
    assert [(w.name, w.before, w.after) for w in space.other] == [
        ("CORP\\bea", (), ("consumer", "publisher"))
    ]
    assert bea and not space.apps


def test_roles_that_go_take_access_away_and_the_tenants_members_count(tenant: Tenant) -> None:
    bea, cas = tenant.user("CORP\\bea"), tenant.user("CORP\\cas")
    hr, readers = tenant.space("HR"), tenant.group("Readers")
    groups = [
        {"op": "add", "path": "/assignedGroups", "value": [{"name": "Readers", "providerType": "custom"}]}
    ]
    tenant.api("PATCH", f"/api/v1/users/{cas}", groups)
    tenant.assign(hr, "group", readers, "consumer")
    tenant.assign(hr, "user", bea, "contributor")
    live = assignment("group", "Readers", "HR", hr, "consumer")
    found = tenant.compare(step("delete", "SpaceAssignment", "r", f"{hr}/{readers}", old=live))
    space = only(found)
    assert [(w.name, w.people, w.after) for w in space.lose] == [("Readers", 3, ())]
    # Ann and cas; bea keeps a role of her own.
    assert (space.loses, found.loses, found.sees) == (2, 2, 0)


def test_a_space_that_goes_and_an_app_that_moves(tenant: Tenant) -> None:
    bea, cas, dan = (tenant.user(f"CORP\\{name}") for name in ("bea", "cas", "dan"))
    old, new = tenant.space("Old", "shared"), tenant.space("New", "shared")
    tenant.assign(old, "user", bea, "consumer")
    tenant.assign(old, "user", dan, "producer")
    tenant.assign(new, "user", cas, "consumer")
    tenant.assign(new, "user", dan, "consumer")
    body = {"attributes": {"name": "Sales", "spaceId": old}}
    sales = str(tenant.api("POST", "/api/v1/apps", body)["attributes"]["id"])
    # Lists come late.
    tenant.simulator.clock.advance(60)
    moved = tenant.compare(
        step("update", "App", "a", sales, old=app("Sales", "Old", old), new=app("Sales", "New", new)),
    )
    # Dan sees it in both places.
    assert (only(moved).space, only(moved).apps[0].sees, only(moved).apps[0].loses) == ("New", 1, 1)
    assert (moved.sees, moved.loses) == (1, 1)
    replaced = step("replace", "App", "a", sales, old=app("Sales", "Old", old), new=app("Sales", "Old", old))
    assert tenant.compare(replaced).spaces == ()
    gone = only(
        tenant.compare(
            step("delete", "App", "a", sales, old=app("Sales", "Old", old)),
            step("delete", "Space", "old", old, old={"name": "Old", "type": "shared"}),
        )
    )
    assert (gone.state, gone.loses, {w.name for w in gone.lose}) == ("deleted", 2, {"CORP\\bea", "CORP\\dan"})
    assert [(a.app, a.loses) for a in gone.apps] == [("Sales", 2)]


def test_everyone_is_everybody_and_owners_see_all(tenant: Tenant) -> None:
    bea, hr = tenant.user("CORP\\bea"), tenant.space("HR")
    found = tenant.compare(
        step(
            "create",
            "SpaceOwner",
            "hr",
            new={"owner": "CORP\\bea", "match_by": "subject", "space": "HR", "space_id": hr},
        )
    )
    assert [(w.name, w.after) for w in only(found).gain] == [("CORP\\bea", ("owner",))]
    everybody = tenant.compare(
        step("create", "SpaceAssignment", "e", new=assignment("group", EVERYONE.name, "HR", hr, "consumer"))
    )
    users = tenant.api("GET", "/api/v1/users?limit=100")["data"]
    assert len(users) > 20 and bea in {u["id"] for u in users}
    people = only(everybody).gain[0].people
    # All but the tool itself, and whoever owns the space already.
    assert people is not None and people >= len(users) - 1
    assert everybody.sees in (people, people - 1)


def test_accepted_findings_are_named(tenant: Tenant) -> None:
    wide = Finding(code="ACCESS-WIDENS", severity=Severity.WARNING, object="HR", message="m", remedy="r")
    other = wide.model_copy(update={"code": "TAGS-NOT-MIGRATED"})
    assert tenant.compare(findings=(wide, other)).wider == (wide,)


def test_what_is_adopted_is_there_already_and_what_is_given_back_stays(tenant: Tenant) -> None:
    bea, cas = tenant.user("CORP\\bea"), tenant.user("CORP\\cas")
    hr = tenant.space("HR")
    tenant.assign(hr, "user", bea, "consumer")
    space = {"name": "People", "type": "managed", "former": {"id": hr, "name": "HR", "description": ""}}
    # As in a preview: the id of what a create adopts is not known yet.
    roles = {
        **assignment("user", "CORP\\bea", "People", None, "consumer", "publisher"),
        "former": {"id": f"{hr}/{bea}", "roles": ["consumer"]},
    }
    new_one = assignment("user", "CORP\\cas", "People", None, "consumer")
    adopted = tenant.compare(
        step("create", "Space", "hr", new=space),
        step("create", "SpaceAssignment", "b", new=roles),
        step("create", "SpaceAssignment", "c", new=new_one),
    )
    assert (only(adopted).space, only(adopted).state) == ("People", "kept")
    assert [w.name for w in only(adopted).gain] == ["CORP\\cas"]
    assert [(w.name, w.after) for w in only(adopted).other] == [("CORP\\bea", ("consumer", "publisher"))]
    back = tenant.compare(
        step("delete", "Space", "hr", hr, old=space),
        step("delete", "SpaceAssignment", "b", f"{hr}/{bea}", old={**roles, "space_id": hr}),
        step(
            "delete",
            "SpaceOwner",
            "hr",
            hr,
            old={"space": "HR", "space_id": hr, "former": {"id": cas, "subject": "CORP\\cas"}},
        ),
    )
    assert (only(back).state, only(back).lose) == ("kept", ())
    assert [(w.name, w.after) for w in only(back).gain] == [("CORP\\cas", ("owner",))]
