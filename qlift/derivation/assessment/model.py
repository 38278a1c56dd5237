"""What an assessment says: the border between derivation and the reports, and the format of the JSON file.

A test holds the JSON schema against a golden copy: a changed or dropped key needs another `format`.
Sizes are bytes, days are ISO dates, empty where the source has none.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from qlift.derivation.desired import Severity

LeaveKind = Literal["unused", "only-reloaded", "decided"]
ScheduleOutcome = Literal["migrates", "check first", "by hand", "nothing to do"]
DuplicateKind = Literal["same name and content", "same content", "same name, other owner"]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Readiness(StrEnum):
    """From best to worst. An app is as ready as its worst reason."""

    READY = "ready"
    CHANGES = "ready with changes"
    WORK = "needs work"
    CANNOT = "cannot"


IMPORT_BUDGETS = {"starter": 300, "standard": 300, "premium": 2_000, "enterprise": 10_000}
"""App imports a tenant takes a day, by subscription (help, "Capacity specifications")."""


class TenantFacts(Model):
    """What the subscription allows; the rate limits are the same for every subscription."""

    imports_per_day: int
    app_quota: int
    """Largest app in memory, bytes."""
    writes_per_minute: int
    uploads_per_minute: int
    window_seconds: int
    """Limits are evaluated over it: a burst may use all of it."""
    upload_chunk: int
    """Bytes in one request of an upload."""


class Reason(Model):
    code: str
    readiness: Readiness
    message: str
    remedy: str


class AppRow(Model):
    id: str
    name: str
    stream: str
    """Empty: the app is not published, it is its owner's own."""
    owner: str
    """`DIRECTORY\\user`."""
    size: int | None
    """Of its file; None when neither the export nor the site says it."""
    memory: int | None
    """Size of its data in memory, where the site says it."""
    last_reload: str
    last_change: str
    """The newest sign that people worked on it: publishing, or a new object."""
    frequency: str
    """How often it reloads, one of the labels of the chart."""
    sheets: int
    private_objects: int
    """Private and community objects."""
    connections: tuple[str, ...]
    """That its script names; empty also when there is no script."""
    extensions: tuple[str, ...]
    """Extensions that its objects are known to use; others may be inside its sheets."""
    readiness: Readiness
    reasons: tuple[Reason, ...]
    leave: tuple[str, ...]
    """Why it may stay behind: kinds of `Leave`."""
    phase: str
    """Key of the suggested phase; empty when it does not move."""


class Count(Model):
    """A bar of a chart."""

    label: str
    count: int
    bytes: int = 0
    parts: tuple[int, ...] = ()
    """Apps by readiness, best first, where that is known."""


class ReasonCount(Model):
    code: str
    title: str
    readiness: Readiness
    count: int
    """Apps."""
    remedy: str


class Inventory(Model):
    counts: dict[str, int]
    """By kind of object."""
    by_stream: tuple[Count, ...]
    by_size: tuple[Count, ...]
    by_last_reload: tuple[Count, ...]
    by_last_change: tuple[Count, ...]
    by_owner: tuple[Count, ...]
    by_frequency: tuple[Count, ...]


class LeaveApp(Model):
    id: str
    name: str
    stream: str
    owner: str
    size: int | None
    since: str
    """Day of the last sign of life."""


class Leave(Model):
    """Apps that one reason speaks for leaving behind: not migrating is the cheapest migration."""

    kind: LeaveKind
    title: str
    explanation: str
    apps: tuple[LeaveApp, ...]
    imports: int
    bytes: int


class Duplicates(Model):
    """Apps that look like one app."""

    kind: DuplicateKind
    name: str
    apps: tuple[LeaveApp, ...]
    saved: int
    """Apps that need not move if one of them is enough; 0 where that is not known."""


class ConnectionKind(Model):
    """What a type of data connection becomes."""

    type: str
    becomes: Literal["data files", "gateway", "native", "review"]
    how: str
    basis: Literal["reference", "judgement"]
    """Whether Qlik's documents say so, or it is our reading of them."""
    count: int
    apps: int
    """That use one of them, as far as scripts are known."""


class ConnectionRow(Model):
    id: str
    name: str
    type: str
    owner: str
    becomes: Literal["data files", "gateway", "native", "review"]
    apps: tuple[str, ...]
    """Names of the apps whose scripts use it."""
    streams: tuple[str, ...]
    credential: bool
    """Whether a credential has to be given anew."""


class ExtensionRow(Model):
    name: str
    owner: str
    apps: tuple[str, ...]
    """Names of the apps whose objects are of this type. Objects inside sheets are not listed by the site, so
    no app here does not mean that none uses it."""


