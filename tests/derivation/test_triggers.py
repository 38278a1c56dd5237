"""One schema event → a task's timing: zones, summer time, doubts, ends, what is over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from qlift.bundle.models import SchemaEvent
from qlift.derivation.schedules import zones
from qlift.derivation.schedules.operational import Announced
from qlift.derivation.schedules.timing import Timing
from qlift.derivation.schedules.triggers import Translation, translate

ANY = "* * - * * * * *"
TODAY = date(2026, 11, 24)


def event(**changes: Any) -> SchemaEvent:
    raw = {
        "id": "e1",
        "name": "Daily",
        "timeZone": "Europe/Paris",
        "startDate": "2026-01-05T05:30:00.000",
        "schemaFilterDescription": [ANY],
        "incrementDescription": "0 0 1 0",
        "incrementOption": 5,
    }
    return SchemaEvent.model_validate(raw | changes)


def announced(text: str | None) -> Announced:
    return Announced(True, datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None)


def outcome(said: Announced = Announced(), **changes: Any) -> Translation:  # noqa: B008
    return translate(event(**changes), said, TODAY)


def timing(**changes: Any) -> Timing:
    found = outcome(**changes).timing
    assert found is not None
    return found


def instants(found: Timing, since: date, count: int = 500) -> list[datetime]:
    """The next runs, UTC."""
    zone = ZoneInfo(found.zone)
    return [w.replace(tzinfo=zone).astimezone(UTC) for w in found.next_runs(since, count)]


def codes(found: Translation) -> list[str]:
    return [n.code for n in found.notes]


@pytest.mark.parametrize(
    ("zone", "mode", "expected"),
    [
        ("Europe/Paris", 0, "Europe/Paris"),
        ("Europe/Paris", 1, "Etc/GMT-1"),
        ("Europe/Paris", 2, "Etc/GMT-2"),
        ("Europe/London", 1, "UTC"),
        ("Europe/London", 2, "Etc/GMT-1"),
        ("America/New_York", 1, "Etc/GMT+5"),
        ("America/New_York", 2, "Etc/GMT+4"),
        ("Asia/Tokyo", 0, "Asia/Tokyo"),
        ("Asia/Tokyo", 1, "Asia/Tokyo"),
        ("Australia/Adelaide", 1, "UTC"),
        ("America/St_Johns", 2, "UTC"),
        ("Asia/Calcutta", 0, "Asia/Kolkata"),
        ("Asia/Katmandu", 0, "Asia/Kathmandu"),
        ("America/Godthab", 0, "America/Nuuk"),
        ("America/Buenos_Aires", 0, "America/Argentina/Buenos_Aires"),
        ("America/Indianapolis", 0, "America/Indiana/Indianapolis"),
        ("US/Eastern", 0, "America/New_York"),
        ("Europe/Stockholm", 0, "Europe/Stockholm"),
        ("UTC", 0, "UTC"),
    ],
)
def test_the_zone_of_a_task(zone: str, mode: int, expected: str) -> None:
    found = outcome(timeZone=zone, daylightSavingTime=mode)
    assert found.timing and found.timing.zone == expected
    assert ("SCHEDULE-ZONE" in codes(found)) is (zone != expected)
    assert not found.doubtful


@pytest.mark.parametrize(
    ("mode", "winter", "summer"),
    [(0, "04:30", "03:30"), (1, "04:30", "04:30"), (2, "03:30", "03:30")],
)
def test_what_the_clocks_do_to_a_daily_run(mode: int, winter: str, summer: str) -> None:
    """05:30 in Paris, around both changes of 2026."""
    found = timing(daylightSavingTime=mode)
    for day, hour in (("03-28", winter), ("03-29", summer), ("10-24", summer), ("10-25", winter)):
        [run] = instants(found, date.fromisoformat(f"2026-{day}"), 1)
        assert run.strftime("%m-%d %H:%M") == f"{day} {hour}"


@pytest.mark.parametrize(
    ("zone", "mode", "offset"),
    [
        ("Australia/Adelaide", 1, timedelta(hours=9, minutes=30)),
        ("Australia/Adelaide", 2, timedelta(hours=10, minutes=30)),
        ("America/St_Johns", 1, -timedelta(hours=3, minutes=30)),
        ("America/St_Johns", 2, -timedelta(hours=2, minutes=30)),
    ],
)
@pytest.mark.parametrize("start", ["2026-01-05T05:30:00.000", "2026-01-05T22:45:00.000"])
@pytest.mark.parametrize("filter_", [ANY, "* * - 1,4 1 * * *", "* * - 0,6 2 * * *"])
def test_half_hour_zones_move_into_utc(
    zone: str, mode: int, offset: timedelta, start: str, filter_: str
) -> None:
    found = timing(timeZone=zone, daylightSavingTime=mode, startDate=start, schemaFilterDescription=[filter_])
    plain = timing(timeZone="UTC", startDate=start, schemaFilterDescription=[filter_])
    assert found.zone == "UTC"
    moved = [run - offset for run in instants(plain, date(2026, 1, 10), 100)]
    every = instants(found, date(2026, 1, 1), 400)
    assert [run for run in every if moved[0] <= run <= moved[-1]] == moved


@pytest.mark.parametrize(
    ("increment", "filter_"),
    [
        ("0 0 1 0", "* * - * * 1 * *"),
        ("0 0 1 0", "* * 1 1 * * * *"),
        ("0 0 1 0", "* * - 1 * * 6 *"),
        ("0 1 0 0", "* 9 - * * * * *"),
        ("0 1 0 0", "* * - 1 * * * *"),
    ],
)
def test_what_would_be_another_day_in_utc_is_refused(increment: str, filter_: str) -> None:
    found = outcome(
        timeZone="Australia/Adelaide",
        daylightSavingTime=1,
        incrementDescription=increment,
        schemaFilterDescription=[filter_],
    )
    assert found.timing is None and codes(found) == ["SCHEDULE-NOT-MIGRATED"]


def test_days_of_the_month_stay_where_the_day_is_the_same_in_utc() -> None:
    found = timing(
        timeZone="Australia/Adelaide",
        daylightSavingTime=1,
        startDate="2026-01-01T12:00:00",
        schemaFilterDescription=["* * - * * 1 * *"],
    )
    assert (str(found.rule), found.start) == ("RRULE:FREQ=MONTHLY;BYMONTHDAY=1", datetime(2026, 1, 1, 2, 30))


@pytest.mark.parametrize(
    ("zone", "hint"), [("Mars/Olympus", ""), ("europe/pariss", "Europe/Paris"), ("../x", "")]
)
def test_a_zone_that_iana_has_not(zone: str, hint: str) -> None:
    [note] = outcome(timeZone=zone).notes
    assert note.code == "SCHEDULE-NOT-MIGRATED" and zone in note.message and hint in note.message


def test_summer_time_all_year_where_there_is_none_has_two_readings() -> None:
    changes: dict[str, Any] = {"timeZone": "Asia/Tokyo", "daylightSavingTime": 2}
    found = outcome(**changes)
    assert found.doubtful and found.timing and found.timing.zone == "Asia/Tokyo"
    ahead = outcome(announced("2026-11-24T19:30"), **changes)
    assert ahead.timing and (ahead.timing.zone, ahead.doubtful) == ("Etc/GMT-10", False)
    far = outcome(announced("2026-11-24T14:30"), timeZone="Pacific/Kiritimati", daylightSavingTime=2)
    assert far.timing and far.timing.zone == "UTC", "there is no Etc zone 15 hours ahead"


ONCE_OR_NOT: dict[str, Any] = {
    "incrementOption": 0,
    "incrementDescription": "2 0 0 0",
    "startDate": "2026-12-01T09:00:33.000",
}


@pytest.mark.parametrize(
    ("said", "rule", "doubtful"),
    [
        (Announced(), "FREQ=MINUTELY;INTERVAL=2", True),
        (announced(None), "FREQ=MINUTELY;INTERVAL=2", True),
        (announced("2026-12-01T08:00:33"), "FREQ=MINUTELY;INTERVAL=2", True),
        (announced("2026-12-03T08:02:33"), "FREQ=MINUTELY;INTERVAL=2", False),
        (announced("2026-12-03T08:03:33"), "FREQ=MINUTELY;INTERVAL=2", True),
    ],
)
def test_once_with_an_increment(said: Announced, rule: str, doubtful: bool) -> None:
    """Every two minutes or once: only a run that one reading has and the other has not can tell."""
    found = outcome(said, **ONCE_OR_NOT)
    assert found.timing and str(found.timing.rule) == f"RRULE:{rule}" and found.doubtful is doubtful
    [note] = [n for n in found.notes if n.code == "SCHEDULE-TWO-READINGS"]
    assert "every 2 minutes" in note.message and "once (its form says once)" in note.message
    assert str(said) in note.message
    assert ("e1" in note.remedy) is doubtful


@pytest.mark.parametrize(
    ("option", "increment", "two"),
    [
        (0, "0 0 0 0", False), (0, "0 0 1 0", True), (1, "0 0 1 0", False), (1, "0 0 0 0", False),
        (2, "0 0 3 0", False), (2, "30 0 0 0", True), (3, "0 0 0 1", False), (3, "0 12 0 0", True),
        (4, "0 0 0 0", True), (5, "1 2 3 4", False), (9, "1 2 3 4", False),
    ],
)  # fmt: skip
def test_which_options_contradict_the_increment(option: int, increment: str, two: bool) -> None:
    found = outcome(incrementOption=option, incrementDescription=increment, startDate="2027-01-05T05:30:00")
    assert ("SCHEDULE-TWO-READINGS" in codes(found)) is two
    assert found.doubtful is two


@pytest.mark.parametrize(
    ("said", "start", "doubtful"),
    [
        (Announced(), "2026-01-05T05:30", True),
        (announced("2026-11-25T04:30"), "2026-01-05T05:30", False),
        (announced("2026-11-25T05:30"), "2026-01-05T06:30", False),
    ],
)
def test_a_start_with_z(said: Announced, start: str, doubtful: bool) -> None:
    found = outcome(said, startDate="2026-01-05T05:30:00.000Z")
    assert found.timing and found.timing.start == datetime.fromisoformat(start)
    assert found.doubtful is doubtful
    assert not outcome(startDate="2026-01-05T05:30:00.000Z", timeZone="UTC").doubtful


def test_an_end_with_an_offset_is_in_doubt_too() -> None:
    found = outcome(expirationDate="2026-12-24T10:19:00.000Z")
    assert found.doubtful and "SCHEDULE-TWO-READINGS" in codes(found)
    assert not outcome(expirationDate="2026-12-24T10:19:00.000").doubtful
    assert not outcome(expirationDate="9999-01-01T00:00:00.000Z").doubtful, "which says: never"


def test_seconds_are_dropped_and_noted() -> None:
    found = outcome(startDate="2026-01-05T10:19:30.000", expirationDate="2026-12-24T10:19:29.000")
    assert found.timing and found.timing.start == datetime(2026, 1, 5, 10, 19)
    assert "SCHEDULE-SECONDS" in codes(found)
    assert found.timing.end == datetime(2026, 12, 24, 10, 18), "the run at 10:19:30 would be too late"
    assert max(found.timing.next_runs(date(2026, 12, 20), 10)) == datetime(2026, 12, 23, 10, 19)


def test_the_end_lies_after_the_last_run() -> None:
    """Whether the tenant's end is included is not documented."""
    assert timing(expirationDate="2027-01-31T05:30:00").end == datetime(2027, 1, 31, 5, 30, 59)
    assert timing(expirationDate="2027-01-31T05:29:00").end == datetime(2027, 1, 31, 5, 29)
    assert timing(expirationDate="9999-12-31T00:00:00.000Z").end is None
    assert timing(expirationDate="1753-01-01T00:00:00.000Z").end is None
    only = timing(startDate="2027-01-05T05:30:00", expirationDate="2027-01-05T05:30:00")
    assert only.end and only.end > only.start, "the tenant refuses an end that is not after the start"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"expirationDate": "2026-11-23T00:00:00.000"}, "SCHEDULE-OVER"),
        ({"incrementDescription": "0 0 0 0", "startDate": "2026-11-23T05:30:00"}, "SCHEDULE-OVER"),
        ({"startDate": "2027-01-05T05:30:00", "expirationDate": "2027-01-04T00:00:00"}, "SCHEDULE-NEVER"),
        ({"schemaFilterDescription": ["* * - * * 30 2 *"]}, "SCHEDULE-NEVER"),
        ({"startDate": "1753-01-01T00:00:00.000Z"}, "SCHEDULE-NOT-MIGRATED"),
        ({"startDate": "9999-01-01T00:00:00"}, "SCHEDULE-NOT-MIGRATED"),
        ({"startDate": "soon"}, "SCHEDULE-NOT-MIGRATED"),
        ({"expirationDate": "later"}, "SCHEDULE-NOT-MIGRATED"),
        ({"daylightSavingTime": 3}, "SCHEDULE-NOT-MIGRATED"),
    ],
)
def test_nothing_to_run(changes: dict[str, Any], code: str) -> None:
    found = outcome(**changes)
    assert found.timing is None and codes(found) == [code]
    assert all(n.remedy for n in found.notes)


