"""The reload tasks of a phase: desired state and findings."""

from __future__ import annotations

from qlift.bundle.models import ReloadTask
from qlift.derivation.apps import Apps
from qlift.derivation.context import Context, Site
from qlift.derivation.desired import Finding, ReloadSchedule, Source
from qlift.derivation.schedules.made import Made, SiteSchedules, events_of, other_tasks
from qlift.derivation.schedules.of_site import schedules_of
from qlift.derivation.schedules.tasks import throw_away
from qlift.derivation.schedules.timing import Note
from qlift.derivation.schedules.words import amount


def schedules(context: Context, apps: Apps) -> tuple[ReloadSchedule, ...]:
    """Sorted by key."""
    made: list[ReloadSchedule] = []
    for site in context.sites:
        found = schedules_of(site.bundle, _tasks(context, site, apps), context.as_of)
        made += [_schedule(context, site, apps, m) for m in found.made]
        _report(context, site, apps, found)
    _unknown(context)
    return tuple(sorted(made, key=lambda s: s.key))


def _tasks(context: Context, site: Site, apps: Apps) -> dict[str, ReloadTask]:
    """Those that migrate; the others have their finding."""
    tasks, left = {}, 0
    personal = {a.source.id for a in apps.apps if a.space is None and a.source.site == site.name}
    by_hand = throw_away(site.bundle)
    for task in site.bundle.reload_tasks:
        if (site.name, task.app.id) not in apps.key_of:
            left += 1
        elif task.app.id in personal:
            context.findings.warning(
                "SCHEDULE-OF-PERSONAL-APP",
                task.name,
                "its app goes to the personal space of its owner, where only the owner makes tasks",
                "tell the owner, or give the app a shared space",
            )
        elif task.id in by_hand:
            context.findings.info(
                "TASK-MANUAL", task.name, "made by a person's `Reload now`; not migrated", "nothing to do"
            )
        else:
            tasks[task.id] = task
    if left:
        context.findings.info(
            "TASKS-OF-OTHER-APPS",
            f"{left} reload tasks of {site.name}",
            "their apps do not migrate in this phase",
            "nothing to do if that is right",
        )
    return tasks


def _schedule(context: Context, site: Site, apps: Apps, made: Made) -> ReloadSchedule:
    key, published = apps.key_of[site.name, made.task.app.id]
    timing, plan = made.timing, context.plan.schedules
    sure = made.doubt is None or made.doubt in plan.confirmed
    return ReloadSchedule.model_validate(
        {
            "key": made.key,
            "name": f"{made.task.name} {made.mark}",
            "mark": made.mark,
            "source": Source(site=site.name, id=made.event.id),
            "app": None if published else key,
            "publication": key if published else None,
            "enabled": plan.enabled and made.wanted and sure,
            "partial": made.task.is_partial_reload,
            "recurrence": str(timing.rule) if timing else None,
            "timezone": timing.zone if timing else None,
            "start": timing.start.isoformat() if timing else None,
            "end": timing.end.isoformat() if timing and timing.end else None,
            "after": made.after,
            "after_status": made.after_status,
        }
    )


def _report(context: Context, site: Site, apps: Apps, found: SiteSchedules) -> None:
    for outcome in found.outcomes:
        for note in outcome.notes:
            _add(context, outcome.what, note)
    for task, note in found.about_tasks:
        _add(context, task.name, note)
    for app, note in found.about_apps:
        _add(context, apps.key_of[site.name, app][0], note)
    for what, note in found.about_site:
        _add(context, what, note)
    others = other_tasks(site.bundle)
    if others:
        context.findings.info(
            "TASKS-OF-OTHER-KINDS",
            f"{amount(len(others), 'task')} of {site.name}",
            "external programs and user directory syncs; Qlik Cloud has neither",
            "an automation may do the work of a program; users come from the identity provider",
        )
    for event in events_of(site.bundle):
        if event.reload_task is None and (event.external_program_task or event.user_sync_task):
            context.findings.info(
                "TRIGGER-OF-OTHER-TASK",
                event.name,
                "starts an external program or a user directory sync; Qlik Cloud has neither",
                "an automation may do it",
            )


def _add(context: Context, what: str, note: Note) -> None:
    context.findings.add(
        Finding(code=note.code, severity=note.severity, object=what, message=note.message, remedy=note.remedy)
    )


def _unknown(context: Context) -> None:
    events = {e.id for site in context.sites for e in events_of(site.bundle)}
    for id_ in context.plan.schedules.confirmed:
        if id_ not in events:
            context.findings.error(
                "SCHEDULE-UNKNOWN",
                id_,
                "schedules.confirmed: no bundle of the plan has a trigger of this id",
                "correct the id, or remove it",
            )
