"""Doubtful people: who left and owns content, who is there twice, who becomes one user with somebody else.

The facts are the same for the findings of a phase and for the proposals that `qlift users` writes into the
users file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from qlift.bundle import Bundle
from qlift.bundle.models import INTERNAL_TYPES, User
from qlift.derivation.context import Site
from qlift.derivation.people import UserRow, is_built_in, why_left

ADMIN_ROLES = {
    "ContentAdmin": "AnalyticsAdmin",
    "DeploymentAdmin": "TenantAdmin",
    "RootAdmin": "TenantAdmin",
    "SecurityAdmin": "TenantAdmin",
    "AuditAdmin": "AuditAdmin",
}
"""Role of the source → role of the tenant, as Qlik recommends it (help page "Migrating users")."""

MANY = 5
"""So many look-alikes of one person are named: a mail address that hundreds share is nobody's own."""


@dataclass
class Owned:
    """What somebody owns: apps, and objects that people make in them."""

    apps: int = 0
    objects: int = 0

    def __str__(self) -> str:
        parts = [(self.apps, "app"), (self.objects, "object")]
        return " and ".join(f"{n} {what}{'' if n == 1 else 's'}" for n, what in parts if n) or "nothing"


def owned(bundle: Bundle, app_ids: Iterable[str]) -> dict[str, Owned]:
    """By the owner's id, of these apps."""
    wanted, found = set(app_ids), dict[str, Owned]()
    for app in bundle.apps:
        if app.id not in wanted:
            continue
        found.setdefault(app.owner.id, Owned()).apps += 1
        for item in bundle.objects(app.id):
            if item.object_type not in INTERNAL_TYPES:
                found.setdefault(item.owner.id, Owned()).objects += 1
    return found


def look_alikes(site: Site) -> dict[str, tuple[User, ...]]:
    """Active users who may be one person: of other directories, with the same e-mail, or name and user id.

    By the user's id, those who look like them.
    """
    by_trait: dict[tuple[str, str], list[User]] = {}
    for user in site.bundle.users:
        if user.id in site.active_users:
            for trait in _traits(user):
                by_trait.setdefault(trait, []).append(user)
    found: dict[str, dict[str, User]] = {}
    for users in by_trait.values():
        by_directory: dict[str, list[User]] = {}
        for user in users:
            by_directory.setdefault(user.user_directory.casefold(), []).append(user)
        if len(by_directory) > 1:
            for user in users:
                others = _elsewhere(by_directory, user.user_directory.casefold())
                found.setdefault(user.id, {}).update({u.id: u for u in islice(others, MANY)})
    return {id_: tuple(others[k] for k in sorted(others)) for id_, others in found.items()}


def _elsewhere(by_directory: dict[str, list[User]], directory: str) -> Iterator[User]:
    for name, users in by_directory.items():
        if name != directory:
            yield from users


def _traits(user: User) -> set[tuple[str, str]]:
    traits = {("email", e.strip().casefold()) for e in user.emails if e.strip()}
    if user.name.strip():
        traits.add((user.name.casefold(), user.user_id.casefold()))
    return traits


def shared_identities(site: Site, known_as: Mapping[str, tuple[str, str]]) -> list[tuple[str, list[User]]]:
    """Users of the tenant that several active users of one site become: the shared subject or e-mail."""
    found: dict[tuple[str, str], list[User]] = {}
    for user in site.bundle.users:
        if user.id not in site.active_users or user.id not in known_as:
            continue
        subject, email = known_as[user.id]
        for by, value in (("subject", subject), ("e-mail", email.casefold())):
            if value:
                found.setdefault((by, value), []).append(user)
    return [(f"{by} {value}", users) for (by, value), users in sorted(found.items()) if len(users) > 1]


@dataclass(frozen=True)
class Doubts:
    """Of one site: what the proposals of the users file are made of."""

    site: Site
    rows: Mapping[str, UserRow]
    """By the user's id."""
    owned: Mapping[str, Owned]
    heir: str
    """Who gets what belonged to people who left; empty: nobody is named."""
    match_by: str
    alike: Mapping[str, tuple[User, ...]]
    shared: Mapping[str, str]
    """By the user's id, the identity in the tenant that others have too, and who they are."""

    @classmethod
    def of(cls, site: Site, rows: Mapping[str, UserRow], heir: str, match_by: str) -> Doubts:
        known = {id_: (r.subject, r.email) for id_, r in rows.items() if r.status == "matched"}
        shared: dict[str, str] = {}
        for identity, users in shared_identities(site, known):
            for user in users:
                others = ", ".join(u.login for u in users if u is not user)
                shared.setdefault(user.id, f"{others} becomes the tenant's user with {identity} too")
        return cls(
            site=site,
            rows=rows,
            owned=owned(site.bundle, (a.id for a in site.bundle.apps)),
            heir=heir,
            match_by=match_by,
            alike=look_alikes(site),
            shared=shared,
        )

    def proposal(self, user: User, candidates: Iterable[str]) -> str:
        """`candidates`: whom the tenant has for an ambiguous user. Empty: nothing is doubtful."""
        row, has = self.rows[user.id], self.owned.get(user.id, Owned())
        parts = []
        if is_built_in(user):
            parts.append(f"built-in account of the source; owns {has}: {self._inheritance}")
        elif why := why_left(user):
            if row.status == "matched":
                parts.append(
                    f"left ({why}), the tenant knows them; owns {has}: stays theirs, unless status is missing"
                )
            elif has.apps or has.objects:
                parts.append(f"left ({why}); owns {has}: {self._inheritance}")
            else:
                parts.append(f"left ({why}); owns nothing: nothing to do")
        elif row.status == "ambiguous":
            parts.append(
                f"the tenant has several: {'; '.join(candidates)}. Write the right one here, status matched; "
                "two active users of one e-mail lock both out there"
            )
        elif self.match_by == "email" and not row.email:
            parts.append("no e-mail, and the plan matches by e-mail: write it here, status matched")
        elif row.status == "missing":
            parts.append("not in the tenant: invite them, or write who it is there, status matched")
        if user.id in self.shared:
            parts.append(f"{self.shared[user.id]}: if they are two people, correct one row")
        elif alike := self.alike.get(user.id):
            logins = ", ".join(u.login for u in alike)
            parts.append(f"looks like {logins}: if they are one person, give both rows the same identity")
        parts += [f"has {role}: {role_becomes(role)}" for role in sorted(user.roles)]
        return ". ".join(parts)

    @property
    def _inheritance(self) -> str:
        if self.heir:
            return f"goes to {self.heir}, unless a subject or e-mail stands here with status matched"
        return "say who gets it (users.missing_owner), or write a user of the tenant here, status matched"


def role_becomes(role: str) -> str:
    known = ADMIN_ROLES.get(role)
    return f"{known} in the tenant, if they shall have it" if known else "no equal in a tenant, review it"
