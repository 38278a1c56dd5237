"""Who will see what they could not see before, and who loses what: by space and app, counted and named."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass

from qlift.derivation.desired import Finding
from qlift.reports.review.model import Access, AppAccess, SpaceAccess, Who
from qlift.review.people import Directory, Person, Principal
from qlift.review.states import AppState, SpaceState, State, sees

WIDER_THAN_SOURCE = frozenset({"ACCESS-WIDENS", "SECTION-ACCESS-OPEN"})
"""Codes of findings which say that somebody may more than in the source."""
_NOBODY: tuple[frozenset[Person], frozenset[str]] = (frozenset(), frozenset())
_NONE: frozenset[str] = frozenset()


def access_of(before: State, after: State, directory: Directory, findings: Iterable[Finding]) -> Access:
    return _Comparison(before, after, directory).result(findings)


@dataclass(frozen=True)
class _Moved:
    """Between two audiences: people and groups that come, and that go."""

    come: frozenset[Person]
    go: frozenset[Person]
    groups_come: frozenset[str]
    groups_go: frozenset[str]


class _Comparison:
    def __init__(self, before: State, after: State, directory: Directory) -> None:
        self._before, self._after, self._directory = before, after, directory
        self._seen: dict[tuple[bool, str], tuple[frozenset[Person], frozenset[str]]] = {}
        self._moved: dict[tuple[str | None, str | None], _Moved] = {}
        self._sees: set[Person] = set()
        self._loses: set[Person] = set()
        self._counted: dict[int, Set[Person]] = {}

    def result(self, findings: Iterable[Finding]) -> Access:
        by_space: dict[str | None, list[str]] = {}
        for id_ in sorted({*self._before.apps, *self._after.apps}):
            app = self._after.apps.get(id_) or self._before.apps[id_]
            by_space.setdefault(app.space, []).append(id_)
        spaces = [
            self._space(key, by_space.get(key, []))
            for key in sorted({*self._before.spaces, *self._after.spaces})
        ]
        told = tuple(
            sorted(
                (s for s in spaces if s is not None), key=lambda s: (-s.loses, -s.sees, s.space.casefold())
            )
        )
        personal = self._apps(by_space.get(None, []))
        groups = {w.name for s in told for w in (*s.gain, *s.lose, *s.other) if w.type == "group"}
        members = {g: sorted(map(self._directory.name, self._directory.members(g))) for g in sorted(groups)}
        return Access(
            spaces=told,
            personal=personal,
            sees=len(self._sees),
            loses=len(self._loses),
            groups_see=tuple(sorted({g for m in self._moved.values() for g in m.groups_come})),
            groups_lose=tuple(sorted({g for m in self._moved.values() for g in m.groups_go})),
            members={g: tuple(m) for g, m in members.items() if m},
            wider=tuple(f for f in findings if f.code in WIDER_THAN_SOURCE),
        )

    def _space(self, key: str, ids: list[str]) -> SpaceAccess | None:
        """None: nothing changes for people."""
        was, will = self._before.spaces.get(key), self._after.spaces.get(key)
        shown = will or was
        assert shown is not None
        moved = self._between(key if was else None, key if will else None)
        self._count(moved.come, moved.go)
        gain, lose, other = self._people(was, will, moved)
        apps = self._apps(ids)
        if not (gain or lose or other or apps or was is None or will is None):
            return None
        return SpaceAccess(
            space=shown.name,
            type=shown.type,
            state="new" if was is None else "deleted" if will is None else "kept",
            sees=len(moved.come),
            loses=len(moved.go),
            gain=gain,
            lose=lose,
            other=other,
            apps=apps,
            unchanged_audience=len(ids) - len(apps),
        )

    def _people(
        self, was: SpaceState | None, will: SpaceState | None, moved: _Moved
    ) -> tuple[tuple[Who, ...], tuple[Who, ...], tuple[Who, ...]]:
        had, has = was.roles if was else {}, will.roles if will else {}
        gain, lose, other = [], [], []
        for who in sorted({*had, *has}):
            before, after = had.get(who, _NONE), has.get(who, _NONE)
            if before == after:
                continue
            told = self._who(who, before, after)
            if sees(after) and not sees(before) and self._any(who, moved.come, moved.groups_come):
                gain.append(told)
            elif sees(before) and not sees(after) and self._any(who, moved.go, moved.groups_go):
                lose.append(told)
            else:
                other.append(told)
        return tuple(gain), tuple(lose), tuple(other)

    def _any(self, who: Principal, people: frozenset[Person], groups: frozenset[str]) -> bool:
        if who[0] == "user":
            return who[1] in people
        return who[1] in groups or bool(self._directory.members(who[1]) & people)

    def _who(self, who: Principal, before: frozenset[str], after: frozenset[str]) -> Who:
        type_, name = who
        return Who(
            type=type_,
            name=name if type_ == "group" else self._directory.name(name),
            people=(len(self._directory.members(name)) or None) if type_ == "group" else 1,
            before=tuple(sorted(before)),
            after=tuple(sorted(after)),
        )

    def _apps(self, ids: list[str]) -> tuple[AppAccess, ...]:
        found = [self._app(self._before.apps.get(i), self._after.apps.get(i)) for i in ids]
        told = [a for a in found if a is not None]
        return tuple(sorted(told, key=lambda a: (-a.loses, -a.sees, a.app.casefold(), a.app)))

    def _app(self, was: AppState | None, will: AppState | None) -> AppAccess | None:
        """None: whoever sees it saw it before."""
        shown = will or was
        assert shown is not None
        moved = self._between(was.space if was else None, will.space if will else None)
        seen_before = self._audience(False, was.space)[0] if was else frozenset()
        seen_after = self._audience(True, will.space)[0] if will else frozenset()
        old_owner, new_owner = was.owner if was else None, will.owner if will else None
        come, go = set(), set()
        if new_owner and new_owner not in seen_before | seen_after and new_owner != old_owner:
            come.add(new_owner)
        if old_owner and old_owner not in seen_before | seen_after and new_owner != old_owner:
            go.add(old_owner)
        # Its owner saw it all along, or still does.
        known = {p for p in (old_owner,) if p in moved.come}
        stays = {p for p in (new_owner,) if p in moved.go}
        self._count(moved.come - known if known else moved.come, moved.go - stays if stays else moved.go)
        self._count(come, go)
        groups = moved.groups_come | moved.groups_go
        told = AppAccess(
            app=shown.name,
            sees=len(moved.come) - len(known) + len(come),
            loses=len(moved.go) - len(stays) + len(go),
            unknown_groups=tuple(sorted(groups)),
            owners=tuple(sorted(map(self._directory.name, come | go))),
        )
        return told if told.sees or told.loses or groups else None

    def _audience(self, after: bool, space: str | None) -> tuple[frozenset[Person], frozenset[str]]:
        state = (self._after if after else self._before).spaces.get(space or "")
        if space is None or state is None:
            return _NOBODY
        if (after, space) not in self._seen:
            self._seen[after, space] = state.seen_by(self._directory)
        return self._seen[after, space]

    def _between(self, was: str | None, will: str | None) -> _Moved:
        if (was, will) not in self._moved:
            (people, groups), (later, later_groups) = self._audience(False, was), self._audience(True, will)
            self._moved[was, will] = _Moved(
                later - people, people - later, later_groups - groups, groups - later_groups
            )
        return self._moved[was, will]

    def _count(self, come: Set[Person], go: Set[Person]) -> None:
        """The same large sets come again for every app of a space."""
        for total, people in ((self._sees, come), (self._loses, go)):
            if id(people) not in self._counted:
                total |= people
                self._counted[id(people)] = people
