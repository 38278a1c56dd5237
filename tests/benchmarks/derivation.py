"""How long site L takes to derive, against `json.loads` of the same files.

Run by hand (`python -m tests.benchmarks.derivation`); no test measures time. Times are of the processor, not
of the wall: the machine may have other work.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from qlift.bundle import Bundle, load_bundle
from qlift.derivation import derive
from qlift.derivation.people import People
from qlift.derivation.plan import Plan
from tests.benchmarks import site_l

PLAN = {
    "version": 1,
    "phase": "all",
    "sources": [{"site": "site-l", "bundle": "exports/site-l"}],
    "select": {"streams": "all", "personal": True},
    "users": {"rules": [{"directory": "ACME", "subject": "ACME\\{user_id}"}]},
    "spaces_rule": {"type": "managed"},
}
TODAY = date(2026, 11, 24)


def main() -> None:
    """`--bundle FOLDER` keeps the generated bundle there for the next run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, help="made if it is not there yet")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.bundle or Path(scratch) / "site-l"
        if not (folder / "manifest.json").exists():
            print(f"writing {folder}", file=sys.stderr)  # noqa: T201
            site_l.write(folder)
        measure(folder, arguments.runs)


def measure(folder: Path, runs: int) -> None:
    plan = Plan.model_validate(PLAN)
    files = [f for f in sorted(folder.rglob("*.json")) if f.name != "manifest.runtime.json"]
    rows: dict[str, list[float]] = defaultdict(list)
    found: Any = None
    for _ in range(runs):
        # In turn, so that whatever else the machine does meets all of them.
        timed(rows["json.loads"], lambda: [json.loads(f.read_bytes()) for f in files])
        bundle = timed(rows["load_bundle"], lambda: load_bundle(folder))
        with stages(rows):
            found = timed(rows["derive"], partial(derived, bundle, plan))
        del bundle
    base = [min(rows["json.loads"]), statistics.median(rows["json.loads"])]
    rows["load_bundle + derive"] = [a + b for a, b in zip(rows["load_bundle"], rows["derive"], strict=True)]
    size = sum(f.stat().st_size for f in files) / 1_000_000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(files)} files, {size:.0f} MB, {runs} runs, peak memory {peak:.0f} MB")  # noqa: T201
    print(f"{'seconds of CPU':32}{'min':>8}{'median':>8}{'x json.loads (min, median)':>30}")  # noqa: T201
    for name, times in rows.items():
        least, middle = min(times), statistics.median(times)
        ratio = f"{least / base[0]:.2f}, {middle / base[1]:.2f}"
        print(f"{name:32}{least:8.2f}{middle:8.2f}{ratio:>30}")  # noqa: T201
    kinds = ("spaces", "assignments", "apps", "publications", "schedules", "findings")
    print(", ".join(f"{len(getattr(found, k))} {k}" for k in kinds), f"({len(found.errors)} errors)")  # noqa: T201


def timed(into: list[float], work: Callable[[], Any]) -> Any:
    gc.collect()
    started = time.process_time()
    result = work()
    into.append(time.process_time() - started)
    return result


def derived(bundle: Bundle, plan: Plan) -> Any:
    return derive([bundle], plan, People(plan), [], TODAY)


class stages:  # noqa: N801
    """While it lasts, the functions that `derive` calls note their own times."""

    def __init__(self, rows: dict[str, list[float]]) -> None:
        self.rows = rows
        self.module = sys.modules["qlift.derivation.derive"]
        self.kept = {
            name: value
            for name, value in vars(self.module).items()
            if getattr(value, "__module__", "").startswith("qlift.derivation.")
            and callable(value)
            and not isinstance(value, type)
            and name != "derive"
        }

    def __enter__(self) -> None:
        for name, function in self.kept.items():
            setattr(self.module, name, self.noting(f"  {name}", function))

    def __exit__(self, *_: object) -> None:
        for name, function in self.kept.items():
            setattr(self.module, name, function)

    def noting(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            started = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.rows[name].append(time.process_time() - started)

        return call


if __name__ == "__main__":
    main()
