"""`qlift review`: what a run of a stack would change, before anybody lets it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from qlift.cli.progress import shown
from qlift.pulumi_cli import find_engine
from qlift.reports.review import words
from qlift.reports.review.model import Review
from qlift.reports.review.write import write_review
from qlift.review.make import Stack, review_stack

REFUSED, CHANGES = 1, 3
PLAN = "plan.json"
SECONDS_BETWEEN_LINES = 10.0


def review(
    stack: Annotated[str, typer.Argument(help="Name of the stack, as Pulumi knows it.")],
    save_plan: Annotated[
        bool, typer.Option("--save-plan", help="Also save Pulumi's update plan, for `pulumi up --plan`.")
    ] = False,
    promoted_from: Annotated[
        str,
        typer.Option(
            "--promoted-from",
            metavar="STACK",
            help="Refuse another bundle or plan than the one that this stack was last run with.",
        ),
    ] = "",
    out: Annotated[Path | None, typer.Option(help="Folder of the review [reports/<stack>].")] = None,
    expect_no_changes: Annotated[
        bool, typer.Option("--expect-no-changes", help="End with 3 if a run would change anything.")
    ] = False,
    config_file: Annotated[
        Path | None, typer.Option(help="The stack's settings, if not stacks/Pulumi.<stack>.yaml.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object: the review.")] = False,
) -> None:
    """Say what a run would change, who sees what afterwards, what is in the way, and how long it takes.

    Writes review.md (for a pull request), review.html and review.json, and with --save-plan plan.json.
    Reads the tenant; writes nothing to it, nor to the stack. Where the plan adopts objects that
    stacks/<phase>/adopted.yaml does not hold yet, it writes their former values there: read the file, commit
    it, and review again.

    Example: qlift review finance-prod --save-plan
    Example: qlift review finance-prod --promoted-from finance-dev

    Exit code 0: it can be applied. 1: errors, conflicts or something to do first, which the review lists,
    or no review could be made. 2: wrong usage or settings. 3: with --expect-no-changes, a run would change
    something.
    """
    root = Path.cwd()
    engine = find_engine()
    chosen = Stack(root, stack, engine, engine.environment(root), config_file)
    folder = out or Path("reports") / chosen.short_name
    with shown(sys.stderr, every=SECONDS_BETWEEN_LINES) as progress:
        found = review_stack(
            chosen,
            datetime.now(UTC).date(),
            save_plan=folder / PLAN if save_plan else None,
            promoted_from=promoted_from,
            progress=progress,
        )
        progress("writing the review")
        paths = write_review(found, folder)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        _print(found, (*paths, *([folder / PLAN] if found.update_plan else [])))
    if not found.applicable:
        raise typer.Exit(REFUSED)
    raise typer.Exit(CHANGES if expect_no_changes and found.changes else 0)


def _print(found: Review, paths: tuple[Path, ...]) -> None:
    known = "there is no complete preview" if found.errors else words.counts(found)
    typer.echo(f"{found.stack}: {words.verdict(found)}. {known}")
    widens, narrows = words.widens(found.access), words.narrows(found.access)
    for line in (
        words.deletes(found),
        widens and f"Widens access: {widens}",
        narrows and f"Takes access away: {narrows}",
        words.drift(found),
        f"{words.time_needed(found)}; digest {found.digest}{words.promoted(found)}",
        *(f"First: {f}" for f in found.first),
        *found.errors,
        *(f"{c.object}: {c.reason}" for c in found.conflicts),
    ):
        if line:
            typer.echo(line)
    for path in paths:
        typer.echo(str(path))
