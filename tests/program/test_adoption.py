"""What people had in the tenant is taken over as reviewed, and given back exactly. In process."""

from __future__ import annotations

import copy
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.base import Refusal
from qlift.derivation.former import ADOPTED, NEW, load_adopted
from qlift.simulator import Switches
from qlift.simulator.site.changes import edit_sheet, rename_app
from tests.support.in_process import Refused
from tests.support.people_first import (
    EVERYTHING,
    JANE,
    TARGET,
    Killed,
    World,
    adoptable,
    export_once,
    killed_at,
)

READERS = "BI-Finance-Readers"
READERS_KEY = "finance.group-bi-finance-readers-c97387"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_once(tmp_path_factory.mktemp("exported"))


@pytest.fixture
def world(tmp_path: Path, exported: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(tmp_path, exported, Switches(**getattr(request, "param", {})))
    made.plan["adopt"] = dict(EVERYTHING)
    # An undo whose state is lost cannot take back a personal app that is gone already.
    made.plan["select"]["personal"] = False
    yield made
    made.simulator.stop()


@pytest.fixture
def ids(world: World) -> dict[str, str]:
    """Of what people have."""
    found = world.people_first()
    world.simulator.clock.advance(300)
    return found


SWITCHES: list[dict[str, Any]] = [
    {},
    {"item_lag": 5.0, "grant_lag": 2.0, "app_missing_status": 403},
    {"owner_assignment": "refused", "assigned_space_owner": "removed"},
    {"app_owner_elevation": False, "admin_needs_space_role": False, "task_patch_answer": 204},
]


@pytest.mark.parametrize(
    ("world", "provenance"),
    [*((s, "description") for s in SWITCHES), ({}, "none")],
    indirect=["world"],
    ids=["default", "lags", "owners", "rights", "no-provenance"],
)
def test_undo_gives_back_exactly_what_people_had(world: World, ids: dict[str, str], provenance: Any) -> None:
    before = world.dump()
    world.run.provenance = provenance
    looked = world.adopt()
    assert not looked.problems and world.dump() == before
    created = world.up()
    assert ("Space", "finance") in created and world.dump() != before
    held = {(k, e.id) for (k, _), e in world.run.state.items()}
    assert {("Space", ids["finance"]), ("App", ids["app"]), ("ReloadSchedule", ids["task"])} <= held
    assert not world.up()
    world.run.destroy()
    world.simulator.clock.advance(200)
    assert world.dump() == before


def test_also_after_refreshes_and_updates_in_between(world: World, ids: dict[str, str]) -> None:
    before = world.dump()
    world.adopt()
    world.up()
    # By hand, then by the plan, then by hand again.
    world.people.change_space(ids["finance"], description="Changed by hand")
    world.people.api("PUT", f"/api/v1/apps/{ids['app']}", {"attributes": {"name": "Mine"}})
    assert world.up()
    finance = world.plan["spaces"]["Finance"]
    finance |= {"description": "Other words", "owner": "ACME\\tilda.horvat", "name": "Finance Europe"}
    finance["access"] = ["from_rules", {"group": READERS, "roles": ["producer"]}]
    world.plan["schedules"] = {"enabled": True}
    assert world.up()
    world.people.change_space(ids["finance"], ownerId=world.people.user(JANE))
    assert world.up() and not world.up()
    world.run.destroy()
    world.simulator.clock.advance(200)
    assert world.dump() == before


def of_spaces(world: World, *names: str) -> list[Any]:
    return [s for s in world.dump()["spaces"] if s["name"] in names]


def test_what_leaves_the_plan_is_given_back_and_the_rest_stays(
    world: World, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = world.dump()
    world.adopt()
    world.up()
    kept = world.people.app("Made meanwhile", ids["finance"], "")
    del world.plan["spaces"]["Finance"]
    world.plan["select"]["streams"] = ["Sales"]
    monkeypatch.setenv("QLIFT_ALLOW_DELETES", "15")
    assert world.up()
    assert world.people.api("GET", f"/api/v1/apps/{kept}")
    assert of_spaces(world, "Finance") == [s for s in before["spaces"] if s["name"] == "Finance"]
    of_ledger = [a for a in world.dump()["apps"] if a["id"] == ids["app"]]
    assert of_ledger == [a for a in before["apps"] if a["id"] == ids["app"]]


OF_PEOPLE = ("spaces/{finance}", "spaces/{lab}", "apps/{app}", "tasks/{task}")


@pytest.mark.parametrize("during", ["up", "destroy"])
def test_killed_at_every_write_to_what_people_had(world: World, ids: dict[str, str], during: str) -> None:
    """The tenant of one case is that of the next: each ends as it began. A lost state is that of before.

    Every third write, the state lost in every other case; QLIFT_ALL_KILLS=1 tries all writes, both ways.
    """
    before = world.dump()
    world.adopt()
    desired = world.derived()
    work: Callable[[], object] = world.run.destroy if during == "destroy" else lambda: world.run.up(desired)
    if during == "destroy":
        world.up()
    begun = copy.deepcopy(world.run.state)
    with killed_at(0, "never") as writes:
        work()
    world.simulator.clock.advance(200)
    wanted = without_ids(world.dump())
    places = [p.format(**ids) for p in OF_PEOPLE]
    numbers = [n for n, w in enumerate(writes, 1) if any(p in w for p in places)]
    assert len(numbers) > 6
    cases = list(itertools.product(numbers, ("before", "after"), (False, True)))
    if not os.environ.get("QLIFT_ALL_KILLS"):
        cases = [(n, w, (n + (w == "after")) % 2 == 0) for n in numbers[::3] for w in ("before", "after")]
    if during == "up":
        world.run.destroy()
        world.simulator.clock.advance(200)
    for number, when, lost in cases:
        if during == "destroy":
            world.run.state = {}
            world.up()
            begun = copy.deepcopy(world.run.state)
        with pytest.raises(Refusal, match=Killed.__name__), killed_at(number, when):
            work()
        if lost:
            world.run.state = copy.deepcopy(begun)
        world.simulator.clock.advance(200)
        work()
        world.simulator.clock.advance(200)
        assert without_ids(world.dump()) == wanted, (writes[number - 1], when)
        if during == "up":
            world.run.destroy()
            world.simulator.clock.advance(200)
        assert world.dump() == before, (writes[number - 1], when)


def without_ids(found: Any) -> Any:
    if isinstance(found, dict):
        return {k: without_ids(v) for k, v in found.items() if k != "id"}
    return [without_ids(v) for v in found] if isinstance(found, list) else found


def a_description(world: World, ids: dict[str, str]) -> list[str]:
    world.people.change_space(ids["finance"], description="Changed since")
    return ["Space finance", "its description is 'Changed since' in the tenant", "neither 'Ours since 2019"]


def a_name(world: World, ids: dict[str, str]) -> list[str]:
    world.people.api("PUT", f"/api/v1/apps/{ids['app']}", {"attributes": {"name": "Other Ledger"}})
    return ["App general-ledger", "its name is 'Other Ledger'", "run `qlift adopt <stack>` again"]


def roles(world: World, ids: dict[str, str]) -> list[str]:
    path = f"/api/v1/spaces/{ids['finance']}/assignments"
    listed = world.people.api("GET", f"{path}?limit=100")["data"]
    group = next(a for a in listed if a["type"] == "group")
    world.people.api("PUT", f"{path}/{group['id']}", {"roles": ["dataconsumer"]})
    return [
        f"SpaceAssignment {READERS_KEY}",
        "its roles is ['dataconsumer']",
        "neither ['facilitator']",
        "nor ['consumer']",
    ]


def a_task(world: World, ids: dict[str, str]) -> list[str]:
    patch = [{"op": "replace", "path": "/description", "value": "Other"}]
    world.people.api("PATCH", f"/api/scheduling/tasks/{ids['task']}", patch)
    return ["ReloadSchedule 5e839d08", "its description is 'Other'", "neither 'Made by hand' (adopted.yaml)"]


def a_space_that_went(world: World, ids: dict[str, str]) -> list[str]:
    world.people.api("DELETE", f"/api/v1/apps/{ids['app']}")
    world.people.api("DELETE", f"/api/v1/spaces/{ids['finance']}")
    return ["Space finance", f"the space {ids['finance']} of the tenant", "not there any more"]


def an_app_that_went(world: World, ids: dict[str, str]) -> list[str]:
    world.people.api("DELETE", f"/api/v1/apps/{ids['app']}")
    return ["App general-ledger", f"the app {ids['app']} of the tenant", "not there any more"]


def an_app_that_moved(world: World, ids: dict[str, str]) -> list[str]:
    lab = world.people.space("Elsewhere", "shared", "")
    world.people.api("PUT", f"/api/v1/apps/{ids['app']}/space", {"spaceId": lab})
    return ["App general-ledger", 'does not lie in the space "Finance" any more']


def another_stack(world: World, ids: dict[str, str]) -> list[str]:
    world.people.change_space(ids["finance"], description="[qlift sample/0123456789ab hr-prod -]")
    return ["Space finance", "the stack hr-prod made or adopted it", "let that stack give it up first"]


CHANGES = [
    a_description,
    a_name,
    roles,
    a_task,
    a_space_that_went,
    an_app_that_went,
    an_app_that_moved,
    another_stack,
]


@pytest.mark.parametrize("change", CHANGES, ids=[c.__name__ for c in CHANGES])
def test_what_people_changed_since_the_review_is_refused(
    world: World, ids: dict[str, str], change: Callable[[World, dict[str, str]], list[str]]
) -> None:
    world.adopt()
    signs = change(world, ids)
    world.simulator.clock.advance(200)
    with pytest.raises(Refused) as refused:
        world.up()
    assert all(sign in str(refused.value) for sign in signs), refused.value
    held = [f"{kind} {key}" for kind, key in world.run.state]
    assert not any(key.startswith(signs[0]) for key in held)


def test_an_owner_who_changed_since_the_review_is_refused(world: World, ids: dict[str, str]) -> None:
    world.adopt()
    world.people.change_space(ids["finance"], ownerId=world.people.user("ACME\\tilda.horvat"))
    with pytest.raises(Exception, match=r"its owner is 'ACME\\\\tilda.horvat' in the tenant"):
        world.up()


def test_no_word_of_it_in_adopted_yaml_stops_the_preview(world: World, ids: dict[str, str]) -> None:
    missing = {f.object for f in world.derived(with_errors=True).errors if f.code == "ADOPTED-MISSING"}
    assert {"finance", "sales-lab", adoptable(world.derived(with_errors=True))[0].key} <= missing
    assert "qlift adopt" in world.derived(with_errors=True).errors[0].remedy
    world.adopt()
    assert not world.derived().errors


def test_without_adopt_it_is_a_conflict(world: World, ids: dict[str, str]) -> None:
    del world.plan["adopt"]
    before = of_spaces(world, "Finance", "Sales Lab")
    with pytest.raises(Refused, match="is taken by a space that is not ours"):
        world.up()
    assert of_spaces(world, "Finance", "Sales Lab") == before


def test_adopt_that_is_taken_back_is_refused(world: World, ids: dict[str, str]) -> None:
    """Without the former values an undo would delete what people had."""
    world.adopt()
    world.up()
    del world.plan["adopt"]
    with pytest.raises(Refused, match=r"it was adopted, and the plan or adopted\.yaml does not say so"):
        world.up()


def test_former_values_stay_what_they_were(world: World, ids: dict[str, str]) -> None:
    world.adopt()
    world.up()
    path = world.phase / ADOPTED
    path.write_text(path.read_text(encoding="utf-8").replace("Ours since 2019", "Nobody's"), encoding="utf-8")
    with pytest.raises(Refused, match="are not those that it was adopted with"):
        world.up()


def test_what_the_stack_made_itself_is_not_adopted(world: World) -> None:
    """An adopted.yaml that was lost after the first run, and written anew."""
    world.adopt()
    world.up()
    (world.phase / ADOPTED).unlink()
    world.adopt()
    file = load_adopted(world.phase / ADOPTED).of(TARGET)
    assert set(file.spaces.values()) == {NEW} == set(file.apps.values())
    # Roles carry no line by which the tool would know them.
    with pytest.raises(Refused, match="this stack made it itself"):
        world.up()


def test_an_adopted_app_keeps_its_content(world: World, ids: dict[str, str]) -> None:
    before = world.dump()
    world.adopt()
    world.up()
    app, _ = adoptable(world.derived())
    edit_sheet(world.simulator.store, app.source.id)
    world.export()
    assert adoptable(world.derived())[0].fingerprint != app.fingerprint
    assert not world.up()
    assert [a["sha256"] for a in world.dump()["apps"] if a["id"] == ids["app"]] == [None]
    world.run.destroy()
    world.simulator.clock.advance(200)
    assert world.dump() == before


def test_an_adopted_app_that_is_renamed_in_the_source(world: World, ids: dict[str, str]) -> None:
    """Its logical name changes; what it was before stands under the old one."""
    before = world.dump()
    world.adopt()
    world.up()
    app, _ = adoptable(world.derived())
    rename_app(world.simulator.store, app.source.id, "Main Ledger")
    world.export()
    text = (world.phase / ADOPTED).read_bytes()
    assert not world.adopt().problems and (world.phase / ADOPTED).read_bytes() == text
    renamed = adoptable(world.derived())[0]
    assert renamed.key != app.key and renamed.former == app.former
    for kind, key in list(world.run.state):
        # As the engine does with aliases.
        if key == app.key:
            world.run.state[kind, renamed.key] = world.run.state.pop((kind, key))
    world.up()
    assert world.people.api("GET", f"/api/v1/apps/{ids['app']}")["attributes"]["name"] == "Main Ledger"
    world.run.destroy()
    world.simulator.clock.advance(200)
    assert world.dump() == before


def test_an_assignment_whose_assignee_is_called_otherwise(world: World, ids: dict[str, str]) -> None:
    """Another logical name of the same assignment: what it was is not what the tool made of it."""
    world.adopt()
    world.up()
    file = load_adopted(world.phase / ADOPTED)
    known = file.of(TARGET)
    entries = dict(known.assignments)
    former = entries.pop(READERS_KEY)
    renamed = known.model_copy(update={"assignments": {**entries, "finance.group-of-old": former}})
    world.write(file.replaced(TARGET, renamed))
    world.adopt()
    assert load_adopted(world.phase / ADOPTED).of(TARGET).assignments[READERS_KEY] == former


def test_people_who_were_made_anew_get_their_space_back(world: World, ids: dict[str, str]) -> None:
    """Jane's user was deleted and made again: another id, the same subject."""
    world.adopt()
    world.up()
    jane = world.people.user(JANE)
    world.people.api("DELETE", f"/api/v1/users/{jane}")
    world.people.api("POST", "/api/v1/users", {"subject": JANE, "name": "Zoe", "email": "zoe@acme.example"})
    again = world.people.user(JANE)
    assert again != jane
    world.run.destroy()
    space = world.people.api("GET", f"/api/v1/spaces/{ids['finance']}")
    assert space["ownerId"] == again


def test_a_role_that_an_administrator_removed_stays_removed_by_an_undo(
    world: World, ids: dict[str, str]
) -> None:
    world.adopt()
    world.up()
    path = f"/api/v1/spaces/{ids['finance']}/assignments"
    group = world.people.group(READERS)
    [found] = [a for a in world.people.api("GET", f"{path}?limit=100")["data"] if a["assigneeId"] == group]
    world.people.api("DELETE", f"{path}/{found['id']}")
    with pytest.raises(Refused, match="not there any more"):
        world.up()
    world.run.destroy()
    assert group not in [a["assigneeId"] for a in world.people.api("GET", f"{path}?limit=100")["data"]]
