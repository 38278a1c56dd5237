"""What comes nearest to waiting for several tasks at once."""

from __future__ import annotations

from collections.abc import Sequence

from qlift.bundle.models import CompositeRule
from qlift.derivation.schedules.made import SiteSchedules
from qlift.derivation.schedules.operational import last_run
from qlift.derivation.schedules.words import amount

BY_TIME = "schedule it by time, after all of them"
WHOLE_DAYS = ("DAILY", "WEEKLY", "MONTHLY")


def nearest(site: SiteSchedules, rules: Sequence[CompositeRule]) -> str:
    """In words: which one to follow, by what the export says of their last runs, else of their schedules."""
    names = {r.reload_task.id: r.reload_task.name for r in rules if r.reload_task}
    failed = {r.reload_task.id for r in rules if r.reload_task and r.rule_state == 2}
    if not names:
        return BY_TIME
    if len(names) == 1:
        [name] = names.values()
        return f"make it follow `{name}` alone, or {BY_TIME}"
    ends = {i: run.ended for i in names if (run := last_run(site.bundle, i)) and run.ended}
    if len(ends) == len(names) and len(set(ends.values())) > 1:
        *_, (before, second), (end, last) = sorted((end, i) for i, end in ends.items())
        minutes = amount(int((end - before).total_seconds()) // 60, "minute")
        why = f"it ended last, {end:%Y-%m-%d %H:%M} UTC, {minutes} after `{names[second]}`"
        return f"make it follow `{names[last]}`{_state(last, failed)} alone ({why}), or {BY_TIME}"
    timed = [m for m in site.made if m.task.id in names and m.timing and m.timing.rule.freq in WHOLE_DAYS]
    starts = {m.task.id: m.timing for m in timed if m.timing}
    if starts.keys() >= names.keys() and len({starts[i].zone for i in names}) == 1:
        last = max(names, key=lambda i: (starts[i].start.time(), i))
        why = f"it starts last, at {starts[last].start:%H:%M} {starts[last].zone}"
        return f"make it follow `{names[last]}`{_state(last, failed)} alone ({why}), or {BY_TIME}"
    return f"make it follow the one that ends last, or {BY_TIME}"


def _state(id_: str, failed: set[str]) -> str:
    return "'s failure" if id_ in failed else ""
