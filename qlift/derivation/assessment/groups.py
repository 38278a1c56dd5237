"""Groups streams into phases and puts them in order.

1. Union: the links of weight >= THRESHOLD, the strongest first, join their streams while a phase stays under
   MOST apps.
2. Filling: groups under LEAST apps are put together, with the most related one first.
3. Order: who makes what others read goes first; among those that may go, the one with the least trouble.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from qlift.bundle.models import App
from qlift.derivation.assessment.links import Links
from qlift.derivation.assessment.model import Readiness

MOST, LEAST = 150, 40
"""Apps in a phase."""


@dataclass(frozen=True)
class Group:
    streams: tuple[str, ...]
    """Ids, the largest first."""
    apps: tuple[App, ...]
    filled: bool = False
    """Some of it was too small for a phase of its own."""


class Grouping:
    """`apps` by stream; `names` of streams; `readiness` of apps."""

    def __init__(
        self,
        links: Links,
        apps: Mapping[str, list[App]],
        names: Mapping[str, str],
        readiness: Mapping[str, Readiness],
    ) -> None:
        self._links, self._by_stream, self._names, self._readiness = links, apps, names, readiness

    def groups(self) -> list[Group]:
        """In order."""
        return self._ordered(self._filled(self._joined()))

    def _joined(self) -> list[Group]:
        parent = {s: s for s in self._by_stream}
        size = {s: len(apps) for s, apps in self._by_stream.items()}

        def root(stream: str) -> str:
            while parent[stream] != stream:
                stream = parent[stream]
            return stream

        for one, other in self._links.strong():
            a, b = sorted((root(one), root(other)))
            if a != b and size[a] + size[b] <= MOST:
                parent[b] = a
                size[a] += size[b]
        members: dict[str, list[str]] = defaultdict(list)
        for stream in self._by_stream:
            members[root(stream)].append(stream)
        return [self._group(streams) for streams in members.values()]

    def _group(self, streams: Iterable[str], filled: bool = False) -> Group:
        ordered = sorted(streams, key=lambda s: (-len(self._by_stream[s]), self._names[s], s))
        return Group(tuple(ordered), tuple(a for s in ordered for a in self._by_stream[s]), filled)

    def _filled(self, groups: list[Group]) -> list[Group]:
        large = [g for g in groups if len(g.apps) >= LEAST]
        small = sorted((g for g in groups if len(g.apps) < LEAST), key=self._rank)
        while small:
            pack = small.pop(0)
            while small and len(pack.apps) < LEAST:
                next_ = max(small, key=lambda g: self._related(pack, g))
                if len(pack.apps) + len(next_.apps) > MOST:
                    break
                small.remove(next_)
                pack = self._group((*pack.streams, *next_.streams), filled=True)
            self._keep(large, pack)
        return large

    def _keep(self, large: list[Group], pack: Group) -> None:
        """What stays too small goes into the most related phase that has room."""
        room = [g for g in large if len(g.apps) + len(pack.apps) <= MOST]
        if len(pack.apps) >= LEAST or not room:
            large.append(pack)
            return
        host = max(room, key=lambda g: self._related(pack, g))
        large[large.index(host)] = self._group((*host.streams, *pack.streams), filled=True)

    def _rank(self, group: Group) -> tuple[str, str]:
        return self._names[group.streams[0]], group.streams[0]

    def _related(self, one: Group, other: Group) -> float:
        """`max` takes the first of equals, and groups come by name."""
        return sum(self._links.weight(a, b) for a in one.streams for b in other.streams)

    def _ordered(self, groups: list[Group]) -> list[Group]:
        waiting = sorted(groups, key=lambda g: (self._trouble(g), len(g.apps), self._rank(g)))
        done: list[Group] = []
        while waiting:
            free = [g for g in waiting if not any(self._feeds(o, g) for o in waiting if o is not g)]
            next_ = (free or waiting)[0]
            waiting.remove(next_)
            done.append(next_)
        return done

    def _feeds(self, up: Group, down: Group) -> bool:
        return any((a, b) in self._links.feeds for a in up.streams for b in down.streams)

    def _trouble(self, group: Group) -> float:
        return sum(self._readiness[a.id] is Readiness.WORK for a in group.apps) / max(1, len(group.apps))
