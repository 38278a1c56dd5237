"""Who meets a condition: exactly, and in doubt nobody."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlift.bundle import Bundle
from qlift.derivation.context import Site
from qlift.derivation.permissions import Rules
from qlift.derivation.permissions.conditions import parse
from qlift.derivation.permissions.evaluate import Answer
from qlift.derivation.permissions.explain import for_anonymous
from qlift.derivation.permissions.facts import StreamFacts
from qlift.derivation.permissions.settle import AllOf, AnyOf, Known, NotOf, OneOf, Settled, settle
from qlift.derivation.permissions.wildcard import wildcard
from tests.derivation.site import SiteBuilder, property_value


def bundle(folder: Path) -> Bundle:
    site = SiteBuilder()
    anna = site.user(
        "CORP\\anna",
        ("Readers", "Bosses"),
        "anna@corp.example",
        customProperties=[property_value("Team", "North")],
    )
    site.user("CORP\\bruno", ("READERS",), customProperties=[property_value("Team", "South")])
    site.user("PARTNER\\anna", (), name="Anna Berg", roles=["ContentAdmin"])
    site.user("CORP\\gone", ("Readers",), inactive=True)
    site.stream("Sales", anna, Department="Readers", Team="north")
    site.kinds["custompropertydefinition"] = [
        {"id": "p1", "name": "Team", "objectTypes": ["User", "Stream"]},
        {"id": "p2", "name": "Cleared", "objectTypes": ["User", "Stream"]},
    ]
    return site.write(folder)


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    return Rules(Site(bundle(tmp_path_factory.mktemp("evaluate"))))


def answer(rules: Rules, condition: str) -> tuple[set[str], set[str]]:
    """Logins of those who meet it, and of those of whom it is not known."""
    facts = StreamFacts(rules.site, rules.properties, rules.site.bundle.streams[0])
    found = rules.explain.evaluate(settle(parse(condition), facts, rules.users))
    logins = {u.id: u.login for u in rules.site.bundle.users}
    return {logins[u] for u in found.users}, {logins[u] for u in found.perhaps - found.users}


ANNA, BRUNO, OTHER = "CORP\\anna", "CORP\\bruno", "PARTNER\\anna"
ALL = {ANNA, BRUNO, OTHER}


@pytest.mark.parametrize(
    ("condition", "who"),
    [
        ('user.group="readers"', {ANNA, BRUNO}),
        ('user.group == "READERS"', {BRUNO}),
        ('user.group !== "READERS"', {ANNA, OTHER}),
        ('user.group != "bosses"', {BRUNO, OTHER}),
        ('user.group="readers" and user.group="bosses"', {ANNA}),
        ('user.userId="anna"', {ANNA, OTHER}),
        ('user.userId="anna" and user.userDirectory="corp"', {ANNA}),
        ('user.name = "anna berg"', {OTHER}),
        ('user.email = "Anna@corp.example"', {ANNA}),
        ('user.roles = "contentadmin"', {OTHER}),
        ('user.@Team = "south"', {BRUNO}),
        ('user.@Team != "south"', {ANNA, OTHER}),
        ("user.@Team.Empty()", {OTHER}),
        ('user.@Cleared = "yes"', set()),
        ('user.userDirectory = "PARTNER"', {OTHER}),
        ('user.name like "*"', ALL),
        ('user.name LIKE "*"', None),
        ('user.group like "*ERS"', {ANNA, BRUNO}),
        ('user.userId matches "a.*"', {ANNA, OTHER}),
        ('user.userId matches "A.*"', set()),
        ('user.userId matches "nn"', set()),
        ("!user.IsAnonymous()", ALL),
        ("user.IsAnonymous()", set()),
        ("", ALL),
        ("resource.@Department = user.group", {ANNA, BRUNO}),
        ("user.@Team = resource.@Team", {ANNA}),
        ("resource.@Team == user.@Team", set()),
        ('resource.name = "SALES" and user.@Team="North"', {ANNA}),
        ('resource.name = "HR" or user.@Team="North"', {ANNA}),
        ('resource.name like "S*" and !(user.userDirectory="PARTNER")', {ANNA, BRUNO}),
        ('resource.resourcetype = "Stream" and user.group="Bosses"', {ANNA}),
        ("resource.owner = user", {ANNA}),
        ("resource.IsOwned() and resource.owner = user", {ANNA}),
        ("resource.owner.userDirectory = user.userDirectory", {ANNA, BRUNO}),
        ("resource.@Cleared.empty() and user.group='x'", None),
        ('resource.@Cleared.empty() and user.group="Bosses"', {ANNA}),
        ("user.userDirectory = user.group", set()),
        ("user.userId = user.name", {ANNA, BRUNO}),
        ("user.userId == user.name", set()),
        ('user.environment.context = "AppAccess" and user.group="Bosses"', {ANNA}),
        ('user.environment.context = "ManagementAccess"', set()),
    ],
)
def test_known_conditions_are_exact(rules: Rules, condition: str, who: set[str] | None) -> None:
    if who is None:
        with pytest.raises(ValueError):
            parse(condition)
    else:
        assert answer(rules, condition) == (who, set())


@pytest.mark.parametrize(
    ("condition", "who", "perhaps"),
    [
        ('user.environment.group = "X"', set(), ALL),
        ('!(user.environment.group = "X")', set(), ALL),
        ('user.environment.group != "X"', set(), ALL),
        ('user.costcenter = "X"', set(), ALL),
        ('user.costcenter != "X"', set(), ALL),
        ('user.group="Bosses" or user.environment.group = "X"', {ANNA}, {BRUNO, OTHER}),
        ('user.group="Readers" and user.environment.os = "X"', set(), {ANNA, BRUNO}),
        ('resource.HasPrivilege("read") and user.@Team="South"', set(), {BRUNO}),
        ('resource.@Nowhere = "X"', set(), ALL),
        ('resource.@Nowhere != "X"', set(), ALL),
        ('user.group = "CORP\\\\Readers"', set(), ALL),
        ('user.userId matches "(a+)+b"', set(), ALL),
        ('user.userId matches ".*a.*b.*c.*d.*"', set(), ALL),
        ('user.userId matches "(?i)ANNA"', set(), ALL),
        ('user.userId matches "("', set(), ALL),
        ('user = "anna"', set(), ALL),
        ("user.group.name.x = user.name", set(), ALL),
    ],
)
def test_what_is_not_known_grants_nothing(
    rules: Rules, condition: str, who: set[str], perhaps: set[str]
) -> None:
    assert answer(rules, condition) == (who, perhaps)


@pytest.mark.parametrize(
    ("condition", "opens"),
    [
        ("user.IsAnonymous()", True),
        ("!user.IsAnonymous()", False),
        ('user.IsAnonymous() or user.group="A"', True),
        ('user.IsAnonymous() and resource.name="Sales"', True),
        ('user.IsAnonymous() and resource.name="HR"', False),
        ('user.name like "*"', None),
        ("", True),
    ],
)
def test_people_who_are_not_signed_in(rules: Rules, condition: str, opens: bool | None) -> None:
    facts = StreamFacts(rules.site, rules.properties, rules.site.bundle.streams[0])
    assert for_anonymous(parse(condition), facts, rules.users) is opens


@given(st.text("ab*", max_size=8), st.text("abAB", max_size=10))
def test_stars_are_as_in_a_regular_expression(pattern: str, text: str) -> None:
    expected = re.fullmatch(pattern.replace("*", ".*"), text, re.IGNORECASE)
    assert wildcard(pattern)(text) == bool(expected)


def test_many_stars_cost_no_time() -> None:
    assert not wildcard("*" * 5000 + "x")("a" * 5000)
    assert not wildcard("*a" * 2000 + "*x")("a" * 3000)


leaves: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([Known(True), Known(False), Known(None, "a"), Known(None, "b")]),
    st.sets(st.integers(0, 2)).map(lambda found: frozenset(found)),
)
logic = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=10,
)


def _settled(node: Any, people: list[str], unknown: dict[str, bool] | None) -> Settled:
    """`unknown` says how doubts are settled; None leaves them."""
    if isinstance(node, Known):
        return node if unknown is None or node.answer is not None else Known(unknown[node.why])
    if isinstance(node, frozenset):
        return OneOf(frozenset(people[n] for n in node))
    kind, inner = node
    if kind == "not":
        return NotOf(_settled(inner, people, unknown))
    parts = tuple(_settled(i, people, unknown) for i in inner)
    return AllOf(parts) if kind == "and" else AnyOf(parts)


def _meets(node: Settled, user: str) -> bool:
    if isinstance(node, Known):
        return bool(node.answer)
    if isinstance(node, OneOf):
        return user in node.users
    if isinstance(node, NotOf):
        return not _meets(node.part, user)
    assert isinstance(node, AllOf | AnyOf)
    return (all if isinstance(node, AllOf) else any)(_meets(p, user) for p in node.parts)


@given(logic)
def test_however_doubts_are_settled_the_truth_lies_between(rules: Rules, tree: Any) -> None:
    people = sorted(rules.users.everybody)
    found: Answer = rules.explain.evaluate(_settled(tree, people, None))
    for a in (True, False):
        for b in (True, False):
            settled = _settled(tree, people, {"a": a, "b": b})
            truth = {u for u in people if _meets(settled, u)}
            assert found.users <= truth <= found.perhaps
            assert rules.explain.evaluate(settled) == Answer(frozenset(truth), frozenset(truth))
