"""What people do in our apps while a run was stopped, or an undo had begun, is never taken for our own."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from providers.base import Refusal
from providers.edits import Decision
from qlift.cloud.errors import CloudError
from qlift.simulator import Fault, Switches
from qlift.simulator.tenant import items
from qlift.simulator.tenant.apps import save
from qlift.simulator.tenant.content import new_object
from qlift.simulator.tenant.world import APP, CLIENT
from tests.faults.life import Step, allowed, check, program, tenant
from tests.faults.others import Others
from tests.faults.people import schedule, share, user
from tests.faults.plans import AppPlan, Plan, SpacePlan, newer
from tests.faults.tenant import Kill, Killed
from tests.faults.test_found import life
from tests.support.declared import Declared
from tests.support.engine_model import EngineModel, Ran, Resource

DAY = 86_400.0
SHEET = "Weeks of work"
NO_OWNER = (Fault(method="PUT", path="/owner$", action="status:500", times=9),)
STAGED = Plan(SpacePlan(), budget=AppPlan(owner="ben"))
PUBLISHED = Plan(
    SpacePlan(), fin=SpacePlan(), budget=AppPlan(published="copy", owner="ben", published_owner="ben")
)
PERSONAL = Plan(SpacePlan(), diary=AppPlan())
PLANS = pytest.mark.parametrize("plan", [STAGED, PUBLISHED], ids=["staged", "published"])


class Stack:
    def __init__(self, skew: float = 0.0, switches: Switches | None = None) -> None:
        tenant.reset(switches or Switches(), skew=(skew, 1.0))
        self.engine = EngineModel(tenant.begin, (Refusal,), of=(Refusal, CloudError))

    def up(self, plan: Plan, *faults: Fault, kill: Kill | None = None, decision: Decision = "ask") -> Ran:
        chosen = program(plan, decision)
        with tenant.disturbed(*faults, kill=kill):
            return self._run(chosen, lambda: self.engine.up(chosen, random.Random(0)))

    def preview(self, plan: Plan) -> Ran:
        chosen = program(plan)
        return self._run(chosen, lambda: self.engine.preview(chosen, random.Random(0)))

    def destroy(self, kill: Kill | None = None) -> Ran:
        with tenant.disturbed(kill=kill):
            return self._run([], lambda: self.engine.destroy(random.Random(0)))

    def _run(self, declared: list[Declared], run: Callable[[], Ran]) -> Ran:
        """Also one that is killed; it has then no failures."""
        try:
            with allowed(self.engine, declared):
                return run()
        except Killed:
            return Ran()

    def up_and_work(self, plan: Plan) -> None:
        """A day after the run people work in it, and another day goes by."""
        assert not self.up(plan).failures
        later(DAY)
        self.work()
        later(DAY)

    def lose_origin(self) -> None:
        """Somebody deletes the app that the publication was published from."""
        [staged] = self.rows("App")
        assert Others(tenant, self.engine).do("delete our app", 0) and tenant.world.app(staged.id) is None
        later(600)

    def lives_on_without_owners(self, plan: Plan) -> None:
        """They are undone after a day, as with `--target`: what is no target is neither read nor deleted."""
        assert not self.up(plan).failures
        later(DAY)
        owners = self.rows("AppOwner")
        others = [r for r in self.engine.state if r not in owners]
        self.engine.state = owners
        assert not self.destroy().failures
        self.engine.state = others

    def rows(self, kind: str) -> list[Resource]:
        return [r for r in self.engine.state if r.key[0] == kind]

    @property
    def app(self) -> str:
        """Id of the app that people work in."""
        return next(r.id for kind in ("AppPublication", "App") for r in self.rows(kind))

    def work(self) -> None:
        app = tenant.world.app(self.app)
        assert app is not None
        sheet = new_object(
            engine_object_id=tenant.world.new_uuid("object"),
            object_type="sheet",
            name=SHEET,
            published=True,
            approved=True,
            owner_id=user("olga"),
            content=0,
        )
        app["_objects"].append(sheet)
        save(tenant.world, app)

    def is_kept(self, app_id: str) -> bool:
        """With the work in it."""
        app = tenant.world.app(app_id)
        return app is not None and not app["_deletedAt"] and any(o["name"] == SHEET for o in app["_objects"])

    def while_deleting(self, act: Callable[[], None]) -> None:
        """After the first delete, when all that a run lists has been listed."""
        step, left = self.engine._step, [act]

        def stepped(call: Callable[..., Any], *args: Any) -> Any:
            done = step(call, *args)
            if call.__name__ == "delete" and left:
                left.pop()()
            return done

        self.engine._step = stepped  # type: ignore[method-assign]


def later(seconds: float) -> None:
    tenant.world.clock.advance(seconds)


@PLANS
def test_a_run_that_stopped_before_the_owners(plan: Plan) -> None:
    """The app is the tool's though the plan gives it away: nobody has taken it back."""
    stack = Stack()
    assert stack.up(plan, *NO_OWNER).failures
    later(3 * DAY)
    stack.work()
    later(DAY)
    app = stack.app
    told = " ".join(stack.destroy().failures)
    assert "would delete 1 apps" in told and ", or taken back from its owner then" in told, told
    assert stack.is_kept(app)
    # The owner comes, and what was found before stays known.
    assert not stack.up(plan).failures
    later(DAY)
    assert "would delete 1 apps" in " ".join(stack.destroy().failures)
    assert stack.is_kept(app)


