"""Role assignments of a plan's spaces: from rules and from the plan's own lists, checked with the audit."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from qlift.derivation.context import Context, Place, SelectedApp, Site
from qlift.derivation.desired import Assignee, SpaceAssignment
from qlift.derivation.names import slug
from qlift.derivation.permissions.audit import Holding
from qlift.derivation.permissions.check import Check
from qlift.derivation.permissions.elsewhere import other_rules
from qlift.derivation.permissions.grants import Grant, grants
from qlift.derivation.permissions.notes import Notes
from qlift.derivation.permissions.roles import ASSIGNABLE, Readers, roles_for
from qlift.derivation.permissions.rules import Rules
from qlift.derivation.permissions.tenant import Tenant
from qlift.derivation.permissions.within import Within, readers_of
from qlift.derivation.plan import Grant as Listed
from qlift.derivation.spaces import named_user

SAID_BY = {
    "consumer": frozenset({"contributor", "producer"}),
    "basicconsumer": frozenset({"consumer", "contributor"}),
}
"""Roles of which one says all that another does."""


@dataclass
class _Held:
    """What one assignee gets in a space: by the plan's list, and by rules (actions by rule)."""

    listed: set[str] = field(default_factory=set)
    masks: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    by_rules: tuple[str, ...] = ()

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(sorted({*self.listed, *self.by_rules}))


_Holders = dict[Assignee, _Held]


def assignments(
    context: Context, places: tuple[Place, ...], selected: Iterable[SelectedApp] = ()
) -> tuple[SpaceAssignment, ...]:
    """Without the tool's own working roles. Sorted by key."""
    apps, used = tuple(selected), set[str]()
    found: list[SpaceAssignment] = []
    for place in places:
        if place.site is None and place.plan.of is None:
            found += [_assignment(place, a, h.roles) for a, h in _from_list(context, place).items()]
    for site in context.sites:
        found += _of_site(context, site, places, apps, used)
    for accepted in context.plan.access.accept_widening:
        if accepted.rule not in used:
            context.findings.info(
                "ACCEPTANCE-UNUSED",
                accepted.rule,
                "access.accept_widening accepts this rule, and it widens nothing",
                "remove it, or correct the name of the rule",
            )
    return tuple(sorted(found, key=lambda a: a.key))


def _of_site(
    context: Context, site: Site, places: tuple[Place, ...], apps: tuple[SelectedApp, ...], used: set[str]
) -> list[SpaceAssignment]:
    rules, notes, tenant = Rules(site), Notes(context, site), Tenant(context, site)
    readers_may = readers_of(site)
    check = Check(context, rules, tenant, apps, used, readers_may)
    found: list[SpaceAssignment] = []
    readers: dict[str, frozenset[str]] = {}
    for place in places:
        if place.site is not site or place.stream is None or place.plan.of is not None:
            continue
        holders = _from_list(context, place)
        by_rules = "from_rules" in _parts(place)
        if by_rules:
            readings = rules.of_stream(place.stream)
            for reading in readings:
                notes.take(place, reading)
            _from_rules(tenant, grants(readings), holders, place.plan.type, readers_may)
        readers[place.key] = check.space(place, _holdings(tenant, holders), by_rules)
        owner = tenant.owner_of(place)
        kept = _smallest(tenant, {a: h for a, h in holders.items() if h.roles and a != owner})
        found += [_assignment(place, a, h.roles) for a, h in kept.items()]
    tenant.tell()
    notes.tell()
    Within(context, rules, readers).tell(apps)
    other_rules(context, rules, places)
    return found


def _holdings(tenant: Tenant, holders: _Holders) -> list[Holding]:
    """What the plan lists stands beside what rules give, so that no rule is blamed for the plan."""
    found = []
    for assignee, held in holders.items():
        people = tenant.people(assignee)
        if held.listed:
            found.append(Holding(people, tuple(sorted(held.listed))))
        if held.by_rules:
            found.append(Holding(people, held.by_rules, held.masks, tenant.strangers(assignee)))
    return found


def _parts(place: Place) -> tuple[object, ...]:
    access = place.plan.access or ("from_rules" if place.stream else "none")
    return access if isinstance(access, tuple) else (access,)


def _from_list(context: Context, place: Place) -> _Holders:
    found: _Holders = {}
    for grant in _parts(place):
        if not isinstance(grant, Listed):
            continue
        _check_roles(context, place, grant)
        if grant.group is not None:
            assignee: Assignee | None = Assignee(type="group", name=grant.group)
        else:
            assignee = named_user(context, grant.user or "", f"access to space {place.name}")
        if assignee is not None:
            found.setdefault(assignee, _Held()).listed.update(grant.roles)
    return found


def _check_roles(context: Context, place: Place, grant: Listed) -> None:
    known = ASSIGNABLE[place.plan.type]
    for role in grant.roles:
        if role not in known:
            context.findings.error(
                "ROLE-UNKNOWN",
                place.name,
                f"a {place.plan.type} space has no role {role} (access of {grant.user or grant.group})",
                f"its roles are {', '.join(known)}",
            )


def _from_rules(
    tenant: Tenant, granted: list[Grant], holders: _Holders, type_: str, readers: Readers
) -> None:
    for grant in granted:
        assignee = tenant.assignee(grant)
        if assignee is None:
            continue
        held = holders.setdefault(assignee, _Held())
        for rule, actions in grant.masks.items():
            # Several groups of the source may be one in the tenant.
            held.masks[rule] |= actions
        mask = 0
        for actions in held.masks.values():
            mask |= actions
        held.by_rules = roles_for(mask, type_, readers)


def _smallest(tenant: Tenant, holders: _Holders) -> _Holders:
    """Without what a group of the same space gives its people anyway. What the plan lists stays."""
    roles_of: dict[str, set[str]] = defaultdict(set)
    for assignee, held in holders.items():
        if assignee.type == "group":
            for user in tenant.people(assignee):
                roles_of[user].update(held.roles)
    everyone = holders.get(tenant.everyone) if tenant.everyone else None
    kept: _Holders = {}
    for assignee, held in holders.items():
        given: set[str] = set()
        if assignee.type == "user":
            given = given.union(*(roles_of[u] for u in tenant.people(assignee)))
        elif everyone is not None and assignee != tenant.everyone:
            given = set(everyone.roles)
        if held.listed or not _says(given, held.roles):
            kept[assignee] = held
    return kept


def _says(roles: set[str], wanted: Iterable[str]) -> bool:
    return all(role in roles or roles & SAID_BY.get(role, frozenset()) for role in wanted)


def _assignment(place: Place, assignee: Assignee, roles: tuple[str, ...]) -> SpaceAssignment:
    name = slug(assignee.name)
    if name != assignee.name:
        # `BI Sales` and `BI_Sales` are two groups, and a name in another script leaves no slug at all.
        name += "-" + hashlib.sha256(assignee.name.encode()).hexdigest()[:6]
    key = f"{place.key}.{assignee.type}-{name}"
    return SpaceAssignment(key=key, space=place.key, assignee=assignee, roles=roles)
