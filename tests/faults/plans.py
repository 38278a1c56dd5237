"""Random desired states: small, and such as the derivation makes them."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from hypothesis import strategies as st

from qlift.derivation.desired import (
    App,
    AppOwner,
    AppPublication,
    Assignee,
    Desired,
    Job,
    ObjectOwner,
    PublishedAppOwner,
    ReloadSchedule,
    Source,
    Space,
    SpaceAssignment,
    SpaceOwner,
)
from qlift.derivation.plan import STANDARD_JOBS
from qlift.derivation.spaces import WORKING_ROLES
from tests.faults.short import Short
from tests.faults.tenant import GROUP, PEOPLE, PRIVATE, subject

SITE = "qs"
LAB, ATTIC, FIN = "lab", "attic", "fin"
TYPES: dict[str, Literal["shared", "managed"]] = {LAB: "shared", ATTIC: "shared", FIN: "managed"}
NAMES = {LAB: ("Lab", "Laboratory"), ATTIC: ("Attic", "Loft"), FIN: ("Finance", "Finance Europe")}
APPS = ("ledger", "budget", "notes", "diary")
"""Published by move, with people's own content; published by copy or staged, without; staged, with; personal,
with."""
PERSONAL = "diary"
PUBLIC = "budget"
"""Without people's own content: as derivation would have it, such an app is published by copy."""

AppFile = Callable[[str, int, bool], tuple[str, int]]
"""Of a title, a version, and whether it holds people's own content: hash and size."""


@dataclass(frozen=True, repr=False)
class SpacePlan(Short):
    name: int = 0
    description: str = ""
    owner: str | None = None
    reader: Literal["", "person", "group"] = ""
    roles: tuple[str, ...] = ("consumer",)


@dataclass(frozen=True, repr=False)
class AppPlan(Short):
    version: int = 0
    title: int = 0
    space: str = LAB
    owner: str | None = None
    published: Literal["", "copy", "move"] = ""
    published_owner: str | None = None
    schedules: int = 0
    enabled: bool = True


@dataclass(frozen=True, repr=False)
class Plan(Short):
    """What a phase says. None: it does not name it."""

    lab: SpacePlan
    attic: SpacePlan | None = None
    fin: SpacePlan | None = None
    ledger: AppPlan | None = None
    budget: AppPlan | None = None
    notes: AppPlan | None = None
    diary: AppPlan | None = None


_person = st.sampled_from(PEOPLE)
_someone = st.none() | _person


def _spaces(roles: tuple[tuple[str, ...], ...]) -> st.SearchStrategy[SpacePlan]:
    return st.builds(
        SpacePlan,
        name=st.integers(0, 1),
        description=st.sampled_from(("", "Of the finance department")),
        owner=_someone,
        reader=st.sampled_from(("", "person", "group")),
        roles=st.sampled_from(roles),
    )


_SHARED = _spaces((("consumer",), ("consumer", "dataconsumer"), ("producer",)))
_MANAGED = _spaces((("consumer",), ("contributor",), ("facilitator",)))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    lab = draw(_SHARED)
    attic = draw(st.none() | _SHARED)
    fin = draw(st.none() | _MANAGED)
    places = [LAB] if attic is None else [LAB, ATTIC]

    def app(*ways: str) -> AppPlan | None:
        if not ways or not draw(st.booleans()):
            return None
        return draw(
            st.builds(
                AppPlan,
                version=st.integers(0, 1),
                title=st.integers(0, 1),
                space=st.sampled_from(places),
                owner=_someone,
                published=st.sampled_from(ways),
                published_owner=_someone,
                schedules=st.integers(0, 2),
                enabled=st.booleans(),
            )
        )

    return Plan(
        lab=lab,
        attic=attic,
        fin=fin,
        ledger=app(*(("move",) if fin else ())),
        budget=app(*(("", "copy") if fin else ("",))),
        notes=app(""),
        diary=app(""),
    )


def newer(plan: Plan) -> Plan:
    """The same, with other content in each app."""
    apps = {k: a for k in APPS if (a := getattr(plan, k)) is not None}
    return replace(plan, **{k: replace(a, version=1 - a.version) for k, a in apps.items()})


