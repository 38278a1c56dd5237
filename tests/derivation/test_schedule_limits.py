"""Ten tasks an app: merging says the same, keeps keys, and happens only where it has to."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dateutil.rrule import rrulestr

from qlift.derivation.desired import Desired, ReloadSchedule
from qlift.derivation.schedules.merge import merged
from qlift.derivation.schedules.model import NotTranslatable, Trigger, filter_of, step_of
from qlift.derivation.schedules.recurrence import rule_of
from qlift.derivation.schedules.timing import Timing
from tests.derivation.site import SiteBuilder, codes, derived, small_site

TODAY = date(2026, 11, 24)
ANY = "* * - * * * * *"


def weekdays(site: SiteBuilder, app: Any, count: int, **more: Any) -> Any:
    """A task with as many weekly triggers, each on a day and at an hour of its own."""
    task = site.task(app)
    for n in range(count):
        filter_ = f"* * - {n % 7} 1 * * *"
        start = f"2026-01-05T{5 + n // 7:02}:30:00"
        site.timed(task, name=f"E{n:02}", schemaFilterDescription=[filter_], startDate=start, **more)
    return task


def limited(tmp_path: Path, count: int, **more: Any) -> Desired:
    site, _, _, app = small_site()
    weekdays(site, app, count, **more)
    return derived(tmp_path, site.write(tmp_path / "b"))


def runs(schedules: tuple[ReloadSchedule, ...], day: date) -> list[datetime]:
    """Of two weeks from that day on."""
    begin = datetime(day.year, day.month, day.day)
    found = set()
    for schedule in schedules:
        rule = rrulestr(schedule.recurrence or "", dtstart=datetime.fromisoformat(schedule.start or ""))
        found |= set(rule.between(begin, begin + timedelta(days=14), inc=True))
    return sorted(found)


def test_ten_stay_as_they_are(tmp_path: Path) -> None:
    desired = limited(tmp_path, 10)
    assert len(desired.schedules) == 10 and "SCHEDULE-MERGED" not in codes(desired)


def test_more_are_merged_only_as_far_as_needed(tmp_path: Path) -> None:
    desired = limited(tmp_path, 12)
    assert len(desired.schedules) == 10 and not desired.errors
    assert all(s.key == s.source.id for s in desired.schedules)
    notes = [f for f in desired.findings if f.code == "SCHEDULE-MERGED"]
    assert len(notes) == 4, "two went into others: each says it on both sides"
    wanted = sorted(
        datetime(2026, 11, 24) + timedelta(days=d, hours=5 + n // 7, minutes=30)
        for n in range(12)
        for d in range(14)
        if ((datetime(2026, 11, 24) + timedelta(days=d)).weekday() + 1) % 7 == n % 7
    )
    assert runs(desired.schedules, TODAY) == wanted


def test_what_one_rule_cannot_say_is_an_error(tmp_path: Path) -> None:
    site, _, _, app = small_site()
    task = site.task(app)
    for n in range(11):
        site.timed(task, name=f"E{n}", startDate=f"2026-01-05T{n:02}:{n:02}:00")
    [error] = derived(tmp_path, site.write(tmp_path / "b")).errors
    assert error.code == "TASKS-PER-APP" and error.object.startswith("ledger.prod.")
    assert "11 tasks" in error.message


@pytest.mark.parametrize(
    "more",
    [
        {"timeZone": "Europe/Paris"},
        {"enabled": False},
        {"expirationDate": "2027-06-01T00:00:00"},
        {"startDate": "2026-12-08T05:30:00"},
        {"incrementDescription": "0 0 3 0"},
    ],
)
def test_what_differs_is_not_merged(tmp_path: Path, more: dict[str, Any]) -> None:
    """Ten of one kind and one of another: the one stays alone, ten become nine."""
    site, _, _, app = small_site()
    weekdays(site, app, 10)
    odd = site.timed(site.task(app, "Odd"), name="Odd", **more)
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    assert len(desired.schedules) == 10 and not desired.errors
    alone = next(s for s in desired.schedules if s.key == odd["id"])
    assert alone.recurrence in ("RRULE:FREQ=DAILY", "RRULE:FREQ=DAILY;INTERVAL=3")


def test_a_task_of_more_than_ten_triggers_is_followed_where_ten_are_left(tmp_path: Path) -> None:
    site, jane, stream, app = small_site()
    task = weekdays(site, app, 12)
    site.chained(site.task(site.app("Report", jane, stream), "Follower"), task)
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    timed = {s.key for s in desired.schedules if s.recurrence}
    assert {s.after for s in desired.schedules if s.after} == timed and len(timed) == 10
    assert not desired.errors


def test_chains_count_and_follow_what_is_left(tmp_path: Path) -> None:
    """Eight that one rule cannot say, two that it can, one that follows those: one too many."""
    site, _, _, app = small_site()
    task, other, follower = (site.task(app, name) for name in ("Apart", "Other", "Follower"))
    for n in range(8):
        site.timed(task, name=f"E{n}", startDate=f"2026-01-05T{n:02}:{n:02}:00")
    for n in range(2):
        site.timed(other, name=f"O{n}", schemaFilterDescription=[f"* * - {n} 1 * * *"])
    site.chained(follower, other)
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    [left] = [s for s in desired.schedules if s.name.startswith("Other")]
    [after] = [s for s in desired.schedules if s.after]
    assert left.recurrence == "RRULE:FREQ=WEEKLY;BYDAY=SU,MO" and after.after == left.key
    assert len(desired.schedules) == 10 and not desired.errors


def test_a_chain_of_several_tasks_does_not_push_its_app_over_the_limit(tmp_path: Path) -> None:
    """Four upstream, so four tasks: with seven of its own the app would have eleven."""
    site, jane, stream, app = small_site()
    upstream = site.task(site.app("Stage", jane, stream), "Upstream")
    for n in range(4):
        site.timed(upstream, name=f"U{n}", startDate=f"2026-01-05T{n:02}:{n:02}:00")
    task = site.task(app, "Own")
    for n in range(7):
        site.timed(task, name=f"E{n}", startDate=f"2026-01-05T{n:02}:{n:02}:00")
    site.chained(site.task(app, "Follower"), upstream)
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    assert not desired.errors and not [s for s in desired.schedules if s.after]
    [finding] = [f for f in desired.findings if f.code == "CHAIN-NOT-MIGRATED"]
    assert finding.object == "Follower / After" and "4 tasks" in finding.message


def test_tasks_that_others_follow_do_not_take_in_strangers(tmp_path: Path) -> None:
    """Who follows A must not start after B."""
    site, jane, stream, app = small_site()
    tasks = [site.task(app, f"T{n:02}") for n in range(11)]
    for n, task in enumerate(tasks):
        site.timed(task, schemaFilterDescription=[f"* * - {n % 7} 1 * * *"])
    for n, task in enumerate(tasks):
        site.chained(site.task(site.app(f"R{n}", jane, stream), f"F{n}"), task)
    [error] = derived(tmp_path, site.write(tmp_path / "b")).errors
    assert error.code == "TASKS-PER-APP"


def timing(chance: random.Random) -> Timing | None:
    increment = chance.choice(["0 0 1 0"] * 4 + ["30 0 0 0", "15 0 0 0", "0 1 0 0", "0 6 0 0", "0 0 0 1"])
    hour = chance.choice(["*", "*", "6,12", "12"])
    nth, weekday = chance.choice([("-", "*"), ("-", "1"), ("-", "1,5"), ("-", "5"), ("1", "1"), ("¤", "1")])
    day, month = chance.choice(["*", "*", "*", "1", "15,¤"]), chance.choice(["*", "*", "*", "6", "12"])
    filter_ = f"* {hour} {nth} {weekday} * {day} {month} *"
    start = datetime(2026, 1, 5, chance.choice((6, 12)), chance.choice((0, 30)))
    try:
        trigger = Trigger(start, step_of(increment), filter_of([filter_]))
        first = trigger.first()
        return Timing(rule_of(trigger), "UTC", first)
    except NotTranslatable:
        return None


def test_a_merged_rule_fires_when_one_of_both_does() -> None:
    chance = random.Random("merged")
    since, until = datetime(2027, 3, 1), datetime(2029, 3, 1)
    count = runs_compared = 0
    for _ in range(4000):
        one, other = timing(chance), timing(chance)
        if one is None or other is None:
            continue
        both = merged(one, other, TODAY.replace(year=2028))
        if both is None:
            continue
        count += 1
        end = until if both.rule.freq in ("DAILY", "WEEKLY", "MONTHLY") else since + timedelta(days=62)

        def fires(found: Timing, end: datetime = end) -> set[datetime]:
            rule = rrulestr(f"{found.rule};UNTIL={end:%Y%m%dT%H%M%S}", dtstart=found.start)
            return set(rule.between(since, end, inc=True))

        assert fires(both) == fires(one) | fires(other), (one, other, both)
        assert rrulestr(str(both.rule), dtstart=both.start)[0] == both.start
        runs_compared += len(fires(both))
    assert count > 100 and runs_compared > 10_000


def test_what_is_not_past_is_merged_only_from_the_same_start() -> None:
    first = Timing(
        rule_of(Trigger(datetime(2027, 1, 4, 6), 1440, filter_of([ANY]))), "UTC", datetime(2027, 1, 4, 6)
    )
    later = Timing(first.rule, "UTC", datetime(2027, 1, 5, 6))
    assert merged(first, later, TODAY) is None
    assert merged(first, later, date(2027, 1, 6)) == later
