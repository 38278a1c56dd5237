"""300 generated rules: what is derived is what the site's audit says, or a finding says who differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qlift.derivation.context import Site
from qlift.derivation.permissions import Rules
from qlift.derivation.permissions.evaluate import Answer, Evaluator
from qlift.derivation.permissions.facts import StreamFacts
from qlift.derivation.permissions.settle import AllOf, AnyOf, Settled, UserTest
from qlift.simulator.site.access import HUB, Access
from qlift.simulator.site.kinds import STREAM, SYSTEM_RULE, USER, Document
from qlift.simulator.store import Store
from tests.derivation.permissions.generated import (
    EVERYONE,
    MANAGE,
    PUBLISH,
    READ,
    RULES,
    Exported,
    derived,
    exported,
    gaps,
    names_them,
    people,
    told,
)

NOT_TRANSLATED = {"RULE-NOT-TRANSLATED", "RULE-EVERYONE", "RULE-MANY-USERS"}


@pytest.fixture(scope="module", params=[7, 11])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exported(tmp_path_factory.mktemp("generated"), request.param)


@pytest.mark.parametrize("type_", ["managed", "shared"])
@pytest.mark.parametrize("everyone", [EVERYONE, None])
def test_every_cell_is_that_of_the_audit_or_has_its_finding(
    site: Exported, type_: str, everyone: str | None
) -> None:
    desired = derived(site.bundle, type_, everyone)
    found = gaps(site.bundle, desired)
    assert len([r for r in site.bundle.system_rules if r.name.startswith("Generated")]) == RULES
    for gap in found:
        for users, code, severity in (
            (gap.wider, "ACCESS-WIDENS", "error"),
            (gap.narrower, "ACCESS-NARROWS", "warning"),
        ):
            findings = told(site.bundle, desired, gap, code)
            if not users:
                assert not findings
                continue
            (finding,) = findings
            assert finding.severity == severity
            assert names_them(site.bundle, finding, users), finding.message
    cells = len(found) * len(people(site.bundle))
    differing = sum(len(g.wider) + len(g.narrower) for g in found)
    assert 0 < differing < cells / 4, "most is translated, and something is not"


@pytest.mark.parametrize("type_", ["managed", "shared"])
def test_nothing_is_wider_but_what_a_role_brings_along(site: Exported, type_: str) -> None:
    """Publishing in a shared space and managing bring reading; nobody gets anything without any right."""
    desired = derived(site.bundle, type_, EVERYONE)
    brings = MANAGE | (PUBLISH if type_ == "shared" else 0)
    for gap in gaps(site.bundle, desired):
        audit = site.bundle.access[gap.stream].users
        for user in gap.wider:
            assert gap.cell & (READ | MANAGE) and audit.get(user, 0) & brings, (gap.stream, user)


@pytest.fixture(scope="module")
def alone(site: Exported) -> Iterator[Alone]:
    made = Alone(site.store)
    yield made
    made.store.close()


class Alone:
    """The site's own evaluator with one rule at a time."""

    def __init__(self, full: Store) -> None:
        self.store = Store(None)
        self.users = full.all(USER.stored)
        self.streams = full.all(STREAM.stored)
        for kind, documents in ((USER, self.users), (STREAM, self.streams)):
            self.store.put_all(kind.stored, ((d["id"], d) for d in documents))

    def grants(self, rule: Document, **changes: Any) -> dict[str, dict[str, int]]:
        """Masks by stream and user, in the hub."""
        self.store.put(SYSTEM_RULE.stored, "rule", rule | changes)
        access = Access(self.store)
        return {s["id"]: access.grants(self.users, STREAM, s, HUB) for s in self.streams}


def test_nothing_is_narrower_but_by_rules_that_are_listed(site: Exported, alone: Alone) -> None:
    desired = derived(site.bundle, "managed", EVERYONE)
    listed = {f.object: f for f in desired.findings if f.code in NOT_TRANSLATED}
    rules = {r["name"]: r for r in site.store.all(SYSTEM_RULE.stored)}
    for name, finding in listed.items():
        assert rules[name]["rule"] in finding.message, "with its text"
    grants = {name: alone.grants(rule) for name, rule in rules.items()}
    # Alone such a rule grants nothing: it asks what the others do.
    by_others = {n for n, r in rules.items() if "HasPrivilege" in r["rule"] and not r["disabled"]}
    checked = 0
    for gap in gaps(site.bundle, desired):
        for user in gap.narrower:
            granting = {n for n in rules if grants[n][gap.stream].get(user, 0) & gap.cell}
            assert granting <= set(listed), (user, gap.stream, granting - set(listed))
            assert granting or by_others & set(listed)
            checked += 1
    assert checked


def test_each_rule_alone_lets_in_whom_the_site_lets_in(site: Exported, alone: Alone) -> None:
    """Rule by rule and stream by stream, where others cannot hide it: never more, and not less if known."""
    rules = Rules(Site(site.bundle))
    active = set(people(site.bundle))
    by_id = {r.id: r for r in site.bundle.system_rules}
    exact = compared = 0
    for document in site.store.all(SYSTEM_RULE.stored):
        rule = by_id[document["id"]]
        truth = alone.grants(
            document, disabled=False, category="Security", ruleContext=0, resourceFilter="Stream_*", actions=2
        )
        for stream in site.bundle.streams:
            who = {u for u, mask in truth[stream.id].items() if mask} & active
            settled = rules.settled(rule, StreamFacts(rules.site, rules.properties, stream))
            if settled is None:
                assert not who, rule.rule
                continue
            answer = rules.explain.evaluate(settled)
            if "HasPrivilege" in rule.rule:
                assert not answer.users
                continue
            assert answer.users <= who <= answer.perhaps, (rule.rule, stream.name)
            exact += answer.users == answer.perhaps
            compared += 1
    assert exact > compared * 0.8


def _or_for_and(self: Evaluator, node: Settled) -> Answer:
    return _whole(self, AnyOf(node.parts) if isinstance(node, AllOf) else node)


def _group_is_dropped(self: Evaluator, node: Settled) -> Answer:
    everybody = self._users.everybody
    if isinstance(node, UserTest) and node.attribute == "group":
        return Answer(everybody, everybody)
    return _whole(self, node)


def _by_user_id_only(self: Evaluator, node: Settled) -> Answer:
    if isinstance(node, UserTest) and node.attribute == "userdirectory":
        return Answer(self._users.everybody, self._users.everybody)
    return _whole(self, node)


def _unknown_grants(self: Evaluator, node: Settled) -> Answer:
    answer = _whole(self, node)
    return Answer(answer.perhaps, answer.perhaps)


_whole = Evaluator._answer


@pytest.mark.parametrize("broken", [_or_for_and, _group_is_dropped, _by_user_id_only, _unknown_grants])
def test_a_broken_evaluator_widens_nothing_in_silence(
    site: Exported, monkeypatch: pytest.MonkeyPatch, broken: Callable[[Evaluator, Settled], Answer]
) -> None:
    """Whatever the evaluator says, what it would give beyond the audit stops the phase, by name."""
    before = sum(len(g.wider) for g in gaps(site.bundle, derived(site.bundle, "managed")))
    monkeypatch.setattr(Evaluator, "_answer", broken)
    desired = derived(site.bundle, "managed")
    wider = [g for g in gaps(site.bundle, desired) if g.wider]
    assert sum(len(g.wider) for g in wider) != before
    for gap in wider:
        (finding,) = told(site.bundle, desired, gap, "ACCESS-WIDENS")
        assert finding.severity == "error"
        assert names_them(site.bundle, finding, gap.wider)