@functools.lru_cache(maxsize=50_000)
def desired(plan: Plan, app_file: AppFile) -> Desired:
    spaces = {k: s for k, s in ((LAB, plan.lab), (ATTIC, plan.attic), (FIN, plan.fin)) if s is not None}
    apps = {k: a for k in APPS if (a := getattr(plan, k)) is not None}
    schedules: list[ReloadSchedule] = []
    for key, app in apps.items():
        schedules += _schedules(key, app)
    whole = {k: app_file(k, a.version, k != PUBLIC) for k, a in apps.items()}
    # The origin of a publication holds nobody's own content.
    staged = {k: app_file(k, a.version, False) if a.published else whole[k] for k, a in apps.items()}
    return Desired(
        phase="demo",
        jobs=tuple(Job(key=j.name, name=j.name, steps=j.steps) for j in STANDARD_JOBS),
        spaces=tuple(
            Space(
                key=k,
                name=NAMES[k][s.name],
                type=TYPES[k],
                description=s.description,
                source=Source(site=SITE, id=k),
            )
            for k, s in spaces.items()
        ),
        space_owners=tuple(
            SpaceOwner(space=k, owner=_user(s.owner)) for k, s in spaces.items() if s.owner is not None
        ),
        assignments=tuple(a for k, s in spaces.items() for a in _assignments(k, s)),
        apps=tuple(
            App(
                key=_key(k),
                name=_title(k, a),
                description="",
                space=None if k == PERSONAL else a.space,
                source=Source(site=SITE, id=_hex(k, 32)),
                fingerprint=_hex(f"{k} {a.version}", 64),
                sha256=staged[k][0],
                size=staged[k][1],
                object_owners=() if a.published else _object_owners(k),
            )
            for k, a in apps.items()
        ),
        app_owners=tuple(
            AppOwner(app=_key(k), owner=_user(a.owner or PEOPLE[0]))
            for k, a in apps.items()
            if a.owner or k == PERSONAL
        ),
        publications=tuple(
            AppPublication(
                key=_key(k),
                app=_key(k),
                space=FIN,
                name=_title(k, a),
                mode="move" if a.published == "move" else "copy",
                object_owners=_object_owners(k),
                sha256=whole[k][0],
                size=whole[k][1],
                public_origin=True,
            )
            for k, a in apps.items()
            if a.published
        ),
        publication_owners=tuple(
            PublishedAppOwner(publication=_key(k), owner=_user(a.published_owner))
            for k, a in apps.items()
            if a.published and a.published_owner
        ),
        schedules=tuple(schedules),
    )


def _assignments(key: str, space: SpacePlan) -> list[SpaceAssignment]:
    made = [
        SpaceAssignment(
            key=f"{key}.self", space=key, assignee=Assignee(type="self"), roles=WORKING_ROLES[TYPES[key]]
        )
    ]
    readers = {
        "person": Assignee(type="user", name=subject("ann")),
        "group": Assignee(type="group", name=GROUP),
    }
    if space.reader:
        reader = readers[space.reader]
        made.append(
            SpaceAssignment(
                key=f"{key}.{reader.name.rpartition(chr(92))[2].lower()}",
                space=key,
                assignee=reader,
                roles=space.roles,
            )
        )
    return made


def _schedules(key: str, app: AppPlan) -> list[ReloadSchedule]:
    """A time trigger, and one that follows it."""
    made: list[ReloadSchedule] = []
    for number in range(app.schedules):
        mark = _hex(f"{key} schedule {number}", 12)
        made.append(
            ReloadSchedule(
                key=f"{key}.{mark}",
                name=f"Reload {key} {number} {mark}",
                mark=mark,
                source=Source(site=SITE, id=_hex(mark, 32)),
                app=None if app.published else _key(key),
                publication=_key(key) if app.published else None,
                enabled=app.enabled,
                recurrence=None if made else "RRULE:FREQ=DAILY",
                timezone=None if made else "Europe/Berlin",
                start=None if made else "2026-12-01T06:00:00",
                after=made[0].key if made else None,
                after_status="succeeded" if made else None,
            )
        )
    return made


def _object_owners(app: str) -> tuple[ObjectOwner, ...]:
    if app == PUBLIC:
        return ()
    return tuple(ObjectOwner(object=o, owner=_user(who)) for o, who in PRIVATE.items())


def _key(app: str) -> str:
    return f"{app}.{SITE}.{_hex(app, 32)[:12]}"


def _title(key: str, app: AppPlan) -> str:
    return (key.title(), f"{key.title()} of the group")[app.title]


def _user(name: str) -> Assignee:
    return Assignee(type="user", name=subject(name))


def _hex(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
