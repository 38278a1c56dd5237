"""Reads what belongs to a phase from the repository: plan, bundles, people, waivers."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from qlift.bundle import BlobStore, Bundle, BundleError, load_bundle
from qlift.bundle.layout import BLOBS
from qlift.derivation.derive import derive
from qlift.derivation.desired import Desired, Waiver
from qlift.derivation.people import GroupRow, People, read_groups, read_users
from qlift.derivation.plan import Plan
from qlift.derivation.plan_file import PlanError, load_plan

WAIVERS = "waivers.yaml"


class PeopleFiles(BaseModel):
    """Where a target's users and groups stand."""

    model_config = ConfigDict(frozen=True)

    users: Path
    groups: Path


def plan_path(root: Path, phase: str) -> Path:
    """`stacks/<phase>/plan.yaml`, or the file itself if `phase` names one."""
    return root / phase if phase.endswith((".yaml", ".yml")) else root / "stacks" / phase / "plan.yaml"


def load_bundles(root: Path, plan: Plan) -> list[Bundle]:
    """Raises `BundleError` with the problems of all of them."""
    found: list[Bundle] = []
    problems: list[str] = []
    for source in plan.sources:
        try:
            bundle = load_bundle(root / source.bundle)
        except BundleError as error:
            problems += error.problems
            continue
        if bundle.site != source.site:
            problems.append(
                f"{root / source.bundle}: is of the site {bundle.site}, the plan says {source.site}"
            )
        found.append(bundle)
    if problems:
        raise BundleError(problems)
    return found


def derive_phase(root: Path, phase: str, files: PeopleFiles, as_of: date) -> tuple[Plan, Desired]:
    """Raises `PlanError` or `BundleError`; what the plan says about the source comes as findings."""
    path = plan_path(root, phase)
    plan = load_plan(path)
    people = People(plan, read_users(files.users), _groups(path.parent, plan, files))
    return plan, derive(load_bundles(root, plan), plan, people, _waivers(path.parent / WAIVERS), as_of)


def _groups(folder: Path, plan: Plan, files: PeopleFiles) -> list[GroupRow]:
    """Of the target, then of the plan's own file: the later row of a group counts."""
    found = read_groups(files.groups)
    if plan.groups.map is None:
        return found
    own = folder / plan.groups.map
    if not own.exists():
        raise PlanError([f"{own}: there is no such file; write it, or leave `groups.map` out"])
    return [*found, *read_groups(own)]


def phase_blobs(root: Path, phase: str) -> tuple[BlobStore, ...]:
    """The app-file stores of a phase's bundles."""
    plan = load_plan(plan_path(root, phase))
    return tuple(BlobStore(s.blobs or str(root / s.bundle / BLOBS)) for s in plan.sources)


def _waivers(path: Path) -> list[Waiver]:
    if not path.exists():
        return []
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PlanError([f"{path}: not readable as YAML: {' '.join(str(error).split())}"]) from None
    if not isinstance(content, list):
        raise PlanError([f"{path}: expected a list of waivers (code, object, owner, until)"])
    found, problems = [], []
    for number, entry in enumerate(content, 1):
        try:
            found.append(Waiver.model_validate(entry))
        except ValidationError as error:
            problems += [
                f"{path}: waiver {number}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()
            ]
    if problems:
        raise PlanError(problems)
    return found
