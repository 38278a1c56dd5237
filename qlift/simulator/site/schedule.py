"""When a schema event fires next, by the working model of the source reference.

Candidates are start + k times the increment, in the wall clock of the event's zone; one fires if a filter
string matches it and it is not after the expiration. An increment of zero means one run at the start.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from qlift.simulator.site.documents import NO_DATE
from qlift.simulator.site.kinds import Document

_CANDIDATES = 200_000
"""How many candidates are tried before the event counts as one that never fires."""


def next_execution(event: Document, now: datetime) -> str:
    """UTC with `Z`; the service's "no date" when nothing is due, or when the event cannot be understood."""
    if not event["enabled"]:
        return NO_DATE
    try:
        due = _next(event, now)
    except (ValueError, KeyError):
        return NO_DATE
    if due is None:
        return NO_DATE
    return due.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _next(event: Document, now: datetime) -> datetime | None:
    zone = ZoneInfo(event["timeZone"])
    start = _wall(event["startDate"])
    expires = _wall(event["expirationDate"])
    for candidate in _candidates(start, _increment(event["incrementDescription"]), _local(now, zone)):
        if candidate > expires:
            return None
        if not any(_matches(text, candidate, start) for text in event["schemaFilterDescription"]):
            continue
        due = _instant(candidate, zone, event["daylightSavingTime"])
        if due > now:
            return due
    return None


def _wall(text: str) -> datetime:
    return datetime.fromisoformat(text.rstrip("Z"))


def _local(now: datetime, zone: ZoneInfo) -> datetime:
    return now.astimezone(zone).replace(tzinfo=None)


def _increment(text: str) -> timedelta:
    minutes, hours, days, weeks = (int(part) for part in text.split())
    return timedelta(minutes=minutes, hours=hours, days=days, weeks=weeks)


def _candidates(start: datetime, step: timedelta, now: datetime) -> Iterator[datetime]:
    if not step:
        yield start
        return
    # A day earlier than now: permanent standard or daylight time differs from the zone's wall clock.
    passed = max(0, (now - timedelta(days=1) - start) // step)
    candidate = start + passed * step
    for _ in range(_CANDIDATES):
        yield candidate
        candidate += step


def _instant(wall: datetime, zone: ZoneInfo, daylight: int) -> datetime:
    """`daylight`: 0 as the zone does, 1 standard time all year, 2 daylight time all year."""
    local = wall.replace(tzinfo=zone)
    if daylight == 0:
        return local.astimezone(UTC)
    offsets = _offsets(wall.year, zone)
    return (wall - (min(offsets) if daylight == 1 else max(offsets))).replace(tzinfo=UTC)


def _offsets(year: int, zone: tzinfo) -> set[timedelta]:
    offsets = (datetime(year, month, 15, 12, tzinfo=zone).utcoffset() for month in range(1, 13))
    return {offset for offset in offsets if offset is not None}


def _matches(text: str, candidate: datetime, start: datetime) -> bool:
    minute, hour, nth, weekday, weeks, day, month, months = text.split(" ")
    return (
        _in(minute, candidate.minute)
        and _in(hour, candidate.hour)
        and _in(weekday, _sunday_based(candidate))
        and _nth_fits(nth, candidate)
        and _every(weeks, _weeks_between(start, candidate))
        and _day_fits(day, candidate)
        and _in(month, candidate.month)
        and _every(months, (candidate.year - start.year) * 12 + candidate.month - start.month)
    )


def _in(token: str, value: int) -> bool:
    return token == "*" or value in {int(part) for part in token.split(",")}


def _every(token: str, passed: int) -> bool:
    return token == "*" or passed % int(token) == 0


def _sunday_based(moment: datetime) -> int:
    return (moment.weekday() + 1) % 7


def _weeks_between(start: datetime, candidate: datetime) -> int:
    return (_week_start(candidate) - _week_start(start)).days // 7


def _week_start(moment: datetime) -> datetime:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=_sunday_based(moment))


def _days_in_month(moment: datetime) -> int:
    return calendar.monthrange(moment.year, moment.month)[1]


def _nth_fits(token: str, candidate: datetime) -> bool:
    if token in ("-", "*"):
        return True
    if token == "¤":
        return candidate.day + 7 > _days_in_month(candidate)
    return (candidate.day - 1) // 7 + 1 == int(token)


def _day_fits(token: str, candidate: datetime) -> bool:
    if token == "*":
        return True
    days: Sequence[str] = token.split(",")
    last = _days_in_month(candidate)
    return candidate.day in {last if part == "¤" else int(part) for part in days}
