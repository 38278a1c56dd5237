"""What `jobs`, `targets`, `up` and `undo` share: a stack, its resources, and how a run is told."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qlift.cli.progress import shown
from qlift.cloud.settings import SettingsError
from qlift.derivation.names import slug
from qlift.pulumi_cli import EngineError, find_engine
from qlift.pulumi_cli.preview import Previewed
from qlift.pulumi_cli.stack import exported_state
from qlift.review.make import Stack, previewed_stack
from qlift.runs import graph as graphs
from qlift.runs.graph import Graph

SECONDS_BETWEEN_LINES = 10.0
LONGEST_COMMAND_LINE = 1_500_000
"""Bytes. Linux takes 2 MiB, environment included, where the stack may have 8 MiB as usual."""


def stack_named(name: str) -> Stack:
    root, engine = Path.cwd(), find_engine()
    return Stack(root, name, engine, engine.environment(root))


@dataclass(frozen=True)
class Looked:
    previewed: Previewed
    graph: Graph
    conflicts: tuple[dict[str, str], ...]

    def problems(self, urns: Iterable[str] | None = None) -> list[str]:
        """Why the plan cannot be run as it is, all of it. With `urns`: why these cannot.

        The delete guard is never among them: a run of some resources deletes nothing.
        """
        said = self.conflicts
        if urns is not None:
            nodes = [self.graph.nodes[u] for u in urns]
            keys = {(n.kind, n.key) for n in nodes if n.is_object}
            said = tuple(c for c in said if (c["kind"], c["object"]) in keys)
        noted = dict.fromkeys(f"{c['kind']} {c['object']}: {c['reason']}" for c in said)
        return [*self.previewed.errors, *noted]


def look(stack: Stack) -> Looked:
    """One preview by the engine, which reads the tenant. Its progress goes to standard error."""
    with shown(sys.stderr, every=SECONDS_BETWEEN_LINES) as progress:
        progress("starting a preview")
        previewed, conflicts, plan = previewed_stack(stack, progress, want_plan=True)
    if plan is None:
        raise EngineError(
            "\n".join(previewed.errors) or f"pulumi saved no update plan of the stack {stack.name}"
        )
    return Looked(previewed, graphs.from_plan(json.loads(plan)), tuple(conflicts))


def state_of(stack: Stack) -> Graph:
    """What the stack's state holds. Raises `EngineError`."""
    return graphs.from_state(exported_state(stack.engine, stack.root, stack.env, stack.name))


def job_named(name: str) -> str:
    """Logical name of a job that is named as in the plan or as in Pulumi. Raises `SettingsError`.

    Nothing is no job: `--job "$JOB"` with an empty variable must not become a run of all.
    """
    if not any(c.isalnum() for c in name):
        raise SettingsError(f"{name!r} names no job")
    return slug(name)


def must_fit(targets: Sequence[str]) -> None:
    """Raises `SettingsError` where the engine's command line would be too long for the system."""
    if sum(len(t.encode()) + len("--target") + 2 for t in targets) > LONGEST_COMMAND_LINE:
        raise SettingsError(
            f"the job and what it needs are {len(targets):,} resources, more than a command line takes; "
            "run the whole stack, or divide the job in the plan"
        )


def must_have(graph: Graph, job: str, what: str) -> None:
    """Raises `SettingsError` for a job that is not there."""
    if job not in graph.jobs:
        known = ", ".join(sorted(graph.jobs)) or "none"
        raise SettingsError(f"{what} has no job {job}; it has: {known}")


def by_job(graph: Graph, urns: Iterable[str]) -> dict[str, dict[str, int]]:
    """Objects by job and kind."""
    found: dict[str, Counter[str]] = {}
    for urn in sorted(urns):
        node = graph.nodes[urn]
        if node.is_object:
            found.setdefault(node.job, Counter())[node.kind] += 1
    return {job: dict(sorted(kinds.items())) for job, kinds in found.items()}


def counted(kinds: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
