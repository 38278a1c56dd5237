"""`qlift export`: a source site → a bundle."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from qlift.cli.progress import shown
from qlift.sources.qlik_sense.client import SiteClient
from qlift.sources.qlik_sense.connection import load_connection
from qlift.sources.qlik_sense.export import ExportReport, export_site

INTERRUPTED = 130


class Data(StrEnum):
    ALL = "all"
    NONE = "none"


class Scope(StrEnum):
    ALL = "all"
    PUBLISHED = "published"
    APPROVED = "approved"


def export(
    site: Annotated[str, typer.Argument(help="Name of the site: stacks/sources/<site>.yaml describes it.")],
    source: Annotated[Path | None, typer.Option(help="Another file that describes it.")] = None,
    out: Annotated[Path | None, typer.Option(help="The bundle's folder [exports/<site>].")] = None,
    data: Annotated[Data, typer.Option(help="App files with or without data.")] = Data.ALL,
    scope: Annotated[Scope, typer.Option(help="Which objects app files hold.")] = Scope.ALL,
    blobs: Annotated[str | None, typer.Option(help="App-file store, a folder or URL [<out>/blobs].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read a Qlik Sense site into reviewable files; run again, it fetches what changed.

    Example: qlift export qs-prod --scope all

    Exit code 0: complete. 1: some app files failed, or the identity does not see everything.
    """
    connection = load_connection(source or Path("stacks/sources") / f"{site}.yaml")
    folder = out or Path("exports") / site
    client = SiteClient(connection)
    try:
        with shown(sys.stderr) as progress:
            report = export_site(
                client, folder, data=data.value, scope=scope.value, blobs=blobs, progress=progress
            )
    except KeyboardInterrupt:
        typer.echo(f"Interrupted. {folder} is unfinished; run the same command to go on.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        client.close()
    if as_json:
        typer.echo(json.dumps(asdict(report) | {"bundle": str(folder)}))
    else:
        _print(report, folder)
    raise typer.Exit(1 if report.failed or report.incomplete else 0)


def _print(report: ExportReport, folder: Path) -> None:
    typer.echo(
        f"{folder}: {report.apps} apps ({report.fetched} fetched, {report.unchanged} unchanged, "
        f"{len(report.failed)} failed), {report.redactions} credentials taken out"
    )
    for reason in report.incomplete:
        typer.echo(f"incomplete: {reason}", err=True)
    for failure in report.failed:
        typer.echo(f"failed: {failure}", err=True)
