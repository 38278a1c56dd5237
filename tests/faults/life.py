"""The life of a stack among faults, and what has to hold at its end."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import strategies as st

from providers.base import Refusal
from providers.claims import ALLOW_VARIABLE
from providers.edits import ALLOW_VARIABLE as ALLOW_CHANGED_VARIABLE
from providers.edits import Decision
from qlift.cloud.errors import CloudError
from qlift.simulator import Fault, Switches
from qlift.simulator.tenant.dump import canonical, dump
from qlift.simulator.tenant.world import APP, SPACE, TASK
from tests.faults.others import EDITS, Others
from tests.faults.plans import Plan, desired, newer, plans
from tests.faults.short import Short
from tests.faults.tenant import FaultyTenant, Kill, Killed
from tests.support.declared import Declared, Key, declarations
from tests.support.engine_model import EngineModel, Ran

LAG_IS_OVER = 400.0
"""Seconds: longer than any lag, and than an own write outlives a list in the index."""
RUNS_TO_CONVERGE = 6
"""Each but two may wait for an answer of people's: their content out of a space that goes, their word."""
_APPS = re.compile(r"\(([0-9a-f]{8}-[0-9a-f-]{27})\)")
"""Ids in a message."""
WRITES = "POST|PUT|PATCH|DELETE"

tenant = FaultyTenant()
_other_tenant = FaultyTenant()
"""For what an undisturbed run leaves."""


@dataclass(frozen=True, repr=False)
class Step(Short):
    """`others` is an edit of theirs and its pick; `plan` an index into the case's plans.

    `later`: so long after our last write that it counts as people's, not as its own echo.
    """

    what: Literal["up", "preview", "refresh", "destroy", "others", "wait"]
    plan: int = 0
    faults: tuple[Fault, ...] = ()
    others: tuple[str, int] = ("", 0)
    later: bool = False
    go_on: bool = False
    kill: Kill | None = None
    checkpoints: bool = True
    """False: PULUMI_SKIP_CHECKPOINTS; a kill then loses what the run wrote into the state."""
    order: int = 0


@dataclass(frozen=True, repr=False)
class Case(Short):
    plans: tuple[Plan, ...]
    steps: tuple[Step, ...]
    switches: Switches
    skew: tuple[float, float]
    lag: float
    """What the target says of how long lists lag."""
    decision: Decision = "republish"
    """What the plan says when it is asked for `apps.on_source_change`."""
    order: int = 0
    previewed: bool = True
    """The first run after the faults is looked at before."""
    destroyed: bool = True


AFTER = ("drop", "html", "html:503", "status:500", "status:502", "status:503", "status:504")
"""What may come when the request took effect. A 429 never does."""
BEFORE = (
    *AFTER,
    "cut:10",
    "truncate:10",
    "truncate:200",
    "status:429",
    "status:429:-",
    "status:429:41",
    "expire",
)
_faults = st.builds(
    lambda where, **rest: Fault(when=where[0], action=where[1], path="^/(?!oauth)", **rest),
    where=st.sampled_from([*(("before", a) for a in BEFORE), *(("after", a) for a in AFTER)]),
    method=st.sampled_from((WRITES, ".*", "GET", "DELETE")),
    nth=st.integers(1, 30),
    times=st.sampled_from((1, 1, 1, 2, 3, 9)),
)
_faults_of_a_step = st.lists(_faults, max_size=3).map(tuple)
_kills = st.none() | st.none() | st.none() | st.builds(Kill, st.integers(1, 30), st.booleans())
_runs = st.builds(
    Step,
    kill=_kills,
    checkpoints=st.booleans(),
    what=st.sampled_from(("up", "up", "up", "preview", "refresh", "destroy")),
    plan=st.integers(0, 1),
    faults=_faults_of_a_step,
    go_on=st.booleans(),
    order=st.integers(0, 99),
)
_edits = st.builds(
    Step,
    what=st.just("others"),
    others=st.tuples(st.sampled_from(sorted(EDITS)), st.integers(0, 5)),
    later=st.booleans(),
)
_waits = st.just(Step(what="wait"))
_switches = st.builds(
    Switches,
    item_lag=st.sampled_from((0.0, 1.0, 15.0, 120.0)),
    space_lag=st.sampled_from((0.0, 2.0, 10.0)),
    grant_lag=st.sampled_from((0.0, 2.0, 10.0)),
    app_missing_status=st.sampled_from((404, 403)),
    deleted_app_get_status=st.sampled_from((404, 410, 403)),
    app_error_body=st.sampled_from(("errors", "empty", "text")),
    last_page_link=st.sampled_from(("absent", "null")),
    location=st.sampled_from(("absolute", "path")),
    publish_move_keeps_id=st.booleans(),
    tasks_on_app_move=st.sampled_from(("disabled", "deleted")),
    owner_assignment=st.sampled_from(("accepted", "refused")),
)
cases = st.builds(
    Case,
    plans=plans().flatmap(lambda p: st.tuples(st.just(p), st.just(newer(p)) | plans())),
    # The first run makes something to work on; the others go wrong in what it made.
    steps=st.tuples(_runs, st.lists(st.one_of(_runs, _runs, _edits, _edits, _waits), max_size=4)).map(
        lambda s: (s[0], *s[1])
    ),
    switches=_switches,
    skew=st.sampled_from(((0.0, 1.0), (0.0, 1.0), (7200.0, 1.0), (-7200.0, 1.0), (0.0, 1.05), (0.0, 0.95))),
    lag=st.sampled_from((20.0, 130.0)),
    decision=st.sampled_from(("republish", "new_copy")),
    order=st.integers(0, 99),
    previewed=st.booleans(),
    destroyed=st.booleans(),
).map(lambda case: case)
"""Mapped, so that a failure shows a case in our short form."""


