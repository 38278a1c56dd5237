"""Which job makes which object: the plan's jobs, each with its steps and what it selects.

Whatever the plan's errors (they may be waived), what comes out is whole: no object is left in it without what
it needs, and each has its job. Spaces that another phase makes are in none.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

from qlift.bundle.models import Stream
from qlift.derivation.context import Context, Place, SelectedApp, Site, properties_of
from qlift.derivation.desired import Desired, InJob, Job
from qlift.derivation.plan import STANDARD_JOBS, STEPS, JobPlan, JobSelection, Step

KIND_STEPS: dict[str, Step] = {
    "spaces": "spaces",
    "assignments": "permissions",
    "apps": "apps",
    "publications": "publications",
    "app_owners": "owners",
    "publication_owners": "owners",
    "space_owners": "owners",
    "schedules": "schedules",
}
"""By the lists of `Desired`. The tool's own assignments go with their spaces."""
NAMES_SHOWN = 5
_KEYS = ("streams", "tags", "owners", "custom_properties", "ids", "names")

Id = tuple[str, str]
"""List of `Desired`, and the object's logical name there."""


@dataclass(frozen=True)
class _Facts:
    """What a job may select by: of a source app, or of a space and its stream."""

    name: str
    ids: frozenset[str]
    streams: frozenset[str] = frozenset()
    """Id, name and former names."""
    tags: frozenset[str] = frozenset()
    owner: str = ""
    """Login without case."""
    properties: frozenset[tuple[str, str]] = frozenset()

    def values(self, key: str) -> Iterable[str]:
        """For messages: what stands there for this key of `select`."""
        if key == "custom_properties":
            return [f"{name}: {value}" for name, value in self.properties]
        if key in ("names", "owners"):
            return [self.name if key == "names" else self.owner]
        return cast(frozenset[str], getattr(self, key))


@dataclass(frozen=True)
class _Object:
    id: Id
    step: Step
    label: str
    facts: tuple[_Facts, ...]
    """Several: a staging space of several spaces, which the first job takes that takes one of them."""
    needs: tuple[Id, ...]


def in_jobs(
    context: Context, wanted: Desired, places: tuple[Place, ...], selected: tuple[SelectedApp, ...]
) -> Desired:
    plan = STANDARD_JOBS if context.plan.jobs == "standard" else context.plan.jobs
    objects = list(_objects(wanted, _Source(wanted, places, selected)))
    sorting = _Sorting(context, plan, objects)
    job_of = sorting.sorted()
    external = {("spaces", s.key) for s in wanted.spaces if s.external}
    lists = {
        kind: tuple(
            _in_job(found, job_of.get((kind, key), ""))
            for key, found in _keyed(wanted, kind)
            if (kind, key) in job_of or (kind, key) in external
        )
        for kind in KIND_STEPS
    }
    jobs = tuple(Job(key=j.key, name=j.name, steps=tuple(s for s in STEPS if s in j.steps)) for j in plan)
    return wanted.model_copy(update={"jobs": jobs, **lists})


def _in_job(found: InJob, job: str) -> InJob:
    """Most are in their job already; a large site has a hundred thousand."""
    return found if found.job == job else found.model_copy(update={"job": job})


def _keyed(wanted: Desired, kind: str) -> Iterator[tuple[str, InJob]]:
    name = {"space_owners": "space", "app_owners": "app", "publication_owners": "publication"}.get(
        kind, "key"
    )
    for found in cast(tuple[InJob, ...], getattr(wanted, kind)):
        yield getattr(found, name), found


class _Source:
    """Facts of what an object comes from, by logical name."""

    def __init__(self, wanted: Desired, places: tuple[Place, ...], selected: tuple[SelectedApp, ...]) -> None:
        by_id = {(s.site.name, s.app.id): s for s in selected}
        self.of_app = {a.key: _of_app(by_id[a.source.site, a.source.id]) for a in wanted.apps}
        self.of_space: dict[str, tuple[_Facts, ...]] = {p.key: (_of_place(p),) for p in places}
        staging: dict[str, list[_Facts]] = defaultdict(list)
        for place in places:
            if place.staging_key and place.staging_key not in self.of_space:
                staging[place.staging_key].append(_of_place(place))
        self.of_space |= {key: tuple(found) for key, found in staging.items()}


def _of_app(selected: SelectedApp) -> _Facts:
    app, site = selected.app, selected.site
    stream = site.streams.get(app.stream.id) if app.stream else None
    return _Facts(
        name=app.name,
        ids=frozenset({app.id}),
        streams=_stream_names(site, stream) if stream else frozenset(),
        tags=frozenset(t.name for t in app.tags),
        owner=app.owner.login.casefold(),
        properties=properties_of(app),
    )


