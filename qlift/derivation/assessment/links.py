"""Which streams belong together, and how strongly.

A thing that k streams share weighs its kind's weight / (k - 1) for each pair of them: what two streams share
ties them, what everybody shares ties nobody. Weights are our judgement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations

from qlift.derivation.assessment.ground import Ground
from qlift.derivation.assessment.model import Link

CHAIN, QVD, CONNECTION, PEOPLE = 1.0, 1.0, 0.5, 0.6
"""A chain or a QVD file between two streams ties them by itself; so does a connection of these two alone."""
THRESHOLD = 0.5
"""From this weight on two streams belong together."""
ALIKE = 0.5
"""Share of common readers (of the readers of both) from which people count."""
CROWD = 0.5
"""A stream that more than this share of all people reads is for everybody: its readers tie it to nobody."""

TOLD = 0.1
"""Weight from which a shared thing is named as a reason."""

Pair = tuple[str, str]
"""Ids of two streams, in order."""


class Kind(StrEnum):
    CHAIN = "task chains"
    QVD = "QVD files"
    CONNECTION = "connections that few others use"
    PEOPLE = "the same readers"


@dataclass
class Links:
    weights: dict[Pair, float] = field(default_factory=lambda: defaultdict(float))
    because: dict[Pair, list[tuple[Kind, str]]] = field(default_factory=lambda: defaultdict(list))
    feeds: set[tuple[str, str]] = field(default_factory=set)
    """(upstream, downstream): the second reads QVD files of the first, or its tasks follow the first's."""
    chains: set[tuple[str, str]] = field(default_factory=set)
    """Of these, the ones that are task chains."""
    connections: dict[str, frozenset[str]] = field(default_factory=dict)
    """Streams that use a connection, by its name."""
    files: dict[str, frozenset[str]] = field(default_factory=dict)
    """Streams that write or read a QVD file that one of the site's apps writes."""

    def add(self, streams: Iterable[str], kind: Kind, weight: float, what: str) -> None:
        shared = sorted(set(streams))
        for pair in combinations(shared, 2):
            each = weight / (len(shared) - 1)
            self.weights[pair] += each
            if each >= TOLD:
                self.because[pair].append((kind, what))

    def weight(self, one: str, other: str) -> float:
        return self.weights.get((min(one, other), max(one, other)), 0.0)

    def strong(self) -> list[Pair]:
        """Pairs that belong together, the strongest first."""
        found = [p for p, w in self.weights.items() if w >= THRESHOLD]
        return sorted(found, key=lambda p: (-self.weights[p], p))

    def rows(self, names: dict[str, str]) -> tuple[Link, ...]:
        return tuple(
            Link(
                streams=(names[a], names[b]),
                weight=round(self.weights[a, b], 2),
                because=tuple(f"{kind}: {what}" for kind, what in self.because[a, b]),
            )
            for a, b in self.strong()
        )


def links(ground: Ground, streams: frozenset[str]) -> Links:
    """Between these streams."""
    found = Links()
    where = {a.id: a.stream.id for a in ground.bundle.apps if a.stream and a.stream.id in streams}
    _chains(ground, where, found)
    _files(ground, where, found)
    _connections(ground, where, found)
    _people(ground, streams, found)
    return found


def _chains(ground: Ground, where: dict[str, str], found: Links) -> None:
    stream_of = {t.id: where.get(t.app.id, "") for t in ground.bundle.reload_tasks}
    for event in ground.bundle.composite_events:
        down = stream_of.get(event.reload_task.id, "") if event.reload_task else ""
        for rule in event.composite_rules:
            up = stream_of.get(rule.reload_task.id, "") if rule.reload_task else ""
            if up and down and up != down:
                found.chains.add((up, down))
    found.feeds |= found.chains
    for pair in sorted({(min(p), max(p)) for p in found.chains}):
        found.add(pair, Kind.CHAIN, CHAIN, "one follows the other")


def _files(ground: Ground, where: dict[str, str], found: Links) -> None:
    writers: dict[str, set[str]] = defaultdict(set)
    readers: dict[str, set[str]] = defaultdict(set)
    for app, script in ground.scripts.items():
        if app in where:
            for path in script.writes:
                writers[path].add(where[app])
            for path in script.reads:
                readers[path].add(where[app])
    for path in sorted(writers.keys() & readers.keys()):
        streams = writers[path] | readers[path]
        found.files[path] = frozenset(streams)
        found.feeds |= {(w, r) for w in writers[path] for r in readers[path] if w != r}
        found.add(streams, Kind.QVD, QVD, path)


def _connections(ground: Ground, where: dict[str, str], found: Links) -> None:
    names = {c.id: c.name for c in ground.bundle.data_connections}
    for connection, apps in sorted(ground.users_of_connection.items()):
        streams = {where[a.id] for a in apps if a.id in where}
        if len(streams) > 1:
            found.connections[names[connection]] = frozenset(streams)
            found.add(streams, Kind.CONNECTION, CONNECTION, names[connection])


def _people(ground: Ground, streams: frozenset[str], found: Links) -> None:
    crowd = len(ground.site.active_users) * CROWD
    readers = {s: bits for s in streams if 0 < (bits := ground.readers.get(s, 0)).bit_count() <= crowd}
    for one, other in combinations(sorted(readers), 2):
        common = (readers[one] & readers[other]).bit_count()
        alike = common / (readers[one] | readers[other]).bit_count()
        if alike >= ALIKE:
            found.add((one, other), Kind.PEOPLE, PEOPLE * alike, f"{common} people")
