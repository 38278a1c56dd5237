"""Increment and filter → RRULE: the worked examples of the source reference, and what is refused.

That a rule means what the two strings mean is proven in `test_schedule_property.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from qlift.derivation.schedules.model import NeverFires, NotTranslatable, Trigger, filter_of, step_of
from qlift.derivation.schedules.recurrence import rule_of
from qlift.derivation.schedules.timing import Timing
from qlift.derivation.schedules.words import in_words

ANY = "* * - * * * * *"
MONDAY = "2026-01-05"


def trigger(increment: str, filter_: str, start: str) -> Trigger:
    return Trigger(datetime.fromisoformat(start), step_of(increment), filter_of([filter_]))


def rule(increment: str, filter_: str, start: str) -> str:
    found = trigger(increment, filter_, start)
    found.first()
    return str(rule_of(found)).removeprefix("RRULE:")


@pytest.mark.parametrize(
    ("increment", "filter_", "start", "rules"),
    [
        ("0 0 0 0", ANY, "2026-12-01T06:00", ["FREQ=DAILY;COUNT=1"]),
        ("30 0 0 0", ANY, f"{MONDAY}T07:10", ["FREQ=MINUTELY;INTERVAL=30", "FREQ=HOURLY;BYMINUTE=10,40"]),
        ("0 2 0 0", ANY, f"{MONDAY}T07:10", ["FREQ=HOURLY;INTERVAL=2"]),
        ("0 5 0 0", ANY, f"{MONDAY}T07:10", ["FREQ=HOURLY;INTERVAL=5"]),
        ("0 0 1 0", ANY, f"{MONDAY}T05:30", ["FREQ=DAILY"]),
        ("0 0 3 0", ANY, f"{MONDAY}T05:30", ["FREQ=DAILY;INTERVAL=3"]),
        (
            "0 0 1 0", "* * - 1,3,5 1 * * *", f"{MONDAY}T06:00",
            ["FREQ=DAILY;BYDAY=MO,WE,FR", "FREQ=WEEKLY;BYDAY=MO,WE,FR"],
        ),
        ("0 0 1 0", "* * - 1 2 * * *", f"{MONDAY}T06:00", ["FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;WKST=SU"]),
        (
            "0 0 1 0", "* * - * * 1,15 * *", "2026-01-01T02:00",
            ["FREQ=DAILY;BYMONTHDAY=1,15", "FREQ=MONTHLY;BYMONTHDAY=1,15"],
        ),
        ("0 0 1 0", "* * - * * 31 * *", "2026-01-01T02:00", ["FREQ=MONTHLY;BYMONTHDAY=31"]),
        ("0 0 1 0", "* * - * * ¤ * *", "2026-01-01T02:00", ["FREQ=MONTHLY;BYMONTHDAY=-1"]),
        ("0 0 1 0", "* * 1 1 * * * *", "2026-01-01T02:00", ["FREQ=MONTHLY;BYDAY=1MO"]),
        (
            "0 1 0 0", "* 9,10,11,12,13,14,15 - 1,2,3,4,5 * * * *", f"{MONDAY}T09:00",
            ["FREQ=HOURLY;BYHOUR=9,10,11,12,13,14,15;BYDAY=MO,TU,WE,TH,FR"],
        ),
        (
            "0 0 1 0", "* * - * * 1 1,4,7,10 *", "2026-01-01T02:00",
            ["FREQ=MONTHLY;BYMONTHDAY=1;BYMONTH=1,4,7,10"],
        ),
        ("0 0 1 0", "* * - * * 1 * 3", "2026-01-01T02:00", ["FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1"]),
        ("0 0 0 2", ANY, f"{MONDAY}T06:00", ["FREQ=DAILY;INTERVAL=14"]),
        ("1 2 3 4", ANY, f"{MONDAY}T09:00", ["FREQ=MINUTELY;INTERVAL=44761"]),
    ],
)  # fmt: skip
def test_the_worked_examples(increment: str, filter_: str, start: str, rules: list[str]) -> None:
    """Section 3.3 of the source reference, row by row; of two rules that mean the same, either."""
    assert rule(increment, filter_, start) in rules


@pytest.mark.parametrize(
    ("increment", "filter_", "start", "expected"),
    [
        ("0 0 0 1", ANY, f"{MONDAY}T06:00", "FREQ=WEEKLY;BYDAY=MO"),
        ("0 0 7 0", "* * - * * 1,2,3 * *", f"{MONDAY}T06:00", "FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=1,2,3"),
        ("0 0 1 0", "* * ¤ 5,0 * * 6 *", f"{MONDAY}T06:00", "FREQ=MONTHLY;BYDAY=-1SU,-1FR;BYMONTH=6"),
        ("0 0 1 0", "* * - 5 * 13 * *", f"{MONDAY}T06:00", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13"),
        ("0 2 0 0", "* * 2 1 * * * *", f"{MONDAY}T06:00",
         "FREQ=HOURLY;INTERVAL=2;BYDAY=MO;BYMONTHDAY=8,9,10,11,12,13,14"),
        ("0 2 0 0", "* * ¤ 1 * * * *", f"{MONDAY}T06:00",
         "FREQ=HOURLY;INTERVAL=2;BYDAY=MO;BYMONTHDAY=-7,-6,-5,-4,-3,-2,-1"),
        ("0 0 1 0", "* * 1 1 * 3,9 * *", f"{MONDAY}T06:00", "FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=3"),
        ("0 0 1 0", "* * - * * 30,31,¤ * *", f"{MONDAY}T06:00", "FREQ=MONTHLY;BYMONTHDAY=-1,30"),
        ("0 0 1 0", "* * 1 1 * * * 2", f"{MONDAY}T06:00", "FREQ=MONTHLY;INTERVAL=2;BYDAY=1MO"),
        ("0 0 1 0", "* * - 0,1,2,3,4,5,6 * * * *", f"{MONDAY}T06:00", "FREQ=DAILY"),
        ("0 0 1 0", "* * - 0,1,2,3,4,5,6 2 * * *", f"{MONDAY}T06:00",
         "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO,TU,WE,TH,FR,SA;WKST=SU"),
        ("7 0 0 0", "0,7 8 - * * * * *", f"{MONDAY}T08:00", "FREQ=MINUTELY;INTERVAL=7;BYHOUR=8;BYMINUTE=0,7"),
        ("0 0 1 0", "30 6 - * * * * *", f"{MONDAY}T06:30", "FREQ=DAILY"),
    ],
)  # fmt: skip
def test_more_shapes(increment: str, filter_: str, start: str, expected: str) -> None:
    assert rule(increment, filter_, start) == expected


@pytest.mark.parametrize(
    ("increment", "filter_"),
    [
        ("0 0 1", ANY),
        ("0 0 1 0 0", ANY),
        ("0 0 -1 0", ANY),
        ("x 0 1 0", ANY),
        ("0 0 ¹ 0", ANY),
        ("0 0 999999 0", ANY),
        ("9" * 5000 + " 0 0 0", ANY),
        ("0 0 1 0", "* 9-15 - * * * * *"),
        ("0 0 1 0", "* 24 - * * * * *"),
        ("0 0 1 0", "60 * - * * * * *"),
        ("0 0 1 0", "* * - 7 * * * *"),
        ("0 0 1 0", "* * - * * 32 * *"),
        ("0 0 1 0", "* * - * * 0 * *"),
        ("0 0 1 0", "* * - * * ¤,x * *"),
        ("0 0 1 0", "* * - * * 1 13 *"),
        ("0 0 1 0", "* * 5 1 * * * *"),
        ("0 0 1 0", "* * 1,2 1 * * * *"),
        ("0 0 1 0", "* * 1 * * * * *"),
        ("0 0 1 0", "* * ¤ 1 * 30 * *"),
        ("0 0 1 0", "* * - * 2 * * *"),
        ("0 0 1 0", "* * - * x * * *"),
        ("0 0 1 0", "* * - * 0 * * *"),
        ("0 0 1 0", "* * - 1 2 5 * *"),
        ("0 0 1 0", "* * - * * * * 2"),
        ("0 0 1 0", "* * - 1 * 5 * 2"),
        ("0 1 0 0", "* * - 1 2 * * *"),
        ("0 1 0 0", "* * - * * 1 * 2"),
        ("0 0 1 0", "* * -"),
        ("0 0 1 0", "*,1 * - * * * * *"),
    ],
)
def test_what_is_not_documented_is_refused(increment: str, filter_: str) -> None:
    with pytest.raises(NotTranslatable) as refusal:
        rule(increment, filter_, f"{MONDAY}T05:30")
    assert not isinstance(refusal.value, NeverFires)


def test_several_filters_are_refused_and_equal_ones_are_one() -> None:
    with pytest.raises(NotTranslatable, match="several filters"):
        filter_of([ANY, "* * - 1 * * * *"])
    assert filter_of([ANY, ANY]) == filter_of([]) == filter_of([ANY])


@pytest.mark.parametrize(
    ("increment", "filter_"),
    [
        ("0 0 1 0", "* 9 - * * * * *"),
        ("0 0 1 0", "15 * - * * * * *"),
        ("0 1 0 0", "15 * - * * * * *"),
        ("0 12 0 0", "* 6 - * * * * *"),
        ("0 0 1 0", "* * - * * 30 2 *"),
        ("0 0 1 0", "* * - * * 1 2 12"),
        ("0 0 0 1", "* * - 2 * * * *"),
        ("0 0 0 0", "* * - 2 * * * *"),
        ("0 0 1 0", "* * 1 1 * 9 * *"),
    ],
)
def test_what_can_never_fire_is_recognised(increment: str, filter_: str) -> None:
    with pytest.raises(NeverFires):
        rule(increment, filter_, f"{MONDAY}T05:30")


def test_a_leap_day_on_a_monday_is_not_never() -> None:
    found = trigger("0 0 1 0", "* * - 1 * 29 2 *", f"{MONDAY}T05:30")
    assert found.first() == datetime(2044, 2, 29, 5, 30)


def test_a_run_years_after_the_start_is_found_at_once() -> None:
    found = trigger("2 0 0 0", ANY, "2002-01-01T07:10")
    timing = Timing(rule_of(found), "UTC", found.start)
    assert timing.holds(datetime(2026, 11, 24, 8, 40, tzinfo=UTC))
    assert not timing.holds(datetime(2026, 11, 24, 8, 41, tzinfo=UTC))
    assert not timing.holds(datetime(2002, 1, 1, 7, 8, tzinfo=UTC))


@pytest.mark.parametrize(
    ("increment", "depends"),
    [
        ("30 0 0 0", False), ("45 0 0 0", True), ("90 0 0 0", True), ("0 1 0 0", False), ("0 2 0 0", False),
        ("0 5 0 0", True), ("0 0 1 0", False), ("0 0 2 0", True), ("0 0 0 1", False), ("0 0 0 2", True),
    ],
)  # fmt: skip
def test_which_intervals_count_from_their_start(increment: str, depends: bool) -> None:
    assert rule_of(trigger(increment, ANY, f"{MONDAY}T06:00")).counts_from_its_start is depends


@pytest.mark.parametrize(
    ("increment", "filter_", "words"),
    [
        ("0 0 0 0", ANY, "once"),
        ("0 0 1 0", ANY, "every day"),
        ("30 0 0 0", ANY, "every 30 minutes"),
        ("1 2 3 4", ANY, "every 4 weeks 3 days 2 hours 1 minute"),
        ("0 0 1 0", "* * - 1,3 2 * * *", "on Monday, Wednesday, every 2 weeks"),
        ("0 0 1 0", "* * ¤ 5 * * 6 *", "on the last Friday of the month, in June"),
        ("0 0 1 0", "* * - * * 1,¤ * 3", "on 1, the last day of the month, every 3 months"),
        ("0 2 0 0", "* * - 1 * * * *", "every 2 hours, on Monday"),
        ("0 1 0 0", "0 9,10 - * * * * *", "every hour, in the hours 9, 10, at the minutes 0"),
        ("soon", ANY, f"increment `soon`, filter `{ANY}`"),
    ],
)
def test_words(increment: str, filter_: str, words: str) -> None:
    assert in_words(increment, [filter_]) == words
