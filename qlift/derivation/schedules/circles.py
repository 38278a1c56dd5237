"""Circular chains: found, named in full, and cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from qlift.derivation.schedules.links import Link
from qlift.derivation.schedules.made import SiteSchedules
from qlift.derivation.schedules.timing import Note

Links = Mapping[str, list[Link]]
"""By the task that they start."""


def upstream_first(site: SiteSchedules, links: Links) -> list[str]:
    """Ids of tasks. Links that close a circle lose what closes it, with a note."""
    timed = {m.task.id for m in site.made}
    while True:
        graph = {
            task: {o.task: None for link in found for o in link.origins if o.task in site.tasks}
            for task, found in links.items()
        }
        try:
            return list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            _cut(site, links, error.args[1], timed)


def _cut(site: SiteSchedules, links: Links, circle: list[str], timed: set[str]) -> None:
    """At the task that something else starts too; else at the event of the lowest id."""

    def rank(step: tuple[str, str]) -> tuple[bool, str]:
        upstream, task = step
        others = any(o.task not in circle for link in links[task] for o in link.origins)
        ids = [link.event.id for link in links[task] for o in link.origins if o.task == upstream]
        return not (task in timed or others), min(ids)

    upstream, task = min(pairwise(circle), key=rank)
    at = circle.index(task)
    names = " -> ".join(_names(site, links, circle[at:-1] + circle[:at] + [task]))
    note = Note.warning(
        "CHAIN-CIRCLE",
        f"tasks that start one another: {names}. The chain is cut here",
        f"say by what `{site.tasks[task].name}` should start, and remove this trigger",
    )
    for link in links[task]:
        if any(o.task == upstream for o in link.origins):
            link.origins = [o for o in link.origins if o.task != upstream]
            link.outcome.notes.append(note)


def _names(site: SiteSchedules, links: Links, ring: list[str]) -> Iterator[str]:
    """Of the tasks of a circle, those that were cut out among them."""
    yield site.tasks[ring[0]].name
    for upstream, task in pairwise(ring):
        found = next(o for link in links[task] for o in link.origins if o.task == upstream)
        yield from (t.name for t in reversed(found.via))
        yield site.tasks[task].name
