"""`qlift import-dump`: files that people already have → a bundle."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from qlift.cli.export import SECONDS_BETWEEN_LINES, Data, Scope
from qlift.cli.progress import shown
from qlift.sources.dump import DumpReport, import_dump

SITE = r"^[a-z0-9][a-z0-9-]*$"


def import_dump_command(
    folder: Annotated[Path, typer.Argument(help="Holds JSON of the Repository Service, and app files.")],
    site: Annotated[str | None, typer.Option(help="Name of the site [the folder's].")] = None,
    out: Annotated[Path | None, typer.Option(help="The bundle's folder [exports/<site>].")] = None,
    data: Annotated[Data, typer.Option(help="The app files were exported with or without data.")] = Data.ALL,
    scope: Annotated[
        Scope, typer.Option(help="Which objects the app files hold. `approved` is the service's default.")
    ] = Scope.APPROVED,
    blobs: Annotated[str | None, typer.Option(help="App-file store, a folder or URL [<out>/blobs].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a bundle from raw answers of the Repository Service (curl, Qlik-Cli with -full -raw, QRS clients).

    One file a kind, such as apps.json; an array or {"value": [...]}; UTF-8 or UTF-16. App files are named by
    the app's id, or by its name where one app alone has it. What the bundle lacks is listed; it never calls
    itself complete.

    Example: qlift import-dump dump --site qs-prod --scope all

    Exit code 0: every kind was there. 1: kinds are missing, or files were refused or left unused.
    """
    name = site or folder.resolve().name.lower()
    if not re.match(SITE, name):
        typer.echo(
            f"`{name}` is no name of a site; give one with --site: small letters, digits and `-`", err=True
        )
        raise typer.Exit(2)
    target = out or Path("exports") / name
    with shown(sys.stderr, every=SECONDS_BETWEEN_LINES) as progress:
        report = import_dump(
            folder, target, site=name, data=data.value, scope=scope.value, blobs=blobs, progress=progress
        )
    if as_json:
        typer.echo(json.dumps(asdict(report) | {"bundle": str(target)}))
    else:
        _print(report, target)
    raise typer.Exit(1 if report.missing or report.unused else 0)


def _print(report: DumpReport, target: Path) -> None:
    counts = ", ".join(f"{n:,} {kind}" for kind, n in report.counts.items())
    typer.echo(
        f"{target}: {counts}; {report.app_files:,} app files, {report.scripts:,} load scripts, "
        f"{report.redactions:,} credentials taken out"
    )
    for line in report.missing:
        typer.echo(f"missing: {line}", err=True)
    for line in report.unused:
        typer.echo(f"not used: {line}", err=True)
    typer.echo("The bundle is not called complete: nobody knows what its makers could not see.", err=True)
