"""Each trigger of a reload task: in words, what it becomes, or why not."""

from __future__ import annotations

from qlift.bundle.models import CompositeEvent, Named, ReloadTask, SchemaEvent
from qlift.derivation.assessment.ground import Ground
from qlift.derivation.assessment.model import ScheduleRow
from qlift.derivation.assessment.words import in_words
from qlift.derivation.desired import Finding, ReloadSchedule

OVER = "SCHEDULE-OVER"
STATES = {1: "succeeded", 2: "failed"}


def schedule_rows(ground: Ground) -> tuple[ScheduleRow, ...]:
    """Sorted by stream, app, task and trigger."""
    bundle = ground.bundle
    tasks = {t.id: t for t in bundle.reload_tasks}
    made = {s.source.id: s for s in ground.desired.schedules}
    by_key = {s.key: s for s in ground.desired.schedules}
    reasons = {f.object: f for f in ground.desired.findings if f.code.startswith(_REASONS)}
    rows = []
    events: tuple[SchemaEvent | CompositeEvent, ...] = (*bundle.schema_events, *bundle.composite_events)
    for event in events:
        task = tasks.get(event.reload_task.id) if event.reload_task else None
        if task is not None:
            rows.append(_row(ground, task, event, made.get(event.id), by_key, reasons))
    return tuple(sorted(rows, key=lambda r: (r.stream, r.app, r.task, r.trigger, r.id)))


_REASONS = ("SCHEDULE-", "CHAIN-")


def _row(
    ground: Ground,
    task: ReloadTask,
    event: SchemaEvent | CompositeEvent,
    schedule: ReloadSchedule | None,
    by_key: dict[str, ReloadSchedule],
    reasons: dict[str, Finding],
) -> ScheduleRow:
    app = next((a for a in ground.bundle.apps if a.id == task.app.id), None)
    reason = reasons.get(f"{task.name} / {event.name}")
    why = reason.message if reason else ""
    if schedule is None and not why:
        why = "its app does not migrate, or goes to a personal space"
    over = reason is not None and reason.code == OVER
    return ScheduleRow(
        id=event.id,
        task=task.name,
        app_id=task.app.id,
        app=app.name if app else task.app.name,
        stream=ground.stream_name(app) if app else "",
        trigger=event.name,
        words=in_words(event) if isinstance(event, SchemaEvent) else _chain(event),
        enabled=task.enabled and event.enabled,
        outcome="migrates" if schedule else "over" if over else "by hand",
        becomes=_becomes(schedule, by_key) if schedule else "",
        why=why,
    )


def _chain(event: CompositeEvent) -> str:
    parts = []
    for rule in event.composite_rules:
        upstream: Named | None = rule.reload_task or rule.user_sync_task or rule.external_program_task
        parts.append(f"{upstream.name if upstream else '?'} {STATES.get(rule.rule_state, 'ended')}")
    return "after " + " and ".join(parts)


def _becomes(schedule: ReloadSchedule, by_key: dict[str, ReloadSchedule]) -> str:
    if schedule.after is not None:
        upstream = by_key.get(schedule.after)
        return f"after {upstream.name if upstream else schedule.after} {schedule.after_status}"
    return f"{(schedule.recurrence or '').removeprefix('RRULE:')} from {schedule.start} {schedule.timezone}"