def test_an_event_that_ends_today_is_not_over() -> None:
    assert outcome(expirationDate="2026-11-24T00:00:00.000").timing


@pytest.mark.parametrize(
    ("said", "enabled", "kept"),
    [
        (Announced(), True, True),
        (announced("2027-01-05T04:30"), True, True),
        (announced(None), True, False),
        (announced(None), False, True),
    ],
)
def test_once_in_the_future(said: Announced, enabled: bool, kept: bool) -> None:
    once = event(incrementDescription="0 0 0 0", incrementOption=0, startDate="2027-01-05T05:30:00")
    found = translate(once, said, TODAY, enabled=enabled)
    assert codes(found) == (["SCHEDULE-ONCE"] if kept else ["SCHEDULE-OVER"])
    if found.timing:
        assert (str(found.timing.rule), found.timing.start) == (
            "RRULE:FREQ=DAILY;COUNT=1",
            datetime(2027, 1, 5, 5, 30),
        )


def test_the_task_starts_at_its_first_run() -> None:
    """A start that the rule does not hold is undefined in RFC 5545; the phase stays that of the source."""
    found = timing(startDate="2026-01-05T06:00:00", schemaFilterDescription=["* * - 3,5 2 * * *"])
    assert (str(found.rule), found.start) == (
        "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=WE,FR;WKST=SU",
        datetime(2026, 1, 7, 6),
    )
    half = timing(
        startDate="2026-01-05T06:10:00",
        incrementDescription="45 0 0 0",
        schemaFilterDescription=["* 9 - * * * * *"],
    )
    assert half.start == datetime(2026, 1, 5, 9, 10)


