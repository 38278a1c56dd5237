"""Permissions: system rules → role assignments, with the source's own audit as the oracle."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from qlift.bundle.models import SystemRule
from qlift.derivation.context import Context, Place, Site
from qlift.derivation.desired import Assignee, SpaceAssignment
from qlift.derivation.names import slug
from qlift.derivation.people import Unknown
from qlift.derivation.plan import Grant
from qlift.derivation.rules import (
    Anonymous,
    Atom,
    Everyone,
    GroupIs,
    GroupOfProperty,
    NameIs,
    UserIs,
    parse,
)
from qlift.derivation.spaces import named_user

READ, UPDATE, DELETE, PUBLISH, CHANGE_OWNER = 2, 4, 8, 32, 64
"""Bits of a rule's actions: the source's enum of actions."""
MANAGE = UPDATE | DELETE | CHANGE_OWNER
QMC_ONLY = 2
CREATES_OBJECTS = "CreateAppObjectsPublishedApp"
"""Default rule by which readers make their own sheets in published apps."""
AS_DELIVERED = frozenset(
    {
        "and",
        "or",
        "user.isanonymous",
        "resource.app.stream.empty",
        "resource.app.hasprivilege",
        "resource.objecttype",
    }
)
"""The words of that rule's condition as it comes with the product, without its texts."""
NAMES_SHOWN = 10
ASSIGNABLE = {
    "shared": ("codeveloper", "consumer", "dataconsumer", "facilitator", "producer"),
    "managed": ("basicconsumer", "consumer", "contributor", "dataconsumer", "facilitator", "publisher"),
}
"""Roles by type of space: the vendor's reference of the spaces API."""
BITS_OF = {
    "basicconsumer": READ,
    "consumer": READ,
    "contributor": READ,
    "codeveloper": READ,
    "producer": READ | PUBLISH,
    "publisher": PUBLISH,
    "facilitator": READ | MANAGE,
}
"""What a role comes to in the source's terms."""


@dataclass
class _Granted:
    """Of one space, by assignee: what the rules say, which users of the source it covers, by which rules."""

    masks: dict[Assignee, int] = field(default_factory=lambda: defaultdict(int))
    members: dict[Assignee, set[str]] = field(default_factory=lambda: defaultdict(set))
    rules: dict[Assignee, set[str]] = field(default_factory=lambda: defaultdict(set))


def assignments(context: Context, places: tuple[Place, ...]) -> tuple[SpaceAssignment, ...]:
    """Without the tool's own working roles. Sorted by key."""
    found: list[SpaceAssignment] = []
    for place in places:
        if place.plan.of is not None:
            continue
        access = place.plan.access or ("from_rules" if place.stream else "none")
        parts = access if isinstance(access, tuple) else (access,)
        grants = [p for p in parts if isinstance(p, Grant)]
        listed = _from_list(context, place, grants)
        rules = (
            _from_rules(context, place, place.site, listed) if "from_rules" in parts and place.site else []
        )
        found += _merged([*rules, *listed])
    for site in context.sites:
        _report_other_rules(context, site, places)
    return tuple(sorted(found, key=lambda a: a.key))


def _from_list(context: Context, place: Place, grants: list[Grant]) -> list[SpaceAssignment]:
    merged: dict[Assignee, set[str]] = defaultdict(set)
    for grant in grants:
        _check_roles(context, place, grant)
        if grant.group is not None:
            assignee: Assignee | None = Assignee(type="group", name=grant.group)
        else:
            assignee = named_user(context, grant.user or "", f"access to space {place.name}")
        if assignee is not None:
            merged[assignee] |= set(grant.roles)
    return [_assignment(place, a, tuple(sorted(r))) for a, r in merged.items()]


def _check_roles(context: Context, place: Place, grant: Grant) -> None:
    known = ASSIGNABLE[place.plan.type]
    for role in grant.roles:
        if role not in known:
            context.findings.error(
                "ROLE-UNKNOWN",
                place.name,
                f"a {place.plan.type} space has no role {role} (access of {grant.user or grant.group})",
                f"its roles are {', '.join(known)}",
            )


