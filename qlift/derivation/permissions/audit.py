"""Roles against the audit of the source, cell by cell: a user, and one action."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from qlift.derivation.permissions.roles import CELLS, MANAGE, bits_of, roles_for


@dataclass(frozen=True)
class Holding:
    """Roles that some people get in a space.

    `rules`: actions by rule; empty for what the plan itself grants.
    """

    people: frozenset[str]
    """Active users of the stream's site, by id."""
    roles: tuple[str, ...]
    rules: Mapping[str, int] = field(default_factory=dict)
    strangers: frozenset[str] = frozenset()
    """Logins on other sites of people in the same group of the tenant, who are nobody on this site."""


@dataclass(frozen=True)
class Difference:
    """`cell` holds bits of the actions, `word` how they are called ("read", "change and delete")."""

    cell: int
    word: str
    wider: frozenset[str]
    """Get it by rules, and have it not in the source."""
    narrower: frozenset[str]
    """Have it in the source, and get it by nothing."""


def compare(
    holdings: Iterable[Holding], allowed: Mapping[str, int], active: frozenset[str]
) -> tuple[Difference, ...]:
    """`allowed`: the audit's actions by user. Of `active` people only: the others cannot sign in anyway.

    Compares what the roles allow, not what the rules say: a role may bring more along.
    """
    held = list(holdings)
    found = []
    for cell, word in CELLS:
        have = frozenset(u for u, mask in allowed.items() if mask & cell) & active
        by_rules = _people(h for h in held if h.rules and bits_of(h.roles) & cell) & active
        at_all = _people(h for h in held if bits_of(h.roles) & cell)
        found.append(Difference(cell, word, by_rules - have, have - at_all))
    return tuple(found)


def joined(differences: Iterable[Difference]) -> list[Difference]:
    """One for actions that need the same role and differ for the same people: one thing to read about."""
    found: list[Difference] = []
    for one in differences:
        last = found[-1] if found else None
        if (
            last
            and last.cell & MANAGE
            and one.cell & MANAGE
            and (last.wider, last.narrower) == (one.wider, one.narrower)
        ):
            found[-1] = Difference(
                last.cell | one.cell, f"{last.word} and {one.word}", one.wider, one.narrower
            )
        else:
            found.append(one)
    return found


def blame(
    holdings: Iterable[Holding], cell: int, people: frozenset[str], type_: str
) -> dict[str, frozenset[str]]:
    """Which rules give a cell to which of `people`."""
    found: dict[str, frozenset[str]] = {}
    for holding in holdings:
        hit = holding.people & people if bits_of(holding.roles) & cell else None
        if not hit:
            continue
        for rule, mask in holding.rules.items():
            # Which role its readers get changes nothing here: each reads.
            if bits_of(roles_for(mask, type_)) & cell:
                found[rule] = found.get(rule, frozenset()) | hit
    return found


def _people(holdings: Iterable[Holding]) -> frozenset[str]:
    return frozenset[str]().union(*(h.people for h in holdings))
