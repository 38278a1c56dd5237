"""Increment and filter → RRULE, against the worked examples and against the model itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from qlift.derivation.recurrence import NotTranslatable, fires_at, recurrence

ANY = "* * - * * * * *"
HORIZON = timedelta(days=800)


@pytest.mark.parametrize(
    ("increment", "filter_", "start", "expected"),
    [
        ("30 0 0 0", ANY, "2026-01-05T07:10", "FREQ=MINUTELY;INTERVAL=30"),
        ("0 2 0 0", ANY, "2026-01-05T07:10", "FREQ=HOURLY;INTERVAL=2"),
        ("0 5 0 0", ANY, "2026-01-05T07:10", "FREQ=HOURLY;INTERVAL=5"),
        ("0 0 1 0", ANY, "2026-01-05T05:30", "FREQ=DAILY"),
        ("0 0 3 0", ANY, "2026-01-05T05:30", "FREQ=DAILY;INTERVAL=3"),
        ("0 0 1 0", "* * - 1,3,5 1 * * *", "2026-01-05T06:00", "FREQ=DAILY;BYDAY=MO,WE,FR"),
        ("0 0 1 0", "* * - 1 2 * * *", "2026-01-05T06:00", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;WKST=SU"),
        ("0 0 1 0", "* * - * * 1,15 * *", "2026-01-01T02:00", "FREQ=DAILY;BYMONTHDAY=1,15"),
        ("0 0 1 0", "* * - * * ¤ * *", "2026-01-01T02:00", "FREQ=DAILY;BYMONTHDAY=-1"),
        ("0 0 1 0", "* * 1 1 * * * *", "2026-01-01T02:00", "FREQ=MONTHLY;BYDAY=1MO"),
        ("0 1 0 0", "* 9,10 - 1,2 * * * *", "2026-01-05T09:00", "FREQ=HOURLY;BYHOUR=9,10;BYDAY=MO,TU"),
        ("0 0 1 0", "* * - * * 1 * 3", "2026-01-01T02:00", "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1"),
        ("0 0 0 2", ANY, "2026-01-05T06:00", "FREQ=DAILY;INTERVAL=14"),
        ("1 2 3 4", ANY, "2026-01-05T09:00", "FREQ=MINUTELY;INTERVAL=44761"),
    ],
)
def test_worked_examples(increment: str, filter_: str, start: str, expected: str) -> None:
    assert recurrence(increment, (filter_,), datetime.fromisoformat(start)) == f"RRULE:{expected}"


@pytest.mark.parametrize(
    ("increment", "filters"),
    [
        ("0 0 0 0", (ANY,)),
        ("0 0 1 0", (ANY, ANY)),
        ("0 0 1", (ANY,)),
        ("0 0 -1 0", (ANY,)),
        ("x 0 1 0", (ANY,)),
        ("0 0 1 0", ("* 9-15 - * * * * *",)),
        ("0 0 1 0", ("* 24 - * * * * *",)),
        ("0 0 1 0", ("60 * - * * * * *",)),
        ("0 0 1 0", ("* * - 7 * * * *",)),
        ("0 0 1 0", ("* * - * * 32 * *",)),
        ("0 0 1 0", ("* * 5 1 * * * *",)),
        ("0 0 1 0", ("* * - * 2 * * *",)),
        ("0 0 1 0", ("* * - * * * * 2",)),
        ("0 1 0 0", ("* * - 1 2 * * *",)),
        ("0 0 1 0", ("* * -",)),
        ("0 0 1 0", ("",)),
    ],
)
def test_what_has_two_readings_is_refused(increment: str, filters: tuple[str, ...]) -> None:
    with pytest.raises(NotTranslatable):
        recurrence(increment, filters, datetime(2026, 1, 5, 5, 30))


def model(increment: str, filter_: str, start: datetime) -> Iterator[datetime]:
    """The working model, written down a second time: candidates by the increment, limited by the filter."""
    minutes, hours, days, weeks = map(int, increment.split())
    step = timedelta(minutes=minutes, hours=hours, days=days, weeks=weeks)
    minute, hour, nth, weekday, every_week, day, month, every_month = filter_.split()
    first_sunday = start.date() - timedelta(days=(start.weekday() + 1) % 7)
    when = start
    while when < start + HORIZON:
        last = (when + timedelta(days=1)).month != when.month
        sunday = when.date() - timedelta(days=(when.weekday() + 1) % 7)
        checks = (
            minute == "*" or str(when.minute) in minute.split(","),
            hour == "*" or str(when.hour) in hour.split(","),
            weekday == "*" or str((when.weekday() + 1) % 7) in weekday.split(","),
            day == "*" or str(when.day) in day.split(",") or ("¤" in day.split(",") and last),
            month == "*" or str(when.month) in month.split(","),
            every_week == "*" or (sunday - first_sunday).days // 7 % int(every_week) == 0,
            every_month == "*"
            or ((when.year - start.year) * 12 + when.month - start.month) % int(every_month) == 0,
            nth == "-"
            or (nth == "¤" and (when + timedelta(days=7)).month != when.month)
            or (nth.isdigit() and (when.day - 1) // 7 + 1 == int(nth)),
        )
        if all(checks):
            yield when
        when += step


def numbers(low: int, high: int) -> st.SearchStrategy[str]:
    return st.one_of(
        st.just("*"),
        st.lists(st.integers(low, high), min_size=1, max_size=4, unique=True).map(
            lambda found: ",".join(map(str, sorted(found)))
        ),
    )


increments = st.sampled_from(
    [
        *["0 0 1 0"] * 3,
        *["0 0 2 0", "0 0 0 1", "0 0 0 2"],
        *["0 1 0 0", "0 5 0 0", "30 0 0 0", "45 0 0 0", "0 12 1 0"],
    ]
)
filters = st.builds(
    lambda *tokens: " ".join(tokens),
    st.sampled_from(["*", "*", "*", "0", "0,30", "30"]),
    st.one_of(st.just("*"), st.just("*"), numbers(0, 23)),
    st.sampled_from(["-", "-", "-", "1", "3", "¤"]),
    numbers(0, 6),
    st.sampled_from(["*", "*", "1", "2", "3"]),
    st.one_of(numbers(1, 31), st.just("¤")),
    numbers(1, 12),
    st.sampled_from(["*", "*", "1", "2", "3"]),
)
starts = st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31)).map(
    lambda d: d.replace(minute=d.minute // 30 * 30, second=0, microsecond=0)
)


@settings(max_examples=300, deadline=None)
@given(increments, filters, starts)
def test_translated_rules_mean_what_the_model_means(increment: str, filter_: str, start: datetime) -> None:
    try:
        rule = recurrence(increment, (filter_,), start)
    except NotTranslatable:
        return
    expected = list(islice(model(increment, filter_, start), 25))
    end = start + HORIZON - timedelta(seconds=1)
    found = list(islice(rrulestr(f"{rule};UNTIL={end:%Y%m%dT%H%M%S}", dtstart=start), 25))
    assert found == expected, rule
    for when in expected[:3]:
        assert fires_at(rule, start, when)
        wrong = when + timedelta(minutes=1)
        if wrong not in expected:
            assert not fires_at(rule, start, wrong)


def test_a_run_years_after_the_start_is_found_at_once() -> None:
    start = datetime(2012, 1, 1, 7, 10)
    assert fires_at("RRULE:FREQ=MINUTELY;INTERVAL=30", start, datetime(2026, 11, 24, 8, 40))
    assert not fires_at("RRULE:FREQ=MINUTELY;INTERVAL=30", start, datetime(2026, 11, 24, 8, 41))