@functools.lru_cache(maxsize=20_000)
def program(plan: Plan, decision: Decision = "ask") -> list[Declared]:
    chosen = desired(plan, tenant.app_file).model_copy(update={"on_source_change": decision})
    return declarations(chosen, stack="demo", provenance="description")


@functools.lru_cache(maxsize=20_000)
def undisturbed(plan: Plan) -> tuple[str, str]:
    """The tenant before and after a run of the plan that nothing disturbs."""
    there = _other_tenant
    there.reset(Switches())
    engine = EngineModel(there.begin, ())
    others = Others(there, engine)
    before = canonical(ours(there, others))
    engine.up(program(plan), random.Random(0))
    return before, canonical(ours(there, others))


def check(case: Case) -> None:
    """Raises AssertionError, or whatever came out of a provider that is no word to a person."""
    tenant.reset(case.switches, skew=case.skew, lag=case.lag)
    engine = EngineModel(tenant.begin, (Refusal,), of=(Refusal, CloudError))
    others = Others(tenant, engine)
    plan = _live(case, engine, others)
    tenant.disturb((), None)
    _converge(plan, case, engine, others)
    before, wanted = undisturbed(plan)
    found = canonical(ours(tenant, others))
    assert found == wanted, difference(wanted, found)
    assert others.touched() == []
    assert tenant.problems == []
    if not case.destroyed:
        return
    _end(case, engine, others)
    found = canonical(ours(tenant, others))
    assert found == before, f"destroy left something behind: {difference(before, found)}"
    assert others.touched() == []


def _live(case: Case, engine: EngineModel, others: Others) -> Plan:
    """The plan at the end. It changes only after a run in which nothing but deletes failed.

    What a failed run made without being told, only a further run of the same plan knows again.
    """
    plan, failed, deleted = case.plans[case.steps[0].plan], False, _deleted_by_others(case)
    for step in case.steps:
        if step.what == "others":
            tenant.disturb((), None)
            if step.later:
                tenant.world.clock.advance(LAG_IS_OVER)
            others.do(*step.others)
            continue
        if step.what == "wait":
            tenant.world.clock.advance(LAG_IS_OVER)
            continue
        if step.what == "up" and not failed:
            plan = case.plans[step.plan]
        tenant.disturb(step.faults, step.kill)
        known = list(engine.state)
        settled = False
        try:
            ran = _run(step, plan if step.what == "up" else case.plans[step.plan], engine)
            settled = ran.settled
            if step.what == "up" and _no_trouble(step.faults):
                failures = [f for f in _without_refusals(ran) if "is gone; run" not in f or not deleted]
                assert failures == [], f"limits or an ended token alone made it fail: {ran.failures}"
            if step.what == "up" and not ran.failures and not deleted:
                missing = _missing(engine)
                assert missing == [], f"the state says what the tenant does not hold: {missing}"
        except Killed:
            if not step.checkpoints:
                engine.state = known
        if step.what == "up":
            failed = not settled
        if not settled and case.switches.item_lag > case.lag:
            # What is listed later than the target says is not known again at once.
            tenant.world.clock.advance(case.switches.item_lag)
    return plan