def _merged(parts: list[SpaceAssignment]) -> list[SpaceAssignment]:
    """A tenant holds one assignment for each assignee and space."""
    found: dict[Assignee, SpaceAssignment] = {}
    for part in parts:
        known = found.get(part.assignee)
        roles = tuple(sorted({*part.roles, *(known.roles if known else ())}))
        found[part.assignee] = part.model_copy(update={"roles": roles})
    return list(found.values())


def _assignment(place: Place, assignee: Assignee, roles: tuple[str, ...]) -> SpaceAssignment:
    name = slug(assignee.name)
    if name != assignee.name:
        # `BI Sales` and `BI_Sales` are two groups, and a name in another script leaves no slug at all.
        name += "-" + hashlib.sha256(assignee.name.encode()).hexdigest()[:6]
    key = f"{place.key}.{assignee.type}-{name}"
    return SpaceAssignment(key=key, space=place.key, assignee=assignee, roles=roles)


def _from_rules(
    context: Context, place: Place, site: Site, listed: list[SpaceAssignment]
) -> list[SpaceAssignment]:
    """`listed`: what the plan grants besides."""
    granted = _Granted()
    for rule in _stream_rules(site):
        if _covers(rule, place):
            _apply(context, place, site, rule, granted)
    may_make_objects = _readers_make_objects(site)
    roles = {a: roles_for(mask, place.plan.type, may_make_objects) for a, mask in granted.masks.items()}
    owner = _owner_of(context, place)
    _compare_with_audit(context, place, site, _Reach(granted, roles, listed, owner))
    return [_assignment(place, a, r) for a, r in roles.items() if r and a != owner]


def _readers_make_objects(site: Site) -> bool:
    """Whether the default rule for it is in force as delivered; one that says more is for some people."""
    for rule in site.bundle.system_rules:
        if rule.name == CREATES_OBJECTS and not rule.disabled:
            words = re.findall(r"[a-z@][\w@.]*", re.sub(r'"[^"]*"', "", rule.rule.casefold()))
            return set(words) <= AS_DELIVERED
    return False


def roles_for(mask: int, type_: str, may_make_objects: bool) -> tuple[str, ...]:
    """Bits of a stream → roles of a space. Publish alone opens no app in a managed space, so it needs two."""
    roles = set()
    if type_ == "managed":
        if mask & READ:
            roles.add("contributor" if may_make_objects else "consumer")
        if mask & PUBLISH:
            roles.add("publisher")
    else:
        if mask & READ:
            roles.add("consumer")
        if mask & PUBLISH:
            roles = {"producer"}
    if mask & MANAGE:
        roles.add("facilitator")
    return tuple(sorted(roles))


def _owner_of(context: Context, place: Place) -> Assignee | None:
    """The owner of a space has every role and gets no assignment."""
    if place.plan.owner is None:
        return None
    for site in context.sites:
        user = site.by_login.get(place.plan.owner.casefold())
        if user is not None:
            try:
                return context.people.user(site.name, user, user)
            except Unknown:
                return None
    return Assignee(type="user", name=place.plan.owner, by=context.plan.users.match_by)


def _stream_rules(site: Site) -> list[SystemRule]:
    """Security rules for streams that count in the hub; built-in rules for `*` are not about streams."""
    return [
        r
        for r in site.bundle.system_rules
        if r.category == "Security"
        and not r.disabled
        and r.rule_context != QMC_ONLY
        and any(p.strip().startswith("Stream_") for p in r.resource_filter.split(","))
    ]


def _covers(rule: SystemRule, place: Place) -> bool:
    patterns = {p.strip() for p in rule.resource_filter.split(",")}
    return place.stream is not None and bool({"Stream_*", f"Stream_{place.stream.id}"} & patterns)


