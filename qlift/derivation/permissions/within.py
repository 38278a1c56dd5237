"""Rules inside a stream: apps that only some of its readers see, and apps that others see, too.

A space cannot say either. Who may read an app is worked out by the site's own rules for apps, with the
audit's answer for its stream; that needs the read-only rule `Stream`, which every site has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from qlift.bundle.models import SystemRule
from qlift.derivation.context import Context, Place, SelectedApp, Site
from qlift.derivation.permissions import names
from qlift.derivation.permissions.facts import AppFacts
from qlift.derivation.permissions.roles import PUBLISH, READ, UPDATE, Readers
from qlift.derivation.permissions.rules import Rules, patterns

THE_STREAM_RULE = "Stream"
"""Default rule by which readers of a stream read its apps; sites with rules for single apps replace it."""
CREATES_OBJECTS = "CreateAppObjectsPublishedApp"
"""Default rule by which readers make their own sheets in published apps."""
EXPORTS_DATA = "ExportAppData"
"""Default rule by which readers of an app export its data."""
_CREATES_OBJECTS_WORDS = frozenset(
    {
        "and",
        "or",
        "user.isanonymous",
        "resource.app.stream.empty",
        "resource.app.hasprivilege",
        "resource.objecttype",
    }
)
"""The words of the rules' conditions as they come with the product, without their texts."""
_EXPORTS_DATA_WORDS = frozenset({"and", "resource.hasprivilege", "user.isanonymous"})
_ACTIONS = {READ: "read", UPDATE: "update", 16: "export", PUBLISH: "publish", 2048: "duplicate"}


def readers_of(site: Site) -> Readers:
    """By the default rules, where they are in force as delivered; one that says more is for some people.

    A dump without the rule that every site has says nothing about who exports data: then readers do.
    """
    rules = site.bundle.system_rules
    return Readers(
        make_objects=_in_force(rules, CREATES_OBJECTS, _CREATES_OBJECTS_WORDS),
        export_data=_in_force(rules, EXPORTS_DATA, _EXPORTS_DATA_WORDS) or not _has_the_stream_rule(site),
    )


def _has_the_stream_rule(site: Site) -> bool:
    return any(r.name == THE_STREAM_RULE and r.type == "Read only" for r in site.bundle.system_rules)


def _in_force(rules: Iterable[SystemRule], name: str, words: frozenset[str]) -> bool:
    for rule in rules:
        if rule.name == name and not rule.disabled:
            return set(re.findall(r"[a-z@][\w@.]*", re.sub(r'"[^"]*"', "", rule.rule.casefold()))) <= words
    return False


@dataclass(frozen=True)
class _Readers:
    users: frozenset[str]
    perhaps: frozenset[str]
    by: tuple[str, ...]
    """Custom rules that let anybody in."""


class Within:
    """`readers`: who reads in a space by its planned roles, by its key."""

    def __init__(self, context: Context, rules: Rules, readers: Mapping[str, frozenset[str]]) -> None:
        self._context, self._rules, self._readers = context, rules, readers
        self._for_apps = tuple(r for r in rules.in_hub if r.actions & READ and _about_apps(r))
        self._complete = _has_the_stream_rule(rules.site)

    def tell(self, selected: Iterable[SelectedApp]) -> None:
        for rule in self._rules.in_hub:
            if rule.type == "Custom" and rule.category == "Security" and _about_apps(rule):
                self._tell_rule(rule)
        if not self._for_apps:
            return
        for app in selected:
            if app.site is self._rules.site and app.place is not None and app.place.stream is not None:
                self._tell_app(app, app.place)

    def _tell_rule(self, rule: SystemRule) -> None:
        allowed = (
            ", ".join(w for bit, w in _ACTIONS.items() if rule.actions & bit) or f"actions {rule.actions}"
        )
        self._context.findings.info(
            "RULE-WITHIN-STREAM",
            rule.name,
            f"it is about {rule.resource_filter} ({allowed}): finer than a space, so it becomes no role: "
            f"{rule.rule}",
            "share single apps in the tenant, or put them into a space of their own",
        )

    def _tell_app(self, selected: SelectedApp, place: Place) -> None:
        site, app = self._rules.site, selected.app
        audit = site.bundle.access.get(place.stream.id) if place.stream else None
        if audit is None:
            return
        of_stream = frozenset(u for u, mask in audit.users.items() if mask & READ) & site.active_users
        found = self._readers_of(selected, of_stream)
        inside = of_stream & self._readers.get(place.key, frozenset())
        if self._complete and (hidden := inside - found.perhaps):
            self._context.findings.error(
                "APP-HIDDEN",
                app.name,
                f"{names.people(site, hidden)} could read it in space {place.name}, and may not in the "
                "source: its rules for apps show it to some readers of the stream only",
                "put the app into a space of its own, or waive this for the app",
                names.logins(site, hidden),
            )
        if self._complete and (unclear := (inside & found.perhaps) - found.users):
            self._context.findings.warning(
                "APP-HIDDEN-PERHAPS",
                app.name,
                f"{names.people(site, unclear)} could read it in space {place.name}; whether they may in the "
                "source cannot be answered from the bundle",
                "look at the rules for apps in the source",
                names.logins(site, unclear),
            )
        if more := found.users - of_stream - {app.owner.id}:
            self._context.findings.warning(
                "APP-SHARED",
                app.name,
                f"{names.people(site, more)} may read it and not its stream (rules: {', '.join(found.by)}); "
                f"a role in space {place.name} would show them all of it",
                "share the app with them in the tenant",
                names.logins(site, more),
            )

    def _readers_of(self, selected: SelectedApp, of_stream: frozenset[str]) -> _Readers:
        rules, app = self._rules, selected.app
        facts = AppFacts(rules.site, rules.properties, app, of_stream)
        users: frozenset[str] = frozenset()
        perhaps: frozenset[str] = frozenset()
        by: set[str] = set()
        for rule in rules.matching(self._for_apps, "App", app.id):
            settled = rules.settled(rule, facts)
            if settled is None:
                perhaps |= rules.users.everybody
                continue
            answer = rules.explain.evaluate(settled)
            users, perhaps = users | answer.users, perhaps | answer.perhaps
            if answer.users - of_stream - {app.owner.id}:
                by.add(rule.name)
        return _Readers(users, perhaps | users, tuple(sorted(by)))


def _about_apps(rule: SystemRule) -> bool:
    return any(p.lower().startswith("app") or p.startswith("*") for p in patterns(rule))
