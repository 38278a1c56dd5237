"""Who of the source gets an app: by the roles in its space, or as its owner."""

from __future__ import annotations

from collections.abc import Iterable

from qlift.derivation.context import Context, Place, SelectedApp, Site
from qlift.derivation.desired import SpaceAssignment
from qlift.derivation.people import is_built_in, why_left


class Audiences:
    def __init__(self, context: Context, assignments: Iterable[SpaceAssignment]) -> None:
        """`assignments`: of the phase; the tool's own roles do not count."""
        self._context = context
        self._by_space: dict[str, list[SpaceAssignment]] = {}
        for assignment in assignments:
            if assignment.assignee.type != "self":
                self._by_space.setdefault(assignment.space, []).append(assignment)
        self._of_place: dict[str, set[str] | None] = {}

    def of(self, choice: SelectedApp) -> set[str] | None:
        """Ids of users of the source; None where that cannot be said.

        That is: another phase gives the roles, nobody has any yet, or a group is known to the tenant only.
        """
        owner = self._owner(choice)
        if choice.place is None:
            return {owner} if owner else None
        key = choice.place.key
        if key not in self._of_place:
            self._of_place[key] = self._members(choice.place, choice.site)
        members = self._of_place[key]
        return None if members is None else members | ({owner} if owner else set())

    def _owner(self, choice: SelectedApp) -> str | None:
        """Of the app in the tenant: its owner, or the heir of one who left."""
        user = choice.site.users.get(choice.app.owner.id)
        if user is None:
            return None
        left = why_left(user) or is_built_in(user)
        if not left or self._context.people.is_matched(choice.site.name, user):
            return user.id
        heir = self._context.people.heir()
        ids = self._context.users_named(choice.site, heir) if heir else set()
        return next(iter(sorted(ids)), None)

    def _members(self, place: Place, site: Site) -> set[str] | None:
        found: set[str] = set()
        if place.plan.of is not None:
            return None
        for assignment in self._by_space.get(place.key, ()):
            if assignment.assignee.type == "group":
                members = self._context.members(site, assignment.assignee.name)
                if not members:
                    return None
                found |= members
            else:
                found |= self._context.users_named(site, assignment.assignee)
        owner = site.by_login.get((place.plan.owner or "").casefold())
        if owner is not None:
            found.add(owner.id)
        return found or None