def _of_place(place: Place) -> _Facts:
    stream, site = place.stream, place.site
    if stream is None or site is None:
        return _Facts(name=place.name, ids=frozenset({place.key}))
    return _Facts(
        name=place.name,
        ids=frozenset({stream.id}),
        streams=_stream_names(site, stream),
        tags=frozenset(t.name for t in stream.tags),
        owner=stream.owner.login.casefold() if stream.owner else "",
        properties=properties_of(stream),
    )


def _stream_names(site: Site, stream: Stream) -> frozenset[str]:
    return frozenset({stream.id, stream.name, *site.former_names(stream)})


def _objects(wanted: Desired, source: _Source) -> Iterator[_Object]:
    """All that the phase makes. Other phases' spaces are there already."""
    theirs = {s.key for s in wanted.spaces if s.external}
    space_names = {s.key: s.name for s in wanted.spaces}
    app_names = {a.key: a.name for a in wanted.apps}
    app_of = {p.key: p.app for p in wanted.publications}

    def space(key: str | None) -> tuple[Id, ...]:
        return () if key is None or key in theirs else (("spaces", key),)

    def about_space(kind: str, key: str, of: str, label: str, step: Step, *needs: Id) -> _Object:
        return _Object((kind, key), step, label, source.of_space[of], needs)

    def about_app(kind: str, key: str, app: str, label: str, *needs: Id) -> _Object:
        return _Object((kind, key), KIND_STEPS[kind], label, (source.of_app[app],), needs)

    for s in (s for s in wanted.spaces if not s.external):
        yield about_space("spaces", s.key, s.key, s.name, "spaces")
    for a in wanted.assignments:
        own = a.assignee.type == "self"
        label = f"{a.assignee.name or 'qlift itself'} in {space_names[a.space]}"
        yield about_space(
            "assignments", a.key, a.space, label, "spaces" if own else "permissions", *space(a.space)
        )
    for app in wanted.apps:
        yield about_app("apps", app.key, app.key, app.name, *space(app.space))
    for p in wanted.publications:
        yield about_app("publications", p.key, p.app, p.name, ("apps", p.app), *space(p.space))
    for o in wanted.app_owners:
        yield about_app("app_owners", o.app, o.app, app_names[o.app], ("apps", o.app))
    for po in wanted.publication_owners:
        app_key = app_of[po.publication]
        need = ("publications", po.publication)
        yield about_app("publication_owners", po.publication, app_key, app_names[app_key], need)
    for so in wanted.space_owners:
        yield about_space(
            "space_owners", so.space, so.space, space_names[so.space], "owners", *space(so.space)
        )
    for task in wanted.schedules:
        app_key = app_of[task.publication] if task.publication else task.app or ""
        need = ("publications", task.publication) if task.publication else ("apps", app_key)
        after = [("schedules", task.after)] if task.after else []
        yield about_app("schedules", task.key, app_key, task.name, need, *after)


