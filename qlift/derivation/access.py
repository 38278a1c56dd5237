"""Permissions: system rules → role assignments, with the source's own audit as the oracle."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from qlift.bundle.models import SystemRule, User
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
QMC_ONLY = 2
CREATES_OBJECTS = "CreateAppObjectsPublishedApp"
"""Default rule by which readers make their own sheets in published apps."""
NAMES_SHOWN = 10


@dataclass
class _Granted:
    """Of one space: what each assignee may, which users that covers, and by which rules."""

    masks: dict[Assignee, int] = field(default_factory=lambda: defaultdict(int))
    covered: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """User id → mask."""
    rules: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """User id → names of the rules that cover the user."""


def assignments(context: Context, places: tuple[Place, ...]) -> tuple[SpaceAssignment, ...]:
    """Without the tool's own working roles. Sorted by key."""
    found: list[SpaceAssignment] = []
    for place in places:
        if place.plan.of is not None:
            continue
        access = place.plan.access or ("from_rules" if place.stream else "none")
        parts = access if isinstance(access, tuple) else (access,)
        grants = [p for p in parts if isinstance(p, Grant)]
        rules = _from_rules(context, place, place.site) if "from_rules" in parts and place.site else []
        found += _merged([*rules, *_from_list(context, place, grants)])
    for site in context.sites:
        _report_other_rules(context, site)
    return tuple(sorted(found, key=lambda a: a.key))


def _from_list(context: Context, place: Place, grants: list[Grant]) -> list[SpaceAssignment]:
    merged: dict[Assignee, set[str]] = defaultdict(set)
    for grant in grants:
        if grant.group is not None:
            assignee: Assignee | None = Assignee(type="group", name=grant.group)
        else:
            assignee = named_user(context, grant.user or "", f"access to space {place.name}")
        if assignee is not None:
            merged[assignee] |= set(grant.roles)
    return [_assignment(place, a, tuple(sorted(r))) for a, r in merged.items()]


def _merged(parts: list[SpaceAssignment]) -> list[SpaceAssignment]:
    """A tenant holds one assignment for each assignee and space."""
    found: dict[Assignee, SpaceAssignment] = {}
    for part in parts:
        known = found.get(part.assignee)
        roles = tuple(sorted({*part.roles, *(known.roles if known else ())}))
        found[part.assignee] = part.model_copy(update={"roles": roles})
    return list(found.values())


def _assignment(place: Place, assignee: Assignee, roles: tuple[str, ...]) -> SpaceAssignment:
    key = f"{place.key}.{assignee.type}-{slug(assignee.name)}"
    return SpaceAssignment(key=key, space=place.key, assignee=assignee, roles=roles)


def _from_rules(context: Context, place: Place, site: Site) -> list[SpaceAssignment]:
    granted = _Granted()
    for rule in _stream_rules(site):
        if _covers(rule, place):
            _apply(context, place, site, rule, granted)
    _compare_with_audit(context, place, site, granted)
    owner = _owner_of(context, place)
    may_make_objects = any(r.name == CREATES_OBJECTS and not r.disabled for r in site.bundle.system_rules)
    made = []
    for assignee, mask in granted.masks.items():
        roles = roles_for(mask, place.plan.type, may_make_objects)
        if roles and assignee != owner:
            made.append(_assignment(place, assignee, roles))
    return made


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
    if mask & (UPDATE | DELETE | CHANGE_OWNER):
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
    for atom in atoms:
        if isinstance(atom, Anonymous):
            context.findings.warning(
                "RULE-ANONYMOUS",
                rule.name,
                f"opens {place.name} for people who are not signed in; Qlik Cloud has no such space role",
                "publish what they need in another way",
            )
            continue
        for assignee, users in _resolved(context, place, site, rule, atom, what):
            granted.masks[assignee] |= rule.actions
            for user in users:
                granted.covered[user.id] |= rule.actions
                granted.rules[user.id].add(rule.name)


def _resolved(
    context: Context, place: Place, site: Site, rule: SystemRule, atom: Atom, what: str
) -> list[tuple[Assignee, list[User]]]:
    """Assignees of one atom, each with the users of the source that it covers."""
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
        active = [u for u in site.bundle.users if not u.inactive and u.user_directory != "INTERNAL"]
        return [(Assignee(type="group", name=everyone), active)]
    return _users(context, place, site, atom, what)


