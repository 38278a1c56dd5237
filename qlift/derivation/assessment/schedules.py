"""Each trigger of a reload task: in words, what it becomes, or why not.

The table of `qlift.derivation.schedules` holds every task as if all apps migrated; some of them do not.
"""

from __future__ import annotations

from collections.abc import Mapping

from qlift.derivation import schedules
from qlift.derivation.assessment.ground import Ground
from qlift.derivation.assessment.model import Readiness, ScheduleOutcome, ScheduleRow

OVER = frozenset({"SCHEDULE-OVER", "TASK-MANUAL", "TASK-WITHOUT-TRIGGER"})
PERSONAL = "its app goes to its owner's personal space, where only the owner makes tasks"
STAYS = "its app cannot move"


def schedule_rows(ground: Ground) -> tuple[ScheduleRow, ...]:
    """Sorted by stream, app, task and trigger."""
    found = [_row(ground, r) for r in schedules.schedule_rows(ground.bundle, ground.as_of)]
    return tuple(sorted(found, key=lambda r: (r.stream, r.app, r.task, r.task_id, r.trigger, r.id)))


def _row(ground: Ground, row: schedules.ScheduleRow) -> ScheduleRow:
    app = ground.apps.get(row.app_id)
    personal = app is not None and app.stream is None and row.becomes != "nothing"
    return ScheduleRow(
        id=row.trigger_id,
        task_id=row.task_id,
        task=row.task,
        app_id=row.app_id,
        app=row.app,
        stream=ground.stream_name(app) if app else "",
        trigger=row.trigger,
        words=row.says,
        enabled=row.enabled,
        outcome="by hand" if personal else _outcome(row),
        becomes=() if personal else row.rules,
        zone="" if personal else row.zone,
        next_runs=() if personal else row.next_runs,
        notes=(PERSONAL,) if personal else row.notes,
        codes=row.codes,
    )


def _outcome(row: schedules.ScheduleRow) -> ScheduleOutcome:
    if row.becomes == "nothing":
        return "nothing to do" if OVER & set(row.codes) else "by hand"
    # Created disabled although it runs today: there is a doubt that a person has to settle.
    return "check first" if row.becomes == "created disabled" and row.enabled else "migrates"


def with_apps(rows: tuple[ScheduleRow, ...], readiness: Mapping[str, Readiness]) -> tuple[ScheduleRow, ...]:
    """A task whose app stays has nothing to become."""
    stays = {"outcome": "nothing to do", "becomes": (), "zone": "", "next_runs": (), "notes": (STAYS,)}
    return tuple(
        r.model_copy(update=stays) if readiness.get(r.app_id) is Readiness.CANNOT else r for r in rows
    )
