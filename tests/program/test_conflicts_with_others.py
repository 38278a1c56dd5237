"""What other phases, other sites, people and administrators do to what a phase claims. In process.

Each row of docs/conflicts.md has its test here, by the same words.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest

from qlift.cloud.provenance import short_id
from qlift.simulator import Switches
from tests.support.in_process import InProcess, Refused
from tests.support.people_first import JANE, World, export_once

OF_FOUNDATION = {"from": {"stream": "Finance"}, "type": "shared", "of": "foundation"}
LEDGER = "General Ledger"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_once(tmp_path_factory.mktemp("exported"))


@pytest.fixture
def world(tmp_path: Path, exported: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(tmp_path, exported, Switches(**getattr(request, "param", {})))
    made.plan["select"]["personal"] = False
    yield made
    made.simulator.stop()


def refused(world: World, run: InProcess) -> str:
    with pytest.raises(Refused) as found:
        run.up(world.derived())
    return str(found.value)


def names(world: World, space: str) -> list[str]:
    return sorted(a["name"] for a in world.dump()["apps"] if a["space"].endswith(f" {space}"))


def source_of(world: World, app: str) -> str:
    return next(short_id(a.source.id) for a in world.derived().apps if a.name == app)


@pytest.fixture
def elsewhere(world: World) -> str:
    """Finance is a space of another phase, in which the tool may work; gives its id."""
    space = world.people.space("Finance", "shared", "")
    world.people.assign(space, "user", world.simulator.description["tenant"]["user_id"], "producer")
    world.plan |= {"uses": ["foundation"]}
    world.plan["spaces"] = {"Finance": dict(OF_FOUNDATION)}
    world.plan["select"] = {"streams": ["Finance"]}
    return space


def test_two_phases_make_a_space_of_one_name(world: World) -> None:
    world.up()
    before = world.dump()
    message = refused(world, world.other("hr-prod"))
    assert "is taken by a space that is not ours: the stack demo made it from sample/" in message
    assert "refer to it with `of` and `uses`" in message
    assert world.dump()["apps"] == before["apps"]


def test_two_phases_migrate_an_app_to_one_space(world: World, elsewhere: str) -> None:
    world.up()
    before = world.dump()
    message = refused(world, world.other("hr-prod"))
    assert "the stack demo has migrated this app to this space already" in message
    assert "leave it out of `select` in one of the two plans" in message
    assert world.dump() == before


def test_two_phases_publish_an_app_to_one_space(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.plan["spaces"] = {"Sales Lab": world.plan["spaces"]["Sales Lab"]}
    world.plan["select"] = {"streams": ["Sales"]}
    world.up()
    other = deepcopy(world.plan)
    world.plan |= {"uses": ["foundation"]}
    world.plan["spaces"]["Sales Lab"] |= {"of": "foundation", "staging": "Another Staging"}
    with caplog.at_level(logging.WARNING):
        message = refused(world, world.other("hr-prod"))
    assert message.startswith("AppPublication ")
    assert "the stack demo has migrated this app to this space already" in message
    assert 'the stack demo has migrated it too, to space "Sales Lab' in caplog.text
    world.plan = other
    assert not world.up()


def test_a_marker_that_another_phases_killed_run_left(world: World, elsewhere: str) -> None:
    marker = f"[qlift sample/{source_of(world, LEDGER)} hr-prod 9f2c41]"
    left = world.people.app(marker, elsewhere, "")
    other = world.people.app("[qlift sample/0123456789ab hr-prod 9f2c41]", elsewhere, "")
    world.simulator.clock.advance(200)
    message = refused(world, world.run)
    assert "a run of the stack hr-prod was killed while it imported this app" in message
    assert left in message
    world.people.api("DELETE", f"/api/v1/apps/{left}")
    world.simulator.clock.advance(200)
    world.up()
    world.run.destroy()
    # That of an app which is not ours to migrate is nobody's business.
    assert world.people.api("GET", f"/api/v1/apps/{other}")


def test_an_app_that_comes_from_another_site(world: World, elsewhere: str) -> None:
    """Ids repeat across cloned sites: it is another app, left alone, whatever its name."""
    line = f"[qlift cloned/{source_of(world, LEDGER)} demo 9f2c41]"
    theirs = world.people.app(LEDGER, elsewhere, line, owner=JANE)
    world.simulator.clock.advance(200)
    before = world.people.api("GET", f"/api/v1/apps/{theirs}")["attributes"]
    world.up()
    assert not world.up()
    assert names(world, "Finance").count(LEDGER) == 2
    world.run.destroy()
    assert names(world, "Finance") == [LEDGER]
    assert world.people.api("GET", f"/api/v1/apps/{theirs}")["attributes"] == before


def test_a_space_that_somebody_renamed(world: World) -> None:
    """The plan's name comes back; nothing is made anew, for ids are what refers to it."""
    world.up()
    ids = {k: e.id for k, e in world.run.state.items()}
    space = ids["Space", "finance"]
    world.people.change_space(space, name="Finance of old")
    assert world.up() == [("Space", "finance")]
    assert world.people.api("GET", f"/api/v1/spaces/{space}")["name"] == "Finance"
    assert {k: e.id for k, e in world.run.state.items()} == ids


