"""The proof: what the source's arithmetic says, the issued rule says too, run by run.

Every generated trigger goes the whole way (`translate`), zone and summer time included; its rule is read by
dateutil, its zone by zoneinfo.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr

from qlift.bundle.models import SchemaEvent
from qlift.derivation.schedules.operational import Announced
from qlift.derivation.schedules.timing import Timing
from qlift.derivation.schedules.triggers import Translation, translate
from tests.derivation import source_arithmetic

TRIGGERS = 10_000
RUNS = 400
"""Compared of each trigger, if it has so many within the horizon; else all that it has."""
HORIZON = {"MINUTELY": 3, "HOURLY": 3, "DAILY": 9, "WEEKLY": 12, "MONTHLY": 34}
"""Years from the first run."""
CHUNKS = 20
AS_OF = date(2023, 1, 1)
"""Before every start: nothing is over."""

ZONES = ("Europe/Paris",) * 6 + (
    "America/New_York", "Asia/Kolkata", "Australia/Adelaide", "America/St_Johns", "Australia/Lord_Howe",
    "Pacific/Chatham", "Asia/Tokyo", "UTC", "Europe/London", "Pacific/Apia",
)  # fmt: skip
INCREMENTS = ("0 0 1 0",) * 10 + (
    "30 0 0 0", "45 0 0 0", "15 0 0 0", "2 0 0 0", "90 0 0 0",
    "0 1 0 0", "0 1 0 0", "0 2 0 0", "0 5 0 0", "0 12 0 0", "0 36 0 0",
    "0 0 2 0", "0 0 3 0", "0 0 7 0", "0 0 0 1", "0 0 0 1", "0 0 0 2", "0 0 0 3", "1 2 3 4", "0 0 0 0",
)  # fmt: skip


def numbers(chance: random.Random, low: int, high: int, *, any_: float, most: int = 4) -> str:
    if chance.random() < any_:
        return "*"
    return ",".join(str(n) for n in chance.sample(range(low, high + 1), chance.randint(1, most)))


def generated(chance: random.Random, number: int) -> SchemaEvent:
    start = datetime(2024, 1, 1) + timedelta(minutes=chance.randrange(3 * 365 * 1440))
    if chance.random() < 0.6:
        start = start.replace(minute=chance.choice((0, 0, 15, 30)))
    start = start.replace(second=chance.choice((0, 0, 0, 33)))
    increment = chance.choice(INCREMENTS)
    if chance.random() < 0.15:
        increment = " ".join(str(chance.choice((0, 0, 1, chance.randrange(n)))) for n in (60, 24, 8, 4))
    # Filters of minutes and hours seldom meet a start that they do not name.
    whole_days = increment.startswith("0 0 ")
    minute = numbers(chance, 0, 59, any_=0.98 if whole_days else 0.9)
    hour = numbers(chance, 0, 23, any_=0.9 if whole_days else 0.6, most=9)
    if hour != "*" and chance.random() < 0.7:
        hour += f",{start.hour}"
    nth = chance.choice("1234¤") if chance.random() < 0.12 else "-"
    day = numbers(chance, 1, 31, any_=0.7)
    if chance.random() < 0.1:
        day = "¤" if day == "*" else f"{day},¤"
    weekday = numbers(chance, 0, 6, any_=0.1 if nth != "-" else 0.5, most=5)
    weeks, months = (
        chance.choice("235")
        if chance.random() < (0.1 if increment == "0 0 1 0" else 0.03)
        else chance.choice("**1")
        for _ in range(2)
    )
    filter_ = " ".join((minute, hour, nth, weekday, weeks, day, numbers(chance, 1, 12, any_=0.8), months))
    ends = chance.random() < 0.15
    expires = start + timedelta(minutes=chance.randrange(2 * 365 * 1440)) if ends else datetime(9999, 1, 1)
    return SchemaEvent.model_validate(
        {
            "id": f"{number:08x}",
            "name": "E",
            "timeZone": chance.choice(ZONES),
            # Summer time all year has no meaning in a zone that has none: see the table tests.
            "daylightSavingTime": chance.choice((0, 0, 0, 1, 2)),
            "startDate": start.isoformat(timespec="milliseconds"),
            "expirationDate": expires.isoformat(timespec="milliseconds"),
            "incrementDescription": increment,
            "incrementOption": 5,
            "schemaFilterDescription": [filter_],
        }
    )


def of_source(event: SchemaEvent, years: int) -> list[datetime]:
    """The next runs: wall-clock times in the zone, or UTC where the event keeps one offset all year."""
    start, expires = datetime.fromisoformat(event.start_date), datetime.fromisoformat(event.expiration_date)
    found = source_arithmetic.runs(
        start,
        event.increment_description,
        event.schema_filter_description[0],
        expires,
        start + timedelta(days=366 * years),
    )
    offset = timedelta()
    if event.daylight_saving_time:
        offset = source_arithmetic.offsets(event.time_zone, AS_OF.year)[event.daylight_saving_time - 1]
    return [(when - offset).replace(second=0) for when in islice(found, RUNS)]


def of_rule(event: SchemaEvent, timing: Timing, count: int) -> list[datetime]:
    """As `of_source`: the next `count` runs, and one more if there is one."""
    found = []
    for when in rrulestr(str(timing.rule), dtstart=timing.start):
        if timing.end is not None and when > timing.end:
            break
        if event.daylight_saving_time:
            when = when.replace(tzinfo=ZoneInfo(timing.zone)).astimezone(UTC).replace(tzinfo=None)
        found.append(when)
        if len(found) > count:
            break
    return found


def translated(event: SchemaEvent) -> Translation:
    return translate(event, Announced(), AS_OF)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_issued_rule_fires_when_the_source_does(chunk: int) -> None:
    chance = random.Random(f"triggers {chunk}")
    counts: Counter[str] = Counter()
    for number in range(TRIGGERS // CHUNKS):
        event = generated(chance, number)
        standard, summer = source_arithmetic.offsets(event.time_zone, AS_OF.year)
        if event.daylight_saving_time == 2 and standard == summer:
            event = event.model_copy(update={"daylight_saving_time": 1})
        outcome = translated(event)
        timing = outcome.timing
        if timing is None:
            [note] = outcome.notes
            counts[note.code] += 1
            if note.code == "SCHEDULE-NEVER":
                assert not of_source(event, 9), f"it does fire: {event!r}"
            continue
        assert not outcome.doubtful
        years = (timing.start.year - int(event.start_date[:4])) + HORIZON[timing.rule.freq]
        expected = of_source(event, years)
        assert expected, f"it never fires: {event!r}"
        found = of_rule(event, timing, len(expected))
        assert found[: len(expected)] == expected, f"{timing} of {event!r}"
        if len(expected) < RUNS:
            beyond = datetime.fromisoformat(event.start_date) + timedelta(days=366 * years - 1)
            assert all(when > beyond for when in found[len(expected) :]), f"{timing} of {event!r}"
        counts["translated"] += 1
        counts["runs"] += len(expected)
    print(dict(counts))  # noqa: T201
    share = counts["translated"] / (TRIGGERS // CHUNKS)
    assert 0.6 < share < 0.95, f"the generator changed: {share:.0%} are translated"
    assert counts["SCHEDULE-NEVER"] and counts["SCHEDULE-NOT-MIGRATED"]
