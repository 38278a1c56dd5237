"""Ten tasks an app: time triggers are merged where one rule says the same, and only where there are more.

A merged task keeps the key of its first trigger by id, so that adding a trigger renames as little as
possible.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

from qlift.derivation.schedules.chains import TASKS_PER_APP
from qlift.derivation.schedules.made import Made, Outcome, SiteSchedules, id_of
from qlift.derivation.schedules.merge import merged
from qlift.derivation.schedules.timing import Note


def merge_triggers(site: SiteSchedules, as_of: date) -> None:
    """In apps that have too many. Before chains are added: they follow what is left."""
    counts = Counter(m.task.app.id for m in site.made)
    for event in site.bundle.composite_events:
        task = site.tasks.get(id_of(event.reload_task))
        if task is not None:
            counts[task.app.id] += 1
    rules = (r for e in site.bundle.composite_events for r in e.composite_rules)
    followed = {id_of(r.reload_task) for r in rules}
    for app, count in sorted(counts.items()):
        if count > TASKS_PER_APP:
            _merge(site, app, count - TASKS_PER_APP, followed, as_of)


def report_limits(site: SiteSchedules) -> None:
    """Says which apps have too many tasks."""
    for app, count in sorted(Counter(m.task.app.id for m in site.made).items()):
        if count > TASKS_PER_APP:
            message = f"{count} tasks; an app of Qlik Cloud has at most {TASKS_PER_APP}, disabled ones too"
            remedy = "merge or remove triggers in the source, or leave the app's schedules to a person"
            site.about_apps.append((app, Note.error("TASKS-PER-APP", message, remedy)))


def _merge(site: SiteSchedules, app: str, spare: int, followed: set[str], as_of: date) -> None:
    """`spare` tasks have to go, if one rule says the same."""
    timed = sorted(
        (
            _Timed(o, m)
            for o in site.outcomes
            for m in o.made
            if m.task.app.id == app and m.timing and not m.timing.rule.count
        ),
        key=lambda t: t.made.key,
    )
    changed = True
    while changed and spare > 0:
        changed = False
        for place, one in enumerate(timed):
            for other in timed[place + 1 :]:
                if spare > 0 and _join(one, other, followed, as_of):
                    timed.remove(other)
                    spare -= 1
                    changed = True


class _Timed:
    """A time trigger's task, which may grow."""

    def __init__(self, outcome: Outcome, made: Made) -> None:
        self.outcome, self.made = outcome, made


def _join(one: _Timed, other: _Timed, followed: set[str], as_of: date) -> bool:
    """Puts `other` into `one` if that says the same."""
    a, b = one.made, other.made
    if a.timing is None or b.timing is None or a.doubt or b.doubt or a.wanted != b.wanted:
        return False
    if a.task.is_partial_reload != b.task.is_partial_reload:
        return False
    if a.task.id != b.task.id and not followed.isdisjoint({a.task.id, b.task.id}):
        # What follows one of them must not start after the other.
        return False
    timing = merged(a.timing, b.timing, as_of)
    if timing is None:
        return False
    one.made = replace(a, timing=timing)
    one.outcome.made = [one.made if m.key == a.key else m for m in one.outcome.made]
    one.outcome.notes.append(
        Note.info(
            "SCHEDULE-MERGED",
            f"its task runs `{other.outcome.what}` too ({timing.rule}): an app has at most {TASKS_PER_APP}",
            "nothing to do",
        )
    )
    other.outcome.made = [m for m in other.outcome.made if m.key != b.key]
    other.outcome.merged_into = a.key
    other.outcome.notes.append(
        Note.info("SCHEDULE-MERGED", f"the task of `{one.outcome.what}` runs it too", "nothing to do")
    )
    return True
