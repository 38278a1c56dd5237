"""What the parts of one derivation share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from qlift.bundle import Bundle
from qlift.bundle.models import App, Stream, User
from qlift.derivation.findings import Findings
from qlift.derivation.names import slug
from qlift.derivation.people import People
from qlift.derivation.plan import Plan, SpacePlan


@dataclass
class Site:
    """A bundle with its look-ups."""

    bundle: Bundle

    @property
    def name(self) -> str:
        return self.bundle.site

    @cached_property
    def users(self) -> dict[str, User]:
        """By id."""
        return {u.id: u for u in self.bundle.users}

    @cached_property
    def by_login(self) -> dict[str, User]:
        return {u.login.casefold(): u for u in self.bundle.users}

    @cached_property
    def streams(self) -> dict[str, Stream]:
        """By id."""
        return {s.id: s for s in self.bundle.streams}


@dataclass(frozen=True)
class Place:
    """A space of the plan, and the stream that it is made from."""

    key: str
    """Logical name."""
    name: str
    plan: SpacePlan
    site: Site | None
    stream: Stream | None

    @property
    def staging(self) -> str | None:
        """What the plan calls the shared space that apps are published from; only of a managed space."""
        if self.plan.type == "shared":
            return None
        return self.plan.staging or f"{self.name} Staging"

    @property
    def staging_key(self) -> str | None:
        return slug(self.staging) if self.staging else None


@dataclass(frozen=True)
class SelectedApp:
    """An app and where it goes; `place` None: the owner's personal space."""

    site: Site
    app: App
    place: Place | None


@dataclass
class Context:
    plan: Plan
    sites: tuple[Site, ...]
    people: People
    findings: Findings