class ScheduleRow(Model):
    """A trigger of a task, or a task without any."""

    id: str
    """Of the trigger."""
    task_id: str
    task: str
    app_id: str
    """Empty for tasks that reload no app."""
    app: str
    stream: str
    trigger: str
    words: str
    enabled: bool
    outcome: ScheduleOutcome
    becomes: tuple[str, ...]
    """`RRULE:...`, or the task that it follows; one for each task of Qlik Cloud."""
    zone: str
    next_runs: tuple[str, ...]
    """Local times in `zone`."""
    notes: tuple[str, ...]
    """Why not, or what to check."""
    codes: tuple[str, ...]
    """Of the findings behind the notes."""


class PermissionRow(Model):
    stream_id: str
    stream: str
    rules: tuple[str, ...]
    assignee: str
    kind: Literal["user", "group", "everyone", "nobody"]
    """Nobody: the rule is not translated."""
    roles: tuple[str, ...]
    people: int
    """Active people of the source that it covers."""
    note: str


class AccessDifference(Model):
    """What the roles by rules give and the source's audit does not, or the other way round."""

    stream_id: str
    stream: str
    right: str
    wider: int
    """People who would get it and may not in the source."""
    narrower: int
    """People who may in the source and would not get it."""
    people: tuple[str, ...]
    """Logins of some of them; of those who would get more, if there are any."""
    wider_people: tuple[str, ...]
    """Logins of all who would get it."""
    narrower_people: tuple[str, ...]


class PersonRow(Model):
    login: str
    name: str
    apps: int
    """That the person owns."""
    objects: int
    """Sheets, bookmarks and so on in apps of others."""
    note: str = ""


class PeopleSummary(Model):
    active: int
    left: int
    service_accounts: int
    groups: int
    owners: int
    """Active people who own an app."""
    unknown_owners: int
    """Owners of apps that are not among the site's users."""
    left_but_owning: tuple[PersonRow, ...]
    without_email: tuple[PersonRow, ...]
    shared_email: tuple[PersonRow, ...]
    """People whose e-mail another active person has too: a tenant locks both out."""
    administrators: tuple[PersonRow, ...]
    """`note`: what their role becomes."""


class Link(Model):
    """Why two streams belong together."""

    streams: tuple[str, str]
    weight: float
    because: tuple[str, ...]


class Phase(Model):
    key: str
    """For `qlift phase new <key>`."""
    title: str
    kind: Literal["foundation", "streams", "personal"]
    streams: tuple[str, ...]
    shared: tuple[str, ...]
    """Foundation: what several phases share."""
    owners: tuple[str, ...]
    """Personal apps: first and last login."""
    because: tuple[str, ...]
    after: tuple[str, ...]
    """Keys of phases that make what this one reads or follows."""
    cut: tuple[str, ...]
    """Chains that cross into other phases, and phases that need each other."""
    apps: int
    parts: tuple[int, ...]
    """Apps by readiness, best first."""
    people: int
    """Who can read its streams today."""
    imports: int
    writes: int
    bytes: int
    import_days: int
    floor_seconds: int
    """No run can be faster under the tenant's limits; the line and the tenant's own work come on top."""


class Effort(Model):
    imports: int
    writes: int
    bytes: int
    import_days: int
    floor_seconds: int


class FindingCount(Model):
    """Findings of one code, of a trial derivation with every stream as a managed space."""

    code: str
    severity: Severity
    count: int
    message: str
    remedy: str
    objects: tuple[str, ...]
    """Some of them."""


class Unknown(Model):
    what: str
    why: str


class Assessment(Model):
    format: Literal[1] = 1
    site: str
    as_of: date
    product_version: str
    exported_by: str
    complete: bool
    """Whether the identity that exported sees everything."""
    tenant: TenantFacts
    headline: str
    """The one sentence that a manager needs."""
    readiness: dict[Readiness, int]
    reasons: tuple[ReasonCount, ...]
    """The most frequent first."""
    apps: tuple[AppRow, ...]
    inventory: Inventory
    leave: tuple[Leave, ...]
    duplicates: tuple[Duplicates, ...]
    empty_streams: tuple[str, ...]
    connection_kinds: tuple[ConnectionKind, ...]
    connections: tuple[ConnectionRow, ...]
    extensions: tuple[ExtensionRow, ...]
    schedules: tuple[ScheduleRow, ...]
    permissions: tuple[PermissionRow, ...]
    access_differences: tuple[AccessDifference, ...]
    people: PeopleSummary
    links: tuple[Link, ...]
    phases: tuple[Phase, ...]
    effort: Effort
    """Of everything that can move."""
    import_days: dict[int, int]
    """Of the same, by what subscriptions allow a day."""
    findings: tuple[FindingCount, ...]
    unknown: tuple[Unknown, ...]
    not_listed: tuple[str, ...]
    """Kinds of objects (as the Repository Service calls them) of which the export holds no list."""
