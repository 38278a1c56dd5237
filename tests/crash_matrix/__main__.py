"""The whole matrix: `make crash-matrix`. Resumable (results are kept) and sharded.

python -m tests.crash_matrix --shards 4 --shard 1 --results .qlift/crash-matrix
"""

from __future__ import annotations

import hashlib
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
from tests.support.project import ROOT

CASES = "cases.json"
"""How many cases each scenario has."""


def main(
    results: Annotated[
        Path, typer.Option(help="Folder of the results; what other code gave is kept apart in it.")
    ] = Path(".qlift/crash-matrix"),
    shards: Annotated[int, typer.Option(help="Into how many parts the cases are divided.")] = 1,
    shard: Annotated[int, typer.Option(help="Which part to run, from 0.")] = 0,
    summary: Annotated[bool, typer.Option("--summary", help="Only print what the results say.")] = False,
) -> None:
    """Kill a run at every write, in every position and mode, and compare what the recovery leaves.

    Exit code 0: every case ran and left the tenant as without the kill. 1: one did not, or is missing.
    """
    folder = results / _code()
    folder.mkdir(parents=True, exist_ok=True)
    if not summary:
        _run(folder, shards, shard)
    raise typer.Exit(_print(folder))


def _code() -> str:
    """Names the code that a result is about: all of it, and the locked packages."""
    digest = hashlib.sha256()
    files = [ROOT / "requirements.lock", ROOT / "Pulumi.yaml", ROOT / "__main__.py"]
    for part in ("qlift", "providers", "tests/crash_matrix", "tests/support"):
        files += sorted((ROOT / part).rglob("*.py"))
    for file in files:
        digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _run(folder: Path, shards: int, shard: int) -> None:
    done = _done(folder)
    with tempfile.TemporaryDirectory(prefix="qlift-crash-matrix-") as scratch:
        matrix = Matrix(ensure_engine(), Path(scratch))
        every = matrix.cases()
        (folder / CASES).write_text(json.dumps(Counter(c.scenario for c in every)), encoding="utf-8")
        cases = [c for place, c in enumerate(every) if place % shards == shard]
        left = [c for c in cases if c.name not in done]
        typer.echo(f"shard {shard} of {shards}: {len(left)} of {len(cases)} cases are left")
        began = time.monotonic()
        for number, case in enumerate(left, 1):
            outcome = matrix.run(case)
            with (folder / f"{shard}-of-{shards}.jsonl").open("a", encoding="utf-8") as out:
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


def _done(folder: Path) -> dict[str, str]:
    """Problem (empty: none) by the case's name."""
    rows = [json.loads(line) for file in folder.glob("*.jsonl") for line in file.open(encoding="utf-8")]
    return {row["name"]: row["problem"] for row in rows}


def _print(folder: Path) -> int:
    done = _done(folder)
    wanted = Counter(json.loads((folder / CASES).read_text("utf-8")) if (folder / CASES).exists() else {})
    ran = Counter(name.partition("-")[0] for name in done)
    failed = Counter(name.partition("-")[0] for name, problem in done.items() if problem)
    typer.echo("| run that was killed | cases | ran | tenant not as without the kill |")
    typer.echo("| --- | --- | --- | --- |")
    for scenario in SCENARIOS:
        typer.echo(f"| {scenario} | {wanted[scenario]} | {ran[scenario]} | {failed[scenario]} |")
    for name, problem in sorted(done.items()):
        if problem:
            typer.echo(f"{name}: {problem}", err=True)
    missing = wanted.total() - ran.total()
    if missing or not wanted:
        typer.echo(f"{missing or 'all'} cases have not been run with this code ({folder.name})", err=True)
    return 1 if failed or missing or not wanted else 0


if __name__ == "__main__":
    typer.run(main)
