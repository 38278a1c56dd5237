"""A schema event in words."""

from __future__ import annotations

from qlift.bundle.models import SchemaEvent

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
NTH = {"1": "first", "2": "second", "3": "third", "4": "fourth", "¤": "last"}


def in_words(event: SchemaEvent) -> str:
    """What it says, or its two strings where that is beyond words."""
    start = event.start_date[:16].replace("T", " ")
    try:
        told = _told(event, start)
    except (ValueError, IndexError, KeyError):
        filters = " | ".join(event.schema_filter_description)
        told = f"increment {event.increment_description}, filter {filters}, from {start}"
    return f"{told} ({event.time_zone})"


def _told(event: SchemaEvent, start: str) -> str:
    minutes, hours, days, weeks = (int(p) for p in event.increment_description.split())
    total = minutes + 60 * hours + 1440 * (days + 7 * weeks)
    if total == 0:
        return f"once, {start}"
    (filter_,) = event.schema_filter_description or ("* * - * * * * *",)
    minute, hour, nth, weekday, every_weeks, month_day, month, every_months = filter_.split()
    parts = []
    if total % 1440 == 0:
        every = _every(total // 1440, "day")
        if total == 1440 and (weekday, month_day, nth) != ("*", "*", "-"):
            every = ""
        parts.append(every)
    elif total % 60 == 0:
        parts.append(f"{_every(total // 60, 'hour')} from {start[11:]}")
    else:
        parts.append(f"{_every(total, 'minute')} from {start[11:]}")
    if nth != "-":
        parts.append(f"on the {NTH[nth]} {_names(weekday, WEEKDAYS, 0)} of the month")
    elif weekday != "*":
        parts.append(f"on {_names(weekday, WEEKDAYS, 0)}")
    if month_day != "*":
        parts.append(f"on day {month_day.replace('¤', 'last').replace(',', ', ')} of the month")
    if month != "*":
        parts.append(f"in {_names(month, MONTHS, 1)}")
    if every_weeks not in ("*", "1"):
        parts.append(f"every {every_weeks} weeks")
    if every_months not in ("*", "1"):
        parts.append(f"every {every_months} months")
    if hour != "*":
        parts.append(f"in the hours {hour.replace(',', ', ')}")
    if minute != "*":
        parts.append(f"at the minutes {minute.replace(',', ', ')}")
    if total % 1440 == 0:
        parts.append(f"at {start[11:]}")
    return " ".join(p for p in parts if p)


def _every(number: int, unit: str) -> str:
    return f"every {unit}" if number == 1 else f"every {number} {unit}s"


def _names(token: str, names: tuple[str, ...], first: int) -> str:
    found = [names[int(n) - first] for n in token.split(",")]
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
