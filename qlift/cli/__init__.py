"""The `qlift` command; one module for each subcommand."""

import typer

from qlift.cli.engine import engine

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(engine)


@app.callback()
def _qlift() -> None:
    """Qlik Sense to Qlik Cloud, as infrastructure as code."""


def main() -> None:
    app()