def test_a_space_that_somebody_renamed_and_replaced(world: World) -> None:
    world.up()
    space = world.run.state["Space", "finance"].id
    world.people.change_space(space, name="Finance of old")
    world.people.space("Finance", "shared", "The new one")
    assert 'the name "Finance" is taken by a space that is not ours' in refused(world, world.run)
    assert world.people.api("GET", f"/api/v1/spaces/{space}")["name"] == "Finance of old"


def test_a_space_whose_description_somebody_copied_from_ours(world: World) -> None:
    """Our line in it does not make it ours, which this identity makes; an undo leaves it alone."""
    finance = next(s for s in world.derived().spaces if s.name == "Finance")
    line = f"[qlift {finance.source.site}/{short_id(finance.source.id)} demo -]"
    theirs = world.people.space("Finance", finance.type, f"As in the old system\n{line}")
    tilda = world.people.user("ACME\\tilda.horvat")
    made = world.simulator.store.get("tenant/space", theirs) or {}
    world.simulator.store.put("tenant/space", theirs, {**made, "createdBy": tilda, "ownerId": tilda})
    message = refused(world, world.run)
    assert "is taken by a space that is not ours, though its description ends in our line" in message
    world.people.change_space(theirs, name="Finance of the others")
    before = world.people.api("GET", f"/api/v1/spaces/{theirs}")
    world.up()
    assert world.run.state["Space", "finance"].id != theirs
    assert not world.up()
    world.run.destroy()
    assert world.people.api("GET", f"/api/v1/spaces/{theirs}") == before


def test_a_space_of_ours_that_was_given_away_and_that_no_state_knows(world: World) -> None:
    """Whoever owns it now, this identity made it."""
    world.up()
    space = world.run.state["Space", "finance"].id
    world.people.change_space(space, ownerId=world.people.user("ACME\\tilda.horvat"))
    world.run.state.clear()
    world.up()
    assert world.run.state["Space", "finance"].id == space
    assert not world.up()


@pytest.mark.parametrize("world", [{}, {"deleted_user_get": "status"}], indirect=True, ids=["gone", "status"])
def test_a_user_who_was_merged_into_a_new_one(world: World) -> None:
    """The old id is gone, the new user has the same subject: roles, ownership and schedules follow."""
    world.plan["schedules"] = {"enabled": True}
    world.up()
    wanted = world.dump()
    people = {a["owner"] for a in wanted["apps"] if a["tasks"]} | {"ACME\\qlik.admin", "ACME\\tilda.horvat"}
    for subject in sorted(people):
        old = world.people.user(subject)
        user = world.people.api("GET", f"/api/v1/users/{old}")
        world.people.api("DELETE", f"/api/v1/users/{old}")
        made = {k: user[k] for k in ("subject", "name", "email")}
        world.people.api("POST", "/api/v1/users", made)
        assert world.people.user(subject) != old
    assert world.up()
    # Every space, app, role and task with its people, by their subjects.
    found = world.dump()
    assert all(found[what] == wanted[what] for what in wanted if what != "users")
    tasks = [t for a in found["apps"] for t in a["tasks"]]
    assert tasks and all(t["enabled"] for t in tasks)
    assert not world.up()


def test_a_role_that_an_administrator_removed(world: World) -> None:
    """The plan says who may do what: it comes back, and shows before as a change of that assignment."""
    world.up()
    wanted = world.dump()
    key = next(k for k in world.run.state if k[0] == "SpaceAssignment" and ".group-" in k[1])
    space_id, _, assignee = world.run.state[key].id.partition("/")
    path = f"/api/v1/spaces/{space_id}/assignments"
    [found] = [a for a in world.people.api("GET", f"{path}?limit=100")["data"] if a["assigneeId"] == assignee]
    world.people.api("DELETE", f"{path}/{found['id']}")
    ran = world.run.up(world.derived())
    assert (ran.updated, ran.created) == ([key], [])
    assert world.dump() == wanted and not world.up()


def test_a_role_that_an_administrator_removed_and_the_plan_gives_up(world: World) -> None:
    readers = [{"group": "BI-Finance-Readers", "roles": ["producer"]}]
    world.plan["spaces"]["Sales Lab"] = {"type": "shared", "access": readers}
    world.plan["select"] = {"streams": ["Finance"]}
    world.up()
    key = next(k for k in world.run.state if k[1].startswith("sales-lab.group-"))
    space_id, _, assignee = world.run.state[key].id.partition("/")
    path = f"/api/v1/spaces/{space_id}/assignments"
    [found] = [a for a in world.people.api("GET", f"{path}?limit=100")["data"] if a["assigneeId"] == assignee]
    world.people.api("DELETE", f"{path}/{found['id']}")
    world.plan["spaces"]["Sales Lab"]["access"] = "none"
    assert world.up() == [key]
    assert not world.up()
