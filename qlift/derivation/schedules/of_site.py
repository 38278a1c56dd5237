"""Every trigger of a site's tasks, translated: pure, and the same for a phase and for the assessment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from qlift.bundle import Bundle
from qlift.bundle.models import ReloadTask, SchemaEvent
from qlift.derivation.schedules.chains import add_chains
from qlift.derivation.schedules.limits import merge_triggers, report_limits
from qlift.derivation.schedules.made import Made, Outcome, SiteSchedules, first_key, id_of
from qlift.derivation.schedules.operational import announced
from qlift.derivation.schedules.tasks import add_remarks
from qlift.derivation.schedules.triggers import translate


def schedules_of(bundle: Bundle, tasks: Mapping[str, ReloadTask], as_of: date) -> SiteSchedules:
    """`tasks`, by id, are those that migrate. `as_of`: what is over, and which summer time is in force."""
    site = SiteSchedules(bundle, tasks)
    for event in bundle.schema_events:
        task = tasks.get(id_of(event.reload_task))
        if task is not None:
            site.outcomes.append(_timed(bundle, task, event, as_of))
    merge_triggers(site, as_of)
    add_chains(site, as_of)
    report_limits(site)
    add_remarks(site, as_of)
    return site


def _timed(bundle: Bundle, task: ReloadTask, event: SchemaEvent, as_of: date) -> Outcome:
    outcome = Outcome(task, event)
    enabled = task.enabled and event.enabled
    translation = translate(event, announced(bundle, event.id), as_of, enabled=enabled)
    outcome.notes += translation.notes
    if translation.timing is not None:
        key, mark = first_key(event)
        outcome.made.append(
            Made(
                key=key,
                mark=mark,
                task=task,
                event=event,
                wanted=enabled,
                timing=translation.timing,
                doubt=event.id if translation.doubtful else None,
            )
        )
    return outcome
