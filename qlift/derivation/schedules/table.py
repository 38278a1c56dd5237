"""Every task and trigger of a site in one table, for the assessment: pure, without a plan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Literal

from qlift.bundle import Bundle
from qlift.bundle.models import ExternalProgramTask, Named, ReloadTask, SchemaEvent
from qlift.derivation.desired import Model, Severity
from qlift.derivation.schedules.links import RULE_STATES
from qlift.derivation.schedules.made import Event, Made, Outcome, SiteSchedules, events_of, other_tasks
from qlift.derivation.schedules.of_site import schedules_of
from qlift.derivation.schedules.tasks import throw_away
from qlift.derivation.schedules.timing import Note
from qlift.derivation.schedules.words import in_words

Becomes = Literal["created", "created disabled", "merged", "nothing"]
NOBODY = Named(id="-", name="?")


class ScheduleRow(Model):
    """One trigger of a task, or a task without any (`trigger` empty)."""

    task_id: str
    task: str
    app_id: str = ""
    """Empty for tasks that reload no app."""
    app: str = ""
    trigger_id: str = ""
    trigger: str = ""
    kind: Literal["time", "chain", "none"]
    enabled: bool
    """In the source: the task and the trigger."""
    says: str
    """The source's trigger in words."""
    becomes: Becomes
    rules: tuple[str, ...] = ()
    """`RRULE:...`, or `after <task> succeeded`; one for each task of Qlik Cloud."""
    zone: str = ""
    next_runs: tuple[str, ...] = ()
    """Local times in `zone`, `YYYY-MM-DDTHH:MM`."""
    notes: tuple[str, ...] = ()
    """What happens to it, or why nothing does."""
    codes: tuple[str, ...] = ()
    """Of the findings behind the notes."""
    severity: Severity | None = None
    """The worst of them."""


def schedule_rows(bundle: Bundle, as_of: date, runs: int = 3) -> tuple[ScheduleRow, ...]:
    """As if every app migrated: each task of the site, each trigger once. Sorted by task, then trigger.

    `as_of` is where the next `runs` are counted from, and says what is over.
    """
    by_hand = throw_away(bundle)
    tasks = {t.id: t for t in bundle.reload_tasks if t.id not in by_hand}
    found = schedules_of(bundle, tasks, as_of)
    rows = [
        *_of_triggers(found, as_of, runs),
        *_of_tasks(found, by_hand),
        *_of_other_tasks(bundle),
    ]
    return tuple(sorted(rows, key=lambda r: (r.task.casefold(), r.task_id, r.trigger, r.trigger_id)))


def says(event: Event) -> str:
    """A trigger in words."""
    if isinstance(event, SchemaEvent):
        return in_words(event.increment_description, event.schema_filter_description)
    rules = [
        f"`{(r.reload_task or r.external_program_task or r.user_sync_task or NOBODY).name}` "
        + RULE_STATES.get(r.rule_state, "in no known state")
        for r in event.composite_rules
    ]
    return "after " + (" and ".join(rules) or "nothing")


def _of_triggers(found: SiteSchedules, as_of: date, runs: int) -> Iterator[ScheduleRow]:
    names = {m.key: m.task.name for m in found.made}
    about: dict[str, list[Note]] = {}
    for task, note in found.about_tasks:
        about.setdefault(task.id, []).append(note)
    over_limit = dict(found.about_apps)
    for outcome in found.outcomes:
        task, event = outcome.task, outcome.event
        notes = [*outcome.notes, *about.get(task.id, ())]
        if task.app.id in over_limit:
            notes.append(over_limit[task.app.id])
        timings = [m.timing for m in outcome.made if m.timing]
        next_runs = sorted({when for t in timings for when in t.next_runs(as_of, runs)})[:runs]
        yield _row(
            task,
            notes,
            trigger_id=event.id,
            trigger=event.name,
            kind="time" if isinstance(event, SchemaEvent) else "chain",
            enabled=task.enabled and event.enabled,
            says=says(event),
            becomes=_becomes(outcome),
            rules=tuple(_rule(m, names) for m in outcome.made),
            zone=timings[0].zone if timings else "",
            next_runs=tuple(when.isoformat(timespec="minutes") for when in next_runs),
        )


def _becomes(outcome: Outcome) -> Becomes:
    if outcome.merged_into:
        return "merged"
    if not outcome.made:
        return "nothing"
    active = any(m.wanted and m.doubt is None for m in outcome.made)
    return "created" if active else "created disabled"


def _rule(made: Made, names: dict[str, str]) -> str:
    if made.timing is not None:
        return str(made.timing.rule)
    return f"after {names.get(made.after or '', '?')} {made.after_status}"


def _of_tasks(found: SiteSchedules, by_hand: set[str]) -> Iterator[ScheduleRow]:
    """Tasks without a trigger."""
    with_row = {o.task.id for o in found.outcomes}
    for task in found.bundle.reload_tasks:
        if task.id in with_row:
            continue
        notes = [note for other, note in found.about_tasks if other.id == task.id]
        if task.id in by_hand:
            message = "made by a person's `Reload now`; not migrated"
            notes.append(Note.info("TASK-MANUAL", message, "nothing to do"))
        yield _row(
            task, notes, kind="none", enabled=task.enabled, says="nothing starts it", becomes="nothing"
        )


def _of_other_tasks(bundle: Bundle) -> Iterator[ScheduleRow]:
    """External programs and user directory syncs."""
    enabled, with_row = {t.id: t.enabled for t in other_tasks(bundle)}, set()
    for event in events_of(bundle):
        other = event.external_program_task or event.user_sync_task
        if event.reload_task is not None or other is None:
            continue
        what = "an external program" if event.external_program_task else "a user directory sync"
        with_row.add(other.id)
        yield ScheduleRow(
            task_id=other.id,
            task=other.name,
            trigger_id=event.id,
            trigger=event.name,
            kind="time" if isinstance(event, SchemaEvent) else "chain",
            enabled=event.enabled and enabled.get(other.id, True),
            says=says(event),
            becomes="nothing",
            notes=(f"starts {what}, which Qlik Cloud has not",),
            codes=("TRIGGER-OF-OTHER-TASK",),
            severity=Severity.INFO,
        )
    for task in other_tasks(bundle):
        if task.id not in with_row:
            what = "an external program" if isinstance(task, ExternalProgramTask) else "a user directory sync"
            yield ScheduleRow(
                task_id=task.id,
                task=task.name,
                kind="none",
                enabled=task.enabled,
                says="nothing starts it",
                becomes="nothing",
                notes=(f"is {what}, which Qlik Cloud has not",),
            )


def _row(task: ReloadTask, notes: list[Note], **values: Any) -> ScheduleRow:
    worst = [s for s in (Severity.ERROR, Severity.WARNING, Severity.INFO) if s in {n.severity for n in notes}]
    return ScheduleRow(
        task_id=task.id,
        task=task.name,
        app_id=task.app.id,
        app=task.app.name,
        notes=tuple(dict.fromkeys(n.message for n in notes)),
        codes=tuple(sorted({n.code for n in notes})),
        severity=worst[0] if worst else None,
        **values,
    )
