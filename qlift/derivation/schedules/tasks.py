"""What a task has besides its triggers, and Qlik Cloud has not."""

from __future__ import annotations

from datetime import date

from qlift.bundle import Bundle
from qlift.bundle.models import ReloadTask
from qlift.derivation.schedules import zones
from qlift.derivation.schedules.made import SiteSchedules, events_of, id_of
from qlift.derivation.schedules.operational import last_run
from qlift.derivation.schedules.timing import Note
from qlift.derivation.schedules.words import amount

CLOUD_TIMEOUT_MINUTES = 180
"""How long Qlik Cloud lets a reload run (the vendor's page on capacity)."""


def throw_away(bundle: Bundle) -> set[str]:
    """Ids of tasks that `Reload now` made: no trigger starts them."""
    return {t.id for t in bundle.reload_tasks if t.is_manually_triggered} - triggered(bundle)


def triggered(bundle: Bundle) -> set[str]:
    return {id_of(e.reload_task) for e in events_of(bundle)}


def add_remarks(site: SiteSchedules, as_of: date) -> None:
    """About each task, and once for the site."""
    with_trigger = triggered(site.bundle)
    scheduled = {m.task.id for m in site.made}
    for task in site.tasks.values():
        notes = [*_of_task(task), *_too_long(site.bundle, task, task.id in scheduled)]
        if task.id not in with_trigger:
            message = "nothing starts it; not migrated"
            notes.append(Note.info("TASK-WITHOUT-TRIGGER", message, "reload the app by hand"))
        site.about_tasks += [(task, n) for n in notes]
    _about_timeouts(site)
    _about_clock_changes(site, as_of)


def _of_task(task: ReloadTask) -> list[Note]:
    notes = []
    if task.max_retries:
        message = f"{task.max_retries} retries; Qlik Cloud has none"
        notes.append(Note.info("TASK-RETRIES", message, "nothing to do"))
    if task.time_to_live or task.preload_nodes:
        nodes = f" on {len(task.preload_nodes)} nodes" if task.preload_nodes else ""
        message = (
            f"it keeps the app in memory{nodes} (timeToLive {task.time_to_live or 0}); Qlik Cloud cannot"
        )
        notes.append(Note.info("TASK-PRELOAD", message, "nothing to do"))
    return notes


def _too_long(bundle: Bundle, task: ReloadTask, scheduled: bool) -> list[Note]:
    """An error where a schedule would run into the limit every time."""
    last = last_run(bundle, task.id)
    if last is None or not last.succeeded or last.minutes <= CLOUD_TIMEOUT_MINUTES:
        return []
    message = f"its last reload took {last.minutes} minutes; Qlik Cloud stops at {CLOUD_TIMEOUT_MINUTES}"
    remedy = "split the load, or load less; waive this if the source will be faster from the cloud"
    if scheduled:
        return [Note.error("TASK-TOO-LONG", message, remedy)]
    return [Note.warning("TASK-TOO-LONG", message, remedy)]


def _about_timeouts(site: SiteSchedules) -> None:
    scheduled = {m.task.id: m.task for m in site.made}
    count = sum(t.task_session_timeout > CLOUD_TIMEOUT_MINUTES for t in scheduled.values())
    if count:
        site.about_site.append(
            (
                f"{amount(count, 'task')} of {site.bundle.site}",
                Note.info(
                    "TASK-TIMEOUT",
                    f"they may run for more than {CLOUD_TIMEOUT_MINUTES} minutes; Qlik Cloud stops there",
                    "nothing to do for those that have been faster (TASK-TOO-LONG names those that were not)",
                ),
            )
        )


def _about_clock_changes(site: SiteSchedules, as_of: date) -> None:
    """What both schedulers do in the hours that a clock change skips or repeats is not documented."""
    count = sum(
        m.timing is not None
        and m.timing.rule.freq in ("MINUTELY", "HOURLY")
        and zones.changes_clocks(m.timing.zone, as_of.year)
        for m in site.made
    )
    if count:
        site.about_site.append(
            (
                f"{amount(count, 'trigger')} of {site.bundle.site}",
                Note.info(
                    "SCHEDULE-CLOCK-CHANGE",
                    "they run every few minutes or hours where clocks are changed: on those two days a year "
                    "their runs may be an hour off",
                    "nothing to do",
                ),
            )
        )
