"""How much there is to do: imports, writes, bytes, and the least time that the tenant's limits allow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from qlift.bundle.models import App
from qlift.derivation.assessment.ground import Ground
from qlift.derivation.assessment.model import Effort, TenantFacts

DAY_SECONDS = 86_400
IMPORT, DESCRIBE, PUBLISH, GIVE_OWNER = 1, 1, 1, 1
"""Writes of the steps that every app takes; each object that is given to its owner is one more.

Read off `qlift/cloud`: a floor, because putting a role back after an owner's change is not counted.
"""
UNKNOWN_APP = IMPORT + DESCRIBE + PUBLISH + GIVE_OWNER


@dataclass(frozen=True)
class Work:
    imports: int = 0
    writes: int = 0
    uploads: int = 0
    """Requests of uploads: they have a limit of their own."""
    bytes: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(
            self.imports + other.imports,
            self.writes + other.writes,
            self.uploads + other.uploads,
            self.bytes + other.bytes,
        )


def import_of(size: int, chunk: int, objects: int) -> Work:
    """Of an app file, with objects that are given to their owners. Both sizes in bytes."""
    requests = 1 + -(-size // chunk)
    return Work(imports=1, writes=IMPORT + objects, uploads=requests, bytes=size)


def app_work(size: int, chunk: int, objects: int) -> Work:
    return import_of(size, chunk, objects) + Work(writes=DESCRIBE)


def publication_work(mode: Literal["copy", "move"], size: int, chunk: int, objects: int) -> Work:
    return Work(writes=PUBLISH) + (import_of(size, chunk, objects) if mode == "move" else Work())


class Works:
    """What each app and space of the trial derivation costs."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        desired = ground.desired
        self._staged = {a.source.id: a for a in desired.apps}
        self._published = {p.app: p for p in desired.publications}
        self._owned = {o.app for o in desired.app_owners} | {
            o.publication for o in desired.publication_owners
        }
        self._schedules: dict[str, int] = defaultdict(int)
        for schedule in desired.schedules:
            self._schedules[schedule.publication or schedule.app or ""] += 1
        self._assignments: dict[str, int] = defaultdict(int)
        for assignment in desired.assignments:
            self._assignments[assignment.space] += 1

    def imports(self, app: App) -> int:
        return self.of_app(app).imports

    def of_app(self, app: App) -> Work:
        """Without its spaces. An app without a file is taken for a published one without extras."""
        staged = self._staged.get(app.id)
        if staged is None:
            size = self._ground.size(app) or 0
            others = UNKNOWN_APP - IMPORT
            return import_of(size, self._ground.tenant.upload_chunk, 0) + Work(writes=others)
        chunk = self._ground.tenant.upload_chunk
        work = app_work(staged.size, chunk, len(staged.object_owners))
        publication = self._published.get(staged.key)
        if publication is not None:
            work += publication_work(publication.mode, staged.size, chunk, len(publication.object_owners))
        others = GIVE_OWNER * (staged.key in self._owned) + self._schedules[staged.key]
        return work + Work(writes=others)

    def of_spaces(self, apps: Iterable[App]) -> Work:
        """The spaces that these apps lie in, with everybody's roles there."""
        spaces: set[str] = set()
        for app in apps:
            staged = self._staged.get(app.id)
            if staged is not None and staged.space is not None:
                spaces.add(staged.space)
                publication = self._published.get(staged.key)
                spaces |= {publication.space} if publication else set()
        return Work(writes=len(spaces) + sum(self._assignments[s] for s in spaces))

    def of(self, apps: Sequence[App]) -> Work:
        return sum((self.of_app(a) for a in apps), self.of_spaces(apps))


def effort(work: Work, tenant: TenantFacts) -> Effort:
    days = -(-work.imports // tenant.imports_per_day)
    floor = max(
        (days - 1) * DAY_SECONDS,
        _paced(work.writes, tenant.writes_per_minute, tenant),
        _paced(work.uploads, tenant.uploads_per_minute, tenant),
    )
    return Effort(
        imports=work.imports,
        writes=work.writes,
        bytes=work.bytes,
        import_days=days,
        floor_seconds=max(floor, 0),
    )


def _paced(requests: int, per_minute: int, tenant: TenantFacts) -> int:
    """Seconds before the last request may go: each window holds so many, the first ones go at once."""
    allowed = per_minute * tenant.window_seconds // 60
    return max(0, requests - 1) // allowed * tenant.window_seconds
