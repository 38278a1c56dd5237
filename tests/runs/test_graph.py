"""Closures over generated stacks, as plan and as state."""

from __future__ import annotations

import fnmatch
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from qlift.runs.graph import Graph, from_plan, from_state

ROOT = "urn:pulumi:s::qlift::pulumi:pulumi:Stack::qlift-s"
JOB = "urn:pulumi:s::qlift::qlik:job:Job::"
OBJECT = "urn:pulumi:s::qlift::qlik:job:Job$pulumi-python:dynamic/qlik:App::"
GUARD = "urn:pulumi:s::qlift::pulumi-python:dynamic/qlik:DeleteGuard::delete-guard"
PROVIDER = "urn:pulumi:s::qlift::pulumi:providers:pulumi-python::default"

Entries = dict[str, dict[str, Any]]


@st.composite
def stacks(draw: st.DrawFn) -> Entries:
    """Resources by URN; objects depend on earlier ones, by input or by order, whatever job those are in."""
    jobs = [f"own job {n}" if n % 2 else f"j{n}" for n in range(draw(st.integers(1, 4)))]
    found: Entries = {
        ROOT: {"type": "pulumi:pulumi:Stack"},
        PROVIDER: {"type": "pulumi:providers:pulumi-python"},
        **{JOB + j: {"type": "qlik:job:Job", "parent": ROOT} for j in jobs},
    }
    names: list[str] = []
    for n in range(draw(st.integers(0, 12))):
        earlier = st.lists(st.sampled_from(names), max_size=3) if names else st.just([])
        found[f"{OBJECT}app-{n}"] = {
            "type": "pulumi-python:dynamic/qlik:App",
            "parent": JOB + draw(st.sampled_from(jobs)),
            "dependencies": draw(earlier),
            "propertyDependencies": {"space": draw(earlier), "key": None},
            "provider": f"{PROVIDER}::id",
        }
        names.append(f"{OBJECT}app-{n}")
    everything = [u for u in found if u not in (ROOT, PROVIDER)]
    found[GUARD] = {
        "type": "pulumi-python:dynamic/qlik:DeleteGuard",
        "parent": ROOT,
        "dependencies": everything,
    }
    return found


def as_plan(entries: Entries) -> Graph:
    return from_plan({"resourcePlans": {u: {"goal": e, "steps": ["create"]} for u, e in entries.items()}})


def as_state(entries: Entries) -> Graph:
    return from_state({"deployment": {"resources": [{"urn": u, **e} for u, e in entries.items()]}})


def needed_by(entry: dict[str, Any]) -> set[str]:
    by_input = (u for us in (entry.get("propertyDependencies") or {}).values() for u in us or ())
    return {*(entry.get("dependencies") or ()), *by_input, entry["parent"]} - {ROOT}


@given(stacks(), st.data())
def test_targets_of_a_job_are_closed_under_dependencies_and_parents(
    entries: Entries, data: st.DataObject
) -> None:
    for graph in (as_plan(entries), as_state(entries)):
        job = data.draw(st.sampled_from(sorted(graph.jobs)))
        chosen = graph.closure(graph.of_job(job) | graph.component(job))
        own = {u for u, e in entries.items() if e.get("parent") == JOB + job}
        assert own | {JOB + job} <= chosen
        assert all(needed_by(entries[u]) <= chosen for u in chosen)
        for urn in chosen - own - {JOB + job}:
            rest = chosen - {urn}
            assert any(urn in needed_by(entries[u]) for u in rest), "nothing that nobody needs"
        assert not chosen & {ROOT, PROVIDER, GUARD}


@given(stacks(), st.data())
def test_who_needs_a_job_is_all_of_them(entries: Entries, data: st.DataObject) -> None:
    graph = as_state(entries)
    objects = graph.of_job(data.draw(st.sampled_from(sorted(graph.jobs))))
    others = graph.dependents(objects)
    assert not others & objects
    for urn in entries.keys() - {ROOT, PROVIDER} - objects:
        reaches = bool(graph.closure([urn]) & objects)
        assert reaches == (urn in others)


@given(stacks())
def test_the_pattern_of_a_new_resource_matches_it_alone(entries: Entries) -> None:
    graph = as_plan(entries)
    for urn in graph.nodes:
        [pattern] = graph.targets([urn])
        assert "*" in pattern
        assert [u for u in entries if fnmatch.fnmatchcase(u, pattern)] == [urn]
    state = as_state(entries)
    assert state.targets(state.nodes) == sorted(state.nodes)


def test_old_halves_of_replacements_count() -> None:
    app, publication = f"{OBJECT}a", f"{OBJECT}p"
    kind = "pulumi-python:dynamic/qlik:App"
    resources = [
        {"urn": app, "type": kind, "parent": JOB + "j"},
        {"urn": publication, "type": kind, "parent": JOB + "k", "delete": True, "dependencies": [app]},
        {"urn": publication, "type": kind, "parent": JOB + "k"},
    ]
    graph = from_state({"deployment": {"resources": resources}})
    assert graph.dependents([app]) == {publication}
