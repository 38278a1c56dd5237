"""A schema event's two strings, for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qlift.derivation.schedules.model import DAY, HOUR, LAST_DAY, Filter, NotTranslatable, filter_of, step_of

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
NTH = {1: "first", 2: "second", 3: "third", 4: "fourth", LAST_DAY: "last"}


def in_words(increment: str, filters: Sequence[str]) -> str:
    """Of what cannot be read: the strings themselves."""
    try:
        step, found = step_of(increment), filter_of(filters)
    except NotTranslatable:
        return f"increment `{increment}`, filter {' and '.join(f'`{f}`' for f in filters) or '`none`'}"
    days_say_it = step == DAY and (found.weekdays is not None or found.days is not None)
    return ", ".join([*([] if days_say_it else [every(step)]), *_limits(found)])


def every(step: int) -> str:
    """`step` in minutes."""
    if step == 0:
        return "once"
    amounts = (
        (step // (7 * DAY), "week"),
        (step % (7 * DAY) // DAY, "day"),
        (step % DAY // HOUR, "hour"),
        (step % HOUR, "minute"),
    )
    parts = [(n, unit) for n, unit in amounts if n]
    if len(parts) == 1 and parts[0][0] == 1:
        return f"every {parts[0][1]}"
    return "every " + " ".join(amount(n, unit) for n, unit in parts)


def amount(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _limits(found: Filter) -> Iterable[str]:
    if found.weekdays is not None:
        names = ", ".join(WEEKDAYS[n] for n in sorted(found.weekdays))
        yield f"on the {NTH[found.nth]} {names} of the month" if found.nth else f"on {names}"
    elif found.nth:
        yield f"in the {NTH[found.nth]} seven days of the month"
    if found.weeks > 1:
        yield f"every {found.weeks} weeks"
    if found.days is not None:
        days = [str(n) for n in sorted(found.days) if n != LAST_DAY]
        yield "on " + ", ".join(days + ["the last day"] * (LAST_DAY in found.days)) + " of the month"
    if found.months is not None:
        yield "in " + ", ".join(MONTHS[n - 1] for n in sorted(found.months))
    if found.months_apart > 1:
        yield f"every {found.months_apart} months"
    if found.hours is not None:
        yield f"in the hours {', '.join(map(str, sorted(found.hours)))}"
    if found.minutes is not None:
        yield f"at the minutes {', '.join(map(str, sorted(found.minutes)))}"
