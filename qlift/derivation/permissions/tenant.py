"""Groups and people of the source as the tenant knows them, and back."""

from __future__ import annotations

from qlift.derivation.context import Context, Place, Site
from qlift.derivation.desired import Assignee
from qlift.derivation.people import Unknown
from qlift.derivation.permissions.grants import Grant


class Tenant:
    """Of one site. People that cannot be named in the tenant are told once, with all rules that name them."""

    def __init__(self, context: Context, site: Site) -> None:
        self._context, self.site = context, site
        name = context.plan.groups.everyone
        self.everyone = Assignee(type="group", name=name) if name else None
        self._users: dict[str, Assignee | None] = {}
        self._people: dict[Assignee, frozenset[str]] = {}
        self._others: dict[Assignee, list[tuple[str, Assignee]]] = {}
        self._unnamed: dict[str, tuple[str, set[str]]] = {}

    def assignee(self, grant: Grant) -> Assignee | None:
        """None: there is nobody to assign it to, which is told."""
        if grant.kind == "everyone":
            return self.everyone
        if grant.kind == "group":
            return self._group(grant)
        user = self.user(grant.name)
        if user is None:
            self._unnamed[grant.name][1].update(grant.masks)
        return user

    def _group(self, grant: Grant) -> Assignee | None:
        # Rules compare without case, names of the tenant's groups do not: the directory's spelling counts.
        name = self.site.group_names.get(grant.name.casefold(), grant.name)
        try:
            return self._context.people.group(self.site.name, name)
        except Unknown as why:
            self._context.findings.error(
                "GROUP-UNKNOWN",
                name,
                f"the rules {', '.join(sorted(grant.masks))} name this group: {why}",
                "run `qlift users`, or correct the row in the target's groups file",
            )
            return None

    def user(self, id_: str) -> Assignee | None:
        """A user of the source, by id."""
        if id_ not in self._users:
            user = self.site.users[id_]
            try:
                self._users[id_] = self._context.people.user(self.site.name, user, user)
            except Unknown as why:
                self._users[id_] = None
                self._unnamed[id_] = (str(why), set())
        return self._users[id_]

    def people(self, assignee: Assignee) -> frozenset[str]:
        """Active people of the source behind a user or group of the tenant."""
        if assignee not in self._people:
            if assignee.type == "group":
                found = self._context.members(self.site, assignee.name) | self._through_others(assignee)
            else:
                found = self._context.users_named(self.site, assignee)
            self._people[assignee] = self.site.active_users & found
        return self._people[assignee]

    def strangers(self, group: Assignee) -> frozenset[str]:
        """Logins of people on other sites who are in this group of the tenant, and nobody active here.

        Groups of several sites may be one in the tenant.
        """
        return frozenset(login for login, person in self._elsewhere(group) if not self.people(person))

    def _through_others(self, group: Assignee) -> set[str]:
        """People of this site who are in the group on another one."""
        return {user for _, person in self._elsewhere(group) for user in self.people(person)}

    def _elsewhere(self, group: Assignee) -> list[tuple[str, Assignee]]:
        """Members of a group of the tenant on other sites: login and site, and who that is in the tenant."""
        if group in self._others:
            return self._others[group]
        found = self._others[group] = []
        for other in self._context.sites:
            if other is self.site or group.type != "group":
                continue
            for id_ in sorted(self._context.members(other, group.name) & other.active_users):
                user = other.users[id_]
                try:
                    person = self._context.people.user(other.name, user, user)
                except Unknown:
                    continue
                found.append((f"{user.login} of {other.name}", person))
        return found

    def same_person(self, user: str) -> frozenset[str]:
        """This user of the source, and others who are the same person in the tenant."""
        assignee = self.user(user)
        return frozenset({user}) if assignee is None else self.people(assignee) | {user}

    def owner_of(self, place: Place) -> Assignee | None:
        """The owner of a space has every role and gets no assignment."""
        if place.plan.owner is None:
            return None
        for site in self._context.sites:
            user = site.by_login.get(place.plan.owner.casefold())
            if user is not None:
                try:
                    return self._context.people.user(site.name, user, user)
                except Unknown:
                    return None
        return Assignee(type="user", name=place.plan.owner, by=self._context.plan.users.match_by)

    def tell(self) -> None:
        for id_, (why, rules) in sorted(self._unnamed.items()):
            if rules:
                self._context.findings.error(
                    "USER-UNKNOWN",
                    self.site.users[id_].login,
                    f"the rules {', '.join(sorted(rules))} let this user in, who cannot be named in the "
                    f"tenant: {why}",
                    "run `qlift users`, correct the row, or add a rule to users.rules",
                )
