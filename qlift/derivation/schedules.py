"""Reload tasks: schema events → time triggers, single composite events → task triggers."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from qlift.bundle.models import CompositeEvent, Named, ReloadTask, SchemaEvent
from qlift.derivation.apps import Apps
from qlift.derivation.context import Context, Site
from qlift.derivation.desired import ReloadSchedule, Source
from qlift.derivation.names import short
from qlift.derivation.recurrence import NotTranslatable, fires_at, recurrence

TASKS_PER_APP = 10
"""Qlik Cloud's limit: changelog of the tasks API."""
CLOUD_TIMEOUT_MINUTES = 180
"""Reload run time: the vendor's page on analytics applications."""
MILLISECONDS_A_MINUTE = 60_000
FINISHED_SUCCESS = 7
"""Execution status of the Repository Service."""
ONCE = "RRULE:FREQ=DAILY;COUNT=1"
NEVER = "9999"
RULE_STATES = {1: "succeeded", 2: "failed"}


def schedules(context: Context, apps: Apps) -> tuple[ReloadSchedule, ...]:
    made: list[ReloadSchedule] = []
    for site in context.sites:
        made += _of_site(context, site, apps)
    per_app = Counter(s.publication or s.app for s in made)
    for app, count in sorted(per_app.items(), key=str):
        if count > TASKS_PER_APP:
            context.findings.error(
                "TASKS-PER-APP",
                str(app),
                f"{count} tasks; an app of Qlik Cloud has at most {TASKS_PER_APP}",
                "merge triggers in the source, or leave the app's schedules to a person",
            )
    return tuple(sorted(made, key=lambda s: s.key))


def _of_site(context: Context, site: Site, apps: Apps) -> list[ReloadSchedule]:
    tasks, left = {}, 0
    triggered = {_id(e.reload_task) for e in site.bundle.schema_events}
    triggered |= {_id(e.reload_task) for e in site.bundle.composite_events}
    personal = {a.source.id for a in apps.apps if a.space is None and a.source.site == site.name}
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
        elif task.is_manually_triggered and task.id not in triggered:
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
    by_task: dict[str, list[ReloadSchedule]] = defaultdict(list)
    for event in site.bundle.schema_events:
        if _mine(context, event, tasks):
            timed = _timed(context, site, apps, tasks[_id(event.reload_task)], event)
            if timed:
                by_task[_id(event.reload_task)].append(timed)
    waiting = [e for e in site.bundle.composite_events if _mine(context, e, tasks)]
    found = _chains(context, site, apps, tasks, waiting, by_task)
    for task in tasks.values():
        _notes(context, site, task, triggered)
    return found


def _id(reference: Named | None) -> str:
    return reference.id if reference else ""


def _mine(context: Context, event: SchemaEvent | CompositeEvent, tasks: dict[str, ReloadTask]) -> bool:
    if event.reload_task is None:
        if event.external_program_task or event.user_sync_task:
            context.findings.info(
                "TRIGGER-OF-OTHER-TASK",
                event.name,
                "starts an external program or a user directory sync; Qlik Cloud has neither",
                "an automation may do it",
            )
        return False
    return event.reload_task.id in tasks


def _notes(context: Context, site: Site, task: ReloadTask, triggered: set[str]) -> None:
    if task.id not in triggered:
        context.findings.info(
            "TASK-WITHOUT-TRIGGER", task.name, "nothing starts it; not migrated", "reload the app by hand"
        )
    if task.max_retries:
        context.findings.info(
            "TASK-RETRIES", task.name, f"{task.max_retries} retries; Qlik Cloud has none", "nothing to do"
        )
    operational = site.bundle.runtime.get("reloadtask", {}).get(task.id, {}).get("operational") or {}
    last = operational.get("lastExecutionResult") or {}
    minutes = int(last.get("duration") or 0) // MILLISECONDS_A_MINUTE
    if last.get("status") == FINISHED_SUCCESS and minutes > CLOUD_TIMEOUT_MINUTES:
        context.findings.warning(
            "TASK-TOO-LONG",
            task.name,
            f"its last reload took {minutes} minutes; Qlik Cloud stops at {CLOUD_TIMEOUT_MINUTES}",
            "split the load, or load less, before schedules are enabled",
        )


def _base(
    context: Context, site: Site, apps: Apps, task: ReloadTask, event: SchemaEvent | CompositeEvent
) -> ReloadSchedule:
    key, published = apps.key_of[site.name, task.app.id]
    return ReloadSchedule(
        key=event.id,
        name=f"{task.name} {short(event.id)}",
        source=Source(site=site.name, id=event.id),
        app=None if published else key,
        publication=key if published else None,
        enabled=context.plan.schedules.enabled and task.enabled and event.enabled,
        partial=task.is_partial_reload,
    )


def _timed(
    context: Context, site: Site, apps: Apps, task: ReloadTask, event: SchemaEvent
) -> ReloadSchedule | None:
    what = f"{task.name} / {event.name}"
    try:
        start = datetime.fromisoformat(event.start_date).replace(tzinfo=None)
        zone = ZoneInfo(event.time_zone)
        if event.daylight_saving_time and _changes_clocks(zone):
            raise NotTranslatable("it keeps standard or summer time all year; zones of Qlik Cloud do not")
        if event.increment_option == 0 and event.increment_description.split() != ["0"] * 4:
            raise NotTranslatable(
                f"its form says once, its increment says `{event.increment_description}`: two readings"
            )
        if event.increment_description.split() == ["0"] * 4:
            return _once(context, site, apps, task, event, start)
        rule = recurrence(event.increment_description, event.schema_filter_description, start)
    except NotTranslatable as why:
        context.findings.warning(
            "SCHEDULE-NOT-MIGRATED",
            what,
            f"{why} (from {event.start_date})",
            "make a task by hand in the tenant",
        )
        return None
    except (ValueError, KeyError) as error:
        context.findings.warning(
            "SCHEDULE-NOT-MIGRATED",
            what,
            f"its start or zone cannot be read: {error}",
            "correct it in the source",
        )
        return None
    agrees = _agrees(context, site, event, rule, start, zone, what)
    if start.second:
        context.findings.info(
            "SCHEDULE-SECONDS", what, "the seconds of its start are dropped", "nothing to do"
        )
    end = None if event.expiration_date.startswith(NEVER) else event.expiration_date[:19]
    base = _base(context, site, apps, task, event)
    return base.model_copy(
        update={
            "recurrence": rule,
            "timezone": event.time_zone,
            "start": start.replace(second=0, microsecond=0).isoformat(),
            "end": end,
            "enabled": base.enabled and agrees,
        }
    )


