"""`qlift jobs`: the jobs of a stack and how each stands."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from qlift.cli.stacks import counted, look, stack_named
from qlift.cloud.log_files import log_files, read_lines
from qlift.runs.jobs import Job, jobs_of

_COLOURS = {"done": "green", "failed": "red", "changed": "yellow", "not yet": "", "empty": "dim"}


def jobs(
    stack: Annotated[str, typer.Argument(help="Name of the stack, as Pulumi knows it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the jobs of a stack in order: steps, number of objects, and how each stands.

    done: as the plan wants it. changed: a run would change something. not yet: nothing of it is there.
    failed: the last run that tried could not, and why. Reads the tenant (one preview) and the stack's logs.

    Example: qlift jobs finance-prod

    Exit code 0: listed. 1: there is no preview, or conflicts with the tenant, which are listed too. 2: wrong
    settings.
    """
    chosen = stack_named(stack)
    looked = look(chosen)
    problems = looked.problems()
    lines = read_lines(log_files(chosen.root, stack), stack)
    found = jobs_of(looked.graph, looked.previewed.jobs, looked.previewed.steps, lines)
    if as_json:
        entries = [j.model_dump(mode="json") for j in found]
        typer.echo(json.dumps({"stack": stack, "jobs": entries, "problems": problems}))
    else:
        _print(found)
        for problem in problems:
            typer.echo(problem, err=True)
    raise typer.Exit(1 if problems else 0)


def _print(found: list[Job]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("job", "objects", "state", "steps", "a run would"):
        table.add_column(heading, justify="right" if heading == "objects" else "left", overflow="fold")
    for job in found:
        table.add_row(
            job.job,
            f"{job.objects:,}",
            job.state,
            counted(job.steps),
            ", ".join(f"{op} {count:,}" for op, count in job.changes.items()),
            style=_COLOURS[job.state],
        )
    console = Console(file=sys.stdout)
    console.print(table)
    for job in found:
        for failure in job.failures:
            line = f"{job.job}: failed {failure.time:%Y-%m-%d %H:%M}: {failure.why}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)
