"""Which objects the plan wants adopted, and what `adopted.yaml` says about each of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from qlift.derivation.desired import Desired
from qlift.derivation.findings import Findings
from qlift.derivation.former import KINDS, NEW, Adopted, Kind
from qlift.derivation.names import slug
from qlift.derivation.plan import AdoptPlan

_WORDS = {"spaces": "space", "assignments": "assignment", "apps": "app", "schedules": "schedule"}


def with_adoption(
    desired: Desired, plan: AdoptPlan, named_spaces: set[str], adopted: Adopted | None, findings: Findings
) -> Desired:
    """`named_spaces`: keys of those that say `adopt: true` themselves. Without `adopted`: wishes alone."""
    wishes = _Wishes(plan, adopted, findings)
    spaces = tuple(
        wishes.granted(
            "spaces",
            s,
            (s.key, s.name),
            of_itself=s.key in named_spaces,
            never=_OF_OTHERS if s.external else "",
        )
        for s in desired.spaces
    )
    taken = {s.key: s.former for s in spaces if s.former is not None}
    published = {p.app for p in desired.publications}
    apps = tuple(
        wishes.granted("apps", a, (a.key, a.name, a.source.id), never=_why_not(a.space, a.key in published))
        for a in desired.apps
    )
    owned = {a.key: a.former.owner for a in apps if a.former is not None}
    # What a person had in a space before would otherwise be taken for ours, and removed by an undo.
    assignments = tuple(
        wishes.granted("assignments", a, (a.key,), of_itself=a.space in taken) for a in desired.assignments
    )
    schedules = tuple(wishes.granted("schedules", s, (s.key, s.name)) for s in desired.schedules)
    wishes.report(len(owned), sum(s.former is not None for s in schedules))
    return desired.model_copy(
        update={
            "spaces": spaces,
            "space_owners": tuple(
                o.model_copy(update={"former": taken[o.space].owner}) if o.space in taken else o
                for o in desired.space_owners
            ),
            "assignments": assignments,
            "apps": apps,
            "app_owners": tuple(
                o.model_copy(update={"former": owned[o.app]}) if o.app in owned else o
                for o in desired.app_owners
            ),
            "schedules": schedules,
        }
    )


_OF_OTHERS = "another phase makes it"


def _why_not(space: str | None, published: bool) -> str:
    if published:
        return "it is published, and nobody has compared the content that would be published"
    return "" if space else "it is in a personal space, whose content is its owner's alone"


@dataclass
class _Wishes:
    plan: AdoptPlan
    adopted: Adopted | None
    findings: Findings
    _missing: list[str] = field(default_factory=list)
    _granted: dict[Kind, set[str]] = field(default_factory=lambda: {k: set() for k in KINDS})
    _met: dict[Kind, set[str]] = field(default_factory=lambda: {k: set() for k in KINDS})

    def granted(
        self, kind: Kind, wanted: Any, names: Iterable[str], *, of_itself: bool = False, never: str = ""
    ) -> Any:
        """The object, with `adopt` and `former`. `never`: why such a one cannot be adopted."""
        listed = getattr(self.plan, kind)
        named = (
            set() if isinstance(listed, bool) else {w for w in listed if w in names or slug(w) == wanted.key}
        )
        self._met[kind] |= named
        if not (named or of_itself or listed is True):
            return wanted
        if never:
            if named:
                self.findings.error(
                    "ADOPT-REFUSED",
                    wanted.key,
                    f"the plan adopts this {_WORDS[kind]}, which cannot be: {never}",
                    f"take it out of adopt.{kind}",
                )
            return wanted
        if self.adopted is None:
            return wanted.model_copy(update={"adopt": True})
        key = self.adopted.key_of(kind, wanted.key, getattr(wanted, "former_keys", ()))
        entry = NEW if key is None else self.adopted.of(kind)[key]
        self._granted[kind].add(key or wanted.key)
        if key is None:
            self._missing.append(wanted.key)
        former = None if entry == NEW else entry
        return wanted.model_copy(update={"adopt": True, "former": former})

    def report(self, apps: int, schedules: int) -> None:
        for kind in KINDS:
            listed = getattr(self.plan, kind)
            for word in [] if isinstance(listed, bool) else sorted(set(listed) - self._met[kind]):
                self.findings.error(
                    "ADOPT-UNKNOWN",
                    word,
                    f"adopt.{kind} names what this phase does not have",
                    "name it as `qlift phase show --json` does (`key` or `name`), or take it out",
                )
            for key in sorted(set(self.adopted.of(kind)) - self._granted[kind]) if self.adopted else ():
                self.findings.info(
                    "ADOPTED-UNUSED",
                    key,
                    f"adopted.yaml holds this {_WORDS[kind]}, which the plan does not adopt",
                    "remove it from adopted.yaml once an `up` has given back what was adopted",
                )
        for key in self._missing:
            self.findings.error(
                "ADOPTED-MISSING",
                key,
                "it is to be adopted, and adopted.yaml does not say what it was before",
                "run `qlift adopt <stack>`, review what it wrote, and commit it",
            )
        if apps:
            self.findings.warning(
                "ADOPTED-CONTENT",
                f"{apps} apps",
                "they are adopted with the content that they have in the tenant: nobody has compared it with "
                "the source, and what changes in the source does not get there",
                "leave an app out of `adopt` to have its content migrated",
            )
        if schedules:
            self.findings.warning(
                "ADOPTED-TASKS",
                f"{schedules} schedules",
                "whoever writes a task becomes its owner: adopted ones are the tool's, also after an undo",
                "give them to a person in the tenant if that matters, by editing them as that person",
            )
