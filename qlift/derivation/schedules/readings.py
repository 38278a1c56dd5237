"""What a schema event can mean: one reading, or several where the source leaves them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from itertools import product

from qlift.bundle.models import SchemaEvent
from qlift.derivation.schedules import zones
from qlift.derivation.schedules.model import DAY, NotTranslatable, Trigger, filter_of, step_of
from qlift.derivation.schedules.operational import ABSENT
from qlift.derivation.schedules.recurrence import Rule, rule_of
from qlift.derivation.schedules.timing import Timing
from qlift.derivation.schedules.words import every

FAR = 9000
"""A year: dates beyond it mean never."""
FORMS = ("once", "hourly", "daily", "weekly", "monthly", "custom")
"""`incrementOption`."""
ONCE, DAILY, MONTHLY = 0, 2, 4
OBSERVE, STANDARD, SUMMER = 0, 1, 2
"""`daylightSavingTime`."""


@dataclass(frozen=True)
class _Zone:
    """`clock` is what the source reads. `moved`: times are moved into UTC by it, for want of a zone."""

    name: str
    clock: tzinfo
    moved: timedelta | None = None


@dataclass(frozen=True)
class Reading:
    says: str
    timing: Timing | None
    refused: NotTranslatable | None = None


def readings(event: SchemaEvent, year: int) -> Iterator[Reading]:
    """Every combination of what can be read in two ways; the first is what the strings say.

    `year`: whose summer time is in force. Raises `NotTranslatable` where no reading is possible at all.
    """
    name = _zone_name(event)
    found = filter_of(event.schema_filter_description)
    starts, steps, places = _starts(event, zones.zone(name)), _steps(event), _places(event, name, year)
    seen: set[Timing] = set()
    for (says_start, as_utc), (says_step, step), (says_zone, place) in product(starts, steps, places):
        says = ", ".join(s for s in (says_step, says_start, says_zone) if s)
        try:
            clock = place.clock if as_utc else None
            start = local_time(event.start_date, clock)
            end = _end(event, clock, start)
            timing = _timing(Trigger(start.replace(second=0, microsecond=0), step, found), end, place)
        except NotTranslatable as why:
            yield Reading(says, None, why)
            continue
        if timing not in seen:
            seen.add(timing)
            yield Reading(says, timing)


def _zone_name(event: SchemaEvent) -> str:
    try:
        return zones.canonical(event.time_zone)
    except zones.UnknownZone:
        near = zones.nearest(event.time_zone)
        hint = f"; did someone mean {near}?" if near else ""
        raise NotTranslatable(f"IANA has no time zone `{event.time_zone}`{hint}") from None


def _starts(event: SchemaEvent, zone: tzinfo) -> list[tuple[str, bool]]:
    """A date with `Z` comes from old versions and scripts: UTC, or wall-clock time as all others?"""
    dates = {"start": event.start_date, **({"end": event.expiration_date} if _ends(event) else {})}
    zoned = [what for what, text in dates.items() if local_time(text, zone) != local_time(text)]
    if not zoned:
        return [("", False)]
    return [(f"its {zoned[0]} is wall-clock time", False), (f"its {zoned[0]} is UTC", True)]


def _ends(event: SchemaEvent) -> bool:
    year = event.expiration_date[:4]
    return bool(year) and not (year.isdecimal() and not ABSENT < int(year) < FAR)


def local_time(text: str, clock: tzinfo | None = None) -> datetime:
    """An offset (or `Z`) is ignored; with a `clock` it counts. Raises `NotTranslatable`."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None and clock is not None:
            moment = moment.astimezone(clock)
    except (ValueError, OverflowError):
        raise NotTranslatable(f"its date `{text}` cannot be read") from None
    if not ABSENT < moment.year < FAR:
        raise NotTranslatable(f"its date `{text}` is none")
    return moment.replace(tzinfo=None)


def _end(event: SchemaEvent, clock: tzinfo | None, start: datetime) -> datetime | None:
    """The last minute in which it may run. Runs have the seconds of the start, which are dropped."""
    if not _ends(event):
        return None
    end = local_time(event.expiration_date, clock)
    return (end - timedelta(seconds=start.second)).replace(second=0, microsecond=0)


def _steps(event: SchemaEvent) -> list[tuple[str, int]]:
    """`incrementOption` names the form in which a person typed the increment. It should fit.

    1 (hourly) and 5 (custom) fit everything: two popular clients always write 1.
    """
    step, option = step_of(event.increment_description), event.increment_option
    by_form = 0 if option == ONCE else DAY
    fits = step == 0 if option == ONCE else step > 0 and step % DAY == 0
    if option not in (ONCE, *range(DAILY, MONTHLY + 1)) or fits:
        return [("", step)]
    return [
        (f"{every(step)} (its increment is `{event.increment_description}`)", step),
        (f"{every(by_form)} (its form says {FORMS[option]})", by_form),
    ]


def _places(event: SchemaEvent, name: str, year: int) -> list[tuple[str, _Zone]]:
    """Zones of Qlik Cloud observe summer time; who does not, gets the zone that always has that offset."""
    standard, summer = zones.offsets(name, year)
    mode = event.daylight_saving_time
    if mode not in (OBSERVE, STANDARD, SUMMER):
        raise NotTranslatable(f"its daylightSavingTime is {mode}")
    as_it_is = _Zone(name, zones.zone(name))
    if mode == OBSERVE or (mode == STANDARD and standard == summer):
        return [("", as_it_is)]
    if standard == summer:
        ahead = standard + timedelta(hours=1)
        return [("its zone has no summer time", as_it_is), ("an hour ahead of its zone", _fixed(ahead))]
    return [("", _fixed(standard if mode == STANDARD else summer))]


def _fixed(offset: timedelta) -> _Zone:
    name = zones.fixed(offset)
    return _Zone(name or zones.UTC_NAME, timezone(offset), None if name else offset)


def _timing(trigger: Trigger, end: datetime | None, place: _Zone) -> Timing:
    """Anchored at the first run: the phase of every interval is kept, and the start belongs to the rule."""
    first = trigger.first(end)
    rule = rule_of(trigger)
    if trigger.step == 0:
        end = None
    elif end is not None and any(trigger.runs(end, end)):
        # Whether the tenant's end is included is not documented: it lies after the last run.
        end = end.replace(second=59)
    if place.moved is None:
        return Timing(rule, place.name, first, end)
    start = first - place.moved
    shift = (start.date() - first.date()).days
    return Timing(_in_utc(rule, shift), place.name, start, end and end - place.moved)


def _in_utc(rule: Rule, shift: int) -> Rule:
    if rule.freq not in ("MINUTELY", "HOURLY"):
        return rule.on_other_days(shift)
    if rule.hours or rule.minutes or rule.weekdays or rule.days or rule.months:
        raise NotTranslatable("the hours or days of its filter would be others in UTC")
    return rule
