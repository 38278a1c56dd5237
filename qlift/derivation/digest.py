"""Digests of all that a phase on a target is made from: what was reviewed, and whether that still holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from qlift.derivation.former import ADOPTED
from qlift.derivation.phase import PeopleFiles, bundle_folders, groups_map, plan_path
from qlift.derivation.plan_file import load_plan

_READ = (".json", ".csv", ".yaml", ".yml")
SHORT = 12
"""Hex digits of a digest that people compare."""


class Digests(BaseModel):
    """sha256 of each file, hex, by its path in the repository; each part's digest is of these lines.

    The manifest and the app files' list are part of `bundle`, and hold the hashes of everything else in it;
    what changes every night without anybody changing anything (`*.runtime.json`) is left out. The tenant is
    no part: other phases change it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    bundle: dict[str, str]
    plan: dict[str, str]
    """The phase's folder: plan, waivers and mappings; and the file of `groups.map`, wherever it is."""
    target: dict[str, str]
    """The target, its users and groups, and `adopted.yaml`: what was in each tenant before."""

    def short(self) -> dict[str, str]:
        """By part."""
        return {part: _of_lines(getattr(self, part))[:SHORT] for part in Digests.model_fields}

    def whole(self) -> str:
        """Of bundle and plan: equal for every target that a phase goes to."""
        return _of_lines({**self.bundle, **self.plan})[:SHORT]

    def changes_since(self, reviewed: Digests) -> list[str]:
        """Lines such as `plan: stacks/finance/plan.yaml changed`; empty when nothing did."""
        found = []
        for part in Digests.model_fields:
            was, now = getattr(reviewed, part), getattr(self, part)
            for path in sorted({*was, *now}):
                if was.get(path) != now.get(path):
                    what = (
                        "changed" if path in was and path in now else "is new" if path in now else "is gone"
                    )
                    found.append(f"{part}: {path} {what}")
        return found


def phase_digests(root: Path, phase: str, target: Path, people: PeopleFiles) -> Digests:
    """`target`: its file. Raises `PlanError`."""
    path = plan_path(root, phase)
    plan = load_plan(path)
    bundles = [f for folder in bundle_folders(root, plan) for f in _files(folder)]
    own = _files(path.parent) if path.name == "plan.yaml" else [path]
    groups = groups_map(root, path.parent, plan)
    former = path.parent / ADOPTED
    return Digests(
        bundle=_hashes(root, bundles),
        plan=_hashes(root, [*(f for f in own if f != former), *([groups] if groups else [])]),
        target=_hashes(root, [f for f in (target, people.users, people.groups, former) if f.exists()]),
    )


def _files(folder: Path) -> list[Path]:
    found = [p for p in folder.iterdir() if p.suffix in _READ and not p.name.endswith(".runtime.json")]
    return sorted(p for p in found if p.is_file() and not p.name.startswith("."))


def _hashes(root: Path, paths: Iterable[Path]) -> dict[str, str]:
    return {_named(root, p): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def _named(root: Path, path: Path) -> str:
    whole, base = path.resolve(), root.resolve()
    return whole.relative_to(base).as_posix() if whole.is_relative_to(base) else path.as_posix()


def _of_lines(files: dict[str, str]) -> str:
    lines = "".join(f"{digest}  {path}\n" for path, digest in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
