"""The source's documented arithmetic, written down a second time: it shares no code with `qlift`.

Candidates are start + k * increment, k = 0, 1, 2 ..., in the wall clock of the zone; one fires if it matches
the filter and is not after the expiration. Whole days that the filter excludes are stepped over, k by k.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo


@cache
def _calendar(day: datetime) -> tuple[int, int, int, int]:
    """Weekday (0 is Sunday), day of the month, length of the month, month."""
    return (day.weekday() + 1) % 7, day.day, calendar.monthrange(day.year, day.month)[1], day.month


def _listed(token: str) -> set[str] | None:
    return None if token == "*" else set(token.split(","))


class Filter:
    def __init__(self, text: str, start: datetime) -> None:
        minute, hour, self.nth, weekday, weeks, day, month, months = text.split(" ")
        self.minutes, self.hours, self.weekdays = _listed(minute), _listed(hour), _listed(weekday)
        self.days, self.months = _listed(day), _listed(month)
        self.weeks = 1 if weeks == "*" else int(weeks)
        self.months_apart = 1 if months == "*" else int(months)
        self.start = start
        self.sunday = self._sunday_of(start)

    @staticmethod
    def _sunday_of(moment: datetime) -> datetime:
        midnight = datetime(moment.year, moment.month, moment.day)
        while midnight.weekday() != calendar.SUNDAY:
            midnight -= timedelta(days=1)
        return midnight

    def lets_day(self, day: datetime) -> bool:
        weekday, number, length, month = _calendar(day)
        if self.weekdays is not None and str(weekday) not in self.weekdays:
            return False
        if self.months is not None and str(month) not in self.months:
            return False
        if self.days is not None:
            is_last = number == length and "¤" in self.days
            if str(number) not in self.days and not is_last:
                return False
        if self.nth == "¤" and number + 7 <= length:
            return False
        if self.nth in "1234" and not 7 * (int(self.nth) - 1) < number <= 7 * int(self.nth):
            return False
        if self.weeks > 1 and (self._sunday_of(day) - self.sunday).days // 7 % self.weeks:
            return False
        apart = 12 * (day.year - self.start.year) + month - self.start.month
        return self.months_apart == 1 or apart % self.months_apart == 0

    def lets_time(self, hour: int, minute: int) -> bool:
        return (self.hours is None or str(hour) in self.hours) and (
            self.minutes is None or str(minute) in self.minutes
        )


def runs(
    start: datetime, increment: str, filter_: str, expires: datetime, until: datetime
) -> Iterator[datetime]:
    """Wall-clock times, in order, up to `until`."""
    minutes, hours, days, weeks = (int(n) for n in increment.split(" "))
    step = minutes + 60 * hours + 24 * 60 * days + 7 * 24 * 60 * weeks
    limits = Filter(filter_, start)
    midnight = datetime(start.year, start.month, start.day)
    # In minutes since that midnight; the seconds of the start go with every candidate.
    candidate = start.hour * 60 + start.minute
    first, seconds = candidate, timedelta(seconds=start.second)
    end = min(expires, until)
    while True:
        day = candidate // 1440
        date = midnight + timedelta(days=day)
        if date > end:
            return
        if limits.lets_day(date):
            while candidate < 1440 * (day + 1):
                hour, minute = divmod(candidate - 1440 * day, 60)
                if limits.lets_time(hour, minute):
                    when = midnight + timedelta(minutes=candidate) + seconds
                    if when > end:
                        return
                    yield when
                if step == 0:
                    return
                candidate += step
        elif step == 0:
            return
        else:
            candidate = first + step * -(-(1440 * (day + 1) - first) // step)


@cache
def offsets(zone: str, year: int) -> tuple[timedelta, timedelta]:
    """Standard and summer offset: the lowest and the highest of the year."""
    hours = (datetime(year, 1, 1) + timedelta(hours=6 * n) for n in range(4 * 365))
    found = {h.replace(tzinfo=ZoneInfo(zone)).utcoffset() or timedelta() for h in hours}
    return min(found), max(found)
