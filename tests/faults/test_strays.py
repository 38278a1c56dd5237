"""What a run made and could not record, and what the plan then let go of, is named and left alone."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

from providers.base import Refusal
from providers.claims import ALLOW_VARIABLE
from qlift.simulator import Switches
from qlift.simulator.tenant.apps import save
from qlift.simulator.tenant.dump import canonical, dump
from qlift.simulator.tenant.world import APP, SPACE, USER
from tests.faults.life import LAG_IS_OVER, program, tenant
from tests.faults.others import Others
from tests.faults.plans import AppPlan, Plan, SpacePlan
from tests.faults.tenant import Kill, Killed
from tests.support.engine_model import EngineModel, Ran

LITTLE = Plan(SpacePlan())
MUCH = Plan(
    SpacePlan(),
    attic=SpacePlan(),
    fin=SpacePlan(),
    ledger=AppPlan(published="move"),
    budget=AppPlan(owner="ben"),
    notes=AppPlan(space="attic"),
    diary=AppPlan(),
)
ANOTHER = {"id": "0" * 24, "_itemId": "1" * 24}
WRITES = 36
"""Of the run from the one to the other, about."""


class Life:
    """`told`: ids that the last run named as strays."""

    def __init__(self, caplog: pytest.LogCaptureFixture, item_lag: float = 1.0) -> None:
        tenant.reset(Switches(item_lag=item_lag))
        self._before = {i for _, i in tenant.copy_of_ids()}
        self.engine = EngineModel(tenant.begin, (Refusal,))
        self._caplog = caplog

    def up(self, plan: Plan) -> Ran:
        return self._run(lambda: self.engine.up(program(plan), random.Random(0)))

    def preview(self, plan: Plan, *, after: float = LAG_IS_OVER) -> Ran:
        """`after`: seconds."""
        return self._run(lambda: self.engine.preview(program(plan), random.Random(0)), after)

    def killed_up(self, plan: Plan, write: int) -> bool:
        """Without checkpoints. False: the run was over before."""
        known = list(self.engine.state)
        try:
            with tenant.disturbed(kill=Kill(write, after=True)):
                self.engine.up(program(plan), random.Random(0))
        except Killed:
            self.engine.state = known
            return True
        return False

    def _run(self, run: Callable[[], Ran], after: float = LAG_IS_OVER) -> Ran:
        tenant.world.clock.advance(after)
        self._caplog.clear()
        ran = run()
        assert ran.failures == []
        return ran

    @property
    def told(self) -> list[str]:
        lines = [m for m in self._caplog.messages if "with this stack's mark" in m]
        assert len(lines) < 2
        return sorted(re.findall(r"\(([0-9a-f-]{24,36})\)", "".join(lines)))

    def unknown(self) -> list[str]:
        """Spaces and apps that a run made and the state does not hold; not what is in people's own spaces."""
        held = {r.id for r in self.engine.state} | self._before
        made = [d for k in (SPACE, APP) for d in tenant.world.store.all(k) if d["id"] not in held]
        return sorted(d["id"] for d in made if d.get("spaceId") != "" or d["ownerId"] == self.tool)

    @property
    def tool(self) -> str:
        """Its user id."""
        return next(str(u["id"]) for u in tenant.world.store.all(USER) if u["subject"].startswith("qlikbot"))


def test_what_a_killed_run_made_of_a_plan_that_is_no_more_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """Killed after each of its writes, with nothing of it in the state."""
    seen: set[int] = set()
    for write in range(1, WRITES):
        life = Life(caplog)
        life.up(LITTLE)
        if not life.killed_up(MUCH, write):
            break
        before = life.unknown()
        assert life.preview(LITTLE).changes == []
        assert life.told == before
        assert life.up(LITTLE).changes == []
        assert life.told == before == life.unknown()
        seen.add(len(before))
        # Planned again, it is taken over.
        life.preview(MUCH)
        assert life.told == []
        life.up(MUCH)
        assert life.told == life.unknown() == []
    assert seen == set(range(7))


def test_a_copy_that_was_listed_after_the_next_run_had_looked(caplog: pytest.LogCaptureFixture) -> None:
    """The one case that no waiting excludes, for lists lag longer than the target says."""
    imported, described = 3, 6
    notes = Plan(SpacePlan(), notes=AppPlan())
    life = Life(caplog, item_lag=120.0)
    life.up(LITTLE)
    assert life.killed_up(notes, described)
    copies = life.unknown()
    assert [a["name"] for a in tenant.world.store.all(APP) if a["id"] in copies] == ["Notes"]
    life.engine.up(program(notes), random.Random(0))
    for _ in range(2):
        life.preview(notes)
        assert life.told == copies
        assert life.up(notes).changes == []
        assert life.told == copies == life.unknown()

    life = Life(caplog, item_lag=120.0)
    life.up(LITTLE)
    assert life.killed_up(notes, imported)
    life.engine.up(program(notes), random.Random(0))
    # Nobody works with an app of such a name, so this one goes.
    assert len(life.preview(notes).updated) == 1
    assert life.told == []
    life.up(notes)
    assert life.told == life.unknown() == []


def test_of_two_copies_the_run_that_takes_one_over_names_the_other(caplog: pytest.LogCaptureFixture) -> None:
    notes = Plan(SpacePlan(), notes=AppPlan())
    described = 6
    life = Life(caplog, item_lag=120.0)
    life.up(LITTLE)
    assert life.killed_up(notes, described)
    assert life.killed_up(notes, described)
    copies = life.unknown()
    life.up(notes)
    assert len(copies) == 2 and len(life.told) == 1 and life.told == life.unknown()


def test_nothing_is_named_that_is_known_or_others(caplog: pytest.LogCaptureFixture) -> None:
    """Objects that are made, leave the plan, are replaced; duplicates of people's; another stack's."""
    life = Life(caplog, item_lag=15.0)
    others = Others(tenant, life.engine)
    life.preview(MUCH)
    assert life.told == []
    life.up(MUCH)
    # Of the four, all but the personal one.
    for edit in ("a duplicate of our app", "a duplicate in a space of their own"):
        assert sum(others.do(edit, app) for app in range(4)) == 3
    ours = next(a for a in tenant.world.store.all(APP) if "[qlift" in a["description"] and a["spaceId"])
    save(tenant.world, {**ours, **ANOTHER, "description": ours["description"].replace(" demo ", " test ")})
    newer = Plan(SpacePlan(), attic=SpacePlan(), notes=AppPlan(space="attic", version=1))
    for plan in (MUCH, newer, Plan(SpacePlan(), attic=SpacePlan())):
        before = canonical(dump(tenant.world, ids=True))
        life.preview(plan)
        assert life.told == []
        assert canonical(dump(tenant.world, ids=True)) == before
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(ALLOW_VARIABLE, "17")
            life.up(plan)
        assert life.told == []
        # What was deleted a moment ago is still listed.
        life.preview(plan, after=0.0)
        assert life.told == []