def _apply(context: Context, place: Place, site: Site, rule: SystemRule, granted: _Granted) -> None:
    atoms = parse(rule.rule)
    what = f"rule {rule.name}"
    if atoms is None:
        context.findings.warning(
            "RULE-NOT-TRANSLATED",
            rule.name,
            f"its condition for space {place.name} is more than a list of groups and users: {rule.rule}",
            "name the groups or users yourself: spaces.<space>.access as a list",
        )
        return
    if not rule.actions & (READ | PUBLISH | MANAGE):
        context.findings.info(
            "RULE-WITHOUT-ROLE",
            rule.name,
            f"what it allows in {place.name} (actions {rule.actions}) is no role of a space",
            "give a tenant role to those who need it",
        )
        return
    for atom in atoms:
        if isinstance(atom, Anonymous):
            context.findings.warning(
                "RULE-ANONYMOUS",
                rule.name,
                f"opens {place.name} for people who are not signed in; Qlik Cloud has no such space role",
                "publish what they need in another way",
            )
            continue
        for assignee, members in _resolved(context, place, site, rule, atom, what):
            granted.masks[assignee] |= rule.actions
            granted.members[assignee] |= members
            granted.rules[assignee].add(rule.name)


def _resolved(
    context: Context, place: Place, site: Site, rule: SystemRule, atom: Atom, what: str
) -> list[tuple[Assignee, set[str]]]:
    """Assignees of one atom, each with the ids of the source's users that it covers."""
    if isinstance(atom, GroupIs):
        return _group(context, site, atom.name, what)
    if isinstance(atom, GroupOfProperty):
        values = [
            v.value
            for v in (place.stream.custom_properties if place.stream else ())
            if v.definition.name.casefold() == atom.property.casefold()
        ]
        return [pair for value in sorted(set(values)) for pair in _group(context, site, value, what)]
    if isinstance(atom, Everyone):
        everyone = context.plan.groups.everyone
        if everyone is None:
            context.findings.warning(
                "RULE-EVERYONE",
                rule.name,
                f"opens {place.name} for everybody who is signed in; the plan names no group for that",
                "set groups.everyone to a group of the tenant that holds everybody",
            )
            return []
        return [(Assignee(type="group", name=everyone), set(site.active_users))]
    return _users(context, place, site, atom, what)


def _group(context: Context, site: Site, name: str, what: str) -> list[tuple[Assignee, set[str]]]:
    # Rules compare without case, names of the tenant's groups do not: the directory's spelling counts.
    spelling = site.group_names.get(name.casefold(), name)
    try:
        assignee = context.people.group(site.name, spelling)
    except Unknown as why:
        context.findings.error(
            "GROUP-UNKNOWN",
            name,
            f"{what} names this group: {why}",
            "run `qlift users`, or correct the row in the target's groups file",
        )
        return []
    return [(assignee, context.members(site, assignee.name))]


def _users(
    context: Context, place: Place, site: Site, atom: Atom, what: str
) -> list[tuple[Assignee, set[str]]]:
    if isinstance(atom, UserIs):
        label = atom.user_id if atom.directory is None else f"{atom.directory}\\{atom.user_id}"
        hits = [
            u
            for u in site.by_user_id.get(atom.user_id.casefold(), ())
            if atom.directory is None or u.user_directory.casefold() == atom.directory.casefold()
        ]
    elif isinstance(atom, NameIs):
        label = atom.name
        hits = list(site.by_name.get(atom.name.casefold(), ()))
    else:
        return []
    hits = [u for u in hits if u.id in site.active_users]
    if len(hits) != 1:
        context.findings.warning(
            "RULE-USER",
            label,
            f"{what} names this user for {place.name}; {len(hits)} active users of the source answer to it",
            "nothing to do if nobody should have it; else name the user in spaces.<space>.access",
        )
        return []
    try:
        return [(context.people.user(site.name, hits[0], hits[0]), {hits[0].id})]
    except Unknown as why:
        context.findings.error(
            "USER-UNKNOWN",
            hits[0].login,
            f"{what} names this user for {place.name}, who cannot be named in the tenant: {why}",
            "run `qlift users`, correct the row, or add a rule to users.rules",
        )
        return []


