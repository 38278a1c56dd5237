"""What becomes of one site's tasks and triggers: what the parts of this package give one another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from qlift.bundle import Bundle
from qlift.bundle.models import (
    CompositeEvent,
    ExternalProgramTask,
    Named,
    ReloadTask,
    SchemaEvent,
    UserSyncTask,
)
from qlift.derivation.names import SHORT, short
from qlift.derivation.schedules.timing import Note, Timing

Event = SchemaEvent | CompositeEvent


@dataclass(frozen=True)
class Made:
    """One task of Qlik Cloud: by the clock (`timing`), or after another (`after`, its key)."""

    key: str
    mark: str
    """Twelve hex digits in which its name ends; no other task of the app has them."""
    task: ReloadTask
    event: Event
    wanted: bool
    """Enabled in the source."""
    timing: Timing | None = None
    after: str | None = None
    after_status: str | None = None
    doubt: str | None = None
    """Id of the schema event whose meaning is in doubt: disabled until a person confirms it."""


@dataclass
class Outcome:
    """Of one trigger of one task."""

    task: ReloadTask
    event: Event
    made: list[Made] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    merged_into: str | None = None

    @property
    def what(self) -> str:
        return f"{self.task.name} / {self.event.name}"


@dataclass
class SiteSchedules:
    """`tasks` migrate, by id. Outcomes are those of their triggers, time triggers first, by event id."""

    bundle: Bundle
    tasks: Mapping[str, ReloadTask]
    outcomes: list[Outcome] = field(default_factory=list)
    about_tasks: list[tuple[ReloadTask, Note]] = field(default_factory=list)
    about_apps: list[tuple[str, Note]] = field(default_factory=list)
    """By the app's source id."""
    about_site: list[tuple[str, Note]] = field(default_factory=list)
    """By an object's words, such as `3 triggers of prod`."""

    @property
    def made(self) -> list[Made]:
        return [m for o in self.outcomes for m in o.made]


def events_of(bundle: Bundle) -> tuple[Event, ...]:
    return (*bundle.schema_events, *bundle.composite_events)


def other_tasks(bundle: Bundle) -> tuple[ExternalProgramTask | UserSyncTask, ...]:
    """Tasks that Qlik Cloud has not."""
    return (*bundle.external_tasks, *bundle.user_sync_tasks)


def id_of(reference: Named | None) -> str:
    return reference.id if reference else ""


def first_key(event: Event) -> tuple[str, str]:
    """Key and mark of an event's first task: the event's own id."""
    return event.id, short(event.id)


def further_key(event: Event, origin: str) -> tuple[str, str]:
    """Of an event that needs several tasks: `origin` is what tells this one from the others."""
    mark = hashlib.sha256(f"{event.id}/{origin}".encode()).hexdigest()[:SHORT]
    return f"{event.id}.{mark}", mark
