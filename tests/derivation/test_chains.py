"""Composite events: what follows one task, several, none, itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qlift.derivation.desired import Desired, Finding, ReloadSchedule
from tests.derivation.site import Raw, SiteBuilder, codes, derived, guid, small_site

Build = Callable[[SiteBuilder, list[Raw]], None]


def chain(tmp_path: Path, build: Build, **changes: Any) -> Desired:
    """Of four tasks A, B, C, D on one app."""
    site, _, _, app = small_site()
    build(site, [site.task(app, name) for name in "ABCD"])
    return derived(tmp_path, site.write(tmp_path / "b"), **changes)


def of(desired: Desired, task: str) -> list[ReloadSchedule]:
    return sorted((s for s in desired.schedules if s.name.startswith(f"{task} ")), key=lambda s: s.key)


def found(desired: Desired, code: str) -> list[Finding]:
    return [f for f in desired.findings if f.code == code]


def external(site: SiteBuilder, name: str, **more: Any) -> Raw:
    raw = {"id": guid("external", name), "name": name, "enabled": True, **more}
    site.kinds.setdefault("externalprogramtask", []).append(raw)
    return raw


def after_external(site: SiteBuilder, task: Raw, upstream: Raw, state: int = 1, **more: Any) -> Raw:
    event = site.chained(task, name=f"After {upstream['name']}", **more)
    event["compositeRules"] = [{"ruleState": state, "externalProgramTask": upstream}]
    return event


def starts_external(event: Raw, task: Raw) -> Raw:
    event["reloadTask"], event["externalProgramTask"] = None, {"id": task["id"], "name": task["name"]}
    return event


@pytest.mark.parametrize(("state", "status"), [(1, "succeeded"), (2, "failed")])
def test_a_chain_follows_one_task(tmp_path: Path, state: int, status: str) -> None:
    def build(site: SiteBuilder, tasks: list[Raw]) -> None:
        site.timed(tasks[0])
        site.chained(tasks[1], tasks[0], state=state)
        site.chained(tasks[2], tasks[1], state=state)

    desired = chain(tmp_path, build)
    [a], [b], [c] = (of(desired, n) for n in "ABC")
    assert (b.after, b.after_status, b.recurrence) == (a.key, status, None)
    assert (c.after, c.key) == (b.key, c.source.id)
    assert not {c for c in codes(desired) if c.startswith("CHAIN")}


def test_several_events_on_one_task_are_an_or(tmp_path: Path) -> None:
    def build(site: SiteBuilder, tasks: list[Raw]) -> None:
        site.timed(tasks[0])
        site.timed(tasks[1])
        site.chained(tasks[2], tasks[0], name="After A")
        site.chained(tasks[2], tasks[1], name="After B", state=2)

    desired = chain(tmp_path, build)
    [a], [b] = of(desired, "A"), of(desired, "B")
    assert {(s.after, s.after_status) for s in of(desired, "C")} == {(a.key, "succeeded"), (b.key, "failed")}


def test_the_same_condition_twice_is_one(tmp_path: Path) -> None:
    def build(site: SiteBuilder, tasks: list[Raw]) -> None:
        site.timed(tasks[0])
        site.chained(tasks[1], tasks[0], tasks[0])

    assert len(of(chain(tmp_path, build), "B")) == 1


def test_disabled_links_are_kept_disabled(tmp_path: Path) -> None:
    def build(site: SiteBuilder, tasks: list[Raw]) -> None:
        site.timed(tasks[0])
        site.chained(tasks[1], tasks[0], enabled=False)
        site.chained(tasks[2], tasks[1])

    desired = chain(tmp_path, build, schedules={"enabled": True})
    assert [s.enabled for n in "ABC" for s in of(desired, n)] == [True, False, True]


def test_several_triggers_upstream_are_followed_one_by_one(tmp_path: Path) -> None:
    def build(site: SiteBuilder, tasks: list[Raw]) -> None:
        site.timed(tasks[0], name="Morning")
        site.timed(tasks[0], name="Evening", startDate="2026-01-05T18:00:00")
        site.chained(tasks[1], tasks[0])
        site.chained(tasks[2], tasks[1])

    desired = chain(tmp_path, build)
    a, b, c = (of(desired, n) for n in "ABC")
    assert {s.after for s in b} == {s.key for s in a} and {s.after for s in c} == {s.key for s in b}
    assert len(found(desired, "CHAIN-SEVERAL")) == 2
    [event] = {s.source.id for s in b}
    assert event in {s.key for s in b}, "the first keeps the key of the event"
    assert len({s.mark for s in desired.schedules}) == len(desired.schedules)
    assert all(s.name.endswith(s.mark) and len(s.mark) == 12 for s in desired.schedules)
    endings = [s.name for s in desired.schedules for t in desired.schedules if s.name.endswith(t.mark)]
    assert len(endings) == len(desired.schedules), "each is recognised by its own mark only"


def test_a_trigger_more_upstream_renames_nothing(tmp_path: Path) -> None:
    def build(triggers: int) -> set[str]:
        def inner(site: SiteBuilder, tasks: list[Raw]) -> None:
            for n in range(triggers):
                site.timed(tasks[0], name=f"T{n}", startDate=f"2026-01-05T{n:02}:00:00")
            site.chained(tasks[1], tasks[0])

        return {s.key for s in of(chain(tmp_path, inner), "B")}

    assert build(1) < build(2) and len(build(3)) == 3


def test_too_many_triggers_upstream(tmp_path: Path) -> None:
    def build(site: SiteBuilder, tasks: list[Raw]) -> None:
        for n in range(11):
            site.timed(tasks[0], "0 0 3 0", name=f"T{n}", startDate=f"2026-01-{n + 1:02}T05:00:00")
        site.chained(tasks[1], tasks[0])

    desired = chain(tmp_path, build)
    assert not of(desired, "B") and "11" in found(desired, "CHAIN-NOT-MIGRATED")[0].message


STOPS = {"A": "2026-03-09T05:42:00.000Z", "B": "2026-03-09T05:30:00.000Z"}


def test_waiting_for_several_names_the_one_that_ended_last(tmp_path: Path) -> None:
    def build(site: SiteBuilder, tasks: list[Raw]) -> None:
        for task in tasks[:2]:
            site.timed(task)
            task["operational"] = {"lastExecutionResult": {"status": 7, "stopTime": STOPS[task["name"]]}}
        site.chained(tasks[2], tasks[0], tasks[1])

    desired = chain(tmp_path, build)
    [finding] = found(desired, "CHAIN-NOT-MIGRATED")
    assert not of(desired, "C") and "2 tasks at once (`A`, `B`)" in finding.message
    assert "follow `A` alone" in finding.remedy and "12 minutes after `B`" in finding.remedy
    assert "2026-03-09 05:42 UTC" in finding.remedy


def test_waiting_for_several_else_names_the_one_that_starts_last(tmp_path: Path) -> None:
    def build(site: SiteBuilder, tasks: list[Raw]) -> None:
        site.timed(tasks[0])
        site.timed(tasks[1], startDate="2026-01-05T06:10:00")
        event = site.chained(tasks[2], tasks[0], tasks[1])
        event["compositeRules"][1]["ruleState"] = 2

    [finding] = found(chain(tmp_path, build), "CHAIN-NOT-MIGRATED")
    assert "follow `B`'s failure alone (it starts last, at 06:10 Europe/Berlin)" in finding.remedy


def test_waiting_for_several_has_some_alternative_always(tmp_path: Path) -> None:
    def build(site: SiteBuilder, tasks: list[Raw]) -> None:
        site.timed(tasks[0], "0 1 0 0", incrementOption=1)
        site.chained(tasks[2], tasks[0], tasks[1])
        one, two = external(site, "run.ps1"), external(site, "stop.ps1")
        after_external(site, tasks[3], one)["compositeRules"] += [
            {"ruleState": 1, "externalProgramTask": two}
        ]
        mixed = site.chained(tasks[3], tasks[0], name="Mixed")
        mixed["compositeRules"].append({"ruleState": 1, "externalProgramTask": one})

    remedies = sorted(f.remedy for f in found(chain(tmp_path, build), "CHAIN-NOT-MIGRATED"))
    assert len(remedies) == 3 and "follow `A` alone" in remedies[0] and "ends last" in remedies[1]
    assert "by time" in remedies[2]


def test_a_circle_is_named_in_full_and_cut_where_something_else_starts_it(tmp_path: Path) -> None:
    def build(site: SiteBuilder, tasks: list[Raw]) -> None:
        site.timed(tasks[1])
        site.chained(tasks[0], tasks[2])
        site.chained(tasks[1], tasks[0])
        site.chained(tasks[2], tasks[1])

    desired = chain(tmp_path, build)
    [finding] = found(desired, "CHAIN-CIRCLE")
    assert "B -> C -> A -> B" in finding.message and finding.object == "B / After"
    [a], [b], [c] = (of(desired, n) for n in "ABC")
    assert (b.after, c.after, a.after) == (None, b.key, c.key)


def test_a_circle_that_nothing_starts(tmp_path: Path) -> None:
    def build(site: SiteBuilder, tasks: list[Raw]) -> None:
        for n in range(3):
            site.chained(tasks[n], tasks[(n + 2) % 3])

    desired = chain(tmp_path, build)
    assert not desired.schedules and not desired.errors
    assert len(found(desired, "CHAIN-CIRCLE")) == 1 and len(found(desired, "CHAIN-NOT-MIGRATED")) == 2


def test_circles_within_circles_end(tmp_path: Path) -> None:
    def build(site: SiteBuilder, tasks: list[Raw]) -> None:
        site.timed(tasks[0])
        for upstream in tasks:
            for task in tasks:
                site.chained(task, upstream, name=f"After {upstream['name']}")

    desired = chain(tmp_path, build)
    circles = found(desired, "CHAIN-CIRCLE")
    assert "A -> A" in {f.message.partition(": ")[2].partition(".")[0] for f in circles}
    keys = {s.key for s in desired.schedules}
    assert all(s.after in keys for s in desired.schedules if s.after)
    assert len(circles) >= 4 + 3


def test_chains_that_cannot_be_made(tmp_path: Path) -> None:
    def upstream_has_no_trigger(site: SiteBuilder, tasks: list[Raw]) -> None:
        site.chained(tasks[1], tasks[0])

    def upstream_does_not_translate(site: SiteBuilder, tasks: list[Raw]) -> None:
        site.timed(tasks[0], "soon")
        site.chained(tasks[1], tasks[0])

    def undefined(site: SiteBuilder, tasks: list[Raw]) -> None:
        site.timed(tasks[0])
        site.chained(tasks[1], tasks[0], state=0)

    def for_nothing(site: SiteBuilder, tasks: list[Raw]) -> None:
        site.chained(tasks[1])

    def for_nobody(site: SiteBuilder, tasks: list[Raw]) -> None:
        site.chained(tasks[1])["compositeRules"] = [{"ruleState": 1}]

    def unknown(site: SiteBuilder, tasks: list[Raw]) -> None:
        site.chained(tasks[1], {"id": "gone", "name": "Gone"})

    def elsewhere(site: SiteBuilder, tasks: list[Raw]) -> None:
        other = site.app("Elsewhere", site.kinds["user"][0], site.stream("Other"))
        upstream = site.task(other, "Z")
        site.timed(upstream)
        site.chained(tasks[1], upstream)

    for build, word in (
        (upstream_has_no_trigger, "nothing but a person"),
        (upstream_does_not_translate, "no trigger of the task"),
        (undefined, "state 0"),
        (for_nothing, "no task"),
        (for_nobody, "an external program"),
        (unknown, "not in the bundle"),
        (elsewhere, "`Z`, does not migrate here"),
    ):
        desired = chain(tmp_path, build)
        [finding] = found(desired, "CHAIN-NOT-MIGRATED")
        assert word in finding.message and finding.remedy, build.__name__
        assert not of(desired, "B") and not desired.errors


def test_a_chain_through_an_external_program_starts_when_that_does(tmp_path: Path) -> None:
    def build(site: SiteBuilder, tasks: list[Raw]) -> None:
        last = {"lastExecutionResult": {"status": 7, "duration": 600_000}}
        program = external(site, "run.ps1", operational=last)
        starts_external(site.timed(tasks[0], name="Six", startDate="2026-01-05T06:00:00"), program)
        after_external(site, tasks[1], program)

    desired = chain(tmp_path, build, schedules={"enabled": True})
    [b] = of(desired, "B")
    assert (b.recurrence, b.start, b.after, b.enabled) == (
        "RRULE:FREQ=DAILY",
        "2026-01-05T06:00:00",
        None,
        True,
    )
    assert b.key == b.source.id
    [finding] = found(desired, "CHAIN-REROOTED")
    assert (
        finding.object == "B / After run.ps1" and "`run.ps1` (10 minutes when it ran last)" in finding.message
    )


def test_what_starts_an_external_program_starts_what_follows_it(tmp_path: Path) -> None:
    def build(site: SiteBuilder, tasks: list[Raw]) -> None:
        site.timed(tasks[0])
        one, two = external(site, "one.ps1"), external(site, "two.ps1", enabled=False)
        starts_external(site.chained(tasks[3], tasks[0], name="After A"), one)
        starts_external(site.timed(tasks[3], name="Noon", startDate="2026-01-05T12:00:00"), one)
        starts_external(after_external(site, tasks[3], one), two)
        after_external(site, tasks[1], one)
        after_external(site, tasks[2], two)

    desired = chain(tmp_path, build, schedules={"enabled": True})
    [a] = of(desired, "A")
    for task, enabled in (("B", True), ("C", False)):
        made = of(desired, task)
        assert {(s.after, s.start) for s in made} == {(a.key, None), (None, "2026-01-05T12:00:00")}
        assert {s.enabled for s in made} == {enabled}, "two.ps1 is disabled, so nothing follows it"
    [message] = {f.message for f in found(desired, "CHAIN-REROOTED") if f.object == "C / After two.ps1"}
    assert "follows `two.ps1`, `one.ps1`" in message, "the nearest first"


def test_external_programs_that_cannot_be_cut_out(tmp_path: Path) -> None:
    def nothing_starts_it(site: SiteBuilder, tasks: list[Raw]) -> None:
        after_external(site, tasks[1], external(site, "x"))

    def its_failure(site: SiteBuilder, tasks: list[Raw]) -> None:
        program = external(site, "x")
        starts_external(site.timed(tasks[0]), program)
        after_external(site, tasks[1], program, state=2)

    def two_in_a_circle(site: SiteBuilder, tasks: list[Raw]) -> None:
        one, two = external(site, "x"), external(site, "y")
        starts_external(after_external(site, tasks[2], one), two)
        starts_external(after_external(site, tasks[2], two), one)
        after_external(site, tasks[1], one)

    for build, word in (
        (nothing_starts_it, "nothing starts that"),
        (its_failure, "the failure of `x`"),
        (two_in_a_circle, "x -> y -> x is a circle"),
    ):
        desired = chain(tmp_path, build)
        said = " ".join(f.message for f in found(desired, "CHAIN-NOT-MIGRATED"))
        assert word in said and not of(desired, "B"), build.__name__


def test_a_circle_through_an_external_program_is_named_with_it(tmp_path: Path) -> None:
    def build(site: SiteBuilder, tasks: list[Raw]) -> None:
        program = external(site, "run.ps1")
        site.timed(tasks[0])
        starts_external(site.chained(tasks[3], tasks[1], name="After B"), program)
        after_external(site, tasks[0], program)
        site.chained(tasks[1], tasks[0])

    desired = chain(tmp_path, build)
    [finding] = found(desired, "CHAIN-CIRCLE")
    assert "A -> B -> run.ps1 -> A" in finding.message
    assert len(of(desired, "A")) == len(of(desired, "B")) == 1


def test_doubt_about_what_started_an_external_program(tmp_path: Path) -> None:
    ids: list[str] = []

    def build(site: SiteBuilder, tasks: list[Raw]) -> None:
        program = external(site, "run.ps1")
        odd = starts_external(site.timed(tasks[0], "2 0 0 0", incrementOption=0), program)
        ids.append(odd["id"])
        after_external(site, tasks[1], program)

    assert not of(chain(tmp_path, build, schedules={"enabled": True}), "B")[0].enabled
    confirmed = {"enabled": True, "confirmed": ids}
    assert of(chain(tmp_path, build, schedules=confirmed), "B")[0].enabled
