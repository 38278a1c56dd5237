"""`qlift engine`: makes sure that there is a Pulumi engine; what `make setup` ends with."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from qlift.pulumi_cli import Engine, EngineError, ensure_engine
from qlift.pulumi_cli.launcher import update_launcher
from qlift.pulumi_cli.progress import shown_on

_WAYS = {
    "path": "found on PATH",
    "installed": "installed by the Pulumi SDK",
    "built": "built from its Go module",
}


def engine(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find the Pulumi engine, or install or build it (once; minutes), and say where it is."""
    started = time.monotonic()
    try:
        with shown_on(sys.stderr) as progress:
            found = ensure_engine(progress)
    except EngineError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    _write_launcher(found)
    seconds = round(time.monotonic() - started, 2)
    if as_json:
        typer.echo(
            json.dumps(
                {"version": found.version, "binary": str(found.binary), "way": found.way, "seconds": seconds}
            )
        )
    else:
        typer.echo(f"Pulumi {found.version}, {_WAYS[found.way]}: {found.binary} ({seconds:.1f} s)")


def _write_launcher(found: Engine) -> None:
    # In a virtual environment only: a system's bin folder is not ours.
    if sys.prefix != sys.base_prefix:
        update_launcher(found, Path(sys.prefix) / "bin")