def _once(
    context: Context, site: Site, apps: Apps, task: ReloadTask, event: SchemaEvent, start: datetime
) -> ReloadSchedule | None:
    """Whether it is still to come, the source says: there is no clock here."""
    what = f"{task.name} / {event.name}"
    announced = _announced(site, event)
    if announced is None:
        context.findings.info(
            "SCHEDULE-OVER", what, f"ran once ({event.start_date}); nothing is left to run", "nothing to do"
        )
        return None
    context.findings.warning(
        "SCHEDULE-ONCE", what, f"runs once, at {event.start_date}", "check in the tenant that it is kept"
    )
    update = {
        "recurrence": ONCE,
        "timezone": event.time_zone,
        "start": start.replace(second=0, microsecond=0).isoformat(),
    }
    return _base(context, site, apps, task, event).model_copy(update=update)


def _announced(site: Site, event: SchemaEvent) -> str | None:
    """When the source itself says that the event fires next (UTC)."""
    runtime = site.bundle.runtime.get("schemaevent", {}).get(event.id, {})
    announced = str((runtime.get("operational") or {}).get("nextExecution") or "")
    return announced if announced and announced[:4] not in ("1753", NEVER) else None


def _changes_clocks(zone: ZoneInfo) -> bool:
    offsets = {datetime(2026, month, 1, tzinfo=zone).utcoffset() for month in range(1, 13)}
    return len(offsets) > 1


def _agrees(
    context: Context, site: Site, event: SchemaEvent, rule: str, start: datetime, zone: ZoneInfo, what: str
) -> bool:
    """Whether the next run that the source itself announces is one of ours."""
    announced = _announced(site, event)
    if not event.enabled or announced is None:
        return True
    moment = datetime.fromisoformat(announced.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    local = moment.astimezone(zone).replace(tzinfo=None, microsecond=0)
    if fires_at(rule, start.replace(microsecond=0), local):
        return True
    context.findings.warning(
        "SCHEDULE-NEXT-RUN",
        what,
        f"the source announces its next run for {local.isoformat()}, which {rule} does not hold; "
        "it is created disabled",
        "compare both, then enable the task in the tenant or make one by hand",
    )
    return False


def _chains(
    context: Context,
    site: Site,
    apps: Apps,
    tasks: dict[str, ReloadTask],
    waiting: list[CompositeEvent],
    by_task: dict[str, list[ReloadSchedule]],
) -> list[ReloadSchedule]:
    """Composite events, upstream before downstream: a chain ends where its upstream does not migrate."""
    candidates = {e.id: e for e in waiting if _single(context, tasks, e)}
    pending = dict(candidates)
    while pending:
        ready = [
            e for e in pending.values() if _upstream(e) not in {_id(p.reload_task) for p in pending.values()}
        ]
        for event in ready or list(pending.values()):
            del pending[event.id]
            _link(context, site, apps, tasks, event, by_task, cyclic=not ready)
    return [s for found in by_task.values() for s in found]


def _upstream(event: CompositeEvent) -> str:
    return _id(event.composite_rules[0].reload_task)


def _single(context: Context, tasks: dict[str, ReloadTask], event: CompositeEvent) -> bool:
    what = f"{tasks[_id(event.reload_task)].name} / {event.name}"
    rules = event.composite_rules
    if len(rules) == 1 and rules[0].reload_task and rules[0].rule_state in RULE_STATES:
        return True
    reason = (
        f"it waits for {len(rules)} tasks at once; a task of Qlik Cloud follows one"
        if len(rules) != 1
        else "it follows an external program or a user directory sync, which Qlik Cloud has not"
    )
    context.findings.warning(
        "CHAIN-NOT-MIGRATED", what, reason, "make a task by hand, or schedule it by time"
    )
    return False


def _link(
    context: Context,
    site: Site,
    apps: Apps,
    tasks: dict[str, ReloadTask],
    event: CompositeEvent,
    by_task: dict[str, list[ReloadSchedule]],
    *,
    cyclic: bool,
) -> None:
    task = tasks[_id(event.reload_task)]
    what = f"{task.name} / {event.name}"
    upstream = by_task.get(_upstream(event), [])
    if cyclic:
        reason = "it is part of a circle of tasks that start one another"
    elif not upstream:
        reason = "the task that it follows does not migrate or has no schedule"
    elif len(upstream) > 1:
        reason = (
            f"the task that it follows has {len(upstream)} triggers, so {len(upstream)} tasks in Qlik Cloud"
        )
    else:
        status = RULE_STATES[event.composite_rules[0].rule_state]
        base = _base(context, site, apps, task, event)
        by_task[task.id].append(base.model_copy(update={"after": upstream[0].key, "after_status": status}))
        return
    context.findings.warning(
        "CHAIN-NOT-MIGRATED", what, reason, "make a task by hand, or schedule it by time"
    )
