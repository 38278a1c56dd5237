"""Composite events → tasks that start after another one.

A task of Qlik Cloud follows one task, with one status. What has the same meaning is made of that: several
composite events on one task (OR) are several cloud tasks, and so is one after a task that itself became
several. External programs and user directory syncs do not exist in the tenant: a chain through one is cut,
and goes on from what starts that one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from qlift.bundle.models import Named, SchemaEvent
from qlift.derivation.schedules.circles import upstream_first
from qlift.derivation.schedules.links import Cut, Link, Origin, Origins
from qlift.derivation.schedules.made import Made, Outcome, SiteSchedules, first_key, further_key, id_of
from qlift.derivation.schedules.operational import announced, last_run
from qlift.derivation.schedules.tasks import triggered
from qlift.derivation.schedules.timing import Note, Timing
from qlift.derivation.schedules.triggers import translate
from qlift.derivation.schedules.words import amount

TASKS_PER_APP = 10
"""Qlik Cloud's limit (the vendor's page on capacity)."""


@dataclass(frozen=True)
class _Start:
    """One way in which a task starts; `timing` None: after the origin's task."""

    origin: Origin
    timing: Timing | None = None
    doubtful: bool = False


def add_chains(site: SiteSchedules, as_of: date) -> None:
    """Adds the outcomes of the composite events of the site's tasks; those of schema events are there."""
    origins = Origins(site)
    links: dict[str, list[Link]] = defaultdict(list)
    for event in site.bundle.composite_events:
        task = site.tasks.get(id_of(event.reload_task))
        if task is None:
            continue
        outcome = Outcome(task, event)
        site.outcomes.append(outcome)
        try:
            links[task.id].append(Link(outcome, event, origins.of(event, outcome)))
        except Cut as cut:
            outcome.notes.append(cut.note)
    chains = _Chains(site, as_of, links)
    for task_id in upstream_first(site, links):
        for link in links.get(task_id, ()):
            chains.add(link)


class _Chains:
    def __init__(self, site: SiteSchedules, as_of: date, links: Mapping[str, list[Link]]) -> None:
        self._site = site
        self._as_of = as_of
        self._all = {t.id: t for t in site.bundle.reload_tasks}
        self._triggered = triggered(site.bundle)
        self._made: dict[str, list[Made]] = defaultdict(list)
        """By task."""
        self._spare: dict[str, int] = defaultdict(lambda: TASKS_PER_APP)
        """Tasks that an app may still have, when each of its composite events has got one."""
        for made in site.made:
            self._made[made.task.id].append(made)
            self._spare[made.task.app.id] -= 1
        for found in links.values():
            for link in found:
                self._spare[link.outcome.task.app.id] -= 1

    def add(self, link: Link) -> None:
        outcome, event, task = link.outcome, link.event, link.outcome.task
        starts: dict[str, _Start] = {}
        """By the id of what starts it, which tells several tasks of one event apart."""
        for origin in link.origins:
            try:
                starts |= self._starts(origin, outcome)
            except Cut as cut:
                outcome.notes.append(cut.note)
        more = len(starts) - 1
        if more > 0 and more > self._spare[task.app.id]:
            self._spare[task.app.id] += 1
            reason = (
                f"it would need {len(starts)} tasks, as what it follows; an app has at most {TASKS_PER_APP}"
            )
            remedy = "give the task that it follows fewer triggers, or schedule it by time"
            outcome.notes.append(Cut(reason, remedy).note)
            return
        self._spare[task.app.id] -= more
        for place, (id_, start) in enumerate(sorted(starts.items())):
            key, mark = further_key(event, id_) if place else first_key(event)
            outcome.made.append(
                Made(
                    key=key,
                    mark=mark,
                    task=task,
                    event=event,
                    wanted=task.enabled and event.enabled and start.origin.enabled,
                    timing=start.timing,
                    after=None if start.timing else id_,
                    after_status=None if start.timing else start.origin.status,
                    doubt=id_ if start.doubtful else None,
                )
            )
        self._made[task.id] += outcome.made
        if len(starts) > 1:
            outcome.notes.append(
                Note.info(
                    "CHAIN-SEVERAL",
                    f"what it follows became {len(starts)} tasks, so it becomes {len(starts)} too",
                    "nothing to do",
                )
            )

    def _starts(self, origin: Origin, outcome: Outcome) -> dict[str, _Start]:
        if origin.event is not None:
            found = self._by_clock(origin, origin.event, outcome)
        else:
            found = {m.key: _Start(origin) for m in self._made_of(origin)}
        if origin.via and found:
            names = ", ".join(f"`{t.name}`{self._minutes(t)}" for t in origin.via)
            outcome.notes.append(
                Note.warning(
                    "CHAIN-REROOTED",
                    f"it follows {names}, which Qlik Cloud has not; it starts when that did, not after it",
                    "check that what it loads is there by then",
                )
            )
        return found

    def _minutes(self, other: Named) -> str:
        kinds = ("externalprogramtask", "usersynctask")
        last = next((run for kind in kinds if (run := last_run(self._site.bundle, other.id, kind))), None)
        return f" ({amount(last.minutes, 'minute')} when it ran last)" if last and last.minutes else ""

    def _by_clock(self, origin: Origin, event: SchemaEvent, outcome: Outcome) -> dict[str, _Start]:
        said = announced(self._site.bundle, event.id)
        translation = translate(event, said, self._as_of, enabled=origin.enabled)
        outcome.notes += translation.notes
        if translation.timing is None:
            return {}
        return {event.id: _Start(origin, translation.timing, translation.doubtful)}

    def _made_of(self, origin: Origin) -> list[Made]:
        task = self._all.get(origin.task)
        through = "".join(f" (through `{t.name}`)" for t in origin.via)
        if task is None:
            raise Cut(f"the task that it follows{through} is not in the bundle")
        what = f"the task that it follows{through}, `{task.name}`"
        if task.id not in self._triggered:
            raise Cut(f"nothing but a person starts {what}")
        if task.id not in self._site.tasks:
            remedy = "migrate both apps in one phase, or schedule it by time"
            raise Cut(f"{what}, does not migrate here", remedy)
        if not self._made[task.id]:
            raise Cut(f"no trigger of {what}, migrates")
        return self._made[task.id]
