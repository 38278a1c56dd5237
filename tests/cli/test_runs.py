"""What `up`, `undo` and `targets` make of a job's name, and which conflicts stop a run of one job."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from qlift.cli import app
from qlift.cli.stacks import LONGEST_COMMAND_LINE, Looked, job_named, must_fit
from qlift.cloud.settings import SettingsError
from qlift.pulumi_cli.preview import Previewed
from qlift.pulumi_cli.stack import GUARD
from qlift.runs.graph import Graph, Node


def node(kind: str, key: str, job: str, *needs: str) -> Node:
    return Node(urn=f"urn:{key}", kind=kind, key=key, job=job, needs=frozenset(needs), op="create")


def conflict(kind: str, key: str) -> dict[str, str]:
    return {"kind": kind, "object": key, "field": "name", "reason": "taken"}


@pytest.mark.parametrize("command", [["up", "s", "--yes"], ["undo", "s", "--yes"]])
@pytest.mark.parametrize("name", ["", "  ", "???"])
def test_an_empty_variable_is_no_run_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], name: str
) -> None:
    """In a folder without a project, so that what comes after the name would fail otherwise."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [*command, "--job", name])
    assert isinstance(done.exception, SettingsError) or done.exit_code == 2, done.output
    assert "names no job" in f"{done.output}{done.exception}"


def test_a_job_is_named_as_in_the_plan_or_as_in_pulumi() -> None:
    assert job_named("Apps of EMEA") == job_named("apps-of-emea") == "apps-of-emea"


def test_conflicts_of_other_jobs_do_not_stop_a_run_of_one() -> None:
    nodes = [
        node("", "apps", ""),
        node("Space", "finance", "spaces"),
        node("App", "ledger", "apps", "urn:apps", "urn:finance"),
        node("ReloadSchedule", "nightly", "schedules", "urn:ledger"),
        node(GUARD, "delete-guard", ""),
    ]
    graph = Graph(nodes)
    said = [(n.kind, n.key) for n in nodes if n.kind]
    looked = Looked(Previewed(ok=True), graph, tuple(conflict(*s) for s in said))
    assert len(looked.problems()) == 4
    chosen = graph.closure(graph.of_job("apps") | graph.component("apps"))
    assert looked.problems(chosen) == ["Space finance: taken", "App ledger: taken"]


def test_what_no_command_line_takes_is_said_before_the_run() -> None:
    must_fit(["urn:pulumi:x"] * 1_000)
    with pytest.raises(SettingsError, match="20,000 resources, more than a command line takes"):
        must_fit(["x" * (LONGEST_COMMAND_LINE // 20_000)] * 20_000)
