"""Next executions, against the worked examples of the source reference and dates taken from a calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from qlift.simulator.site.documents import NO_DATE, app, user
from qlift.simulator.site.kinds import Document
from qlift.simulator.site.schedule import next_execution
from qlift.simulator.site.task_documents import reload_task, schema_event

TASK = reload_task("t", "Task", app("a", "App", user("u", "ACME", "anna", "Anna"), None))
ANY = "* * - * * * * *"
BERLIN = "Europe/Berlin"


def _event(start: str, zone: str, increment: str, *filters: str, **more: object) -> Document:
    return schema_event("e", "Event", TASK, start, zone, increment, 5, filters or (ANY,)) | more


def _after(event: Document, now: str) -> str:
    return next_execution(event, datetime.fromisoformat(now).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("event", "now", "expected"),
    [
        # Every 30 minutes from 07:10: at :10 and :40.
        (_event("2026-01-05T07:10:00.000", "UTC", "30 0 0 0"), "2026-03-10T12:15", "2026-03-10T12:40"),
        # Every five hours keeps its phase over midnight: 07:10 + 5k hours.
        (_event("2026-01-05T07:10:00.000", "UTC", "0 5 0 0"), "2026-01-06T00:00", "2026-01-06T03:10"),
        # Daily at 05:30 in Berlin: winter UTC+1, summer UTC+2.
        (
            _event("2026-01-05T05:30:00.000", BERLIN, "0 0 1 0"),
            "2026-02-01T12:00",
            "2026-02-02T04:30",
        ),
        (
            _event("2026-01-05T05:30:00.000", BERLIN, "0 0 1 0"),
            "2026-07-01T12:00",
            "2026-07-02T03:30",
        ),
        # The same with standard or daylight time all year.
        (
            _event("2026-01-05T05:30:00.000", BERLIN, "0 0 1 0", daylightSavingTime=1),
            "2026-07-01T12:00",
            "2026-07-02T04:30",
        ),
        (
            _event("2026-01-05T05:30:00.000", BERLIN, "0 0 1 0", daylightSavingTime=2),
            "2026-02-01T12:00",
            "2026-02-02T03:30",
        ),
        # A zone without daylight time does not care.
        (
            _event("2026-01-05T05:30:00.000", "Asia/Tokyo", "0 0 1 0", daylightSavingTime=2),
            "2026-02-01T12:00",
            "2026-02-01T20:30",
        ),
        # Monday, Wednesday, Friday; 2026-03-10 is a Tuesday.
        (
            _event("2026-01-05T06:00:00.000", "UTC", "0 0 1 0", "* * - 1,3,5 1 * * *"),
            "2026-03-10T12:00",
            "2026-03-11T06:00",
        ),
        # Every second Monday from 2026-01-05: 01-19, 02-02 ...
        (
            _event("2026-01-05T06:00:00.000", "UTC", "0 0 1 0", "* * - 1 2 * * *"),
            "2026-01-06T00:00",
            "2026-01-19T06:00",
        ),
        # First and fifteenth; the 31st skips short months; the last day; the first Monday.
        (
            _event("2026-01-01T02:00:00.000", "UTC", "0 0 1 0", "* * - * * 1,15 * *"),
            "2026-03-10T12:00",
            "2026-03-15T02:00",
        ),
        (
            _event("2026-01-01T02:00:00.000", "UTC", "0 0 1 0", "* * - * * 31 * *"),
            "2026-04-01T00:00",
            "2026-05-31T02:00",
        ),
        (
            _event("2026-01-01T02:00:00.000", "UTC", "0 0 1 0", "* * - * * ¤ * *"),
            "2026-02-10T00:00",
            "2026-02-28T02:00",
        ),
        (
            _event("2026-01-01T02:00:00.000", "UTC", "0 0 1 0", "* * 1 1 * * * *"),
            "2026-03-03T00:00",
            "2026-04-06T02:00",
        ),
        # Every third month from January.
        (
            _event("2026-01-01T02:00:00.000", "UTC", "0 0 1 0", "* * - * * 1 * 3"),
            "2026-01-02T00:00",
            "2026-04-01T02:00",
        ),
        # Two strings: whichever comes first.
        (
            _event("2026-01-01T02:00:00.000", "UTC", "0 0 1 0", "* * - * * 20 * *", "* * - * * 12 * *"),
            "2026-03-10T12:00",
            "2026-03-12T02:00",
        ),
        # Once, still to come.
        (_event("2026-12-01T06:00:00.000", "UTC", "0 0 0 0"), "2026-03-10T12:00", "2026-12-01T06:00"),
        # A start in the future is the first run.
        (_event("2026-05-01T06:00:00.000", "UTC", "0 0 1 0"), "2026-03-10T12:00", "2026-05-01T06:00"),
    ],
)
def test_next(event: Document, now: str, expected: str) -> None:
    assert _after(event, now) == f"{expected}:00.000Z"


@pytest.mark.parametrize(
    "event",
    [
        _event("2023-03-01T04:00:00.000", "UTC", "0 0 0 0"),
        _event("2026-01-05T06:00:00.000", "UTC", "0 0 1 0", enabled=False),
        _event("2026-01-05T06:00:00.000", "UTC", "0 0 1 0", expirationDate="2026-02-01T00:00:00.000"),
        _event("2026-01-05T06:00:00.000", "UTC", "0 0 1 0", "* 9-15 - * * * * *"),
        _event("2026-01-05T06:00:00.000", "UTC", "0 0 1 0", "* 7 - * * * * *"),
        _event("2026-01-05T06:00:00.000", "Nowhere/City", "0 0 1 0"),
        _event("2026-01-05T06:00:00.000", "UTC", "daily"),
    ],
)
def test_nothing_is_due(event: Document) -> None:
    assert _after(event, "2026-03-10T12:00") == NO_DATE
