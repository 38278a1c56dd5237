"""A schema event → one RFC 5545 rule, where both mean the same.

RFC 5545 limits (BYDAY on FREQ=DAILY, BYHOUR on HOURLY and so on) are filters like the source's, so the
translation is exact for what is not refused. The rule counts from the first run: it is the tenant's
`startDateTime`, and keeps the phase of every INTERVAL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dateutil.rrule import rrulestr

from qlift.derivation.schedules.model import DAY, HOUR, LAST_DAY, NotTranslatable, Trigger

DAYS = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
WEEK = 7


@dataclass(frozen=True)
class Rule:
    """The parts of an RRULE; weekdays count from Sunday, days of the month from the end if negative."""

    freq: str
    interval: int = 1
    count: int = 0
    hours: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = ()
    nth: int = 0
    days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    week_start: int | None = None

    def __str__(self) -> str:
        nth = str(self.nth) if self.nth else ""
        parts = (
            ("FREQ", self.freq),
            ("INTERVAL", str(self.interval) if self.interval > 1 else ""),
            ("COUNT", str(self.count) if self.count else ""),
            ("BYHOUR", ",".join(map(str, self.hours))),
            ("BYMINUTE", ",".join(map(str, self.minutes))),
            ("BYDAY", ",".join(nth + DAYS[n] for n in self.weekdays)),
            ("BYMONTHDAY", ",".join(map(str, self.days))),
            ("BYMONTH", ",".join(map(str, self.months))),
            ("WKST", "" if self.week_start is None else DAYS[self.week_start]),
        )
        return "RRULE:" + ";".join(f"{name}={value}" for name, value in parts if value)

    @property
    def step(self) -> timedelta:
        """Between candidates of a rule whose phase can be moved; zero for the others."""
        minutes = {"MINUTELY": 1, "HOURLY": HOUR, "DAILY": DAY, "WEEKLY": WEEK * DAY}.get(self.freq, 0)
        return timedelta(minutes=0 if self.count else minutes * self.interval)

    @property
    def counts_from_its_start(self) -> bool:
        """Whether its runs depend on how the target counts the interval: 45 minutes, 5 hours, 3 days.

        Half hours and every second hour meet the same times of every day.
        """
        whole = {"MINUTELY": HOUR, "HOURLY": 24}.get(self.freq, 1)
        return whole % self.interval != 0

    def on_other_days(self, shift: int) -> Rule:
        """The rule of the same runs in a zone where all of them fall on another day (-1, 0 or 1 later)."""
        if shift == 0:
            return self
        if self.nth or self.days or self.months or self.count:
            raise NotTranslatable("its days of the month would be others in UTC")
        return replace(
            self,
            weekdays=tuple(sorted((n + shift) % WEEK for n in self.weekdays)),
            week_start=None if self.week_start is None else (self.week_start + shift) % WEEK,
        )

    def runs(self, start: datetime, since: datetime, until: datetime) -> Iterator[datetime]:
        """From `since` to `until`, both included; an interpreter of RFC 5545 that is not ours says them."""
        first = start
        if self.step and since - start > 2 * self.step:
            # Walking minute by minute from a start years ago takes too long.
            first = start + ((since - start) // self.step - 1) * self.step
        end = "" if self.count else f";UNTIL={until:%Y%m%dT%H%M%S}"
        for when in rrulestr(f"{self}{end}", dtstart=first):
            if since <= when <= until:
                yield when


ONCE = Rule("DAILY", count=1)


def rule_of(trigger: Trigger) -> Rule:
    """Raises `NotTranslatable`. The trigger has a run: see `Trigger.first`."""
    found, step = trigger.filter, trigger.step
    weekdays, nth, days = found.weekdays, found.nth, found.days
    months = tuple(sorted(found.months or ()))
    if step == 0:
        return ONCE
    if nth and weekdays is None:
        raise NotTranslatable("an n-th weekday of the month, but no weekday")
    if step == WEEK * DAY and found.weeks == found.months_apart == 1:
        # Every seven days is each week on the weekday of the start.
        step, weekdays = DAY, frozenset({trigger.start.isoweekday() % WEEK})
    if found.weeks > 1:
        if step != DAY or nth or days is not None or found.months_apart > 1:
            raise NotTranslatable("a weekly interval beside another interval or a day of the month")
        if weekdays is None:
            raise NotTranslatable("every few weeks, but no weekday: one run or seven?")
        return Rule("WEEKLY", found.weeks, weekdays=_sorted(weekdays), months=months, week_start=0)
    if found.months_apart > 1:
        return _every_few_months(trigger, step, months)
    if step == DAY and nth and days is None:
        return Rule("MONTHLY", nth=nth, weekdays=_sorted(weekdays), months=months)
    if nth:
        days = _nth_as_days(nth, days)
    if weekdays is not None and len(weekdays) == WEEK:
        weekdays = None
    rule = Rule("DAILY", weekdays=_sorted(weekdays), days=_sorted(days), months=months)
    if step == DAY:
        return replace(rule, freq="MONTHLY" if days else "WEEKLY" if weekdays else "DAILY")
    if step % DAY == 0:
        return replace(rule, interval=step // DAY)
    if step % HOUR == 0:
        return replace(rule, freq="HOURLY", interval=step // HOUR, hours=_sorted(found.hours))
    return replace(
        rule, freq="MINUTELY", interval=step, hours=_sorted(found.hours), minutes=_sorted(found.minutes)
    )


def _every_few_months(trigger: Trigger, step: int, months: tuple[int, ...]) -> Rule:
    found = trigger.filter
    if step != DAY:
        raise NotTranslatable("a monthly interval beside another increment than a day")
    if found.nth and found.days is None:
        return Rule(
            "MONTHLY", found.months_apart, nth=found.nth, weekdays=_sorted(found.weekdays), months=months
        )
    if found.weekdays is not None:
        raise NotTranslatable("a monthly interval beside weekdays")
    if found.days is None:
        raise NotTranslatable("every few months, but no day of the month: one run or thirty?")
    return Rule("MONTHLY", found.months_apart, days=_sorted(found.days), months=months)


def _nth_as_days(nth: int, days: frozenset[int] | None) -> frozenset[int]:
    """The first Monday is the Monday among the days 1 to 7."""
    wanted = frozenset(range(-7, 0)) if nth == LAST_DAY else frozenset(range(7 * nth - 6, 7 * nth + 1))
    if days is None:
        return wanted
    if nth == LAST_DAY or LAST_DAY in days:
        raise NotTranslatable("a last day or weekday of the month beside other days")
    return wanted & days


def _sorted(numbers: frozenset[int] | None) -> tuple[int, ...]:
    return tuple(sorted(numbers or ()))
