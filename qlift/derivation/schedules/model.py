"""What a schema event says: candidates and a filter.

Candidates are `start + k * increment`, k >= 0, in the wall clock of the event's zone; one fires if it
matches the filter. An increment of zero means one run at the start. This is a working model: it explains
every exported task that was seen and the tables of two clients, but the vendor does not document the
scheduler. What the filter's tokens for intervals count from, hour 24, minute 60 and several filters are not
settled; they are refused, or marked to be verified.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from math import gcd

DAY, HOUR = 1440, 60
"""Minutes."""
LAST = "¤"
LAST_DAY = -1
ANY = "* * - * * * * *"
YEARS = 40
"""How far a first run is looked for: the 29th of February falls on a given weekday once in 40 years."""


class NotTranslatable(Exception):
    """The message says why."""


class NeverFires(NotTranslatable):
    """Its filter never meets its start and increment."""


@dataclass(frozen=True)
class Filter:
    """None: any. `weeks` and `months_apart` are the filter's own intervals, 1: each."""

    minutes: frozenset[int] | None = None
    hours: frozenset[int] | None = None
    nth: int = 0
    """Which of the weekdays of a month: 1 to 4, -1 the last, 0 all."""
    weekdays: frozenset[int] | None = None
    """0 is Sunday."""
    weeks: int = 1
    days: frozenset[int] | None = None
    """Of the month; -1 is its last."""
    months: frozenset[int] | None = None
    months_apart: int = 1


