"""How often an app reloads, from its tasks' triggers."""

from __future__ import annotations

from collections import defaultdict

from qlift.bundle.models import ReloadTask, SchemaEvent
from qlift.derivation.assessment.ground import Ground

SEVERAL_AN_HOUR = "several times an hour"
HOURLY = "hourly"
SEVERAL_A_DAY = "several times a day"
DAILY = "daily"
WEEKLY = "weekly"
RARER = "less than weekly"
AFTER = "after another task"
OFF = "tasks switched off"
NONE = "no task"
LABELS = (SEVERAL_AN_HOUR, HOURLY, SEVERAL_A_DAY, DAILY, WEEKLY, RARER, AFTER, OFF, NONE)
"""From the most to the least frequent."""

WEEK, DAY, HOUR = 10_080, 1_440, 60
"""Minutes."""
_LEAST = ((7 * 25, SEVERAL_AN_HOUR), (7 * 12, HOURLY), (7 * 1.5, SEVERAL_A_DAY), (4, DAILY), (0.9, WEEKLY))
"""Runs a week from which an app counts as that; five a week is daily to people."""


def frequencies(ground: Ground) -> dict[str, str]:
    """By app: of all its tasks together."""
    bundle = ground.bundle
    apps = {t.id: t for t in bundle.reload_tasks}
    runs: dict[str, float] = defaultdict(float)
    chained: set[str] = set()
    for event in bundle.schema_events:
        task = apps.get(event.reload_task.id) if event.reload_task else None
        if task and _on(task, event.enabled):
            runs[task.app.id] += runs_a_week(event)
    for chain in bundle.composite_events:
        task = apps.get(chain.reload_task.id) if chain.reload_task else None
        if task and _on(task, chain.enabled):
            chained.add(task.app.id)
    with_task = {t.app.id for t in bundle.reload_tasks if not t.is_manually_triggered}
    return {a.id: _label(a.id, runs, chained, with_task) for a in bundle.apps}


def _on(task: ReloadTask, event_enabled: bool) -> bool:
    return task.enabled and event_enabled


def _label(app: str, runs: dict[str, float], chained: set[str], with_task: set[str]) -> str:
    found = runs.get(app, 0.0)
    if found > 0:
        return next((label for least, label in _LEAST if found >= least), RARER)
    return AFTER if app in chained else OFF if app in with_task else NONE


def runs_a_week(event: SchemaEvent) -> float:
    """An average: the increment's candidates, thinned by the filter. 0: it runs once, or cannot be read."""
    try:
        minutes, hours, days, weeks = (int(p) for p in event.increment_description.split())
    except ValueError:
        return 0.0
    total = minutes + HOUR * hours + DAY * days + WEEK * weeks
    if total <= 0:
        return 0.0
    tokens = (event.schema_filter_description[0] if event.schema_filter_description else "").split()
    if len(tokens) != 8:
        return WEEK / total
    minute, hour, nth, weekday, every_weeks, month_day, month, every_months = tokens
    share = _share(weekday, 7) * _share(month_day, 30.4) * _share(month, 12)
    share *= _share(hour, 24) if total < DAY else 1
    share *= _share(minute, 60) if total < HOUR else 1
    share *= 7 / 30.4 if nth != "-" else 1
    return WEEK / total * share / _every(every_weeks) / _every(every_months)


def _share(token: str, of: float) -> float:
    return 1.0 if token == "*" else min(1.0, len(token.split(",")) / of)


def _every(token: str) -> int:
    return int(token) if token.isdigit() and int(token) > 0 else 1