def test_such_an_app_is_not_published_over_either() -> None:
    stack = Stack()
    stack.up(PUBLISHED, *NO_OWNER)
    later(3 * DAY)
    stack.work()
    later(DAY)
    assert "people changed it in the tenant" in " ".join(stack.up(newer(PUBLISHED)).failures)
    assert stack.is_kept(stack.app)


def test_an_app_whose_origin_is_gone_is_not_published_over_in_silence() -> None:
    """The content is the same; publishing it from the origin that is made anew would lose their sheet."""
    stack = Stack()
    stack.up_and_work(PUBLISHED)
    app = stack.app
    stack.lose_origin()
    for told in (" ".join(stack.preview(PUBLISHED).failures), " ".join(stack.up(PUBLISHED).failures)):
        assert "its origin is another app" in told and "on_source_change" in told, told
    assert stack.is_kept(app)
    assert not stack.up(PUBLISHED, decision="new_copy").failures
    assert stack.is_kept(app) and stack.app != app
    later(DAY)
    assert not stack.up(PUBLISHED).changes


def test_what_people_did_is_remembered_when_it_is_published_from_a_new_origin() -> None:
    stack = Stack()
    stack.up_and_work(PUBLISHED)
    stack.lose_origin()
    assert not stack.up(PUBLISHED, decision="republish").failures
    later(DAY)
    assert "would delete 1 apps" in " ".join(stack.destroy().failures)


@pytest.mark.parametrize("goal", [PUBLISHED, newer(PUBLISHED)], ids=["new origin", "new content"])
def test_what_a_killed_run_published_is_not_published_again_over_later_work(goal: Plan) -> None:
    """Nothing of that run was recorded, and its content is there."""
    stack = Stack()
    assert not stack.up(PUBLISHED).failures
    later(DAY)
    if goal is PUBLISHED:
        stack.lose_origin()
    known = list(stack.engine.state)
    for write in range(1, 20):
        tenant.requests.clear()
        stack.up(goal, kill=Kill(write, after=True))
        stack.engine.state = list(known)
        later(600)
        if any(r[0] == "PUT" and r[1].endswith("/publish") for r in tenant.requests):
            break
    app = stack.app
    later(3 * DAY)
    stack.work()
    later(DAY)
    ran = stack.up(goal)
    assert stack.is_kept(app), ran.failures
    later(DAY)
    assert not ran.failures and not stack.up(goal).changes
    assert "would delete 1 apps" in " ".join(stack.destroy().failures)
    assert stack.is_kept(app)


def test_a_personal_app_that_its_owner_deleted_is_replaced() -> None:
    """The log says nothing of that; the client reaches such apps, so what it does not see is gone."""
    stack = Stack()
    assert not stack.up(PERSONAL).failures
    later(DAY)
    app = tenant.world.app(stack.app)
    assert app is not None
    items.record(tenant.world, app, None)
    tenant.world.store.delete(APP, app["id"])
    later(600)
    assert not stack.up(newer(PERSONAL)).failures
    later(600)
    assert not stack.up(newer(PERSONAL)).changes
    assert not stack.destroy().failures and not stack.engine.state


