"""Reads what belongs to a phase from the repository: plan, bundles, people, waivers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from qlift.bundle import BlobStore, Bundle, BundleError, load_bundle
from qlift.bundle.layout import BLOBS
from qlift.derivation.derive import derive
from qlift.derivation.desired import Desired, Waiver
from qlift.derivation.former import ADOPTED, Adopted, load_adopted
from qlift.derivation.people import GroupRow, People, read_groups, read_users
from qlift.derivation.plan import Plan
from qlift.derivation.plan_file import PlanError, compose, load_plan, plain, twice

T = TypeVar("T")
WAIVERS = "waivers.yaml"


class PeopleFiles(BaseModel):
    """Where a target's users and groups stand."""

    model_config = ConfigDict(frozen=True)

    users: Path
    groups: Path
    target: str | None = None
    """Its name, by which `adopted.yaml` keeps what was there. None: adoption is not checked."""


def plan_path(root: Path, phase: str) -> Path:
    """`stacks/<phase>/plan.yaml`, or the file itself if `phase` names one."""
    return root / phase if phase.endswith((".yaml", ".yml")) else root / "stacks" / phase / "plan.yaml"


def bundle_folders(root: Path, plan: Plan) -> list[Path]:
    """In the order of `sources`. Raises `PlanError`."""
    problems: list[str] = []
    folders = [_inside(root, root, s.bundle, f"sources: {s.site}: bundle", problems) for s in plan.sources]
    if problems:
        raise PlanError(problems)
    return folders


def load_bundles(root: Path, plan: Plan) -> list[Bundle]:
    """Raises `PlanError` or `BundleError` with the problems of all of them."""
    problems: list[str] = []
    found: list[Bundle] = []
    for source, folder in zip(plan.sources, bundle_folders(root, plan), strict=True):
        try:
            bundle = load_bundle(folder)
        except BundleError as error:
            problems += error.problems
            continue
        if bundle.site != source.site:
            problems.append(
                f"{folder}: is of the site {bundle.site}, the plan says {source.site}; correct `sources`"
            )
        found.append(bundle)
    if problems:
        raise BundleError(problems)
    return found


def _inside(root: Path, folder: Path, given: str, where: str, problems: list[str]) -> Path:
    """`given` beside `folder`. Only an absolute path leads out of the repository, for then it is meant."""
    path = folder / given
    try:
        path.exists()
        within = Path(given).is_absolute() or path.resolve().is_relative_to(root.resolve())
    except (OSError, ValueError, RuntimeError) as error:
        # A name too long, a NUL in it, a circle of links.
        problems.append(f"{where}: {given}: no usable path ({error}); correct it")
        return path
    if not within:
        problems.append(
            f"{where}: {given} leads out of the repository; name it by its absolute path if that is meant"
        )
    return path


@dataclass(frozen=True)
class PhaseFiles:
    """What a phase is derived from, as read."""

    plan: Plan
    bundles: list[Bundle]
    people: People
    waivers: list[Waiver]
    adopted: Adopted | None = None

    def derive(self, as_of: date) -> Desired:
        return derive(self.bundles, self.plan, self.people, self.waivers, as_of, self.adopted)


def derive_phase(root: Path, phase: str, files: PeopleFiles, as_of: date) -> tuple[Plan, Desired]:
    """Raises `PlanError` or `BundleError`; what the plan says about the source comes as findings."""
    read = read_phase(root, phase, files)
    return read.plan, read.derive(as_of)


def read_phase(root: Path, phase: str, files: PeopleFiles) -> PhaseFiles:
    """Raises `PlanError` or `BundleError`."""
    path = plan_path(root, phase)
    plan = load_plan(path)
    problems = []
    if path.parent.name != plan.phase and path.parent.parent == root / "stacks":
        problems = [f"{path}: says `phase: {plan.phase}`, its folder {path.parent.name}; name both the same"]
    users = _tried(lambda: read_users(files.users), problems)
    groups = _tried(lambda: _groups(root, path.parent, plan, files), problems)
    waivers = _tried(lambda: _waivers(path.parent / WAIVERS), problems)
    file = _tried(lambda: [load_adopted(path.parent / ADOPTED)], problems)
    if problems:
        raise PlanError(problems)
    adopted = file[0].of(files.target) if files.target else None
    people = People(plan, users, groups)
    return PhaseFiles(plan, load_bundles(root, plan), people, waivers, adopted)


def _tried(read: Callable[[], list[T]], problems: list[str]) -> list[T]:
    """People want to hear of the problems of all files at once."""
    try:
        return read()
    except PlanError as error:
        problems += error.problems
        return []


def _groups(root: Path, folder: Path, plan: Plan, files: PeopleFiles) -> list[GroupRow]:
    """Of the target, then of the plan's own file: the later row of a group counts."""
    found = read_groups(files.groups)
    own = groups_map(root, folder, plan)
    return found if own is None else [*found, *read_groups(own)]


def groups_map(root: Path, folder: Path, plan: Plan) -> Path | None:
    """The file of `groups.map`, if the plan, which lies in `folder`, names one. Raises `PlanError`."""
    if plan.groups.map is None:
        return None
    problems: list[str] = []
    # A plan may lie outside the repository; its files are then beside it.
    within = root if folder.resolve().is_relative_to(root.resolve()) else folder
    own = _inside(within, folder, plan.groups.map, "groups.map", problems)
    if not problems and not own.exists():
        problems = [f"{own}: there is no such file; write it, or leave `groups.map` out"]
    if problems:
        raise PlanError(problems)
    return own


def phase_blobs(root: Path, phase: str) -> tuple[BlobStore, ...]:
    """The app-file stores of a phase's bundles. Raises `PlanError`."""
    problems: list[str] = []
    found = []
    for source in load_plan(plan_path(root, phase)).sources:
        folder = _inside(root, root, source.bundle, f"sources: {source.site}: bundle", problems)
        if source.blobs is None:
            found.append(BlobStore(str(folder / BLOBS)))
        elif "://" in source.blobs:
            found.append(BlobStore(source.blobs))
        else:
            where = f"sources: {source.site}: blobs"
            found.append(BlobStore(str(_inside(root, root, source.blobs, where, problems))))
    if problems:
        raise PlanError(problems)
    return tuple(found)


def _waivers(path: Path) -> list[Waiver]:
    if not path.exists():
        return []
    node = compose(path, path)
    content = plain(node, path) if node is not None else None
    if content is None:
        return []
    if not isinstance(content, list) or not isinstance(node, yaml.SequenceNode):
        raise PlanError([f"{path}: expected a list of waivers, each with code, object, owner, until"])
    problems = [f"{path}:{line}: the key `{key}` stands there twice; keep one" for key, line in twice(node)]
    found: list[Waiver] = []
    lines: dict[tuple[str, str], int] = {}
    for entry, at in zip(content, node.value, strict=True):
        line = at.start_mark.line + 1
        try:
            waiver = Waiver.model_validate(entry)
        except ValidationError as error:
            problems += [
                f"{path}:{line}: {'.'.join(map(str, e['loc'])) or 'waiver'}: {e['msg']}; a waiver has code, "
                "object, owner, until"
                for e in error.errors()
            ]
            continue
        if (first := lines.setdefault((waiver.code, waiver.object), line)) != line:
            problems.append(f"{path}:{line}: the same as line {first}; keep one of them")
        found.append(waiver)
    if problems:
        raise PlanError(problems)
    return found
