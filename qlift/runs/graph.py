"""The resources of a stack, what they need and which job they belong to.

Read from an update plan (what the program declares) or from a state (what there is). A job is the component
that is a resource's parent, by its name: no list of jobs is kept here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qlift.pulumi_cli.stack import GUARD, JOB_TYPE, OURS, job_of, name_in

_PULUMIS_OWN = "pulumi:"
"""Types: the stack itself and the providers, which are part of every run."""
SAME, NEW = "same", "create"


@dataclass(frozen=True)
class Node:
    urn: str
    kind: str
    """Empty for a job itself."""
    key: str
    """Logical name."""
    job: str
    """Empty for what is in none."""
    needs: frozenset[str]
    """URNs of what it depends on, its parent included."""
    op: str
    """What a run would do; in a state `same`."""

    @property
    def is_object(self) -> bool:
        """Stands for something in the tenant."""
        return bool(self.kind) and self.kind != GUARD

    @property
    def changes(self) -> bool:
        return self.op != SAME


class Graph:
    """`nodes` by URN."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        known = {n.urn: n for n in nodes}
        self.nodes = {
            u: Node(n.urn, n.kind, n.key, n.job, n.needs & known.keys(), n.op) for u, n in known.items()
        }

    @property
    def jobs(self) -> frozenset[str]:
        return frozenset(n.key for n in self.nodes.values() if not n.kind)

    def of_job(self, job: str) -> frozenset[str]:
        """Its resources, without the component."""
        return frozenset(u for u, n in self.nodes.items() if n.job == job)

    def component(self, job: str) -> frozenset[str]:
        return frozenset(u for u, n in self.nodes.items() if not n.kind and n.key == job)

    def guard(self) -> frozenset[str]:
        return frozenset(u for u, n in self.nodes.items() if n.kind == GUARD)

    def closure(self, urns: Iterable[str]) -> frozenset[str]:
        """With everything that these need, directly or not."""
        return _reached(urns, {u: n.needs for u, n in self.nodes.items()})

    def targets(self, urns: Iterable[str]) -> list[str]:
        """As `--target` takes them.

        With `refresh: always` the engine refuses an URN that the state does not hold yet, but not a pattern
        that matches nothing. This pattern matches its URN alone, for every URN begins with `urn:`.
        """
        return sorted(u.replace("urn:", "urn*:", 1) if self.nodes[u].op == NEW else u for u in urns)

    def dependents(self, urns: Iterable[str]) -> frozenset[str]:
        """Everything that needs one of these, directly or not; without these."""
        needed_by: dict[str, set[str]] = {}
        for urn, node in self.nodes.items():
            for needed in node.needs:
                needed_by.setdefault(needed, set()).add(urn)
        chosen = frozenset(urns)
        return _reached(chosen, needed_by) - chosen


def from_plan(plan: Mapping[str, Any]) -> Graph:
    """Of Pulumi's update plan (`preview --save-plan`): all that the program declares."""
    found = []
    for urn, entry in plan["resourcePlans"].items():
        goal = entry.get("goal")
        if goal and (node := _node(urn, goal, (entry.get("steps") or [SAME])[0])):
            found.append(node)
    return Graph(found)


def from_state(exported: Mapping[str, Any]) -> Graph:
    """Of `pulumi stack export`. A resource whose old half is still to be deleted needs what both need."""
    found: dict[str, Node] = {}
    for resource in (exported.get("deployment") or {}).get("resources") or []:
        node = _node(resource["urn"], resource, SAME)
        if node is not None:
            before = found.get(node.urn)
            needs = node.needs | (before.needs if before else frozenset())
            found[node.urn] = Node(node.urn, node.kind, node.key, node.job, needs, SAME)
    return Graph(found.values())


def _node(urn: str, entry: Mapping[str, Any], op: str) -> Node | None:
    type_ = str(entry["type"])
    if type_.startswith(_PULUMIS_OWN):
        return None
    parent = str(entry.get("parent") or "")
    by_property = entry.get("propertyDependencies") or {}
    needs = {*(entry.get("dependencies") or ()), *(u for us in by_property.values() for u in us or ())}
    return Node(
        urn=urn,
        kind="" if type_ == JOB_TYPE else type_.removeprefix(OURS),
        key=name_in(urn),
        job=job_of(parent),
        needs=frozenset({*needs, parent}),
        op=op,
    )


def _reached(urns: Iterable[str], edges: Mapping[str, Iterable[str]]) -> frozenset[str]:
    found, waiting = set(urns), list(urns)
    while waiting:
        for urn in edges.get(waiting.pop(), ()):
            if urn not in found:
                found.add(urn)
                waiting.append(urn)
    return frozenset(found)
