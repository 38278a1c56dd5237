"""`qlift targets`: what `pulumi up` takes to run one job."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from qlift.cli.stacks import job_named, look, must_fit, must_have, stack_named


def targets(
    stack: Annotated[str, typer.Argument(help="Name of the stack, as Pulumi knows it.")],
    job: Annotated[str, typer.Argument(help="Name of the job; `qlift jobs` lists them.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print `--target` for each resource of a job and each that these need, whatever job that is in.

    Reads the tenant (one preview); writes nothing. What the plan does not want any more is not among them.

    Example: pulumi up -s finance-prod $(qlift targets finance-prod apps)

    Exit code 0: printed. 1: there is no preview. 2: no such job, or wrong settings.
    """
    job = job_named(job)
    found = look(stack_named(stack)).graph
    must_have(found, job, f"the stack {stack}")
    chosen = found.targets(found.closure(found.of_job(job) | found.component(job)))
    must_fit(chosen)
    if as_json:
        typer.echo(json.dumps({"stack": stack, "job": job, "targets": chosen}))
    else:
        for target in chosen:
            typer.echo(f"--target {target}")
