"""Suggests phases: groups of streams, personal apps by their owners last, shared data first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from qlift.bundle.models import App
from qlift.derivation.assessment.effort import Work, Works, effort
from qlift.derivation.assessment.ground import Ground
from qlift.derivation.assessment.groups import MOST, Group, Grouping
from qlift.derivation.assessment.links import Kind, Links
from qlift.derivation.assessment.model import AppRow, Phase, Readiness
from qlift.derivation.names import slug

FILLED = "small streams, put together"


class Phases:
    """`apps`: what moves, with its readiness."""

    def __init__(self, ground: Ground, links: Links, works: Works, apps: list[tuple[App, Readiness]]) -> None:
        self._ground, self._links, self._works = ground, links, works
        self._readiness = {a.id: r for a, r in apps}
        self._by_stream: dict[str, list[App]] = defaultdict(list)
        self._personal: list[App] = []
        for app, _ in apps:
            if app.stream is None:
                self._personal.append(app)
            else:
                self._by_stream[app.stream.id].append(app)
        self._names = {s.id: s.name for s in ground.bundle.streams}
        self._keys: set[str] = set()
        self._place: dict[str, int] = {}
        """Of the phases of streams, by key."""
        self.phase_of: dict[str, str] = {}
        """Key of the phase by app."""

    def suggest(self) -> tuple[Phase, ...]:
        names = {s: self._name(s) for s in self._by_stream}
        ordered = Grouping(self._links, self._by_stream, names, self._readiness).groups()
        keys = [self._key(slug(self._title(g))) for g in ordered]
        self._place = {key: number for number, key in enumerate(keys)}
        at = {s: k for g, k in zip(ordered, keys, strict=True) for s in g.streams}
        made = [self._phase(g, k, at) for g, k in zip(ordered, keys, strict=True)]
        made += self._personal_phases()
        foundation = self._foundation(at)
        return (*foundation, *made)

    def _title(self, group: Group) -> str:
        return self._name(group.streams[0])

    def _name(self, stream: str) -> str:
        return self._names.get(stream, stream)

    def _key(self, wanted: str) -> str:
        key, number = wanted, 2
        while key in self._keys:
            key, number = f"{wanted}-{number}", number + 1
        self._keys.add(key)
        return key

    def _phase(self, group: Group, key: str, at: dict[str, str]) -> Phase:
        for app in group.apps:
            self.phase_of[app.id] = key
        more = len(group.streams) - 1
        title = self._title(group) + (f" and {more} more stream{'s' * (more > 1)}" if more else "")
        ours = set(group.streams)
        feeding = {at[u] for u, d in self._links.feeds if d in ours and u not in ours and u in at}
        after = {k for k in feeding if self._place[k] < self._place[key]}
        readers = 0
        for stream in group.streams:
            readers |= self._ground.readers.get(stream, 0)
        return self._made(
            key,
            title,
            "streams",
            group.apps,
            self._works.of(group.apps),
            streams=tuple(self._name(s) for s in group.streams),
            because=(*self._because(ours), *([FILLED] if group.filled else [])),
            after=tuple(sorted(after)),
            cut=(*self._cut(ours, at), *self._circles(feeding - after)),
            people=readers.bit_count(),
        )

    def _because(self, ours: set[str]) -> tuple[str, ...]:
        """A line for each kind of link, with the pairs of streams that it ties most."""
        pairs: dict[Kind, list[str]] = {kind: [] for kind in Kind}
        for a, b in self._links.strong():
            if {a, b} <= ours:
                for kind in sorted({kind for kind, _ in self._links.because[a, b]}):
                    pairs[kind].append(f"{self._name(a)} – {self._name(b)}")
        return tuple(f"{kind}: {_few(found)}" for kind, found in pairs.items() if found)

    def _cut(self, ours: set[str], at: dict[str, str]) -> tuple[str, ...]:
        crossing = sorted(
            (self._name(u), self._name(d), at[u])
            for u, d in self._links.chains
            if d in ours and u not in ours and u in at
        )
        return tuple(f"tasks of {d} follow tasks of {u} (phase {k})" for u, d, k in crossing)

    @staticmethod
    def _circles(later: set[str]) -> tuple[str, ...]:
        return tuple(
            f"also reads or follows phase {k}, which comes later: they need each other" for k in sorted(later)
        )

    def _personal_phases(self) -> list[Phase]:
        by_owner: dict[str, list[App]] = defaultdict(list)
        for app in self._personal:
            by_owner[app.owner.login].append(app)
        packs: list[list[App]] = []
        for login in sorted(by_owner, key=lambda o: (o.casefold(), o)):
            if not packs or len(packs[-1]) + len(by_owner[login]) > MOST:
                packs.append([])
            packs[-1] += by_owner[login]
        made = []
        for number, pack in enumerate(packs, 1):
            key = self._key("personal" if len(packs) == 1 else f"personal-{number}")
            for app in pack:
                self.phase_of[app.id] = key
            owners = list(dict.fromkeys(a.owner.login for a in pack))
            title = "Personal apps" + (f", part {number}" if len(packs) > 1 else "")
            made.append(
                self._made(
                    key,
                    title,
                    "personal",
                    pack,
                    self._works.of(pack),
                    owners=(owners[0], owners[-1]),
                    because=("unpublished apps, by their owners: nothing else depends on them",),
                    people=len(owners),
                )
            )
        return made

    def _foundation(self, at: dict[str, str]) -> tuple[Phase, ...]:
        """What more than one phase uses. It makes a space that the others refer to."""
        connections = _across(self._links.connections, at)
        files = _across(self._links.files, at)
        if not connections and not files:
            return ()
        shared = [f"connection {name} ({count} phases)" for name, count in connections]
        shared += [f"{path} ({count} phases)" for path, count in files]
        work = Work(writes=FOUNDATION_SPACE + len(connections))
        key = self._key("foundation")
        because = ("several phases use these: a space of its own keeps each of them in one place",)
        made = self._made(
            key, "Foundation: shared data", "foundation", [], work, shared=tuple(shared), because=because
        )
        return (made,)

    def _made(
        self,
        key: str,
        title: str,
        kind: str,
        apps: Sequence[App],
        work: Work,
        *,
        streams: tuple[str, ...] = (),
        shared: tuple[str, ...] = (),
        owners: tuple[str, ...] = (),
        because: tuple[str, ...] = (),
        after: tuple[str, ...] = (),
        cut: tuple[str, ...] = (),
        people: int = 0,
    ) -> Phase:
        needed = effort(work, self._ground.tenant)
        return Phase.model_validate(
            {
                "key": key,
                "title": title,
                "kind": kind,
                "streams": streams,
                "shared": shared,
                "owners": owners,
                "because": because,
                "after": after,
                "cut": cut,
                "apps": len(apps),
                "parts": parts([self._readiness[a.id] for a in apps]),
                "people": people,
                **needed.model_dump(),
            }
        )


FOUNDATION_SPACE = 2
"""Writes: the space and qlift's role in it. Its connections are one each."""


def parts(found: list[Readiness]) -> tuple[int, ...]:
    """How many of each readiness, best first."""
    return tuple(found.count(r) for r in Readiness)


def _few(reasons: list[str]) -> str:
    more = len(reasons) - 3
    return ", ".join(reasons[:3]) + (f" and {more} more" if more > 0 else "")


def _across(shared: dict[str, frozenset[str]], at: dict[str, str]) -> list[tuple[str, int]]:
    """What is used in several phases, and in how many; the most used first."""
    counts = {name: len({at[s] for s in streams if s in at}) for name, streams in shared.items()}
    return sorted(((n, c) for n, c in counts.items() if c > 1), key=lambda x: (-x[1], x[0]))


def with_phases(rows: tuple[AppRow, ...], phase_of: dict[str, str]) -> tuple[AppRow, ...]:
    return tuple(r.model_copy(update={"phase": phase_of.get(r.id, "")}) for r in rows)
