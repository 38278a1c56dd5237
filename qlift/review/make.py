"""From a stack to its review. Asks the engine and the tenant, and writes nothing to either.

The one file of the repository that it may write is `adopted.yaml`.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from providers.conflicts import VARIABLE as CONFLICTS
from qlift.cloud.client import Client
from qlift.cloud.index import Index
from qlift.cloud.settings import SettingsError, Target, connect_target, credentials_from, load_target
from qlift.derivation import PeopleFiles
from qlift.derivation.desired import Desired
from qlift.derivation.digest import Digests, phase_digests
from qlift.derivation.members import SourceMembers
from qlift.derivation.phase import PhaseFiles, read_phase
from qlift.pulumi_cli import Engine, EngineError
from qlift.pulumi_cli.preview import Previewed, preview
from qlift.reports.review.model import Access, Review
from qlift.review.access import access_of
from qlift.review.adopted import adopted_path, other_errors, write_missing
from qlift.review.changes import app_names, changes_of, conflicts_of, drift_of
from qlift.review.effort import effort_of
from qlift.review.people import Directory
from qlift.review.promotion import not_promoted
from qlift.review.states import states

KEYS = ("apiKey", "clientId", "clientSecret")


@dataclass(frozen=True)
class Stack:
    """A stack's settings. `env`: what the engine runs with."""

    root: Path
    name: str
    engine: Engine
    env: Mapping[str, str]
    config_file: Path | None = None

    @property
    def short_name(self) -> str:
        """Without the organization that Pulumi Cloud puts before it."""
        return self.name.rpartition("/")[2]

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("--config-file", str(self.config_file)) if self.config_file else ()

    def settings(self) -> dict[str, str]:
        """Secrets too, decrypted. Raises `EngineError`."""
        command = ["config", "--json", "--show-secrets", "-s", self.name, *self.arguments]
        done = self.engine.run(command, cwd=self.root, env=self.env)
        if done.returncode:
            # Never its standard output: that is where secrets are.
            raise EngineError(f"the settings of the stack {self.name} cannot be read: {done.stderr.strip()}")
        return {k: str(v["value"]) for k, v in json.loads(done.stdout or "{}").items() if "value" in v}


def review_stack(
    stack: Stack,
    as_of: date,
    *,
    save_plan: Path | None,
    promoted_from: str = "",
    progress: Callable[[str], None],
) -> Review:
    """`save_plan`: where Pulumi's update plan goes, which is written only if it can be applied.
    `promoted_from`: the stack whose bundle and plan these have to be.

    Former values of what is to be adopted, where `adopted.yaml` lacks them, are looked up and written there.

    Raises `EngineError`, `SettingsError`, `PlanError`, `BundleError`, `CloudError`.
    """
    if save_plan is not None:
        # Whatever comes of this review, the plan of an earlier one is not its plan.
        save_plan.unlink(missing_ok=True)
    progress("reading the stack's settings")
    settings = stack.settings()
    phase, target_name = settings.get("qlift:phase"), settings.get("qlift:target")
    if not phase or not target_name:
        raise SettingsError(
            f"the stack {stack.name} lacks qlift:phase or qlift:target; set them in "
            f"stacks/Pulumi.{stack.short_name}.yaml"
        )
    target = load_target(target_name, stack.root)
    people = PeopleFiles(users=target.users_file, groups=target.groups_file, target=target.name)
    progress("reading plan and bundle")
    read = read_phase(stack.root, phase, people)
    desired = read.derive(as_of)
    first: list[str] = []
    if desired.errors and not other_errors(desired):
        progress("reading what is to be adopted")
        first = _adopted(stack, phase, target, settings, desired)
        read = read_phase(stack.root, phase, people)
        desired = read.derive(as_of)
    digests = phase_digests(stack.root, phase, target.path, people)
    if promoted_from:
        progress(f"reading the state of {promoted_from}")
        if differs := not_promoted(stack.engine, stack.root, stack.env, promoted_from, digests):
            first, promoted_from = [*first, *differs], ""
    made = _Parts(
        stack, target, target_name, read, desired, digests, as_of, settings, tuple(first), promoted_from
    )
    if desired.errors:
        return made.without_preview()
    previewed, noted, update_plan = previewed_stack(stack, progress, want_plan=save_plan is not None)
    progress("comparing who sees what")
    done = made.review(previewed, noted)
    if save_plan is None or update_plan is None or not done.applicable:
        return done
    save_plan.parent.mkdir(parents=True, exist_ok=True)
    save_plan.write_bytes(update_plan)
    return done.model_copy(update={"update_plan": hashlib.sha256(update_plan).hexdigest()})


