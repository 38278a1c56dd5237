"""`qlift phase`: a new plan, and what a plan means, without asking the tenant."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
import yaml

from qlift.bundle import BundleError, load_bundle
from qlift.cloud.settings import SettingsError, load_target
from qlift.derivation import PeopleFiles, PlanError, derive_phase
from qlift.derivation.desired import Desired
from qlift.derivation.phase import plan_path
from qlift.derivation.plan import PHASE_NAME
from qlift.derivation.plan_schema import schema_text
from qlift.derivation.template import SCHEMA, named_streams, plan_text

phase = typer.Typer(no_args_is_help=True, help="Plans: what goes where.")

ERRORS, UNUSABLE = 1, 2


@phase.command()
def new(
    name: Annotated[str, typer.Argument(help="Of the phase: small letters, digits and `-`.")],
    streams: Annotated[
        list[str] | None,
        typer.Option("--from", help="Name or id of a stream; give it several times. Default: all streams."),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(help="What `qlift export` wrote, such as exports/qs-prod. Default: the only one there."),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Also make a stack of this name for stacks/targets/<target>.yaml.")
    ] = None,
) -> None:
    """Write stacks/<name>/plan.yaml with everything explained in it, the standard jobs written out.

    Example: qlift phase new finance --from Finance --from "Finance Lab" --target prod

    Exit code 2: a stream is unknown or ambiguous, there is no bundle, or the plan exists.
    """
    path = plan_path(Path(), name)
    if not re.fullmatch(PHASE_NAME, name):
        _stop(f"{name}: a phase's name has small letters, digits and `-`, and begins with a letter or digit")
    if path.exists():
        _stop(f"{path} exists; edit it, or choose another name")
    folder = bundle or _only_bundle()
    try:
        exported = load_bundle(folder)
        chosen = named_streams(exported, streams or [])
    except (BundleError, PlanError) as error:
        _stop(str(error))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(plan_text(name, exported, folder.as_posix(), chosen), encoding="utf-8")
    schema_file = path.parent.parent / SCHEMA
    if not schema_file.exists():
        schema_file.write_text(schema_text(), encoding="utf-8")
    ids = {s.id for s in chosen}
    apps = (
        sum(a.stream is not None and a.stream.id in ids for a in exported.apps)
        if streams
        else len(exported.apps)
    )
    typer.echo(f"{path}: {len(chosen)} streams, {apps} apps. Next:")
    typer.echo("  cut it down to what belongs to this phase")
    if target is not None:
        stack = Path("stacks") / f"Pulumi.{name}-{target}.yaml"
        if not stack.exists():
            settings = {"config": {"qlift:target": target, "qlift:phase": name}}
            stack.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        typer.echo(f"  qlift users {target} --phase {name}     who is who in the tenant")
        typer.echo(f"  qlift phase show {name} --target {target}")
        typer.echo(f"  pulumi stack init {name}-{target} && qlift review {name}-{target}")
    else:
        typer.echo(f"  qlift phase show {name}")


def _only_bundle() -> Path:
    found = sorted(p.parent for p in Path("exports").glob("*/manifest.json"))
    if len(found) != 1:
        there = f"there are {', '.join(map(str, found))}" if found else "`qlift export` writes one"
        _stop(f"say which bundle the plan is for (--bundle): {there}")
    return found[0]


@phase.command()
def schema() -> None:
    """Print the JSON Schema of plan.yaml, from which editors complete and explain it.

    It is kept in stacks/plan.schema.json; a plan names it in its first line.

    Example: qlift phase schema > stacks/plan.schema.json
    """
    typer.echo(schema_text(), nl=False)


@phase.command()
def show(
    name: Annotated[str, typer.Argument(help="Of the phase, or the path of a plan.")],
    target: Annotated[
        str | None, typer.Option(help="Whose users and groups count: a target's name or file.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object: all that is wanted.")
    ] = False,
) -> None:
    """Show what the plan means: how many objects, and every finding. Asks neither source nor tenant.

    Exit code 0: no errors. 1: findings that stop a preview. 2: plan or bundle cannot be read.
    """
    root = Path()
    try:
        files = _people(root, target)
        _, desired = derive_phase(root, name, files, datetime.now(UTC).date())
    except (PlanError, BundleError, SettingsError) as error:
        _stop(str(error))
    if as_json:
        typer.echo(desired.model_dump_json(indent=2))
    else:
        _print(desired)
    raise typer.Exit(ERRORS if desired.errors else 0)


def _people(root: Path, target: str | None) -> PeopleFiles:
    if target is None:
        nobody = root / "stacks" / "targets"
        return PeopleFiles(users=nobody / ".users.csv", groups=nobody / ".groups.csv")
    settings = load_target(target, root)
    return PeopleFiles(users=settings.users_file, groups=settings.groups_file, target=settings.name)


def _print(desired: Desired) -> None:
    counts = {
        "spaces": len(desired.spaces),
        "role assignments": len(desired.assignments),
        "apps": len(desired.apps),
        "publications": len(desired.publications),
        "owners": len(desired.space_owners) + len(desired.app_owners) + len(desired.publication_owners),
        "schedules": len(desired.schedules),
    }
    typer.echo(f"Phase {desired.phase}: " + ", ".join(f"{n} {what}" for what, n in counts.items()))
    for finding in desired.findings:
        typer.echo(f"{finding.severity}: {finding.object}: {finding.message} [{finding.code}]")
        typer.echo(f"    {finding.remedy}")


def _stop(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(UNUSABLE) from None
