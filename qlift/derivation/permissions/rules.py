"""What the rules of a site say about its streams: which rule lets in whom, and what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from qlift.bundle.models import Stream, SystemRule
from qlift.derivation.context import Site
from qlift.derivation.permissions import conditions
from qlift.derivation.permissions.explain import Explained, Explainer, for_anonymous
from qlift.derivation.permissions.facts import Properties, Resource, StreamFacts, Users
from qlift.derivation.permissions.roles import EVERYTHING
from qlift.derivation.permissions.settle import Settled, settle
from qlift.derivation.permissions.wildcard import wildcard

QMC_ONLY = 2


@dataclass(frozen=True)
class Reading:
    """One rule on one stream."""

    rule: SystemRule
    label: str
    """What the plan accepts it by: its name, with the begin of its id where two have that name."""
    explained: Explained
    anonymous: bool
    """It lets in people who are not signed in."""


@dataclass(frozen=True)
class Unread:
    """A rule whose condition cannot be read: it is taken to let in nobody."""

    rule: SystemRule
    why: str


class Rules:
    """The rules of a site, each condition read once and evaluated once for each difference in what it asks.

    Needs no plan: the report on a site uses it, too.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.users = Users(site)
        self.explain = Explainer(self.users)
        self.properties = Properties(site)
        self._parsed: dict[str, conditions.Node | str] = {}

    @cached_property
    def in_hub(self) -> tuple[SystemRule, ...]:
        """Security rules that count where people work: not disabled, not for the management console only."""
        return tuple(
            r
            for r in self.site.bundle.system_rules
            if r.category == "Security" and not r.disabled and r.rule_context != QMC_ONLY
        )

    @cached_property
    def _patterns(self) -> dict[str, tuple[Callable[[str], bool], ...]]:
        return {r.id: tuple(wildcard(p) for p in patterns(r)) for r in self.in_hub}

    def covering(self, type_: str, id_: str) -> Iterable[SystemRule]:
        """Rules that count in the hub and whose resource filter takes in the object."""
        return self.matching(self.in_hub, type_, id_)

    def matching(self, rules: Iterable[SystemRule], type_: str, id_: str) -> Iterable[SystemRule]:
        name = f"{type_}_{id_}"
        return (r for r in rules if any(fits(name) for fits in self._patterns[r.id]))

    def of_stream(self, stream: Stream) -> tuple[Reading | Unread, ...]:
        """Those that grant something that a role of a space can hold, by id."""
        facts = StreamFacts(self.site, self.properties, stream)
        found: list[Reading | Unread] = []
        for rule in self.covering("Stream", stream.id):
            if not rule.actions & EVERYTHING:
                continue
            tree = self.tree(rule)
            if isinstance(tree, str):
                found.append(Unread(rule, tree))
                continue
            explained = self.explain(settle(tree, facts, self.users))
            anonymous = for_anonymous(tree, facts, self.users) is True
            found.append(Reading(rule, self._label(rule), explained, anonymous))
        return tuple(found)

    def _label(self, rule: SystemRule) -> str:
        return rule.name if self._named[rule.name] == 1 else f"{rule.name} ({rule.id[:8]})"

    @cached_property
    def _named(self) -> Counter[str]:
        return Counter(r.name for r in self.site.bundle.system_rules)

    def settled(self, rule: SystemRule, resource: Resource) -> Settled | None:
        """None: the condition cannot be read."""
        tree = self.tree(rule)
        return None if isinstance(tree, str) else settle(tree, resource, self.users)

    def tree(self, rule: SystemRule) -> conditions.Node | str:
        """The condition of the rule, or why it cannot be read."""
        if rule.rule not in self._parsed:
            try:
                self._parsed[rule.rule] = conditions.parse(rule.rule)
            except conditions.ConditionError as why:
                self._parsed[rule.rule] = str(why)
        return self._parsed[rule.rule]


def patterns(rule: SystemRule) -> list[str]:
    return [p.strip() for p in rule.resource_filter.split(",") if p.strip()]
