"""A schema event's two strings → one RFC 5545 rule, where both mean the same.

Working model (source: clients of the Repository Service and exported tasks): candidates are
`start + k * increment`, k >= 0, in the wall clock of the zone; one fires if it matches the filter. RFC 5545
limits (BYDAY on FREQ=DAILY and so on) are such filters too, so the translation is exact for these shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dateutil.rrule import rrulestr

DAY, HOUR = 1440, 60
DAYS = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
"""Token 3 counts from Sunday."""
LAST = "¤"
ANY_FILTER = ("* * - * * * * *",)


class NotTranslatable(Exception):
    """The message says why."""


@dataclass(frozen=True)
class _Filter:
    minutes: str
    hours: str
    nth: str
    weekdays: str
    weekly_interval: str
    days_of_month: str
    months: str
    monthly_interval: str


def recurrence(increment: str, filters: tuple[str, ...], start: datetime) -> str:
    """`RRULE:...`. Raises `NotTranslatable`. `start` is local time; an event that runs once has no rule."""
    rule = _translated(increment, filters, start)
    try:
        # Some rules that can never fire are found out only on the way to their first occurrence.
        horizon = start + timedelta(days=2)
        rrulestr(f"{rule};UNTIL={horizon:%Y%m%dT%H%M%S}", dtstart=start).after(start)
    except ValueError:
        raise NotTranslatable(
            "its filter never meets its start and increment, so it can never fire"
        ) from None
    return rule


def _translated(increment: str, filters: tuple[str, ...], start: datetime) -> str:
    total = _minutes(increment)
    if total == 0:
        raise NotTranslatable("it runs once")
    if len(filters) > 1:
        raise NotTranslatable("it has several filters, whose meaning is not documented")
    chosen = _parsed(filters[0] if filters else ANY_FILTER[0])
    weekly, monthly = _interval(chosen.weekly_interval), _interval(chosen.monthly_interval)
    months = _list(chosen.months, 1, 12, "BYMONTH")
    hours = _list(chosen.hours, 0, 23, "BYHOUR")
    minutes = _list(chosen.minutes, 0, 59, "BYMINUTE")
    if total % DAY == 0:
        # Whole days: every candidate has the hour and minute of the start.
        _refuse_never(hours, start.hour, "hour")
        _refuse_never(minutes, start.minute, "minute")
    elif total % HOUR == 0:
        _refuse_never(minutes, start.minute, "minute")
    if weekly > 1:
        plain = total == DAY and chosen.nth == "-" and chosen.days_of_month == "*" and monthly == 1
        if not plain:
            raise NotTranslatable("a weekly interval beside another interval")
        days = _weekdays(chosen.weekdays)
        if not days:
            raise NotTranslatable("every few weeks, but no weekday: one run or seven?")
        return _rule("WEEKLY", weekly, [*days, *months, "WKST=SU"])
    if chosen.nth != "-" or monthly > 1:
        if total != DAY:
            raise NotTranslatable("a monthly interval or an n-th weekday beside another increment than a day")
        return _rule("MONTHLY", monthly, [*_monthly(chosen), *months])
    parts = [*_weekdays(chosen.weekdays), *_days_of_month(chosen.days_of_month), *months]
    if total % DAY == 0:
        return _rule("DAILY", total // DAY, parts)
    if total % HOUR == 0:
        return _rule("HOURLY", total // HOUR, [*hours, *parts])
    return _rule("MINUTELY", total, [*hours, *minutes, *parts])


def fires_at(rule: str, start: datetime, when: datetime) -> bool:
    """Whether `when` (local, like `start`) is one of the rule's occurrences."""
    first = start
    gap = timedelta(minutes=_step(rule))
    if gap and when - start > 2 * gap:
        # Walking minute by minute from a start years ago takes too long.
        first = start + ((when - start) // gap - 1) * gap
    found = rrulestr(rule, dtstart=first).between(
        when - timedelta(seconds=1), when + timedelta(seconds=1), inc=True
    )
    return bool(found)


def _step(rule: str) -> int:
    """Minutes between candidates of rules whose phase can be moved; 0 for the others."""
    parts = dict(p.split("=", 1) for p in rule.removeprefix("RRULE:").split(";"))
    unit = {"MINUTELY": 1, "HOURLY": HOUR, "DAILY": DAY}.get(parts["FREQ"], 0)
    return unit * int(parts.get("INTERVAL", "1"))


def _rule(freq: str, interval: int, parts: list[str]) -> str:
    every = [f"INTERVAL={interval}"] if interval > 1 else []
    return "RRULE:" + ";".join([f"FREQ={freq}", *every, *parts])


def _minutes(increment: str) -> int:
    try:
        minutes, hours, days, weeks = (int(p) for p in increment.split())
    except ValueError:
        raise NotTranslatable(f"the increment `{increment}` is not four numbers") from None
    if min(minutes, hours, days, weeks) < 0:
        raise NotTranslatable(f"the increment `{increment}` is negative")
    return minutes + HOUR * hours + DAY * days + 7 * DAY * weeks


def _parsed(text: str) -> _Filter:
    tokens = text.split()
    if len(tokens) != 8:
        raise NotTranslatable(f"the filter `{text}` has not eight parts")
    return _Filter(*tokens)


def _interval(token: str) -> int:
    if token == "*":
        return 1
    if not token.isdigit() or int(token) < 1:
        raise NotTranslatable(f"the interval `{token}`")
    return int(token)


def _numbers(token: str, low: int, high: int) -> list[int]:
    try:
        found = [int(p) for p in token.split(",")]
    except ValueError:
        raise NotTranslatable(f"`{token}` is not a list of numbers") from None
    if not all(low <= n <= high for n in found):
        raise NotTranslatable(f"`{token}` is outside {low} to {high}")
    return sorted(set(found))


def _list(token: str, low: int, high: int, name: str) -> list[str]:
    if token == "*":
        return []
    return [f"{name}={','.join(map(str, _numbers(token, low, high)))}"]


def _weekdays(token: str) -> list[str]:
    if token == "*":
        return []
    return [f"BYDAY={','.join(DAYS[n] for n in _numbers(token, 0, 6))}"]


def _days_of_month(token: str) -> list[str]:
    if token == "*":
        return []
    days = [-1 if p == LAST else _numbers(p, 1, 31)[0] for p in token.split(",")]
    return [f"BYMONTHDAY={','.join(map(str, days))}"]


def _monthly(chosen: _Filter) -> list[str]:
    if chosen.nth != "-":
        nth = -1 if chosen.nth == LAST else _numbers(chosen.nth, 1, 4)[0]
        if chosen.weekdays == "*" or chosen.days_of_month != "*":
            raise NotTranslatable("an n-th weekday without a weekday, or beside a day of the month")
        return [f"BYDAY={','.join(f'{nth}{DAYS[n]}' for n in _numbers(chosen.weekdays, 0, 6))}"]
    if chosen.weekdays != "*":
        raise NotTranslatable("a monthly interval beside weekdays")
    days = _days_of_month(chosen.days_of_month)
    if not days:
        raise NotTranslatable("every few months, but no day of the month: one run or thirty?")
    return days


def _refuse_never(limit: list[str], value: int, what: str) -> None:
    if limit and str(value) not in limit[0].partition("=")[2].split(","):
        raise NotTranslatable(f"its {what} filter never meets its start, so it can never fire")
