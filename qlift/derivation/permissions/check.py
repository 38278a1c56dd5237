"""Tells where the planned roles of a space and the source's audit differ, and what owners may do besides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from qlift.derivation.context import Context, Place, SelectedApp
from qlift.derivation.desired import Assignee
from qlift.derivation.permissions import names
from qlift.derivation.permissions.audit import Difference, Holding, blame, compare, joined
from qlift.derivation.permissions.roles import (
    ASSIGNABLE,
    CELLS,
    ELEVATED,
    READ,
    Readers,
    bits_of,
    roles_for,
)
from qlift.derivation.permissions.rules import Rules
from qlift.derivation.permissions.tenant import Tenant
from qlift.derivation.permissions.within import EXPORTS_DATA

PROPOSED = 3
"""How many lines of `access` a remedy spells out."""


class Check:
    """Of the spaces of one site. `used`: accepted rules that indeed widened something."""

    def __init__(
        self,
        context: Context,
        rules: Rules,
        tenant: Tenant,
        apps: Iterable[SelectedApp],
        used: set[str],
        readers: Readers,
    ) -> None:
        self._context, self._rules, self._tenant, self._used = context, rules, tenant, used
        self._site, self._readers = rules.site, readers
        self._accepted = {a.rule: a.until for a in context.plan.access.accept_widening}
        self._owners: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for app in apps:
            if app.site is self._site and app.place is not None:
                self._owners[app.place.key][app.app.owner.id].append(app.app.name)

    def space(self, place: Place, holdings: list[Holding], by_rules: bool) -> frozenset[str]:
        """Reports a space; gives the people of the source who could read there."""
        owner = self._owner(place)
        everything = Holding(owner, ASSIGNABLE[place.plan.type])
        held = [*holdings, everything]
        audit = self._site.bundle.access.get(place.stream.id) if place.stream else None
        if audit is None:
            if any(h.rules for h in holdings):
                self._context.findings.error(
                    "ACCESS-NOT-AUDITED",
                    place.name,
                    "the bundle holds no audit of its stream: nothing shows that its rules are read rightly",
                    "export again, write spaces.<space>.access as a list, or waive this for the space",
                )
        else:
            self._unknown_people(place, audit.users.keys())
            if by_rules:
                for difference in joined(compare(held, audit.users, self._site.active_users)):
                    self._widens(place, holdings, difference)
                    self._narrows(place, held, difference)
                self._roles_bring(place, holdings)
                self._listed(place, [h for h in holdings if not h.rules], audit.users, wider_only=True)
            else:
                self._listed(place, held, audit.users)
            self._space_owner(place, owner, audit.users)
            self._app_owners(place, held, audit.users)
        return frozenset[str]().union(*(h.people for h in held if bits_of(h.roles) & READ))

    def _owner(self, place: Place) -> frozenset[str]:
        assignee: Assignee | None = self._tenant.owner_of(place)
        return self._tenant.people(assignee) if assignee else frozenset()

    def _unknown_people(self, place: Place, users: Iterable[str]) -> None:
        unknown = [u for u in users if u not in self._site.users]
        if unknown:
            self._context.findings.warning(
                "ACCESS-OF-UNKNOWN",
                place.name,
                f"the audit of its stream names {len(unknown)} users whom the bundle does not hold",
                "export again",
            )

    def _widens(self, place: Place, holdings: list[Holding], difference: Difference) -> None:
        allowed = self._audited(place, difference.cell)
        # Two accounts of the source may be one person in the tenant: what one may, the person may.
        wider = frozenset(u for u in difference.wider if not self._tenant.same_person(u) & allowed)
        by_rule = {
            rule: {self._site.users[u].login for u in people}
            for rule, people in blame(holdings, difference.cell, wider, place.plan.type).items()
        }
        for holding in holdings:
            if holding.strangers and bits_of(holding.roles) & difference.cell:
                for rule, mask in holding.rules.items():
                    if bits_of(roles_for(mask, place.plan.type)) & difference.cell:
                        by_rule.setdefault(rule, set()).update(holding.strangers)
        self._tell_wider(place, difference.word, by_rule)

    def _tell_wider(self, place: Place, word: str, by_rule: dict[str, set[str]]) -> None:
        self._used |= set(by_rule) & set(self._accepted)
        valid = {r for r in by_rule if (until := self._accepted.get(r)) and until >= self._context.as_of}
        refused = sorted(set(by_rule) - valid)
        if refused:
            logins = set().union(*(by_rule[r] for r in refused))
            ended = [f"; {r} was accepted until {self._accepted[r]}" for r in refused if r in self._accepted]
            self._context.findings.error(
                "ACCESS-WIDENS",
                place.name,
                f"{names.listed(sorted(logins))} could {word} it, and may not in the source "
                f"(rules: {', '.join(refused)}){''.join(ended)}",
                "accept the rule under access.accept_widening, or write spaces.<space>.access as a list",
                logins,
            )
        for rule in sorted(valid):
            self._context.findings.warning(
                "ACCESS-WIDENS",
                place.name,
                f"{names.listed(sorted(by_rule[rule]))} could {word} it by the rule {rule}, and may not in "
                f"the source; accepted until {self._accepted[rule]}",
                "nothing to do until then",
                by_rule[rule],
            )

    def _narrows(self, place: Place, held: list[Holding], difference: Difference) -> None:
        have = frozenset[str]().union(
            *(h.people for h in held if bits_of(h.roles) & difference.cell == difference.cell)
        )
        narrower = frozenset(u for u in difference.narrower if not self._tenant.same_person(u) & have)
        if narrower:
            self._context.findings.warning(
                "ACCESS-NARROWS",
                place.name,
                f"{names.people(self._site, narrower)} may {difference.word} the stream in the source, and "
                "get no role for it here",
                f"add them in spaces.<space>.access, or to a group that has access: "
                f"{self._proposal(place, narrower, difference.cell)}",
                names.logins(self._site, narrower),
            )

    def _audited(self, place: Place, cell: int) -> frozenset[str]:
        audit = self._site.bundle.access[place.stream.id] if place.stream else None
        return (
            frozenset(u for u, mask in audit.users.items() if mask & cell == cell) if audit else frozenset()
        )

    def _proposal(self, place: Place, people: frozenset[str], cell: int) -> str:
        roles = ", ".join(roles_for(cell, place.plan.type))
        if people == self._site.active_users:
            return f"they are everybody, so [from_rules, {{group: <a group of all>, roles: [{roles}]}}]"
        groups = self._rules.explain.cover(people)
        if groups is not None:
            lines = [f"{{group: '{self._rules.explain.spelled(g)}', roles: [{roles}]}}" for g in groups]
        else:
            logins = sorted(self._site.users[u].login for u in people)
            lines = [f"{{user: '{login}', roles: [{roles}]}}" for login in logins]
        more = ["..."] if len(lines) > PROPOSED else []
        return f"[from_rules, {', '.join([*lines[:PROPOSED], *more])}]"

    def _roles_bring(self, place: Place, holdings: list[Holding]) -> None:
        """What no bit of a stream's audit says: editing other people's apps, and exporting data."""
        by_rules = [h for h in holdings if h.rules]
        editors = frozenset[str]().union(*(h.people for h in by_rules if "producer" in h.roles))
        if editors:
            self._context.findings.warning(
                "SHARED-EDIT",
                place.name,
                f"{names.people(self._site, editors)} may publish to the stream and could edit every app of "
                "the space: in a shared space that is one role (producer)",
                "make the space managed if that is too much",
                names.logins(self._site, editors),
            )
        if self._readers.export_data:
            return
        readers = frozenset[str]().union(*(h.people for h in by_rules if bits_of(h.roles) & READ))
        if place.plan.type == "shared" and readers:
            logins = {self._site.users[u].login for u in readers}
            self._tell_wider(place, "export data of", {EXPORTS_DATA: logins})
        elif readers:
            self._context.findings.warning(
                "EXPORT-DATA",
                place.name,
                f"the default rule {EXPORTS_DATA} is not in force as delivered, so "
                f"{names.people(self._site, readers)} get basicconsumer: no export, no sheets of their own",
                "write who may in spaces.<space>.access: [from_rules, {group: ..., roles: [consumer]}]",
                names.logins(self._site, readers),
            )

    def _listed(
        self, place: Place, held: list[Holding], allowed: dict[str, int], wider_only: bool = False
    ) -> None:
        """What the plan grants without asking the rules is the plan's own decision."""
        said: list[str] = []
        named: set[str] = set()
        by_plan = [Holding(h.people, h.roles, {"plan": 0}) for h in held]
        for difference in joined(compare(by_plan, allowed, self._site.active_users)):
            for people, what in (
                (difference.wider, f"could {difference.word} it and may not in the source"),
                (difference.narrower, f"may {difference.word} it in the source only"),
            ):
                if people and (people is difference.wider or not wider_only):
                    said.append(f"{names.people(self._site, people)} {what}")
                    named |= people
        if said:
            self._context.findings.info(
                "ACCESS-BY-PLAN",
                place.name,
                f"its access is {'partly ' if wider_only else ''}the plan's own: {'; '.join(said)}",
                "nothing, if that is meant; spaces.<space>.access says it",
                names.logins(self._site, named),
            )

    def _space_owner(self, place: Place, owner: frozenset[str], allowed: dict[str, int]) -> None:
        have = 0
        for user in owner:
            have |= allowed.get(user, 0)
        more = [word for cell, word in CELLS if not have & cell]
        if owner and more:
            self._context.findings.info(
                "OWNER-MAY-MORE",
                place.name,
                f"{names.people(self._site, owner)} owns the space and may do everything there; in the "
                f"source not: {', '.join(more)}",
                "choose another owner if that is too much",
                names.logins(self._site, owner),
            )

    def _app_owners(self, place: Place, held: list[Holding], allowed: dict[str, int]) -> None:
        raised = ELEVATED[place.plan.type]
        bits = bits_of([raised])
        planned = {
            cell: frozenset[str]().union(*(h.people for h in held if bits_of(h.roles) & cell))
            for cell, _ in CELLS
        }
        found: dict[str, str] = {}
        for user, apps in sorted(self._owners[place.key].items()):
            have = allowed.get(user, 0)
            if user in self._site.active_users and any(
                bits & cell and not have & cell and user not in planned[cell] for cell, _ in CELLS
            ):
                found[user] = f"{self._site.users[user].login} ({names.listed(sorted(apps), 'apps')})"
        if found:
            self._context.findings.info(
                "OWNER-ROLE-RAISED",
                place.name,
                f"Qlik Cloud makes owners of apps {raised} of their space, which is more than they may in "
                f"the source: {names.listed(list(found.values()))}",
                "qlift takes the role back when it gives the app away; a later one raises it again",
                names.logins(self._site, found),
            )
