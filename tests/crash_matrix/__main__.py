"""The whole matrix: `make crash-matrix`. Resumable (results are kept) and sharded.

python -m tests.crash_matrix --shards 4 --shard 1 --results .qlift/crash-matrix
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from qlift.pulumi_cli import ensure_engine
from tests.crash_matrix.matrix import SCENARIOS, Matrix, Outcome


def main(
    results: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(".qlift/crash-matrix"),
    shards: Annotated[int, typer.Option(help="Into how many parts the cases are divided.")] = 1,
    shard: Annotated[int, typer.Option(help="Which part to run, from 0.")] = 0,
    summary: Annotated[bool, typer.Option("--summary", help="Only print what the results say.")] = False,
) -> None:
    """Kill a run at every write, in every position and mode, and compare what the recovery leaves."""
    results.mkdir(parents=True, exist_ok=True)
    if not summary:
        _run(results / f"{shard}-of-{shards}.jsonl", shards, shard, _done(results))
    raise typer.Exit(_print(_done(results)))


def _run(file: Path, shards: int, shard: int, done: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="qlift-crash-matrix-") as folder:
        matrix = Matrix(ensure_engine(), Path(folder))
        cases = [c for place, c in enumerate(matrix.cases()) if place % shards == shard]
        left = [c for c in cases if c.name not in done]
        typer.echo(f"shard {shard} of {shards}: {len(left)} of {len(cases)} cases are left")
        began = time.monotonic()
        for number, case in enumerate(left, 1):
            outcome = matrix.run(case)
            with file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(_row(outcome)) + "\n")
            pace = (time.monotonic() - began) / number
            typer.echo(
                f"{number}/{len(left)} {case.name} at {outcome.killed_at}: {outcome.problem or 'ok'} "
                f"({pace * (len(left) - number) / 60:.0f} min left)"
            )


def _row(outcome: Outcome) -> dict[str, object]:
    return {"name": outcome.case.name, **asdict(outcome.case)} | {
        "killed_at": outcome.killed_at,
        "problem": outcome.problem,
    }


def _done(results: Path) -> dict[str, str]:
    """Problem (empty: none) by the case's name."""
    rows = [json.loads(line) for file in results.glob("*.jsonl") for line in file.open(encoding="utf-8")]
    return {row["name"]: row["problem"] for row in rows}


def _print(done: dict[str, str]) -> int:
    cases = Counter(name.partition("-")[0] for name in done)
    failed = Counter(name.partition("-")[0] for name, problem in done.items() if problem)
    typer.echo("| run that was killed | cases | tenant not as without the kill |\n| --- | --- | --- |")
    for scenario in SCENARIOS:
        typer.echo(f"| {scenario} | {cases[scenario]} | {failed[scenario]} |")
    for name, problem in sorted(done.items()):
        if problem:
            typer.echo(f"{name}: {problem}", err=True)
    return 1 if failed else 0


if __name__ == "__main__":
    typer.run(main)
