"""qlift against every plausible behaviour of the tenant where its documentation is silent."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qlift.bundle import BlobStore
from qlift.derivation import PeopleFiles, derive_phase
from qlift.derivation.desired import Desired
from qlift.simulator import Simulator, Switches, positions
from qlift.simulator.tenant.dump import dump
from tests.support.export import demo_repository
from tests.support.in_process import InProcess

SINGLES = [(name, value) for name, values in positions().items() for value in values[1:]]


def pairwise() -> list[dict[str, Any]]:
    """Rows that hold every pair of positions of any two switches: greedy, deterministic."""
    every = positions()
    names = list(every)
    left = {
        frozenset({(a, x), (b, y)})
        for a, b in itertools.combinations(names, 2)
        for x in map(repr, every[a])
        for y in map(repr, every[b])
    }
    rows = []
    while left:
        row: dict[str, Any] = {}
        for name in names:
            scores = [
                (sum(frozenset({(name, repr(v)), (n, repr(w))}) in left for n, w in row.items()), -place, v)
                for place, v in enumerate(every[name])
            ]
            row[name] = max(scores, key=lambda s: (s[0], s[1]))[2] if row else _rarest(name, every, left)
        pairs = {frozenset(p) for p in itertools.combinations([(n, repr(v)) for n, v in row.items()], 2)}
        if not pairs & left:
            # The greedy walk is stuck: begin with a pair that is left.
            for name, text in next(iter(sorted(left, key=sorted))):
                row[name] = next(v for v in every[name] if repr(v) == text)
            pairs = {frozenset(p) for p in itertools.combinations([(n, repr(v)) for n, v in row.items()], 2)}
        left -= pairs
        rows.append(row)
    return rows


def _rarest(name: str, every: dict[str, list[Any]], left: set[frozenset[tuple[str, str]]]) -> Any:
    return max(every[name], key=lambda v: sum((name, repr(v)) in pair for pair in left))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="module")
def desired(repository: Path) -> Desired:
    return derived(repository)


def derived(repository: Path) -> Desired:
    nobody = PeopleFiles(users=repository / "none.csv", groups=repository / "none.csv")
    _, found = derive_phase(repository, "demo", nobody, datetime.date(2026, 1, 1))
    assert not found.errors
    return found


def whole_life(desired: Desired, repository: Path, switches: Switches) -> Iterator[str]:
    """Up, nothing to do, destroy; yields what is wrong."""
    with Simulator(switches=switches) as simulator:
        run = InProcess(simulator, BlobStore(str(repository / "exports" / "sample" / "blobs")))
        before = dump(simulator.world)
        run.up(desired)
        simulator.clock.advance(10)
        after = dump(simulator.world)
        yield from owners_are_wrong(desired, after)
        yield from roles_are_wrong(desired, after)
        again = run.up(desired)
        if again.changes:
            yield f"the second run is not empty: {again.changes}"
        run.destroy()
        simulator.clock.advance(10)
        if dump(simulator.world) != before:
            yield "destroy left something behind"


def owners_are_wrong(desired: Desired, tenant: Any) -> Iterator[str]:
    """Private and community objects have to lie in the published app, with their owners."""
    published = {a["name"]: a for a in tenant["apps"] if a["published"]}
    for publication in desired.publications:
        app = published.get(publication.name)
        if app is None:
            yield f"{publication.name} is not published"
            continue
        owners = {o["engineObjectId"]: o["owner"] for o in app["objects"]}
        for wanted in publication.object_owners:
            if owners.get(wanted.object) != wanted.owner.name:
                yield f"{publication.name}: {wanted.object} belongs to {owners.get(wanted.object)}"


def roles_are_wrong(desired: Desired, tenant: Any) -> Iterator[str]:
    """Nobody but the planned ones has a role: owning an app raises its owner's, which is put back."""
    planned = {
        (s.name, a.assignee.name) for s in desired.spaces for a in desired.assignments if a.space == s.key
    }
    names = {s.name for s in desired.spaces}
    for space in tenant["spaces"]:
        for assignment in space["assignments"] if space["name"] in names else ():
            who = assignment["assignee"]
            if "qlikbot" not in who and not any(
                who.endswith(n) for s, n in planned if s == space["name"] and n
            ):
                yield f"{who} has {assignment['roles']} in {space['name']}"


@pytest.mark.parametrize(("name", "value"), SINGLES, ids=[f"{n}={v}" for n, v in SINGLES])
def test_each_position_alone(desired: Desired, repository: Path, name: str, value: Any) -> None:
    assert list(whole_life(desired, repository, Switches(**{name: value}))) == []


@pytest.mark.parametrize("row", pairwise(), ids=lambda _: "row")
def test_all_pairs_of_positions(desired: Desired, repository: Path, row: dict[str, Any]) -> None:
    assert list(whole_life(desired, repository, Switches(**row))) == []


def test_the_rows_hold_every_pair() -> None:
    rows = pairwise()
    for (a, xs), (b, ys) in itertools.combinations(positions().items(), 2):
        for x, y in itertools.product(xs, ys):
            assert any(row[a] == x and row[b] == y for row in rows), (a, x, b, y)


def test_the_defaults(desired: Desired, repository: Path) -> None:
    assert list(whole_life(desired, repository, Switches())) == []
