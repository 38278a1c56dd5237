"""Several time triggers → one rule, where one says the same.

A rule without phase is a box: it fires where minute, hour, weekday, day of the month and month are each in
a set. Two boxes that differ in one set only are one box together.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, timedelta

from qlift.derivation.schedules.model import LAST_DAY, YEARS
from qlift.derivation.schedules.recurrence import Rule
from qlift.derivation.schedules.timing import Timing

EVERY = frozenset(range(1, 32))
AHEAD = timedelta(days=366 * YEARS)


@dataclass(frozen=True)
class _Box:
    minutes: frozenset[int]
    hours: frozenset[int]
    weekdays: frozenset[int]
    days: frozenset[int]
    """Of the month, -7 to -1 from its end."""
    months: frozenset[int]


def merged(one: Timing, other: Timing, as_of: date) -> Timing | None:
    """None: no single rule says the same. What was due before `as_of` does not count."""
    if (one.zone, one.end) != (other.zone, other.end):
        return None
    if one.start != other.start and not max(one.start, other.start).date() < as_of:
        return None
    boxes = _box(one), _box(other)
    if boxes[0] is None or boxes[1] is None:
        return None
    together = _together(boxes[0], boxes[1])
    return None if together is None else _timing(together, max(one, other, key=lambda t: t.start))


def _box(timing: Timing) -> _Box | None:
    rule, start = timing.rule, timing.start
    if rule.count or rule.counts_from_its_start:
        return None
    minutes, hours = frozenset({start.minute}), frozenset({start.hour})
    if rule.freq == "MINUTELY":
        minutes = frozenset(range(start.minute % rule.interval, 60, rule.interval))
        hours = frozenset(range(24))
    elif rule.freq == "HOURLY":
        hours = frozenset(range(start.hour % rule.interval, 24, rule.interval))
    return _Box(
        minutes & frozenset(rule.minutes or minutes),
        hours & frozenset(rule.hours or hours),
        frozenset(rule.weekdays or range(7)),
        _days(rule),
        frozenset(rule.months or range(1, 13)),
    )


def _days(rule: Rule) -> frozenset[int]:
    if rule.nth:
        first = 7 * rule.nth - 6
        return frozenset(range(-7, 0) if rule.nth == LAST_DAY else range(first, first + 7))
    return frozenset(rule.days) or EVERY


def _together(one: _Box, other: _Box) -> _Box | None:
    differ = [f.name for f in fields(_Box) if getattr(one, f.name) != getattr(other, f.name)]
    if len(differ) > 1:
        return None
    return replace(one, **{name: getattr(one, name) | getattr(other, name) for name in differ})


def _timing(box: _Box, last: Timing) -> Timing:
    weekdays = () if len(box.weekdays) == 7 else tuple(sorted(box.weekdays))
    days = () if box.days >= EVERY else tuple(sorted(box.days))
    rule = Rule(
        "MONTHLY" if days else "WEEKLY" if weekdays else "DAILY",
        weekdays=weekdays,
        days=days,
        months=() if len(box.months) == 12 else tuple(sorted(box.months)),
    )
    hours, minutes = tuple(sorted(box.hours)), tuple(sorted(box.minutes))
    if len(hours) == 24:
        rule = replace(rule, freq="HOURLY", minutes=minutes)
    elif len(hours) * len(minutes) > 1:
        rule = replace(rule, hours=hours, minutes=minutes)
    return replace(last, rule=rule, start=next(rule.runs(last.start, last.start, last.start + AHEAD)))