def _without_refusals(ran: Ran) -> list[str]:
    """A space that leaves the plan stays while others have something in it, an app while they changed it."""
    return [f for f in ran.failures if "it is not empty" not in f and "people changed" not in f]


def _deleted_by_others(case: Case) -> bool:
    """A list that lags tells of what somebody deleted a moment ago, so a run may not notice."""
    return any(s.others[0].startswith("delete") for s in case.steps)


def _missing(engine: EngineModel) -> list[Key]:
    kinds = {"Space": SPACE, "App": APP, "AppPublication": APP, "ReloadSchedule": TASK}
    rows = [r for r in engine.state if r.key[0] in kinds and not r.doomed]
    return [r.key for r in rows if tenant.world.store.get(kinds[r.key[0]], r.id) is None]


def _no_trouble(faults: tuple[Fault, ...]) -> bool:
    """What no run fails for: limits, and tokens that end once."""
    ended = [f.times for f in faults if f.action == "expire"]
    return ended in ([], [1]) and all(f.action.startswith(("status:429", "expire")) for f in faults)


def _run(step: Step, plan: Plan, engine: EngineModel) -> Ran:
    order = random.Random(step.order)
    if step.what == "preview":
        return _preview(engine, program(plan), order)
    if step.what == "refresh":
        return engine.refresh(order)
    chosen = program(plan) if step.what == "up" else []
    with allowed(engine, chosen):
        if step.what == "up":
            return engine.up(chosen, order, go_on=step.go_on)
        return engine.destroy(order, go_on=step.go_on)


def _preview(engine: EngineModel, chosen: list[Declared], order: random.Random, changed_apps: int = 0) -> Ran:
    tenant.requests.clear()
    with allowed(engine, chosen, changed_apps):
        ran = engine.preview(chosen, order)
    writes = [r for r in tenant.requests if r[0] not in ("GET", "HEAD") and not r[1].startswith("/oauth")]
    assert writes == [], f"a preview changed something: {writes}"
    return ran


class Answers:
    """What people say and do who have read a refusal."""

    def __init__(self, case: Case, engine: EngineModel, others: Others) -> None:
        self._case, self._engine, self._others = case, engine, others
        self._doubts = any(s.kill or s.faults for s in case.steps)
        """What a run wrote and could not record looks like people's work."""
        self.decision: Decision = "ask"
        self.changed_apps = 0
        """So many apps with people's changes in them may be deleted."""

    def up(self, plan: Plan, order: random.Random) -> Ran:
        held = self._others.apps({r.id for r in self._engine.state})
        chosen = program(plan, self.decision)
        with allowed(self._engine, chosen, self.changed_apps):
            ran = self._engine.up(chosen, order)
        if self.decision == "new_copy":
            still = {r.id for r in self._engine.state}
            self._others.keep({i: a for i, a in held.items() if i not in still})
        self.changed_apps = 0
        return ran

    def preview(self, plan: Plan, order: random.Random) -> Ran:
        return _preview(self._engine, program(plan, self.decision), order, self.changed_apps)

    def destroy(self, order: random.Random) -> Ran:
        with allowed(self._engine, [], self.changed_apps):
            ran = self._engine.destroy(order, go_on=True)
        self.changed_apps = 0
        return ran

    def read(self, failures: list[str]) -> None:
        told = "; ".join(failures)
        untouched = set(_APPS.findall(told)) - self._others.edited_apps if "people changed" in told else ()
        assert not untouched or self._doubts, f"nobody changed {untouched}: {told}"
        if "it is not empty" in told:
            self._others.leave()
        if "apps.on_source_change" in told:
            self.decision = self._case.decision
        if asked := re.search(rf"{ALLOW_CHANGED_VARIABLE}=(\d+)$", failures[0]):
            self.changed_apps = int(asked[1])