@dataclass
class _Sorting:
    """Objects into jobs, with every error of the plan's jobs at once."""

    context: Context
    jobs: Sequence[JobPlan]
    objects: Sequence[_Object]
    taken: dict[Id, JobPlan] = field(default_factory=dict)

    def sorted(self) -> dict[Id, str]:
        """Key of each object's job; what is left out is not in it."""
        takes = {job.name: _takes(job.select, self.objects) for job in self.jobs if job.select}
        both: dict[tuple[str, str, Step], list[str]] = defaultdict(list)
        nobodys: dict[Step, list[str]] = defaultdict(list)
        for found in self.objects:
            with_step = [j for j in self.jobs if found.step in j.steps]
            takers = [j for j in with_step if j.select and takes[j.name] & set(found.facts)]
            rest = [j for j in with_step if j.select is None]
            for other in takers[1:] if len(found.facts) == 1 else ():
                both[takers[0].name, other.name, found.step].append(found.label)
            if takers or rest:
                self.taken[found.id] = (takers or rest)[0]
            else:
                nobodys[found.step].append(found.label)
        self._about_selections(takes)
        self._about_both(both)
        self._about_nobodys(nobodys)
        keys = {job.name: job.key for job in self.jobs}
        return {id_: keys[job.name] for id_, job in self._whole().items()}

    def _where(self, job: JobPlan) -> str:
        line = f" (plan.yaml:{job.line})" if job.line else ""
        return f"jobs.{self.jobs.index(job)}{line}"

    def _about_selections(self, takes: dict[str, frozenset[_Facts]]) -> None:
        used = {job.name for job in self.taken.values()}
        for job in self.jobs:
            if job.select is None:
                continue
            unknown = self._unknown(job, job.select)
            if job.name not in used and not unknown:
                taken_already = bool(takes[job.name])
                self.context.findings.error(
                    "JOB-EMPTY",
                    job.name,
                    f"{self._where(job)}: "
                    + (
                        "no object of its steps is left for it"
                        if taken_already
                        else "nothing of this phase satisfies all that `select` says"
                    ),
                    "correct `select`, or remove the job",
                )

    def _unknown(self, job: JobPlan, select: JobSelection) -> bool:
        """Values that nothing has which the job's steps could take."""
        pool = {f for o in self.objects if o.step in job.steps for f in o.facts}
        any_unknown = False
        for key in _KEYS:
            for given in _given(select, key):
                if any(_has(f, key, given) for f in pool):
                    continue
                any_unknown = True
                known = sorted({v for f in pool for v in f.values(key)})
                near = difflib.get_close_matches(given, known, n=1)
                hint = f"did you mean {near[0]}?" if near else "correct it, or widen the phase's own `select`"
                self.context.findings.error(
                    "JOB-SELECTS-UNKNOWN",
                    given,
                    f"{self._where(job)}.select.{key}: nothing that the steps of the job {job.name} could "
                    "take has this",
                    hint,
                )
        return any_unknown

    def _about_both(self, both: dict[tuple[str, str, Step], list[str]]) -> None:
        by_name = {job.name: job for job in self.jobs}
        for (first, second, step), labels in both.items():
            self.context.findings.error(
                "JOBS-OVERLAP",
                f"{first}, {second}",
                f"{self._where(by_name[second])}: both take the {step} of {_some(labels)}",
                f"narrow `select` of one of them: an object is in one job for the step {step}",
            )

    def _about_nobodys(self, nobodys: dict[Step, list[str]]) -> None:
        for step, labels in nobodys.items():
            if any(step in job.steps for job in self.jobs):
                self.context.findings.error(
                    "JOB-MISSING",
                    step,
                    f"no job takes the {step} of {_some(labels)}; what needs them is left out too",
                    f"widen `select` of a job, or add one with the step {step} and without `select`: it "
                    "takes what no other does",
                )
            else:
                self.context.findings.warning(
                    "STEP-LEFT-OUT",
                    step,
                    f"no job of the plan has this step: left out for {_some(labels)}",
                    "add the step to a job if this phase is to do it",
                )

    def _whole(self) -> dict[Id, JobPlan]:
        """Without what lacks something that it needs: an error where the cause is a step that nobody has."""
        kept = dict(self.taken)
        by_id = {o.id: o for o in self.objects}
        lacking: dict[tuple[str, Step, Step], list[str]] = defaultdict(list)
        again = True
        while again:
            again = False
            for found in self.objects:
                missing = [n for n in found.needs if n in by_id and n not in kept]
                if found.id not in kept or not missing:
                    continue
                job = kept.pop(found.id)
                again = True
                step = by_id[missing[0]].step
                if not any(step in j.steps for j in self.jobs):
                    lacking[job.name, found.step, step].append(found.label)
        by_name = {job.name: job for job in self.jobs}
        for (name, step, needed), labels in lacking.items():
            other_phase = (
                ", or say in `spaces` which phase makes the space (`of`)" if needed == "spaces" else ""
            )
            self.context.findings.error(
                "STEP-WITHOUT-PREREQUISITE",
                name,
                f"{self._where(by_name[name])}: the {step} of {_some(labels)} need the step {needed}, which "
                "no job has",
                f"add {needed} to a job{other_phase}",
            )
        return kept


def _takes(select: JobSelection, objects: Sequence[_Object]) -> frozenset[_Facts]:
    pool = {f for o in objects for f in o.facts}
    return frozenset(f for f in pool if _satisfies(f, select))


def _satisfies(facts: _Facts, select: JobSelection) -> bool:
    for key in _KEYS:
        given = _given(select, key)
        enough = all if key == "custom_properties" else any
        if given and not enough(_has(facts, key, value) for value in given):
            return False
    return True


def _given(select: JobSelection, key: str) -> tuple[str, ...]:
    if key == "custom_properties":
        return tuple(f"{name}: {value}" for name, value in select.custom_properties.items())
    return cast(tuple[str, ...], getattr(select, key))


def _has(facts: _Facts, key: str, given: str) -> bool:
    if key == "names":
        return _pattern(given).fullmatch(facts.name) is not None
    return (given.casefold() if key == "owners" else given) in facts.values(key)


def _pattern(given: str) -> re.Pattern[str]:
    text = re.escape(given).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(text, re.DOTALL)


def _some(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - NAMES_SHOWN} more" if len(labels) > NAMES_SHOWN else ""
    return ", ".join(labels[:NAMES_SHOWN]) + more