@pytest.mark.parametrize(
    ("moment", "agrees"),
    [
        ("2026-11-25T04:30", True),
        ("2026-07-01T03:30", True),
        ("2026-11-25T05:30", False),
        ("2026-11-25T04:31", False),
        ("2025-11-25T04:30", False),
        ("2027-03-01T04:30", False),
    ],
)
def test_the_next_run_that_the_source_announces(moment: str, agrees: bool) -> None:
    """05:30 in Paris is 04:30 UTC in winter and 03:30 in summer; the event ends in February."""
    found = outcome(announced(moment), expirationDate="2027-02-01T00:00:00")
    assert found.doubtful is not agrees
    assert ("SCHEDULE-NEXT-RUN" in codes(found)) is not agrees


@pytest.mark.parametrize("moment", ["2027-03-28T01:30", "2027-03-28T00:30"])
def test_a_run_in_the_hour_that_is_skipped(moment: str) -> None:
    """02:30 does not exist on that day; some say 03:30, some 01:30."""
    found = outcome(announced(moment), startDate="2026-01-05T02:30:00")
    assert not found.doubtful


def test_a_disabled_event_is_not_compared() -> None:
    found = translate(event(), announced("2026-11-25T05:30"), TODAY, enabled=False)
    assert found.timing and not found.doubtful


def test_what_is_refused_keeps_its_strings() -> None:
    [note] = outcome(schemaFilterDescription=["* 9-15 - * * * * *"]).notes
    assert "`* 9-15 - * * * * *`" in note.message and "`0 0 1 0`" in note.message


def test_intervals_that_count_from_their_start_are_to_be_verified() -> None:
    assert "SCHEDULE-ANCHOR" in codes(outcome(incrementDescription="45 0 0 0"))
    assert "SCHEDULE-ANCHOR" in codes(outcome(incrementDescription="0 5 0 0"))
    assert "SCHEDULE-ANCHOR" not in codes(outcome(incrementDescription="30 0 0 0"))


def test_zones_are_those_of_the_package() -> None:
    assert zones.canonical("Europe/Kiev") == "Europe/Kyiv"
    with pytest.raises(zones.UnknownZone):
        zones.zone("localtime")
    for name, year in (("Europe/Paris", 2026), ("Europe/Moscow", 2026)):
        assert zones.changes_clocks(name, year) is (name == "Europe/Paris")
    assert zones.changes_clocks("Europe/Moscow", 2010), "the year counts"