def _converge(last: Plan, case: Case, engine: EngineModel, others: Others) -> None:
    order, people = random.Random(case.order), Answers(case, engine, others)
    for number in range(RUNS_TO_CONVERGE):
        tenant.world.clock.advance(LAG_IS_OVER)
        announced = people.preview(last, order) if case.previewed else None
        ran = people.up(last, order)
        failures = _without_refusals(ran)
        assert failures == [], f"run {number + 1} without faults failed: {failures}"
        if ran.failures:
            people.read(ran.failures)
            stopped = any("people changed" in f for f in ran.failures)
            assert announced is None or announced.failures or not stopped, "it stops, and no preview said so"
            continue
        if announced is not None:
            surprises = [c for c in ran.changes if c not in announced.changes]
            assert surprises == [], f"not in the preview: {surprises}"
        if not ran.changes:
            return
    raise AssertionError(f"run {RUNS_TO_CONVERGE} was not empty: {ran.changes}, {ran.failures}")


def _end(case: Case, engine: EngineModel, others: Others) -> None:
    """Spaces with content of others in them are refused, and apps that people changed, until they answer."""
    order, people = random.Random(case.order), Answers(case, engine, others)
    for _ in range(RUNS_TO_CONVERGE):
        tenant.world.clock.advance(LAG_IS_OVER)
        ran = people.destroy(order)
        if not ran.failures:
            break
        assert _without_refusals(ran) == []
        people.read(ran.failures)
    assert engine.state == [], ran.failures


@contextlib.contextmanager
def allowed(engine: EngineModel, chosen: list[Declared], changed_apps: int = 0) -> Iterator[None]:
    """The one-shot words for this run's deletes, as a person gives them who has read the refusals."""
    declared = {d.key for d in chosen}
    doomed = {r.key for r in engine.state if r.key not in declared and r.key[0] != "DeleteGuard"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, ALLOW_VARIABLE, str(len(doomed)))
        if changed_apps:
            patch.setitem(os.environ, ALLOW_CHANGED_VARIABLE, str(changed_apps))
        yield


def ours(tenant: FaultyTenant, others: Others) -> Any:
    """The tenant without ids, times, what is volatile, and what belongs to others."""
    theirs = {id_ for _, id_ in others.made} | set(others.sheets)
    return _without(dump(tenant.world, ids=True), theirs)


_VOLATILE = ("id", "disabledCode")
"""`disabledCode` tells why a task was disabled before, not what it does."""


def _without(value: Any, theirs: set[str]) -> Any:
    if isinstance(value, list):
        rows = [v for v in value if not (isinstance(v, dict) and _id(v) in theirs)]
        return sorted((_without(v, theirs) for v in rows), key=canonical)
    if isinstance(value, dict):
        kept = {k: _without(v, theirs) for k, v in value.items() if k not in _VOLATILE}
        if "assignments" in kept:
            # Of an owner, who has every role without it: a tenant may refuse it.
            owner = f"user {kept['owner']}"
            kept["assignments"] = [a for a in kept["assignments"] if a["assignee"] != owner]
        return _as_published(kept) if kept.get("published") is True and "sha256" in kept else kept
    return value


def _as_published(app: dict[str, Any]) -> dict[str, Any]:
    """Whether its content came by its first publication or over it tells the file, and whose its base is."""
    objects = [{k: v for k, v in o.items() if k != "owner" or not o["approved"]} for o in app["objects"]]
    return {k: v for k, v in app.items() if k not in ("sha256", "data_of")} | {"objects": objects}


def _id(row: dict[str, Any]) -> Any:
    return row.get("id") or row.get("engineObjectId")


def difference(wanted: str, found: str) -> str:
    """Rows of the one that the other lacks, by kind; of rows with one name, what differs."""
    a, b = json.loads(wanted), json.loads(found)
    told = []
    for kind in a:
        missing = [x for x in a[kind] if x not in b[kind]]
        more = [x for x in b[kind] if x not in a[kind]]
        if len(missing) == len(more) == 1:
            fields = [n for n in missing[0] if missing[0][n] != more[0].get(n)]
            pairs = ", ".join(f"{n} {more[0].get(n)} instead of {missing[0][n]}" for n in fields)
            told.append(f"{kind}: {missing[0].get('name')} has {pairs}")
        elif missing or more:
            told.append(f"{kind}: missing {missing}, too much {more}")
    return "; ".join(told)
