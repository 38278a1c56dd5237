"""The program of a stack: its phase's desired state, declared job by job."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pulumi

from providers.delete_guard import DeleteGuard
from qlift.bundle import BundleError
from qlift.cloud.settings import SettingsError, load_target
from qlift.derivation import PeopleFiles, PlanError, derive_phase
from qlift.derivation.desired import Desired, Severity
from qlift.derivation.digest import Digests, phase_digests
from qlift.derivation.plan import Plan
from qlift.program.apps import declare_apps
from qlift.program.failures import hold_back_dependents
from qlift.program.job import Run
from qlift.program.owners import declare_owners
from qlift.program.permissions import declare_permissions
from qlift.program.publications import declare_publications
from qlift.program.reviewed import refusal
from qlift.program.schedules import declare_schedules
from qlift.program.spaces import declare_spaces

SKIP_CHECKPOINTS = "PULUMI_SKIP_CHECKPOINTS"


def declare_phase() -> None:
    """Raises `pulumi.RunError` with every error at once, before anything is declared."""
    hold_back_dependents()
    config = pulumi.Config("qlift")
    phase, target = config.require("phase"), config.require("target")
    # Today's date only expires waivers and what is over; schedules never anchor at it.
    plan, desired, digests = _derived(Path.cwd(), phase, target, datetime.now(UTC).date())
    if (not_reviewed := refusal(digests, pulumi.get_stack())) is not None:
        raise pulumi.RunError(not_reviewed)
    refuse_without_checkpoints(plan, os.environ)
    _report(desired, phase, target)
    declare(desired, stack=pulumi.get_stack(), provenance=plan.provenance, digests=digests.short())


def refuse_without_checkpoints(plan: Plan, environment: Mapping[str, str]) -> None:
    """A killed run would leave objects that neither the state nor their description knows as ours."""
    if plan.provenance == "none" and environment.get(SKIP_CHECKPOINTS, "").lower() in ("1", "true"):
        raise pulumi.RunError(
            f"the plan says `provenance: none`, so only the state knows what is qlift's: run it without "
            f"{SKIP_CHECKPOINTS}"
        )


def _derived(root: Path, phase: str, target: str, today: date) -> tuple[Plan, Desired, Digests]:
    try:
        settings = load_target(target, root)
        files = PeopleFiles(users=settings.users_file, groups=settings.groups_file, target=settings.name)
        plan, desired = derive_phase(root, phase, files, today)
        return plan, desired, phase_digests(root, phase, settings.path, files)
    except (SettingsError, PlanError, BundleError) as error:
        raise pulumi.RunError(f"phase {phase} cannot be derived:\n{error}") from None


def _report(desired: Desired, phase: str, target: str) -> None:
    if desired.errors:
        lines = [f"{f.object}: {f.message} -> {f.remedy} [{f.code}]" for f in desired.errors]
        count = "1 error" if len(lines) == 1 else f"{len(lines)} errors"
        raise pulumi.RunError(f"{count} in phase {phase}:\n" + "\n".join(f"  {x}" for x in lines))
    warnings = sum(f.severity is Severity.WARNING for f in desired.findings)
    notes = sum(f.severity is Severity.INFO for f in desired.findings)
    if warnings or notes:
        pulumi.info(
            f"{warnings} warnings and {notes} notes; `qlift phase show {phase} --target {target}` lists them"
        )


def declare(desired: Desired, *, stack: str, provenance: str, digests: Mapping[str, str]) -> None:
    """All jobs, step by step. Order is made by dependency edges, not by the order of these lines."""
    run = Run(desired, stack, provenance)
    spaces = declare_spaces(run)
    apps = declare_apps(run, spaces)
    publications = declare_publications(run, spaces, apps)
    permissions = declare_permissions(run, spaces)
    owners = declare_owners(run, spaces, permissions, apps, publications)
    declare_schedules(run, spaces, apps, publications, owners)
    after = pulumi.ResourceOptions(depends_on=list(run.jobs.values()))
    DeleteGuard("delete-guard", after, stack=stack, digests=digests)
