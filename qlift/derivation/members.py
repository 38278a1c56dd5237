"""Who is in a group of the tenant, as far as the source knows."""

from __future__ import annotations

from datetime import date

from qlift.derivation.context import Context, Site
from qlift.derivation.desired import Assignee
from qlift.derivation.findings import Findings
from qlift.derivation.people import Unknown
from qlift.derivation.phase import PhaseFiles


class SourceMembers:
    """People as the tenant would know them; those that nobody can name there are left out."""

    def __init__(self, read: PhaseFiles) -> None:
        sites = tuple(Site(b) for b in read.bundles)
        # Nothing here depends on the day, and what is found was told when the phase was derived.
        self._context = Context(read.plan, sites, read.people, Findings(), date.min)
        self._known: dict[str, frozenset[Assignee]] = {}

    def of(self, group: str) -> frozenset[Assignee]:
        """`group`: its name in the tenant."""
        if group not in self._known:
            self._known[group] = frozenset(
                assignee for site in self._context.sites for assignee in self._of_site(site, group)
            )
        return self._known[group]

    def _of_site(self, site: Site, group: str) -> set[Assignee]:
        found = set()
        for id_ in self._context.members(site, group) & site.active_users:
            user = site.users[id_]
            try:
                found.add(self._context.people.user(site.name, user, user))
            except Unknown:
                continue
        return found
