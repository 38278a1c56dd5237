"""Findings about rules, one for each rule and not for each of its streams."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from qlift.bundle.models import SystemRule
from qlift.derivation.context import Context, Place, Site
from qlift.derivation.permissions import names
from qlift.derivation.permissions.explain import Explained
from qlift.derivation.permissions.grants import MOST_USERS, too_many
from qlift.derivation.permissions.rules import Reading, Unread

Spaces = dict[str, set[str]]
"""Names of spaces by what is said of them."""


def _spaces() -> Spaces:
    return defaultdict(set)


@dataclass
class _Rule:
    """What a rule comes to in the spaces of the phase."""

    rule: SystemRule
    seen: set[str] = field(default_factory=set)
    granted: set[str] = field(default_factory=set)
    unread: Spaces = field(default_factory=_spaces)
    unknown: Spaces = field(default_factory=_spaces)
    misnamed: Spaces = field(default_factory=_spaces)
    members: Spaces = field(default_factory=_spaces)
    too_many: Spaces = field(default_factory=_spaces)
    single: set[str] = field(default_factory=set)
    most: int = 0
    everyone: set[str] = field(default_factory=set)
    anonymous: set[str] = field(default_factory=set)


class Notes:
    def __init__(self, context: Context, site: Site) -> None:
        self._context, self._site = context, site
        self._rules: dict[str, _Rule] = {}
        self._groups: set[str] = set()

    def take(self, place: Place, reading: Reading | Unread) -> None:
        note = self._rules.setdefault(reading.rule.id, _Rule(reading.rule))
        note.seen.add(place.name)
        if isinstance(reading, Unread):
            note.unread[reading.why].add(place.name)
            return
        explained = reading.explained
        if reading.anonymous:
            note.anonymous.add(place.name)
        if explained.unknown:
            note.unknown[" / ".join(explained.unknown)].add(place.name)
        for wrong in explained.misnamed:
            how = f"{', '.join(wrong.values)}: {wrong.users} active users of the source answer to it"
            note.misnamed[how].add(place.name)
        self._who(note, place, explained)

    def _who(self, note: _Rule, place: Place, explained: Explained) -> None:
        groups = sorted(w.group for w in explained.who if w.kind == "group" and w.basis == "members")
        if groups:
            note.members[", ".join(groups)].add(place.name)
        for who in explained.who:
            if who.users or who.basis == "named":
                note.granted.add(place.name)
            if who.kind == "group":
                self._groups.add(who.group)
            elif who.kind == "everyone":
                note.everyone.add(place.name)
            elif too_many(who):
                note.too_many[str(len(who.users))].add(place.name)
            elif who.basis == "evaluated":
                note.single.add(place.name)
                note.most = max(note.most, len(who.users))

    def tell(self) -> None:
        for note in self._rules.values():
            self._unclear(note)
            self._stale(note)
            if not note.granted and note.rule.type == "Custom" and not note.unread and not note.unknown:
                self._context.findings.info(
                    "RULE-NOBODY",
                    note.rule.name,
                    f"nobody of the source meets its condition in {names.spaces(note.seen)}: "
                    f"{note.rule.rule}",
                    "nothing to do if that is right",
                )
        self._tell_groups()

    def _unclear(self, note: _Rule) -> None:
        findings, rule = self._context.findings, note.rule
        for why, spaces in sorted(note.unread.items()):
            findings.warning(
                "RULE-NOT-TRANSLATED",
                rule.name,
                f"its condition for {names.spaces(spaces)} is not understood, {why}: {rule.rule}",
                "name the groups or users yourself: spaces.<space>.access as a list",
            )
        for parts, spaces in sorted(note.unknown.items()):
            findings.warning(
                "RULE-NOT-TRANSLATED",
                rule.name,
                f"a part of its condition for {names.spaces(spaces)} cannot be answered from the bundle, and "
                f"lets nobody in here ({parts}): {rule.rule}",
                _session_groups(parts)
                or "name the groups or users yourself: spaces.<space>.access as a list",
            )
        for how, spaces in sorted(note.misnamed.items()):
            findings.warning(
                "RULE-USER",
                rule.name,
                f"names a person for {names.spaces(spaces)}: {how}",
                "all who answer to it get the role, as in the source; correct the rule if that is wrong",
            )
        if note.anonymous:
            findings.warning(
                "RULE-ANONYMOUS",
                rule.name,
                f"opens {names.spaces(note.anonymous)} for people who are not signed in; Qlik Cloud has no "
                "such space role",
                "publish what they need in another way",
            )

    def _stale(self, note: _Rule) -> None:
        findings, rule = self._context.findings, note.rule
        if note.everyone and self._context.plan.groups.everyone is None:
            findings.warning(
                "RULE-EVERYONE",
                rule.name,
                f"opens {names.spaces(note.everyone)} for everybody who is signed in; the plan names no "
                "group for that",
                "set groups.everyone to a group of the tenant that holds everybody",
            )
        for groups, spaces in sorted(note.members.items()):
            findings.info(
                "RULE-BY-MEMBERS",
                rule.name,
                f"names no group for {names.spaces(spaces)}; those who meet it are exactly the members of "
                f"{groups} today: {rule.rule}",
                "name the right group in spaces.<space>.access if that is chance",
            )
        if note.single:
            findings.info(
                "RULE-EXPANDED",
                rule.name,
                f"names no group: those who meet it today, at most {note.most} people, get a role in "
                f"{names.spaces(note.single)} one by one, which goes stale: {rule.rule}",
                "make a group for them, and name it in spaces.<space>.access",
            )
        for count, spaces in sorted(note.too_many.items()):
            findings.warning(
                "RULE-MANY-USERS",
                rule.name,
                f"names no group, and {count} people meet it in {names.spaces(spaces)}: more than "
                f"{MOST_USERS} are not assigned one by one: {rule.rule}",
                "make a group for them, and name it in spaces.<space>.access",
            )

    def _tell_groups(self) -> None:
        site = self._site
        for group in sorted(self._groups):
            members = site.groups.get(group.casefold(), set())
            left = members - site.active_users
            if not members:
                self._context.findings.warning(
                    "GROUP-WITHOUT-MEMBERS",
                    group,
                    "a rule names this group, and nobody in the source is a member of it",
                    "check who is in it in the tenant, or remove the rule in the source",
                )
            elif left:
                self._context.findings.info(
                    "GROUP-MEMBERS-LEFT",
                    group,
                    f"{names.people(site, left)} in it cannot work in the source any more; the role reaches "
                    "them if the tenant lets them in",
                    "take them out of the group",
                    names.logins(site, left),
                )


def _session_groups(parts: str) -> str:
    """What to do about groups that come with the session."""
    found = re.findall(r'user\.environment\.group = "([^"]*)"', parts, re.IGNORECASE)
    if not found:
        return ""
    grants = ", ".join(f"{{group: {g}, roles: [consumer]}}" for g in sorted(set(found)))
    return (
        f"if the tenant has these groups from the same sign-in: spaces.<space>.access: [from_rules, {grants}]"
    )
