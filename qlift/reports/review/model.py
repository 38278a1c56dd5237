"""What a review says: the format of review.json.

Sizes are bytes. Everything is sorted, so that two reviews of the same can be compared.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from qlift.derivation.assessment.model import Effort
from qlift.derivation.desired import Finding, Waiver
from qlift.derivation.digest import Digests

Op = Literal["create", "update", "replace", "delete", "adopt", "give back"]
OPS: tuple[Op, ...] = ("delete", "replace", "give back", "adopt", "update", "create")
"""What a reader has to see first. An adopted object is taken over instead of made, and given back instead of
deleted."""
COMPARED: tuple[Op, ...] = ("replace", "give back", "adopt", "update")
"""Those that have a before and an after."""


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldChange(Model):
    name: str
    before: Any
    after: Any
    """None also for what only the run itself will know."""


class Change(Model):
    op: Op
    kind: str
    object: str
    """As people know it: `app "Ledger"`."""
    key: str
    """Logical name."""
    job: str
    """Empty for what is in none."""
    space: str
    """Its name; empty where it has none."""
    fields: tuple[FieldChange, ...]
    """Before and after: of a replacement, what makes it one among them; of an adopted object, its former
    values and what they become."""


class Conflict(Model):
    """What the tenant, or the tool's own rules, refuse. With one of them nothing can be applied."""

    kind: str
    object: str
    field: str
    reason: str


class Drift(Model):
    """Changed in the tenant by others since the last run; the run puts it back."""

    kind: str
    object: str
    key: str
    gone: bool
    fields: tuple[FieldChange, ...]


class Who(Model):
    """Somebody whose access changes, by the roles or the ownership in a space."""

    type: Literal["user", "group"]
    name: str
    people: int | None
    """Of a group: members that are known. None: none is known. Of a user: 1."""
    before: tuple[str, ...]
    """Roles, and `owner`. Empty: none."""
    after: tuple[str, ...]


class AppAccess(Model):
    """An app that somebody will see, or loses."""

    app: str
    sees: int
    """People who could not see it before."""
    loses: int
    unknown_groups: tuple[str, ...]
    """Groups that see it or lose it, and whose members are not known."""
    owners: tuple[str, ...]
    """Who sees or loses it as its owner only."""


class SpaceAccess(Model):
    """What changes in a space for people. The tool's own roles are left out."""

    space: str
    type: str
    state: Literal["new", "kept", "deleted"]
    sees: int
    """People who could see nothing of the space before and can now."""
    loses: int
    gain: tuple[Who, ...]
    """Could not see its apps, and will."""
    lose: tuple[Who, ...]
    """Could see its apps, and will not."""
    other: tuple[Who, ...]
    """Other roles than before, but the apps are seen as before."""
    apps: tuple[AppAccess, ...]
    unchanged_audience: int
    """Apps of the space that everybody sees, or does not, as before."""


class Access(Model):
    spaces: tuple[SpaceAccess, ...]
    personal: tuple[AppAccess, ...]
    """Apps of personal spaces: their owners see them, or lose them."""
    sees: int
    """Different people who will see at least one app or space that they could not see before."""
    loses: int
    groups_see: tuple[str, ...]
    """Groups among those who gain, whose members are not known: they come on top."""
    groups_lose: tuple[str, ...]
    members: dict[str, tuple[str, ...]]
    """People in the groups above, where known: from the tenant's users and from the source."""
    wider: tuple[Finding, ...]
    """More than the source allows: accepted or waived."""


class Review(Model):
    format: Literal[1] = 1
    stack: str
    phase: str
    target: str
    tenant: str
    """Address."""
    as_of: date
    engine: str
    """Version of Pulumi."""
    applicable: bool
    """No error, no conflict, and nothing to do first."""
    errors: tuple[str, ...]
    """Why there is no complete preview, in the engine's words."""
    warnings: tuple[str, ...]
    """What stops nothing: apps that people changed in the tenant, and what becomes of their changes."""
    first: tuple[str, ...]
    """What people have to do before this may be applied, though the preview is complete: to commit former
    values that this review wrote down, or to run the stack that it is promoted from."""
    promoted_from: str
    """The stack that was last run with the same bundle and plan; empty: none was named, or it was not."""
    changes: tuple[Change, ...]
    unchanged: int
    jobs: tuple[str, ...]
    """In the order in which the program declares them."""
    conflicts: tuple[Conflict, ...]
    drift: tuple[Drift, ...]
    access: Access
    findings: tuple[Finding, ...]
    """An error that a waiver accepts is a warning among them."""
    waivers: tuple[Waiver, ...]
    """All of the phase, used or not."""
    effort: Effort
    imports_per_day: int
    digests: Digests
    digest: str
    """Of bundle and plan, short: the same for every target."""
    update_plan: str
    """sha256 of Pulumi's update plan, hex; empty when none was saved."""

    def count(self, op: Op) -> int:
        return sum(c.op == op for c in self.changes)
