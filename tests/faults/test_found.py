"""What the generated lives found, each in the shortest form."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import product
from typing import Literal

import pytest

from providers.base import Refusal
from qlift.cloud.errors import CloudError
from qlift.simulator import Fault, Switches
from qlift.simulator.tenant.world import APP, SPACE
from tests.faults.life import LAG_IS_OVER, Case, Step, allowed, check, program, tenant
from tests.faults.others import Others
from tests.faults.plans import AppPlan, Plan, SpacePlan, desired, newer
from tests.faults.tenant import Kill
from tests.support.declared import declarations
from tests.support.engine_model import EngineModel


def life(*steps: Step, plans: tuple[Plan, ...], switches: Switches | None = None, lag: float = 20.0) -> Case:
    return Case(plans=plans, steps=steps, switches=switches or Switches(), skew=(0.0, 1.0), lag=lag)


def others(edit: str, pick: int = 0, *, later: bool = False) -> Step:
    return Step("others", others=(edit, pick), later=later)


def one_publication(published: Literal["copy", "move"]) -> Plan:
    rooms, app = Plan(SpacePlan(), fin=SpacePlan()), AppPlan(published=published)
    return replace(rooms, budget=app) if published == "copy" else replace(rooms, ledger=app)


def test_a_persons_duplicate_is_not_taken_for_ours_when_ours_is_deleted() -> None:
    """It lies in the same space and has our provenance in its description."""
    plan = Plan(SpacePlan(), budget=AppPlan())
    check(life(Step("up"), others("a duplicate of our app"), others("delete our app"), plans=(plan,)))


def test_a_role_that_was_taken_is_given_back_and_waited_for() -> None:
    """The new content of a published app comes right after the role without which nobody may publish."""
    first = Plan(SpacePlan(), fin=SpacePlan(owner="ben"), budget=AppPlan(published="copy"))
    later = Plan(SpacePlan(), fin=SpacePlan(owner="ben"), budget=AppPlan(published="copy", version=1))
    late = Switches(grant_lag=10.0)
    taken = others("change our roles", 1)
    check(life(Step("up"), taken, Step("up", plan=1), plans=(first, later), switches=late))


def test_an_owner_becomes_a_reader_where_owners_cannot_be_assigned() -> None:
    """The owner is taken back last, so the space had to be, for a moment, when the role was given."""
    refused = Switches(owner_assignment="refused")
    owner, reader = Plan(SpacePlan(owner="ann")), Plan(SpacePlan(reader="person"))
    check(life(Step("up"), Step("up", plan=1), plans=(owner, reader), switches=refused))
    both = Plan(SpacePlan(owner="ann", reader="person"))
    check(life(Step("up"), Step("up", plan=1), plans=(owner, both), switches=refused))


def test_content_that_comes_back_while_its_app_waits_to_be_deleted() -> None:
    """Not a find: the claim guard has held it since the beginning; random lives seldom come here."""
    first = Plan(SpacePlan(), budget=AppPlan())
    stuck = (Fault(method="DELETE", path="/apps/", times=9, action="status:503"),)
    check(life(Step("up"), Step("up", plan=1, faults=stuck), Step("up"), plans=(first, newer(first))))


def test_a_second_copy_goes_though_the_content_changed() -> None:
    """The answer of its import was lost, and it was listed too late to be found."""
    first = Plan(SpacePlan(), fin=SpacePlan(), ledger=AppPlan(published="move"))
    late = Switches(item_lag=120.0)
    for number in (1, 2):
        lost = (Fault(path="/apps/import", nth=number, when="after", action="drop"),)
        check(life(Step("up", faults=lost), Step("up", plan=1), plans=(first, newer(first)), switches=late))


@pytest.mark.parametrize("checkpoints", [True, False])
def test_apps_of_a_run_that_was_killed_a_moment_ago_are_waited_for(checkpoints: bool) -> None:
    """They are not listed yet, and where their spaces are in the state nothing tells that there was a run."""
    spaces = Plan(SpacePlan(), fin=SpacePlan())
    apps = Plan(
        SpacePlan(),
        fin=SpacePlan(),
        budget=AppPlan(published="copy", owner="ben", published_owner="ann"),
        diary=AppPlan(),
    )
    late = Switches(item_lag=15.0)
    for write in range(1, 16):
        killed = Step("up", plan=1, kill=Kill(write, after=True), checkpoints=checkpoints)
        check(life(Step("up"), killed, Step("up", plan=1), plans=(spaces, apps), switches=late))


def test_an_app_that_is_deleted_and_still_listed_is_not_taken_for_a_restored_one() -> None:
    """Its space is gone, it was ours, and the tenant says 403 of what does not exist."""
    plan = Plan(SpacePlan(), budget=AppPlan())
    late = Switches(item_lag=20.0, app_missing_status=403)
    again = life(Step("up"), Step("wait"), Step("destroy"), Step("up"), plans=(plan,), switches=late)
    # With a clock that is fast, so that the wait for the lists ends too early.
    check(replace(again, skew=(0.0, 1.05)))


def test_a_run_whose_token_ends_goes_on_with_another() -> None:
    """Not a find: at each of its writes; random lives seldom end a token."""
    plan = Plan(SpacePlan(), fin=SpacePlan(owner="ben"), budget=AppPlan(published="copy"))
    for write in range(1, 10):
        ended = (Fault(method="POST|PUT|PATCH", path="^/api", nth=write, action="expire"),)
        check(life(Step("up", faults=ended), plans=(plan,)))


@pytest.mark.parametrize("decision", ["republish", "new_copy"])
@pytest.mark.parametrize(
    "edit",
    [
        "rename our app",
        "move our app",
        "give our app away",
        "describe our publication",
        "a sheet of their own in our publication",
    ],
)
def test_what_people_did_in_an_app_is_asked_about_and_their_word_ends_it(
    edit: str, decision: Literal["republish", "new_copy"]
) -> None:
    """A day later: the same again, new content from the source, and a plan without the app."""
    published: Literal["", "copy"] = "copy" if "publication" in edit else ""
    rooms = Plan(SpacePlan(), attic=SpacePlan(), fin=SpacePlan())
    first = replace(rooms, budget=AppPlan(published=published))
    for later in (first, newer(first), rooms):
        lived = life(
            Step("up"), others(edit, later=True), Step("wait"), Step("up", plan=1), plans=(first, later)
        )
        check(replace(lived, decision=decision))


@pytest.mark.parametrize("published", ["copy", "move"])
def test_a_publication_that_nobody_recorded_is_published_again_where_its_origin_is_new(
    published: Literal["copy", "move"],
) -> None:
    """A run was killed right after it published, then the app that it published from was deleted."""
    plan = one_publication(published)
    for write in range(1, 20):
        killed = Step("up", kill=Kill(write, after=True))
        check(life(killed, others("delete our app"), plans=(plan,)))


def test_the_word_for_apps_that_new_content_replaces_counts_them_all() -> None:
    """The run that made their new halves stopped before the old ones went, and another process is asked."""
    app = AppPlan(space="attic", schedules=2)
    first = Plan(SpacePlan(), attic=SpacePlan(), notes=app, diary=replace(app, space="lab"))
    theirs = [others("delete our task and keep a duplicate", 3, later=True)] * 2
    for order in range(20):
        lived = life(Step("up"), *theirs, Step("wait"), Step("up", plan=1), plans=(first, newer(first)))
        check(replace(lived, order=order))


@pytest.mark.parametrize("published", ["copy", "move"])
def test_what_was_reloaded_in_a_publication_stays_where_its_origin_alone_is_new(
    published: Literal["copy", "move"],
) -> None:
    plan = one_publication(published)
    for unrecorded in (False, True):
        tenant.reset(Switches())
        engine = EngineModel(tenant.begin, (Refusal,), of=(Refusal, CloudError))
        assert engine.up(program(plan), random.Random(0)).failures == []
        made, origin = (
            next(r.id for r in engine.state if r.key[0] == kind) for kind in ("AppPublication", "App")
        )
        reloaded = {**(tenant.world.app(made) or {}), "_data": "of last night"}
        tenant.world.store.put(APP, made, reloaded)
        assert Others(tenant, engine).do("delete our app", 0)
        if unrecorded:
            engine.state = [r for r in engine.state if r.key[0] != "AppPublication"]
        tenant.world.clock.advance(LAG_IS_OVER)
        with allowed(engine, program(plan)):
            assert engine.up(program(plan), random.Random(0)).failures == []
        found = tenant.world.app(made)
        assert found is not None
        assert found["_data"] == "of last night"
        assert found["originAppId"] not in ("", origin)


@pytest.mark.parametrize("edit", ["delete our app", "delete our publication"])
def test_an_app_that_was_deleted_a_moment_ago_is_said_to_be_gone(edit: str) -> None:
    """It is still listed, and new content is on its way."""
    plan = Plan(SpacePlan(), fin=SpacePlan(), ledger=AppPlan(published="move"))
    late = Switches(item_lag=15.0)
    check(
        life(
            Step("up"),
            Step("wait"),
            others(edit),
            Step("up", plan=1),
            plans=(plan, newer(plan)),
            switches=late,
        )
    )


@pytest.mark.parametrize("after", [False, True])
def test_a_personal_app_that_a_killed_undo_deleted_comes_back(after: bool) -> None:
    """The state still has it, and what the tenant says of it may as well mean that it is out of reach."""
    plan = Plan(SpacePlan(), notes=AppPlan(), diary=AppPlan(owner="cleo", schedules=1))
    for write in range(1, 18):
        killed = Step("destroy", kill=Kill(write, after), checkpoints=False)
        check(life(Step("up"), killed, plans=(plan,)))


@pytest.mark.parametrize("published", ["", "copy"])
def test_a_persons_duplicate_of_our_task_is_left_alone_when_ours_is_deleted(
    published: Literal["", "copy"],
) -> None:
    """Its name ends in our mark."""
    plan = Plan(SpacePlan(), fin=SpacePlan(), budget=AppPlan(published=published, schedules=2))
    for pick in range(2):
        edit = others("delete our task and keep a duplicate", pick)
        check(life(Step("up"), edit, Step("up"), plans=(plan,)))


@pytest.mark.parametrize("action", ["drop", "status:504"])
def test_without_a_mark_a_lost_answer_is_found_out_too(action: str) -> None:
    """The lives all leave marks. A space is known by its name, a publication as what is new in its space."""
    plan = Plan(
        SpacePlan(), fin=SpacePlan(), budget=AppPlan(published="copy"), ledger=AppPlan(published="move")
    )
    program = declarations(desired(plan, tenant.app_file), stack="demo", provenance="none")
    for path, number in product(("/api/v1/spaces$", "/publish$"), (1, 2)):
        tenant.reset(Switches())
        engine = EngineModel(tenant.begin, (Refusal,), of=(Refusal, CloudError))
        lost = Fault(method="POST", path=path, nth=number, when="after", action=action)
        tenant.disturb((lost,), None)
        assert engine.up(program, random.Random(0)).failures == []
        made = tenant.world.store
        assert len(made.all(SPACE)) == len({s["name"] for s in made.all(SPACE)})
        apps = Counter((a["name"], a["spaceId"]) for a in made.all(APP))
        assert max(apps.values()) == 1, apps
        tenant.world.clock.advance(LAG_IS_OVER)
        assert not engine.up(program, random.Random(0)).changes