@dataclass(frozen=True)
class Trigger:
    """`start` is local time, to the minute; `step` are minutes between candidates, 0: one run."""

    start: datetime
    step: int
    filter: Filter

    def first(self, until: datetime | None = None) -> datetime:
        """The first run. Raises `NeverFires`."""
        horizon = self.start + timedelta(days=YEARS * 366)
        # On whatever day: candidates meet only every so many minutes of a day.
        apart = gcd(self.step, DAY)
        if self._minutes_of_day((self.start.hour * HOUR + self.start.minute) % apart, apart):
            for when in self.runs(self.start, min(until, horizon) if until else horizon):
                return when
        if until is not None and until < horizon:
            raise NeverFires(f"it never fires before it ends ({until:%Y-%m-%d %H:%M})")
        raise NeverFires(f"its filter never meets its start and increment (looked for {YEARS} years)")

    def runs(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """In order, both ends included."""
        begin = max(since, self.start)
        if self.step == 0:
            if begin <= self.start <= until and self._on(self.start.date()) and self._at(self.start):
                yield self.start
            return
        midnight = begin.replace(hour=0, minute=0)
        offset = (midnight - self.start) // timedelta(minutes=1)
        day = midnight.date()
        known: dict[int, list[int]] = {}
        for _ in range((until.date() - day).days + 1):
            if self._on(day):
                residue = -offset % self.step
                if residue not in known:
                    known[residue] = self._minutes_of_day(residue, self.step)
                for minute in known[residue]:
                    when = datetime(day.year, day.month, day.day, minute // HOUR, minute % HOUR)
                    if begin <= when <= until:
                        yield when
            day += timedelta(days=1)
            offset += DAY

    def _minutes_of_day(self, first: int, apart: int) -> list[int]:
        hours, minutes = self.filter.hours, self.filter.minutes
        return [
            m
            for m in range(first, DAY, apart)
            if (hours is None or m // HOUR in hours) and (minutes is None or m % HOUR in minutes)
        ]

    def _at(self, when: datetime) -> bool:
        hours, minutes = self.filter.hours, self.filter.minutes
        return (hours is None or when.hour in hours) and (minutes is None or when.minute in minutes)

    def _on(self, day: date) -> bool:
        """Whether the filter lets anything run on this day."""
        found = self.filter
        ordinal = day.toordinal()
        # Day 7 of the calendar is a Sunday: the remainder is the weekday, the quotient counts weeks.
        if found.weekdays is not None and ordinal % 7 not in found.weekdays:
            return False
        if found.months is not None and day.month not in found.months:
            return False
        if found.days is not None and day.day not in found.days:
            last = LAST_DAY in found.days and (day + timedelta(days=1)).day == 1
            if not last:
                return False
        if found.nth > 0 and (day.day - 1) // 7 + 1 != found.nth:
            return False
        if found.nth == LAST_DAY and (day + timedelta(days=7)).month == day.month:
            return False
        if found.weeks > 1 and (ordinal // 7 - self._week) % found.weeks:
            return False
        months = (day.year - self.start.year) * 12 + day.month - self.start.month
        return months % found.months_apart == 0

    @cached_property
    def _week(self) -> int:
        """Weeks begin on Sundays, as the filter's weekdays do."""
        return self.start.toordinal() // 7


def step_of(increment: str) -> int:
    """Minutes of `minutes hours days weeks`. Raises `NotTranslatable`."""
    parts = increment.split()
    if len(parts) != 4 or not all(map(_is_number, parts)):
        raise NotTranslatable(f"the increment `{increment}` is not four numbers")
    minutes, hours, days, weeks = map(int, parts)
    found = minutes + HOUR * hours + DAY * days + 7 * DAY * weeks
    if found > YEARS * 366 * DAY:
        raise NotTranslatable(f"the increment `{increment}` is longer than {YEARS} years")
    return found


def filter_of(texts: Sequence[str]) -> Filter:
    """Raises `NotTranslatable` for everything that the table of tokens does not have."""
    found = sorted(set(texts)) or [ANY]
    if len(found) > 1:
        raise NotTranslatable("it has several filters, whose meaning is not documented")
    tokens = found[0].split()
    if len(tokens) != 8:
        raise NotTranslatable(f"the filter `{found[0]}` has not eight parts")
    minute, hour, nth, weekday, weeks, day, month, months = tokens
    return Filter(
        minutes=_numbers(minute, 0, 59, "minute"),
        hours=_numbers(hour, 0, 23, "hour"),
        nth=_nth(nth),
        weekdays=_numbers(weekday, 0, 6, "weekday"),
        weeks=_interval(weeks, "weekly"),
        days=_days(day),
        months=_numbers(month, 1, 12, "month"),
        months_apart=_interval(months, "monthly"),
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _numbers(token: str, low: int, high: int, what: str) -> frozenset[int] | None:
    if token == "*":
        return None
    parts = token.split(",")
    if not all(map(_is_number, parts)):
        raise NotTranslatable(f"the {what} `{token}` is not a list of numbers")
    found = frozenset(map(int, parts))
    if not all(low <= n <= high for n in found):
        raise NotTranslatable(f"the {what} `{token}` is outside {low} to {high}")
    # All seven weekdays stay: every few weeks they say something that `*` does not.
    return None if len(found) == high - low + 1 and what != "weekday" else found


def _days(token: str) -> frozenset[int] | None:
    parts = token.split(",")
    if LAST not in parts:
        return _numbers(token, 1, 31, "day of the month")
    rest = ",".join(p for p in parts if p != LAST)
    numbers = _numbers(rest, 1, 31, "day of the month") if rest else frozenset[int]()
    # The 31st is always the last.
    return None if numbers is None else (numbers - {31}) | {LAST_DAY}


def _nth(token: str) -> int:
    if token == "-":
        return 0
    if token == LAST:
        return LAST_DAY
    if token not in ("1", "2", "3", "4"):
        raise NotTranslatable(f"the weekday prefix `{token}` is not one of - 1 2 3 4 {LAST}")
    return int(token)


def _interval(token: str, what: str) -> int:
    if token == "*":
        return 1
    if not _is_number(token) or not 1 <= int(token) <= YEARS * 53:
        raise NotTranslatable(f"the {what} interval `{token}`")
    return int(token)
