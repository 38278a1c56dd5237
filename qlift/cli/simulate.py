"""`qlift simulate`: a pretend site and a pretend tenant, until somebody ends them."""

from __future__ import annotations

import json as json_text
import os
import signal
import sys
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from qlift.simulator import Description


class Size(StrEnum):
    """`small` and `large` are the sites S and L of the documents: 40 and 2,000 apps."""

    SAMPLE = "sample"
    SMALL = "small"
    LARGE = "large"


def simulate(
    state: Annotated[
        Path, typer.Option(help="File for the simulator's state; a second start continues with it.")
    ],
    json: Annotated[Path, typer.Option(help="File to write addresses and credentials to.")],
    https: Annotated[bool, typer.Option("--https", help="Serve tenant and proxy over https.")] = False,
    size: Annotated[Size, typer.Option(help="Size of the generated site.")] = Size.SAMPLE,
    apps: Annotated[int | None, typer.Option(help="Other than by size: apps of the generated site.")] = None,
    users: Annotated[int | None, typer.Option(help="Other than by size: its people.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same site.")] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="Seed the site from this bundle instead of generating one.")
    ] = None,
) -> None:
    """Serve a pretend Qlik Sense site and a pretend Qlik Cloud tenant on this machine.

    Prints one JSON object with addresses and credentials when both are ready, and serves until SIGTERM or
    Ctrl-C. What it serves is in the state file.
    """
    # Read here: the other commands begin a second earlier without it.
    from qlift.simulator import Simulator, SimulatorError
    from qlift.simulator.site import SIZES, SeedError

    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        sample = SIZES[size.value].of(apps, users, seed)
        simulator = Simulator(state, sample=sample, bundle=bundle, https=https)
        with simulator:
            _announce(simulator.description, json)
            ended.wait()
    except (SimulatorError, SeedError, ValueError, OSError) as error:
        typer.echo(f"The simulator cannot start: {error}", err=True)
        raise typer.Exit(1) from None


def _announce(description: Description, file: Path) -> None:
    """The file is complete when it appears: whoever waits for it may read it at once."""
    text = json_text.dumps(description, indent=2) + "\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        target.write(text)
    part.replace(file)
    sys.stdout.write(text)
    sys.stdout.flush()
