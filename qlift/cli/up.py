"""`qlift up` and `qlift undo`: runs of a stack or one of its jobs that say what they do.

Nobody must use them: `pulumi up` and `pulumi destroy` do the same.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from qlift.cli.run_progress import shown_run
from qlift.cli.stacks import (
    SECONDS_BETWEEN_LINES,
    by_job,
    counted,
    job_named,
    look,
    must_fit,
    must_have,
    stack_named,
    state_of,
)
from qlift.cloud.log import VARIABLE, LogError, RequestLog, Work, default_path
from qlift.cloud.log_files import read_lines
from qlift.cloud.settings import SettingsError
from qlift.review.make import Stack
from qlift.runs.graph import Graph
from qlift.runs.run import Command, Ran, run

FAILED, NEEDED, INTERRUPTED = 1, 4, 130

StackName = Annotated[str, typer.Argument(help="Name of the stack, as Pulumi knows it.")]
JobName = Annotated[str | None, typer.Option("--job", help="Only this job; `qlift jobs` lists them.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object; wants --yes.")]


def up(stack: StackName, job: JobName = None, yes: Yes = False, as_json: AsJson = False) -> None:
    """Bring the tenant to what the plan says: all of a stack, or one job and what it needs.

    First a preview; errors, and conflicts of what it would touch, stop it there. One object that fails does
    not stop the rest. With --job nothing is deleted that left the plan: a whole run does that. `pulumi up`
    does the same.

    Example: qlift up finance-prod --job apps

    Exit code 0: done, or nothing to do. 1: something failed, or cannot be run. 2: no such job, or wrong
    usage or settings. 130: interrupted.
    """
    _may_ask(yes, as_json)
    job = None if job is None else job_named(job)
    chosen = stack_named(stack)
    looked = look(chosen)
    graph = looked.graph
    targets = None
    if job is not None:
        must_have(graph, job, f"the stack {stack}")
        targets = graph.closure(graph.of_job(job) | graph.component(job))
        must_fit(graph.targets(targets))
    if problems := looked.problems(targets):
        for problem in problems:
            typer.echo(problem, err=True)
        typer.echo("Nothing was changed. Settle these and run it again.", err=True)
        raise typer.Exit(FAILED)
    changing = {u for u in (targets if targets is not None else graph.nodes) if graph.nodes[u].changes}
    leaving = Counter(s.kind for s in looked.previewed.steps if s.op == "delete" and targets is None)
    if not changing and not leaving:
        _nothing(stack, job, as_json)
        return
    total = sum(graph.nodes[u].is_object for u in changing) + leaving.total()
    if not yes:
        _announce(graph, changing, "Would create or change")
        if leaving:
            typer.echo(f"Would delete: {counted(dict(sorted(leaving.items())))}")
        _ask(f"Change {total:,} objects in the tenant of {stack}?")
    _run("up", chosen, job, graph, targets, total, as_json)


def undo(stack: StackName, job: JobName = None, yes: Yes = False, as_json: AsJson = False) -> None:
    """Take back what a stack made: all of it, or one job. Adopted objects get back what they were.

    A job that others need is not undone: the others are named, to be undone before it. The guards of an undo
    count here too (docs/undo.md): it may want a word such as QLIFT_ALLOW_DELETES. `pulumi destroy` does the
    same.

    Example: qlift undo finance-prod --job schedules

    Exit code 0: done, or nothing to do. 1: something failed, or was refused. 2: no such job, or wrong usage
    or settings. 4: other jobs need it. 130: interrupted.
    """
    _may_ask(yes, as_json)
    job = None if job is None else job_named(job)
    chosen = stack_named(stack)
    graph = state_of(chosen)
    targets = None
    if job is not None:
        if job not in graph.jobs:
            must_have(look(chosen).graph, job, f"the stack {stack}")
            _nothing(stack, job, as_json)
            return
        objects = graph.of_job(job)
        _refuse_if_needed(stack, job, graph, objects, as_json)
        targets = objects | graph.component(job) | graph.guard()
        must_fit(graph.targets(targets))
    going = targets if targets is not None else frozenset(graph.nodes)
    total = sum(graph.nodes[u].is_object for u in going)
    if not going:
        _nothing(stack, job, as_json)
        return
    if not yes:
        _announce(graph, going, "Would take back")
        _ask(f"Take {total:,} objects out of the tenant of {stack}?")
    _run("destroy", chosen, job, graph, targets, total, as_json)


def _may_ask(yes: bool, as_json: bool) -> None:
    if not yes and (as_json or not sys.stdin.isatty()):
        raise SettingsError("there is nobody to ask; say --yes")


def _ask(question: str) -> None:
    if not typer.confirm(question):
        typer.echo("Nothing was changed.")
        raise typer.Exit(0)


def _announce(graph: Graph, urns: Iterable[str], what: str) -> None:
    for job, kinds in by_job(graph, urns).items():
        typer.echo(f"{what} in job {job}: {counted(kinds)}")


def _nothing(stack: str, job: str | None, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"stack": stack, "job": job, "ok": True, "done": {}, "failures": []}))
    else:
        typer.echo(f"{stack}{f', job {job}' if job else ''}: nothing to do.")


def _refuse_if_needed(stack: str, job: str, graph: Graph, objects: frozenset[str], as_json: bool) -> None:
    needing = by_job(graph, graph.dependents(objects))
    if not needing:
        return
    if as_json:
        typer.echo(json.dumps({"stack": stack, "job": job, "ok": False, "needed_by": needing}))
    else:
        lines = [f"  {other}: {counted(kinds)}" for other, kinds in needing.items()]
        typer.echo(
            f"Job {job} is needed by others; nothing was undone. What needs it, by job:\n"
            + "\n".join(lines)
            + f"\nUndo those first (qlift undo {stack} --job ...), or all of the stack (qlift undo {stack}).",
            err=True,
        )
    raise typer.Exit(NEEDED)


def _run(
    command: Command,
    stack: Stack,
    job: str | None,
    graph: Graph,
    targets: frozenset[str] | None,
    total: int,
    as_json: bool,
) -> None:
    named = os.environ.get(VARIABLE)
    path = Path(named) if named else default_path(stack.root, stack.short_name, datetime.now(UTC))
    log = RequestLog(path)
    started = datetime.now(UTC)
    with shown_run(command, total, sys.stderr, every=SECONDS_BETWEEN_LINES) as progress:
        ran = run(
            command,
            stack.engine,
            stack.root,
            stack.name,
            {**stack.env, VARIABLE: str(path.absolute())},
            graph=graph,
            targets=targets,
            progress=progress,
            tell=lambda text: typer.echo(text, err=True),
        )
    try:
        _complete(log, path, stack, ran, started)
    except LogError as error:
        # The run is over; what it did is said all the same.
        typer.echo(f"{error}; failures that came before any request may be missing in it", err=True)
    seconds = round((datetime.now(UTC) - started).total_seconds())
    if as_json:
        said = {"stack": stack.name, "command": command, "job": job, "log": str(path), "seconds": seconds}
        typer.echo(json.dumps({**said, **asdict(ran)}))
    else:
        _summary(ran, stack.name, command, job, path, seconds)
    raise typer.Exit(INTERRUPTED if ran.interrupted else 0 if ran.ok else FAILED)


def _complete(log: RequestLog, path: Path, stack: Stack, ran: Ran, started: datetime) -> None:
    """Failures that came before any request, such as conflicts, are not in the log of the providers."""
    noted = {
        (line.step, line.object)
        for line in read_lines([path], stack.short_name)
        if line.event == "failed" and line.time >= started
    }
    for failure in ran.failures:
        if (failure.step, failure.object) not in noted:
            work = Work(stack.short_name, failure.job, failure.step, failure.object)
            log.note_end(work, "failed", failure.why)


def _summary(ran: Ran, stack: str, command: Command, job: str | None, path: Path, seconds: int) -> None:
    done = ", ".join(f"{count:,} {word}" for word, count in ran.done.items()) or "nothing changed"
    typer.echo(f"{stack}{f', job {job}' if job else ''}: {done}, in {seconds:,} s. Log: {path}")
    if ran.ok:
        return
    again = f"qlift {'up' if command == 'up' else 'undo'} {stack}{f' --job {job}' if job else ''}"
    if ran.failures:
        count = len({(f.step, f.object) for f in ran.failures})
        typer.echo(f"{count:,} object{'s' * (count > 1)} failed:", err=True)
        for failure in ran.failures:
            typer.echo(f"  {failure.job or '-'}: {failure.why}", err=True)
    for message in ran.messages:
        typer.echo(message, err=True)
    typer.echo(
        f"What to do: settle what is named above, then {again} again: it goes on where this ended. "
        f"`qlift log {stack} --failed` shows the requests.",
        err=True,
    )
