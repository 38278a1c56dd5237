"""What starts a task instead of the clock: another task, or what started an external task that is cut out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from qlift.bundle.models import CompositeEvent, CompositeRule, Named, SchemaEvent
from qlift.derivation.schedules.alternatives import nearest
from qlift.derivation.schedules.made import Event, Outcome, SiteSchedules, events_of, other_tasks
from qlift.derivation.schedules.timing import Note

RULE_STATES = {1: "succeeded", 2: "failed"}


class Cut(Exception):
    """The chain cannot go on here."""

    def __init__(self, reason: str, remedy: str = "schedule it by time, or make a task by hand") -> None:
        super().__init__(reason)
        self.note = Note.warning("CHAIN-NOT-MIGRATED", reason, remedy)


@dataclass(frozen=True)
class Origin:
    """What starts a task: another task, or the schema event of an external task that was cut out."""

    task: str = ""
    status: str = ""
    event: SchemaEvent | None = None
    via: tuple[Named, ...] = ()
    """External tasks that were cut out, the nearest first."""
    enabled: bool = True
    """What was cut out, and what started it."""


@dataclass
class Link:
    """One composite event."""

    outcome: Outcome
    event: CompositeEvent
    origins: list[Origin] = field(default_factory=list)


class Origins:
    """Resolves composite events of one site."""

    def __init__(self, site: SiteSchedules) -> None:
        self._site = site
        self._starters: dict[str, list[Event]] = defaultdict(list)
        """Events by the external program or user directory sync that they start."""
        for event in events_of(site.bundle):
            other = event.external_program_task or event.user_sync_task
            if other is not None:
                self._starters[other.id].append(event)
        self._disabled = {t.id for t in other_tasks(site.bundle) if not t.enabled}

    def of(self, event: CompositeEvent, outcome: Outcome, via: tuple[Named, ...] = ()) -> list[Origin]:
        """Raises `Cut`; what only some of several starters cannot is noted in the outcome."""
        rules = _distinct(event.composite_rules)
        if not rules:
            raise Cut("it waits for no task")
        if len(rules) > 1:
            names = ", ".join(f"`{upstream_of(r).name}`" for r in rules)
            raise Cut(
                f"it waits for {len(rules)} tasks at once ({names}); a task of Qlik Cloud follows one",
                nearest(self._site, rules),
            )
        rule = rules[0]
        status = RULE_STATES.get(rule.rule_state)
        if status is None:
            raise Cut(f"its rule has the state {rule.rule_state}, neither success nor failure")
        if rule.reload_task is not None:
            return [Origin(rule.reload_task.id, status, via=via, enabled=self._runs(event, via))]
        return self._of_other(upstream_of(rule), status, outcome, via)

    def _of_other(self, other: Named, status: str, outcome: Outcome, via: tuple[Named, ...]) -> list[Origin]:
        kind = f"`{other.name}`, an external program or user directory sync, which Qlik Cloud has not"
        ids = [t.id for t in via]
        if other.id in ids:
            names = " -> ".join(t.name for t in (other, *reversed(via[ids.index(other.id) :])))
            raise Cut(f"it follows {kind}, and {names} is a circle")
        if status != RULE_STATES[1]:
            raise Cut(f"it follows the failure of {kind}")
        found: list[Origin] = []
        for event in self._starters[other.id]:
            if isinstance(event, SchemaEvent):
                here = (*via, other)
                found.append(Origin(event=event, via=here, enabled=self._runs(event, here)))
                continue
            try:
                found += self.of(event, outcome, (*via, other))
            except Cut as cut:
                outcome.notes.append(cut.note)
        if not found:
            raise Cut(f"it follows {kind}, and nothing starts that which could start this one instead")
        return found

    def _runs(self, event: Event, via: tuple[Named, ...]) -> bool:
        """Whether the source would start what was cut out."""
        return event.enabled and self._disabled.isdisjoint(t.id for t in via)


def _distinct(rules: tuple[CompositeRule, ...]) -> list[CompositeRule]:
    """The same task with the same state twice is one condition."""
    return list({(upstream_of(r).id, r.rule_state): r for r in rules}.values())


def upstream_of(rule: CompositeRule) -> Named:
    return rule.reload_task or rule.external_program_task or rule.user_sync_task or Named(id="-", name="?")
