"""What the parts of one derivation share."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from qlift.bundle import Bundle
from qlift.bundle.models import App, Stream, User
from qlift.derivation.desired import Assignee
from qlift.derivation.findings import Findings
from qlift.derivation.names import slug
from qlift.derivation.people import People, Unknown, is_built_in, why_left
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
    def active_users(self) -> frozenset[str]:
        """Ids of people who can work in the source; service accounts are none."""
        return frozenset(u.id for u in self.bundle.users if not (why_left(u) or is_built_in(u)))

    @cached_property
    def groups(self) -> dict[str, set[str]]:
        """Ids of members, by the group's name without case."""
        found: dict[str, set[str]] = {}
        for user in self.bundle.users:
            for group in user.groups:
                found.setdefault(group.casefold(), set()).add(user.id)
        return found

    @cached_property
    def group_names(self) -> dict[str, str]:
        """How the directory spells a group, by its name without case."""
        return {g.casefold(): g for g in sorted({g for u in self.bundle.users for g in u.groups})}

    @cached_property
    def streams(self) -> dict[str, Stream]:
        """By id."""
        return {s.id: s for s in self.bundle.streams}

    def former_names(self, stream: Stream) -> tuple[str, ...]:
        """Of earlier exports: a rename in the source must not break a plan."""
        rename = self.bundle.renames.get(("stream", stream.id))
        return tuple(rename.former_names) if rename else ()


def properties_of(source: App | Stream) -> frozenset[tuple[str, str]]:
    """Names and values of its custom properties."""
    return frozenset((v.definition.name, v.value) for v in source.custom_properties)


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
        """Name of the shared space that apps are published from; only of a managed space."""
        if self.plan.type == "shared":
            return None
        return self.plan.staging or f"{self.name} Staging"

    @property
    def staging_key(self) -> str | None:
        """Made of what does not change with the space's name."""
        if self.plan.type == "shared":
            return None
        return slug(self.plan.staging) if self.plan.staging else f"{self.key}-staging"


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
    as_of: date
    _members: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    _logins: dict[str, dict[Assignee, set[str]]] = field(default_factory=dict)

    def members(self, site: Site, name: str) -> set[str]:
        """Users of the source who are in this group of the tenant: several groups may become one."""
        if site.name not in self._members:
            found: dict[str, set[str]] = {}
            for folded, ids in site.groups.items():
                try:
                    assignee = self.people.group(site.name, site.group_names[folded])
                except Unknown:
                    continue
                found.setdefault(assignee.name, set()).update(ids)
            self._members[site.name] = found
        everyone = site.active_users if name == self.plan.groups.everyone else frozenset[str]()
        return self._members[site.name].get(name, set()) | everyone

    def users_named(self, site: Site, assignee: Assignee) -> set[str]:
        """Users of the source who become this user of the tenant."""
        return self.named(site).get(assignee, set())

    def named(self, site: Site) -> dict[Assignee, set[str]]:
        """Users of the tenant, and which users of the source become them."""
        if site.name not in self._logins:
            found: dict[Assignee, set[str]] = {}
            for user in site.bundle.users:
                try:
                    named = self.people.user(site.name, user, user)
                except Unknown:
                    continue
                found.setdefault(named, set()).add(user.id)
            self._logins[site.name] = found
        return self._logins[site.name]