def _group(context: Context, site: Site, name: str, what: str) -> list[tuple[Assignee, list[User]]]:
    members = [u for u in site.bundle.users if name.casefold() in {g.casefold() for g in u.groups}]
    try:
        return [(context.people.group(site.name, name), members)]
    except Unknown as why:
        context.findings.error(
            "GROUP-UNKNOWN",
            name,
            f"{what} names this group: {why}",
            "run `qlift users`, or correct the row in the target's groups file",
        )
        return []


def _users(
    context: Context, place: Place, site: Site, atom: Atom, what: str
) -> list[tuple[Assignee, list[User]]]:
    if isinstance(atom, UserIs):
        label = atom.user_id if atom.directory is None else f"{atom.directory}\\{atom.user_id}"
        hits = [
            u
            for u in site.bundle.users
            if u.user_id.casefold() == atom.user_id.casefold()
            and (atom.directory is None or u.user_directory.casefold() == atom.directory.casefold())
        ]
    elif isinstance(atom, NameIs):
        label = atom.name
        hits = [u for u in site.bundle.users if u.name.casefold() == atom.name.casefold()]
    else:
        return []
    hits = [u for u in hits if not u.inactive and not u.removed_externally]
    if len(hits) != 1:
        context.findings.warning(
            "RULE-USER",
            label,
            f"{what} names this user for {place.name}; {len(hits)} active users of the source answer to it",
            "nothing to do if nobody should have it; else name the user in spaces.<space>.access",
        )
        return []
    try:
        return [(context.people.user(site.name, hits[0], hits[0]), hits)]
    except Unknown as why:
        context.findings.error(
            "USER-UNKNOWN",
            hits[0].login,
            f"{what} names this user for {place.name}, who cannot be named in the tenant: {why}",
            "run `qlift users`, correct the row, or add a rule to users.rules",
        )
        return []


def _compare_with_audit(context: Context, place: Place, site: Site, granted: _Granted) -> None:
    stream = place.stream
    if stream is None:
        return
    audit = site.bundle.access.get(stream.id)
    if audit is None:
        context.findings.warning(
            "ACCESS-NOT-AUDITED", place.name, "the bundle holds no audit of this stream", "export again"
        )
        return
    accepted = {a.rule for a in context.plan.access.accept_widening}
    for bit, word in ((READ, "read"), (PUBLISH, "publish to")):
        wider = sorted(
            u
            for u, mask in granted.covered.items()
            if mask & bit and not audit.users.get(u, 0) & bit and not granted.rules[u] <= accepted
        )
        wider = [u for u in wider if not site.users[u].inactive]
        if wider:
            rules = sorted({r for u in wider for r in granted.rules[u]})
            context.findings.error(
                "ACCESS-WIDENS",
                place.name,
                f"{_names(site, wider)} could {word} it, and may not in the source "
                f"(rules: {', '.join(rules)})",
                "accept the rule under access.accept_widening, or write spaces.<space>.access as a list",
            )
        narrower = sorted(
            u
            for u, mask in audit.users.items()
            if mask & bit and not granted.covered.get(u, 0) & bit and _counts(site, u, stream.owner)
        )
        if narrower:
            context.findings.warning(
                "ACCESS-NARROWS",
                place.name,
                f"{_names(site, narrower)} may {word} the stream in the source, and get no role here",
                "add them in spaces.<space>.access, or to a group that has access",
            )


def _counts(site: Site, user_id: str, owner: object) -> bool:
    user = site.users.get(user_id)
    if user is None or user.user_directory == "INTERNAL" or user.inactive or user.removed_externally:
        return False
    return getattr(owner, "id", None) != user_id and "RootAdmin" not in user.roles


def _names(site: Site, user_ids: list[str]) -> str:
    names = [site.users[u].login if u in site.users else u for u in user_ids[:NAMES_SHOWN]]
    more = len(user_ids) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _report_other_rules(context: Context, site: Site) -> None:
    """Custom rules that are not about streams."""
    about_streams = {r.id for r in _stream_rules(site)}
    for rule in site.bundle.system_rules:
        if rule.category != "Security" or rule.type != "Custom" or rule.id in about_streams:
            continue
        reason = (
            "it is disabled"
            if rule.disabled
            else "it counts in the management console only"
            if rule.rule_context == QMC_ONLY
            else f"it is about {rule.resource_filter}, finer than a space"
        )
        context.findings.info(
            "RULE-NOT-MIGRATED",
            rule.name,
            f"not migrated: {reason}",
            "give access in the tenant where it is needed",
        )
