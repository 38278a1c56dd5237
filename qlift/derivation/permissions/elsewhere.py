"""Rules that become no role in the spaces of a phase, and why."""

from __future__ import annotations

from collections.abc import Callable

from qlift.bundle.models import SystemRule
from qlift.derivation.context import Context, Place
from qlift.derivation.permissions.roles import EVERYTHING
from qlift.derivation.permissions.rules import QMC_ONLY, Rules, patterns


def other_rules(context: Context, rules: Rules, places: tuple[Place, ...]) -> None:
    """Custom rules that grant nothing here, and a count of those about streams of other phases."""
    site = rules.site
    ours = [p.stream for p in places if p.site is site and p.stream]
    covering = {r.id for s in ours for r in rules.covering("Stream", s.id)}
    in_hub = {r.id for r in rules.in_hub}
    elsewhere = [
        r for r in rules.in_hub if r.id not in covering and _about(r, lambda p: p.startswith("stream"))
    ]
    if elsewhere:
        context.findings.info(
            "RULES-OF-OTHER-STREAMS",
            f"{len(elsewhere)} rules of {site.name}",
            "their streams do not migrate in this phase",
            "nothing to do if that is right",
        )
    for rule in site.bundle.system_rules:
        if rule.category != "Security" or rule.type != "Custom" or rule in elsewhere:
            continue
        if rule.id in covering:
            _without_role(context, rule)
        elif rule.id not in in_hub or not _about(rule, lambda p: p.startswith("app") or p == "*"):
            _not_migrated(context, rule)


def _about(rule: SystemRule, test: Callable[[str], bool]) -> bool:
    return any(test(p.lower()) for p in patterns(rule))


def _without_role(context: Context, rule: SystemRule) -> None:
    if not rule.actions & EVERYTHING:
        context.findings.info(
            "RULE-WITHOUT-ROLE",
            rule.name,
            f"what it allows on streams (actions {rule.actions}) is no role of a space",
            "give a tenant role to those who need it",
        )


def _not_migrated(context: Context, rule: SystemRule) -> None:
    reason = (
        "it is disabled"
        if rule.disabled
        else "it counts in the management console only"
        if rule.rule_context == QMC_ONLY
        else f"it is about {rule.resource_filter}, which is neither a stream nor an app"
    )
    context.findings.info(
        "RULE-NOT-MIGRATED",
        rule.name,
        f"not migrated: {reason}",
        "give access in the tenant where it is needed",
    )
