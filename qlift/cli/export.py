"""`qlift export`: a source site → a bundle."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from qlift.bundle import Writer
from qlift.bundle.change_report import LIMIT
from qlift.bundle.change_report import report as changes_text
from qlift.bundle.changes import compare
from qlift.bundle.files import write_text
from qlift.bundle.layout import MANIFEST
from qlift.bundle.models import Manifest
from qlift.bundle.staging import CHANGES
from qlift.cli.progress import shown
from qlift.sources.progress import size_text
from qlift.sources.qlik_sense.client import SiteClient
from qlift.sources.qlik_sense.connection import load_connection
from qlift.sources.qlik_sense.export import PARALLEL, ExportReport, export_site

INTERRUPTED = 130
SECONDS_BETWEEN_LINES = 10.0
NOTES_SHOWN = 20


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
    parallel: Annotated[int, typer.Option(min=1, max=32, help="Calls and app files at once.")] = PARALLEL,
    since_report: Annotated[
        Path | None, typer.Option(help="Write here, as Markdown, what changed since the last export.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read a Qlik Sense site into reviewable files; run again, it fetches what changed.

    Until an export is complete, the former bundle stays as it is; an interrupted one goes on where it was.
    Single apps are exported otherwise by stacks/sources/<site>.apps.csv (columns app,data,scope,skip).

    Example: qlift export qs-prod

    Example: qlift export qs-prod --data none --since-report changes.md

    Exit code 0: complete. 1: something failed, or the identity does not see everything; the messages say
    what to do. 2: wrong usage or configuration. 130: interrupted, run again to go on.
    """
    connection = load_connection(source or Path("stacks/sources") / f"{site}.yaml")
    folder = out or Path("exports") / site
    client = SiteClient(connection)
    try:
        with shown(sys.stderr, every=SECONDS_BETWEEN_LINES) as progress:
            report = export_site(
                client,
                folder,
                data=data.value,
                scope=scope.value,
                blobs=blobs,
                progress=progress,
                parallel=parallel,
                before_commit=lambda writer, manifest: _compare(since_report, writer, manifest),
            )
    except KeyboardInterrupt:
        typer.echo(f"Interrupted. What is done is kept in {folder}; run the same command to go on.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        client.close()
    if as_json:
        typer.echo(json.dumps(asdict(report) | {"bundle": str(folder)}))
    else:
        _print(report, folder)
    raise typer.Exit(1 if report.failed or report.incomplete else 0)


def _compare(target: Path | None, writer: Writer, manifest: Manifest) -> None:
    if target is None:
        return
    path = writer.path / MANIFEST
    former = Manifest.model_validate_json(path.read_text(encoding="utf-8")) if path.exists() else None
    text = changes_text(former, manifest, compare(writer) if former else ())
    if writer.recovered:
        # The export before this one is in place only now, and nobody has read what it changed.
        text = f"{text}\n{writer.recovered}"[:LIMIT]
    write_text(writer.unfinished / CHANGES, text)
    write_text(target, text)


def _print(report: ExportReport, folder: Path) -> None:
    skipped = f", {report.skipped} skipped" if report.skipped else ""
    typer.echo(
        f"{folder}: {report.apps:,} apps ({report.fetched:,} fetched, {size_text(report.bytes)}; "
        f"{report.unchanged:,} unchanged, {len(report.failed):,} failed{skipped}), "
        f"{report.redactions:,} credentials taken out"
    )
    for word, lines in (("note", report.notes), ("incomplete", report.incomplete), ("failed", report.failed)):
        for line in lines[:NOTES_SHOWN]:
            typer.echo(f"{word}: {line}", err=True)
        if len(lines) > NOTES_SHOWN:
            typer.echo(f"{word}: and {len(lines) - NOTES_SHOWN:,} more; --json lists all", err=True)
    if report.incomplete:
        typer.echo("The bundle is NOT complete; its manifest says so.", err=True)
