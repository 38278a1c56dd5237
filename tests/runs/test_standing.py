"""How a job stands, by plan, tenant and log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from qlift.cloud.log_files import Line
from qlift.pulumi_cli.preview import Op, Step
from qlift.runs.graph import Graph, Node
from qlift.runs.jobs import Job, jobs_of

OBJECTS = ("a", "b")


def graph() -> Graph:
    return Graph(
        [
            Node("job", "", "apps", "", frozenset(), "same"),
            *(Node(k, "App", k, "apps", frozenset({"job"}), "same") for k in OBJECTS),
        ]
    )


def step(key: str, op: Op) -> Step:
    return Step(op, "App", key, "apps", "", {}, {})


def line(key: str, event: str, minute: int) -> Line:
    when = datetime(2026, 11, 1, 12, minute, tzinfo=UTC)
    return Line(time=when, event=event, stack="s", step="App", object=key, why="no" * (event == "failed"))


def apps(steps: list[Step], lines: list[Line]) -> Job:
    [found] = jobs_of(graph(), ["apps"], steps, lines)
    return found


@pytest.mark.parametrize(
    ("steps", "lines", "state"),
    [
        ([], [], "done"),
        ([("a", "create"), ("b", "create")], [], "not yet"),
        ([("a", "create")], [], "changed"),
        ([("gone", "delete")], [], "changed"),
        ([("a", "create")], [("a", "failed", 1)], "failed"),
        ([], [("a", "failed", 1)], "done"),
        ([("a", "update")], [("a", "failed", 1), ("a", "created", 2)], "changed"),
        ([("a", "update")], [("a", "created", 1), ("a", "failed", 2)], "failed"),
        ([("a", "update")], [("b", "failed", 1)], "changed"),
    ],
)
def test_states(steps: list[tuple[str, Any]], lines: list[tuple[str, str, int]], state: str) -> None:
    found = apps([step(*s) for s in steps], [line(*x) for x in lines])
    assert found.state == state
    assert [f.why for f in found.failures] == ["no"] * (state == "failed")
    assert (found.objects, found.steps) == (2, {"App": 2})


def test_order_is_the_programs_and_what_only_the_state_has_comes_last() -> None:
    steps = [Step("delete", "App", "x", "an own job", "", {}, {})]
    found = jobs_of(graph(), ["zeta", "apps"], steps, [])
    assert [(j.job, j.state) for j in found] == [
        ("zeta", "empty"),
        ("apps", "done"),
        ("an own job", "changed"),
    ]