def _adopted(
    stack: Stack, phase: str, target: Target, settings: Mapping[str, str], desired: Desired
) -> list[str]:
    """What people have to do about what was found, and written down."""
    path = adopted_path(stack.root, phase)
    with closing(_connected(target, settings)) as client:
        looked = write_missing(path, target, client, desired, stack.short_name)
    written = sum(len(of) for of in looked.added.values())
    where = path.relative_to(stack.root) if path.is_relative_to(stack.root) else path
    done = [
        f"{written} object{'s' * (written > 1)} to be adopted now stand{'s' * (written == 1)} in "
        f"{where} with the former values; read it, commit it, and review again"
    ]
    return [*(done if written else []), *looked.problems]


def _connected(target: Target, settings: Mapping[str, str]) -> Client:
    own = {k: v for k in KEYS if (v := settings.get(f"qlift:{k}"))}
    return connect_target(target, credentials_from(target, own, os.environ))


def previewed_stack(
    stack: Stack, progress: Callable[[str], None], *, want_plan: bool
) -> tuple[Previewed, list[dict[str, str]], bytes | None]:
    """The preview, the conflicts that the providers noted in it, and the update plan."""
    with tempfile.TemporaryDirectory() as folder:
        conflicts, plan = Path(folder) / "conflicts", Path(folder) / "plan"
        found = preview(
            stack.engine,
            stack.root,
            stack.name,
            {**stack.env, CONFLICTS: str(conflicts)},
            args=(*stack.arguments, *(("--save-plan", str(plan)) if want_plan else ())),
            progress=progress,
        )
        lines = conflicts.read_text(encoding="utf-8").splitlines() if conflicts.exists() else []
        noted = [json.loads(x) for x in lines]
        found.warnings += sorted({n["warning"] for n in noted if "warning" in n})
        conflicts_noted = [n for n in noted if "warning" not in n]
        return found, conflicts_noted, plan.read_bytes() if plan.exists() else None


def _in_order(planned: Sequence[str], jobs: set[str]) -> tuple[str, ...]:
    """As in the plan; then those that it has no more, then what is in none."""
    others = sorted(j for j in jobs if j and j not in planned)
    return (*(j for j in planned if j in jobs), *others, *([""] if "" in jobs else []))


@dataclass(frozen=True)
class _Parts:
    stack: Stack
    target: Target
    target_name: str
    read: PhaseFiles
    desired: Desired
    digests: Digests
    as_of: date
    settings: Mapping[str, str]
    first: tuple[str, ...]
    promoted_from: str

    def without_preview(self) -> Review:
        """The plan has errors: the program would stop at them, before anything is compared."""
        count = len(self.desired.errors)
        why = f"the plan has {count} error{'s' * (count > 1)}: nothing was compared with the tenant"
        nothing = Access(
            spaces=(), personal=(), sees=0, loses=0, groups_see=(), groups_lose=(), members={}, wider=()
        )
        return self._review(Previewed(ok=False, errors=[why]), [], nothing)

    def review(self, previewed: Previewed, noted: list[dict[str, str]]) -> Review:
        with closing(_connected(self.target, self.settings)) as client:
            index = Index(client)
            directory = Directory(index, SourceMembers(self.read), client.me().id)
            before, after = states(index, directory, previewed.steps)
            access = access_of(before, after, directory, self.desired.findings)
        return self._review(previewed, noted, access)

    def _review(self, previewed: Previewed, noted: list[dict[str, str]], access: Access) -> Review:
        apps = app_names(self.desired, previewed.steps)
        changes = changes_of(previewed.steps, apps)
        conflicts = conflicts_of(noted, changes)
        return Review(
            stack=self.stack.short_name,
            phase=self.desired.phase,
            target=self.target_name,
            tenant=self.target.url,
            as_of=self.as_of,
            engine=self.stack.engine.version,
            applicable=previewed.ok and not conflicts and not self.first,
            errors=tuple(previewed.errors),
            warnings=tuple(previewed.warnings),
            first=self.first,
            promoted_from=self.promoted_from,
            changes=changes,
            unchanged=previewed.unchanged,
            jobs=_in_order([j.key for j in self.desired.jobs], {s.job for s in previewed.steps}),
            conflicts=conflicts,
            drift=drift_of(previewed, apps),
            access=access,
            findings=self.desired.findings,
            waivers=tuple(self.read.waivers),
            effort=effort_of(previewed.steps, self.target),
            imports_per_day=self.target.imports_per_day,
            digests=self.digests,
            digest=self.digests.whole(),
            update_plan="",
        )