@dataclass(frozen=True)
class _Reach:
    """Who would get what in a space."""

    granted: _Granted
    roles: dict[Assignee, tuple[str, ...]]
    listed: list[SpaceAssignment]
    owner: Assignee | None

    def by_rules(self, bits: int, without: set[str]) -> set[str]:
        """Users with one of the bits, but for what comes by the rules `without` alone."""
        return self._union(
            a
            for a, roles in self.roles.items()
            if _bits(roles) & bits and not self.granted.rules[a] <= without
        )

    def _union(self, assignees: Iterable[Assignee]) -> set[str]:
        return set().union(*(self.granted.members[a] for a in assignees))

    def at_all(self, context: Context, site: Site, bits: int) -> set[str]:
        """Also by the plan's own list, and by owning the space."""
        found = self.by_rules(bits, set())
        named = {a.assignee for a in self.listed if _bits(a.roles) & bits}
        named |= {self.owner} if self.owner else set()
        for assignee in named:
            if assignee.type == "group":
                found |= context.members(site, assignee.name)
            else:
                found |= context.users_named(site, assignee)
        return found

    def rules_for(self, users: Iterable[str]) -> list[str]:
        wanted = set(users)
        return sorted(
            {r for a, m in self.granted.members.items() if m & wanted for r in self.granted.rules[a]}
        )


def _bits(roles: Iterable[str]) -> int:
    found = 0
    for role in roles:
        found |= BITS_OF.get(role, 0)
    return found


def _compare_with_audit(context: Context, place: Place, site: Site, reach: _Reach) -> None:
    """Of what the roles allow, not of what the rules say: a role may bring more along."""
    audit = site.bundle.access.get(place.stream.id) if place.stream else None
    if audit is None:
        context.findings.warning(
            "ACCESS-NOT-AUDITED", place.name, "the bundle holds no audit of this stream", "export again"
        )
        return
    accepted = {a.rule for a in context.plan.access.accept_widening if a.until >= context.as_of}
    for bits, word in ((READ, "read"), (PUBLISH, "publish to"), (MANAGE, "manage")):
        allowed = {u for u, mask in audit.users.items() if mask & bits} & site.active_users
        wider = sorted((reach.by_rules(bits, accepted) & site.active_users) - allowed)
        if wider:
            context.findings.error(
                "ACCESS-WIDENS",
                place.name,
                f"{_names(site, wider)} could {word} it, and may not in the source "
                f"(rules: {', '.join(reach.rules_for(wider))})",
                "accept the rule under access.accept_widening, or write spaces.<space>.access as a list",
            )
        narrower = sorted(u for u in allowed - reach.at_all(context, site, bits) if _counts(site, u))
        if narrower and bits != MANAGE:
            context.findings.warning(
                "ACCESS-NARROWS",
                place.name,
                f"{_names(site, narrower)} may {word} the stream in the source, and get no role here",
                "add them in spaces.<space>.access, or to a group that has access",
            )


def _counts(site: Site, user_id: str) -> bool:
    """Administrators reach everything in another way."""
    return "RootAdmin" not in site.users[user_id].roles


def _names(site: Site, user_ids: list[str]) -> str:
    names = sorted(site.users[u].login for u in user_ids)
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _report_other_rules(context: Context, site: Site, places: tuple[Place, ...]) -> None:
    """Custom rules that are not about streams, and a count of those about streams of other phases."""
    about_streams = {r.id: r for r in _stream_rules(site)}
    ours = [p for p in places if p.site is site]
    others = [r for r in about_streams.values() if not any(_covers(r, p) for p in ours)]
    if others:
        context.findings.info(
            "RULES-OF-OTHER-STREAMS",
            f"{len(others)} rules of {site.name}",
            "their streams do not migrate in this phase",
            "nothing to do if that is right",
        )
    for rule in site.bundle.system_rules:
        if rule.category != "Security" or rule.type != "Custom" or rule.id in about_streams:
            continue
        reason = (
            "it is disabled"
            if rule.disabled
            else "it counts in the management console only"
            if rule.rule_context == QMC_ONLY
            else f"it is about {rule.resource_filter}, which is not a stream"
        )
        context.findings.info(
            "RULE-NOT-MIGRATED",
            rule.name,
            f"not migrated: {reason}",
            "give access in the tenant where it is needed",
        )
