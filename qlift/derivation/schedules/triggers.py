"""One schema event → when a task of Qlik Cloud runs, or why there is none.

Where the source leaves two readings, the next run that it announces itself decides; if that cannot tell,
the task is created disabled, and nobody guesses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from qlift.bundle.models import SchemaEvent
from qlift.derivation.schedules import zones
from qlift.derivation.schedules.model import NeverFires, NotTranslatable
from qlift.derivation.schedules.operational import Announced
from qlift.derivation.schedules.readings import STANDARD, Reading, local_time, readings
from qlift.derivation.schedules.timing import Note, Timing


@dataclass(frozen=True)
class Translation:
    """`timing` None: no task. `doubtful`: created disabled until a person confirms it."""

    timing: Timing | None
    doubtful: bool = False
    notes: tuple[Note, ...] = ()


def translate(event: SchemaEvent, announced: Announced, as_of: date, *, enabled: bool = True) -> Translation:
    """`enabled`: event and task are. `as_of` tells what is over, and which summer time is in force."""
    try:
        found = list(readings(event, as_of.year))
        possible = [r for r in found if r.timing is not None]
        if not possible:
            raise next(r.refused for r in found if r.refused is not None)
    except NotTranslatable as why:
        return Translation(None, notes=(_not_migrated(event, why),))
    left = [r for r in possible if r.timing and not _over(r.timing, announced, as_of, enabled=enabled)]
    if not left:
        return Translation(None, notes=(_is_over(event, possible[0].timing),))
    chosen, doubtful, notes = _decided(event, found, left, announced)
    if len(found) == 1 and enabled and announced.moment and not chosen.holds(announced.moment):
        doubtful = True
        notes.append(
            Note.warning(
                "SCHEDULE-NEXT-RUN",
                f"the source announces {announced}, which {chosen.rule} in {chosen.zone} does not hold; "
                "it is created disabled",
                f"compare both, then {_confirm(event)}, or make a task by hand",
            )
        )
    return Translation(chosen, doubtful, (*notes, *_remarks(event, chosen, as_of)))


def _confirm(event: SchemaEvent) -> str:
    return f"list `{event.id}` under `schedules.confirmed` in the plan"


def _decided(
    event: SchemaEvent, found: list[Reading], left: list[Reading], announced: Announced
) -> tuple[Timing, bool, list[Note]]:
    """Which reading, whether that is in doubt, and what to say about it."""
    agree = [r for r in left if r.timing and announced.moment and r.timing.holds(announced.moment)]
    unclear = [r for r in found if r.refused and not isinstance(r.refused, NeverFires)]
    decided = len(agree) == 1 and not unclear
    chosen = agree[0] if decided else left[0]
    assert chosen.timing is not None  # `left` holds none without.
    if len(found) == 1:
        return chosen.timing, False, []
    both = "; or ".join(r.says for r in found)
    if decided:
        message = f"two readings: {both}. The source announces {announced}, so it is: {chosen.says}"
        remedy = "check that this is meant"
    else:
        message = f"two readings: {both}. The source announces {announced}: created disabled"
        remedy = f"correct it in the source and export again; if it is {chosen.says}, {_confirm(event)}"
    return chosen.timing, not decided, [Note.warning("SCHEDULE-TWO-READINGS", message, remedy)]


def _over(timing: Timing, announced: Announced, as_of: date, *, enabled: bool) -> bool:
    if timing.end is not None:
        return timing.end.date() < as_of
    if not timing.rule.count:
        return False
    return timing.start.date() < as_of or (enabled and announced.known and announced.moment is None)


def _not_migrated(event: SchemaEvent, why: NotTranslatable) -> Note:
    filters = " and ".join(f"`{f}`" for f in event.schema_filter_description)
    raw = f"increment `{event.increment_description}`, filter {filters or '`none`'}, from {event.start_date}"
    message = f"{why} ({raw})"
    if isinstance(why, NeverFires):
        return Note.info("SCHEDULE-NEVER", message, "nothing to do, if that was known")
    return Note.warning("SCHEDULE-NOT-MIGRATED", message, "correct it in the source, or make a task by hand")


def _is_over(event: SchemaEvent, timing: Timing | None) -> Note:
    if timing is not None and timing.end is not None:
        message = f"it ended {event.expiration_date[:16]}; nothing is left to run"
    else:
        message = f"it ran once ({event.start_date[:16]}); nothing is left to run"
    return Note.info("SCHEDULE-OVER", message, "nothing to do")


def _remarks(event: SchemaEvent, timing: Timing, as_of: date) -> Iterator[Note]:
    if timing.rule.count:
        yield Note.warning(
            "SCHEDULE-ONCE",
            f"runs once, at {timing.start:%Y-%m-%d %H:%M} {timing.zone}",
            "check in the tenant that it is kept: whether it takes rules with COUNT=1 is not documented",
        )
    if local_time(event.start_date).second:
        yield Note.info("SCHEDULE-SECONDS", "the seconds of its start are dropped", "nothing to do")
    if timing.zone != event.time_zone:
        yield Note.info("SCHEDULE-ZONE", _why_zone(event, timing, as_of), "check the task's next run")
    if timing.rule.counts_from_its_start:
        yield Note.info(
            "SCHEDULE-ANCHOR",
            f"its runs depend on the tenant's counting the interval from {timing.start:%Y-%m-%d %H:%M}",
            "verify by reading back the task's next run",
        )


def _why_zone(event: SchemaEvent, timing: Timing, as_of: date) -> str:
    name = zones.canonical(event.time_zone)
    if timing.zone == name:
        return f"{event.time_zone} is an old name; the task has {name}"
    if not zones.changes_clocks(name, as_of.year):
        return f"it runs an hour ahead of {event.time_zone}; the task has {timing.zone}"
    season = "standard" if event.daylight_saving_time == STANDARD else "summer"
    moved = ", its times moved" if timing.zone == zones.UTC_NAME else ""
    return f"it keeps the {season} time of {event.time_zone} all year; the task has {timing.zone}{moved}"
