"""What a phase wants of the tenant, in Qlik Cloud's terms: the border between derivation and program.

References between objects are logical names (`key`). People and groups are named by the value that the
tenant knows them by; the providers resolve it, derivation never asks.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from qlift.derivation.former import FormerApp, FormerAssignment, FormerOwner, FormerSchedule, FormerSpace
from qlift.derivation.plan import Step


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Finding(Model):
    """Something a person should know: `code` is stable, `object` names it as people know it."""

    code: str
    severity: Severity
    object: str
    message: str
    remedy: str
    people: tuple[str, ...] = ()
    """Logins of all whose access it is about; the message names ten of them at most."""


class Waiver(Model):
    """Accepts one finding until a day: an error becomes a warning that says by whom."""

    code: str
    object: str
    owner: str
    until: date


class Assignee(Model):
    """`type` self is the identity that qlift works as. `by` says which attribute of a user `name` is."""

    type: Literal["user", "group", "self"]
    name: str = ""
    by: Literal["subject", "email"] = "subject"


class Source(Model):
    """Where an object comes from: the provenance is made of it."""

    site: str
    id: str


class Job(Model):
    key: str
    """Logical name: the plan's name as a slug."""
    name: str
    steps: tuple[Step, ...]


class InJob(Model):
    job: str
    """Key of the job that makes it: the standard one unless the plan lists its own."""


class Space(InJob):
    job: str = "spaces"
    key: str
    """Logical name: the plan's key as a slug."""
    name: str
    type: Literal["shared", "managed"]
    description: str = ""
    source: Source
    """The stream, or the plan's key for a space that no stream stands behind (id = key)."""
    external: bool = False
    """Another phase makes it; here it is referred to by its name."""
    adopt: bool = False
    """Where the tenant has it already it is taken over. `former`: what it was; None: it is made."""
    former: FormerSpace | None = None


class SpaceOwner(InJob):
    job: str = "owners"
    space: str
    owner: Assignee
    former: FormerOwner | None = None
    """Of an adopted space."""


class SpaceAssignment(InJob):
    job: str = "permissions"
    key: str
    space: str
    assignee: Assignee
    roles: tuple[str, ...]
    """Sorted."""
    adopt: bool = False
    former: FormerAssignment | None = None


class ObjectOwner(Model):
    """A private or community object and whose it becomes. `object` is the engine object id."""

    object: str
    owner: Assignee


class App(InJob):
    job: str = "apps"
    key: str
    """Logical name `<name>.<site>.<12 hex>`."""
    name: str
    description: str = ""
    space: str | None
    """Key of a shared space; None is the owner's personal space."""
    source: Source
    fingerprint: str
    """Hash of the state of the app's public objects, its script among them: 64 hex digits."""
    sha256: str
    size: int
    """Bytes."""
    object_owners: tuple[ObjectOwner, ...] = ()
    """For an app that stays where it is imported; those of a published one are the publication's."""
    former_keys: tuple[str, ...] = ()
    """Logical names before renames: Pulumi aliases."""
    adopt: bool = False
    former: FormerApp | None = None
    """Its content stays what it is in the tenant."""


class AppOwner(InJob):
    job: str = "owners"
    app: str
    owner: Assignee
    former: FormerOwner | None = None
    """Of an adopted app."""


class AppPublication(InJob):
    job: str = "publications"
    key: str
    app: str
    """Key of the App that is published."""
    space: str
    """Key of a managed space."""
    name: str
    description: str = ""
    mode: Literal["copy", "move"]
    object_owners: tuple[ObjectOwner, ...] = ()
    sha256: str
    size: int
    """Bytes. Of the whole file, which a publication by move imports."""
    public_origin: bool
    """The app that it is published from holds nobody's private or community objects."""
    former_keys: tuple[str, ...] = ()


class PublishedAppOwner(InJob):
    job: str = "owners"
    publication: str
    owner: Assignee


class ReloadSchedule(InJob):
    """One reload task: a time trigger (`recurrence` ...) or a task trigger (`after`, `after_status`)."""

    job: str = "schedules"
    key: str
    name: str
    """Ends in `mark`, by which it is recognised."""
    mark: str
    """Twelve hex digits: the short id of its trigger, or of trigger and upstream where one has several."""
    source: Source
    app: str | None = None
    """Key of an App, or"""
    publication: str | None = None
    """key of an AppPublication."""
    enabled: bool = False
    partial: bool = False
    recurrence: str | None = None
    """`RRULE:...`"""
    timezone: str | None = None
    start: str | None = None
    """Local time in `timezone`, `YYYY-MM-DDTHH:MM:SS`."""
    end: str | None = None
    after: str | None = None
    """Key of the ReloadSchedule that has to finish first."""
    after_status: Literal["succeeded", "failed"] | None = None
    adopt: bool = False
    former: FormerSchedule | None = None


class HandedOver(Model):
    """Keys of what is people's from now on, with all that belongs to it. Sorted."""

    spaces: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()


class Desired(Model):
    phase: str
    on_source_change: Literal["ask", "republish", "new_copy"] = "ask"
    handed_over: HandedOver = HandedOver()
    jobs: tuple[Job, ...] = ()
    """In the plan's order."""
    spaces: tuple[Space, ...] = ()
    space_owners: tuple[SpaceOwner, ...] = ()
    assignments: tuple[SpaceAssignment, ...] = ()
    apps: tuple[App, ...] = ()
    app_owners: tuple[AppOwner, ...] = ()
    publications: tuple[AppPublication, ...] = ()
    publication_owners: tuple[PublishedAppOwner, ...] = ()
    schedules: tuple[ReloadSchedule, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)
