"""How each job of a stack stands: the plan, the tenant and the log of the last runs together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from qlift.cloud.log_files import Line
from qlift.pulumi_cli.preview import Step
from qlift.runs.graph import Graph

State = Literal["done", "changed", "not yet", "failed", "empty"]
ENDS = ("created", "updated", "deleted", "failed")


class Failure(BaseModel):
    """What a run could not do, and no run has done since."""

    model_config = ConfigDict(frozen=True)

    step: str
    object: str
    why: str
    time: datetime


class Job(BaseModel):
    model_config = ConfigDict(frozen=True)

    job: str
    state: State
    objects: int
    """That the plan wants."""
    steps: dict[str, int]
    """Objects by kind."""
    changes: dict[str, int]
    """What a run would do: create, update, replace, delete."""
    failures: tuple[Failure, ...]


def jobs_of(graph: Graph, order: Iterable[str], steps: Iterable[Step], lines: Iterable[Line]) -> list[Job]:
    """`steps`: of a preview. A job that is left in the state alone has nothing but deletes."""
    waiting: dict[str, list[Step]] = {}
    for step in steps:
        waiting.setdefault(step.job, []).append(step)
    ends = {(line.step, line.object): line for line in lines if line.event in ENDS}
    known = list(dict.fromkeys([*order, *sorted(j for j in waiting if j)]))
    return [_job(job, graph, waiting.get(job, []), ends) for job in known]


def _job(job: str, graph: Graph, waiting: list[Step], ends: dict[tuple[str, str], Line]) -> Job:
    kinds = Counter(graph.nodes[u].kind for u in graph.of_job(job))
    objects = kinds.total()
    changes = Counter(s.op for s in waiting)
    failures = tuple(
        Failure(step=s.kind, object=s.key, why=end.why, time=end.time)
        for s in waiting
        if (end := ends.get((s.kind, s.key))) is not None and end.failed
    )
    state: State = "done" if objects else "empty"
    if failures:
        state = "failed"
    elif objects and changes["create"] == objects:
        state = "not yet"
    elif waiting:
        state = "changed"
    return Job(
        job=job,
        state=state,
        objects=objects,
        steps=dict(sorted(kinds.items())),
        changes=dict(sorted(changes.items())),
        failures=failures,
    )
