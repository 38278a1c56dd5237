"""`qlift log`: what runs of a stack changed, request by request or object by object."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer

from qlift.bundle.files import write_text
from qlift.cloud.log import LogError
from qlift.cloud.log_files import Line, follow, log_files, of_object, read_lines
from qlift.cloud.settings import SettingsError
from qlift.reports.outcomes import csv_of, outcomes

SECONDS_BETWEEN_LOOKS = 0.5


def log(
    stack: Annotated[str, typer.Argument(help="Name of the stack.")],
    object_: Annotated[
        str | None, typer.Option("--object", help="Only objects of which a name or id contains this.")
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only what failed; in the CSV, objects that failed last.")
    ] = False,
    following: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is written from now on; end it by Ctrl-C.")
    ] = False,
    csv: Annotated[
        str | None,
        typer.Option(help="Write what became of each object to this file, as CSV; - for standard output."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each line.")] = False,
) -> None:
    """Show the log of a stack: every request that changed something, and what became of each object.

    Reads logs/<stack>/ and the file that QLIFT_LOG names; asks nobody. Times are UTC.

    Example: qlift log finance-prod --failed

    Example: qlift log finance-prod --csv what-became.csv

    Exit code 0: shown, even if there is nothing. 2: wrong usage, or a log that cannot be read.
    """
    if csv is not None and (following or as_json):
        raise SettingsError("--csv is a list of its own; leave out --follow and --json")
    root = Path.cwd()
    batches: Iterable[list[Line]]
    try:
        if following:
            batches = follow(root, stack, lambda: time.sleep(SECONDS_BETWEEN_LOOKS))
        else:
            batches = [read_lines(log_files(root, stack), stack)]
        if object_:
            batches = of_object(batches, object_)
        lines = (line for batch in batches for line in batch)
        if csv is not None:
            # What became of an object is known by all its lines, not by those that failed.
            _write(csv, csv_of(o for o in outcomes(lines) if not failed or o.what == "failed"))
            return
        for line in lines:
            if failed and not line.failed:
                continue
            typer.echo(line.model_dump_json(exclude_defaults=True) if as_json else text_of(line))
            sys.stdout.flush()
    except LogError as error:
        raise SettingsError(f"{error}; correct its rights, or move it away") from None


def _write(place: str, text: str) -> None:
    if place == "-":
        typer.echo(text.removeprefix("\ufeff"), nl=False)
    else:
        write_text(Path(place), text)
        typer.echo(place)


def text_of(line: Line) -> str:
    """One line for people."""
    when = f"{line.time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    what = f"{line.step} {line.object}".strip() or line.subject
    where = f"{when}  {line.job or '-'}  {what}"
    if line.event:
        return f"{where}  {line.event}{f': {line.why}' if line.why else ''}{_id(line)}"
    answer = "no answer" if line.status is None else str(line.status)
    trace = f"  trace {line.trace_id}" if line.trace_id else ""
    return f"{where}  {line.method} {line.path}  {answer}  {line.milliseconds or 0:,} ms{trace}"


def _id(line: Line) -> str:
    return f"  ({line.cloud_id})" if line.cloud_id else ""