def test_an_origin_that_a_killed_run_published_from_is_no_change_by_people() -> None:
    for after in (False, True):
        for write in range(1, 9):
            stack = Stack()
            assert not stack.up(PUBLISHED).failures
            later(DAY)
            stack.lose_origin()
            known = list(stack.engine.state)
            stack.up(PUBLISHED, kill=Kill(write, after))
            stack.engine.state = known
            later(600)
            assert not stack.preview(PUBLISHED).failures
            assert not stack.up(PUBLISHED).failures
            later(600)
            assert not stack.up(PUBLISHED).changes


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("undo", ["destroy", "up without it", "destroy without its owner"])
def test_a_personal_app_out_of_reach_is_not_taken_for_gone(status: int, undo: str) -> None:
    """The client has lost its scope since; which of the two a tenant answers then says nothing."""
    stack = Stack(switches=Switches(app_missing_status=status))
    assert not stack.up(PERSONAL).failures
    later(DAY)
    app = stack.app
    [client] = tenant.world.store.all(CLIENT)
    scopes = client["allowedScopes"]
    client["allowedScopes"] = [s for s in scopes if s != "admin.apps"]
    if undo == "destroy without its owner":
        stack.engine.state = [r for r in stack.engine.state if r.key[0] != "AppOwner"]
    known = [r.key for kind in ("App", "AppOwner") for r in stack.rows(kind)]
    ran = stack.up(Plan(SpacePlan())) if undo == "up without it" else stack.destroy()
    assert "use an OAuth client with admin.apps" in " ".join(ran.failures)
    assert tenant.world.app(app) is not None
    assert [r.key for kind in ("App", "AppOwner") for r in stack.rows(kind)] == known
    client["allowedScopes"] = scopes
    later(DAY)
    assert not stack.destroy().failures
    assert tenant.world.app(app) is None and not stack.engine.state


@PLANS
@pytest.mark.parametrize("skew", [0.0, 7200.0, -7200.0, 30 * DAY])
def test_owners_that_were_undone_alone(plan: Plan, skew: float) -> None:
    """Two weeks of work after that; whatever this machine's clock says."""
    stack = Stack(skew)
    stack.lives_on_without_owners(plan)
    later(14 * DAY)
    stack.work()
    later(DAY)
    app = stack.app
    assert ", or taken back from its owner then" in " ".join(stack.destroy().failures)
    assert stack.is_kept(app)


@PLANS
@pytest.mark.parametrize("skew", [0.0, 7200.0, -7200.0, 30 * DAY])
def test_an_undo_that_goes_on_at_once_takes_its_own_work_for_its_own(plan: Plan, skew: float) -> None:
    stack = Stack(skew)
    stack.lives_on_without_owners(plan)
    later(1800)
    assert not stack.destroy().failures
    assert not stack.engine.state


@pytest.mark.parametrize("plan", [STAGED, PUBLISHED, PERSONAL], ids=["staged", "published", "personal"])
@pytest.mark.parametrize("after", [False, True])
def test_an_undo_that_was_killed_anywhere_goes_on(plan: Plan, after: bool) -> None:
    """Or is taken back by an `up`, after which the apps are as if nothing had been."""
    for write in range(1, 15):
        kill = Step("destroy", kill=Kill(write, after))
        then = Step("destroy") if write % 2 else Step("up")
        check(life(Step("up"), Step("wait"), kill, Step("wait"), then, plans=(plan,)))


@pytest.mark.parametrize("plan", [STAGED, PUBLISHED, PERSONAL], ids=["staged", "published", "personal"])
@pytest.mark.parametrize("after", [False, True])
def test_an_undo_that_was_killed_anywhere_asks_nothing(plan: Plan, after: bool) -> None:
    """Nor does one after the `up` that took it back: nobody worked there."""
    for write in range(1, 15):
        stack = Stack()
        assert not stack.up(plan).failures
        later(DAY)
        stack.destroy(Kill(write, after))
        later(600)
        if write % 2 == 0:
            assert not stack.up(plan).failures, write
            later(DAY)
        assert not stack.destroy().failures, write
        assert not stack.engine.state, write


