"""The `qlift` command; one module for each subcommand.

Exit codes: 0 done; 1 something failed or is incomplete; 2 wrong usage or configuration; 3 changes where
none were expected (`review`); 4 other jobs need it (`undo`); 130 interrupted.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from qlift.bundle import BlobError, BundleError
from qlift.cli.adopt import adopt
from qlift.cli.assess import assess
from qlift.cli.check import check
from qlift.cli.connect import connect
from qlift.cli.demo import demo
from qlift.cli.engine import engine
from qlift.cli.export import export
from qlift.cli.import_dump import import_dump_command
from qlift.cli.jobs import jobs
from qlift.cli.log import log
from qlift.cli.phase import phase
from qlift.cli.restore import restore
from qlift.cli.review import review
from qlift.cli.simulate import simulate
from qlift.cli.targets import targets
from qlift.cli.up import undo, up
from qlift.cli.users import users
from qlift.cloud.errors import CloudError
from qlift.cloud.log import LogError
from qlift.cloud.settings import SettingsError
from qlift.derivation import PlanError
from qlift.pulumi_cli import EngineError
from qlift.sources.qlik_sense.errors import ConnectionSettings, SourceError

CONFIGURATION = (SettingsError, PlanError, ConnectionSettings, LogError)
FAILURES = (CloudError, SourceError, BundleError, BlobError, EngineError)
FAILED, MISUSED, INTERRUPTED = 1, 2, 130

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
COMMANDS = (
    *(connect, export, check, assess, users, adopt, review),
    *(jobs, targets, up, undo, log, restore, simulate, engine),
)
for command in COMMANDS:
    app.command()(command)
app.command("import-dump")(import_dump_command)
app.add_typer(phase, name="phase")
app.add_typer(demo, name="demo")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"qlift {version('qlift')}")
        raise typer.Exit


@app.callback()
def _qlift(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Qlik Sense to Qlik Cloud, as infrastructure as code."""


def main() -> None:
    """What people did wrong is told in plain lines, never as a traceback."""
    try:
        app()
    except CONFIGURATION as error:
        _tell(error, MISUSED)
    except FAILURES as error:
        _tell(error, FAILED)
    except OSError as error:
        if error.filename is None:
            raise
        _tell(f"{error.filename}: {error.strerror}; correct the path, or its rights", FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _tell(error: Exception | str, code: int) -> None:
    typer.echo(str(error), err=True)
    sys.exit(code)