@PLANS
def test_the_app_changes_only_right_before_its_delete(plan: Plan) -> None:
    """People work in it after the run was killed, and before anything of its own has been touched."""
    stack = Stack()
    assert not stack.up(plan).failures
    later(DAY)
    owners = len(stack.rows("AppOwner"))
    for write in range(1, 9):
        stack.destroy(Kill(write, after=False))
        if len(stack.rows("AppOwner")) < owners:
            break
    later(600)
    app = stack.app
    stack.work()
    later(600)
    assert "would delete 1 apps" in " ".join(stack.destroy().failures)
    assert stack.is_kept(app)


@PLANS
def test_an_owner_that_a_killed_run_gave_it_to(plan: Plan) -> None:
    """The state does not know; work of the days after that is no write of that run."""
    stack = Stack()
    stack.up(plan, *NO_OWNER)
    known = list(stack.engine.state)
    later(DAY)
    assert not stack.up(plan).failures
    stack.engine.state = known
    app = stack.app
    later(DAY)
    stack.work()
    later(DAY)
    assert not stack.up(plan).failures
    told = " ".join(stack.destroy().failures)
    assert "would delete" in told and ", or given to its owner then" in told, told
    assert stack.is_kept(app)


@PLANS
def test_an_owner_that_leaves_the_plan_is_no_change_by_people(plan: Plan) -> None:
    """Its delete comes two minutes after the run's last write of the app."""
    without = Plan(SpacePlan(), fin=plan.fin, budget=AppPlan(published=plan.budget.published))  # type: ignore[union-attr]
    stack = Stack()
    assert not stack.up(plan).failures
    later(DAY)
    delete = stack.engine._delete

    def slowly(*args: Any, **rest: Any) -> None:
        later(120)
        delete(*args, **rest)

    stack.engine._delete = slowly  # type: ignore[method-assign]
    assert not stack.up(without).failures
    apps = [tenant.world.app(r.id) for r in stack.rows("App")]
    assert all(a is not None and a["ownerId"] != user("ben") for a in apps)
    later(DAY)
    assert not stack.destroy().failures


def test_an_owner_that_leaves_does_not_hide_work_in_an_app_that_is_replaced() -> None:
    """The source changed too; somebody works in the old app after the run has looked at it."""
    stack = Stack()
    assert not stack.up(STAGED).failures
    later(DAY)
    app, delete = stack.app, stack.engine._delete

    def meanwhile(*args: Any, **rest: Any) -> None:
        stack.work()
        later(120)
        delete(*args, **rest)

    stack.engine._delete = meanwhile  # type: ignore[method-assign]
    told = " ".join(stack.up(newer(Plan(SpacePlan(), budget=AppPlan()))).failures)
    assert "would delete 1 apps" in told and app in told, told
    assert stack.is_kept(app)


@PLANS
def test_without_a_refresh_no_owner_is_taken_back(plan: Plan) -> None:
    """Its delete comes first, nothing tells that the app goes too, and its new date would hide the work."""
    stack = Stack()
    stack.up_and_work(plan)
    app = stack.app
    stack.engine._read_all = lambda order: None  # type: ignore[method-assign]
    assert "without a refresh" in " ".join(stack.destroy().failures)
    assert stack.is_kept(app)


@pytest.mark.parametrize("what", ["schedule", "share"])
def test_what_comes_beside_an_app_while_the_undo_runs(what: str) -> None:
    """The lists of the run's beginning do not know it."""
    stack = Stack()
    notes = Plan(SpacePlan(), budget=AppPlan(schedules=1), notes=AppPlan())
    assert not stack.up(notes).failures
    later(DAY)
    app_id = next(r.id for r in stack.rows("App") if r.key[1].startswith("notes"))
    add = schedule if what == "schedule" else share
    stack.while_deleting(lambda: add(app_id))
    told = " ".join(stack.destroy().failures)
    assert 'app "Notes"' in told and ("Before the board meets" in told or "shared with 1" in told), told
    app = tenant.world.app(app_id)
    assert app is not None and not app["_deletedAt"]
