"""Spaces: those of the plan, the staging spaces behind managed ones, and their owners."""

from __future__ import annotations

import difflib

from qlift.derivation.context import Context, Place, SelectedApp
from qlift.derivation.desired import Assignee, Source, Space, SpaceAssignment, SpaceOwner
from qlift.derivation.names import slug
from qlift.derivation.people import Unknown
from qlift.derivation.plan import PLAN_SITE

WORKING_ROLES = {
    "shared": ("facilitator", "producer"),
    "managed": ("contributor", "facilitator", "publisher"),
}
"""Of the tool itself: it imports and edits in shared spaces, publishes and edits in managed ones.

A tenant admin without a role in a space cannot publish or edit there (help pages on space permissions).
"""
FORBIDDEN = '"*?<>/|\\:'
"""Characters that a space name must not contain: the vendor's reference of the spaces API."""
LONGEST_NAME = 256
"""Characters of a space's name: the same reference."""


def spaces(context: Context, places: tuple[Place, ...], apps: tuple[SelectedApp, ...]) -> tuple[Space, ...]:
    made: dict[str, Space] = {}
    for place in places:
        source = (
            Source(site=place.site.name, id=place.stream.id)
            if place.site and place.stream
            else Source(site=PLAN_SITE, id=place.key)
        )
        made[place.key] = Space(
            key=place.key,
            name=place.name,
            type=place.plan.type,
            description=place.plan.description,
            source=source,
            external=place.plan.of is not None,
        )
    for place in _with_staging(places, apps):
        staging, key = place.staging or "", place.staging_key or ""
        if key in made:
            if made[key].type != "shared":
                context.findings.error(
                    "STAGING-NOT-SHARED",
                    place.name,
                    f"its staging space {staging} is a managed one; apps are imported into shared ones",
                    "name a shared space, or leave `staging` out",
                )
            continue
        made[key] = Space(
            key=key,
            name=staging,
            type="shared",
            description=f"Apps that are published to {place.name}",
            source=Source(site=PLAN_SITE, id=key),
        )
    _check_names(context, made)
    return tuple(made[k] for k in sorted(made))


def _with_staging(places: tuple[Place, ...], apps: tuple[SelectedApp, ...]) -> list[Place]:
    """Only managed spaces that something is published to need one."""
    used = {a.place.key for a in apps if a.place}
    return [p for p in places if p.staging and p.key in used]


def _check_names(context: Context, made: dict[str, Space]) -> None:
    by_name: dict[str, str] = {}
    for space in made.values():
        bad = sorted(set(space.name) & set(FORBIDDEN))
        if bad:
            _bad_name(context, space.name, f"a space's name must not contain {' '.join(bad)}")
        if not space.name.strip():
            _bad_name(context, space.key, "its name would be empty")
        if len(space.name) > LONGEST_NAME:
            _bad_name(
                context,
                space.name,
                f"a space's name has at most {LONGEST_NAME} characters, this one {len(space.name)}",
            )
        other = by_name.setdefault(space.name.casefold(), space.key)
        if other != space.key:
            same = made[other].name == space.name
            context.findings.error(
                "SPACE-NAME-TWICE",
                space.name,
                f"the spaces {other} and {space.key} would have the same name"
                + ("" if same else " but for capitals; whether a tenant tells those apart is not documented"),
                "give one of them another `name`",
            )


def _bad_name(context: Context, space: str, problem: str) -> None:
    context.findings.error("SPACE-NAME", space, problem, "give the space another `name` in the plan")


def working_roles(
    context: Context, made: tuple[Space, ...], handed_over: frozenset[str]
) -> list[SpaceAssignment]:
    without = {slug(k) for k, s in context.plan.spaces.items() if not s.working_role}
    return [
        SpaceAssignment(
            key=f"{s.key}.self", space=s.key, assignee=Assignee(type="self"), roles=WORKING_ROLES[s.type]
        )
        for s in made
        if s.key not in without | handed_over and not s.external
    ]


def owners(context: Context, places: tuple[Place, ...]) -> tuple[SpaceOwner, ...]:
    made = []
    for place in places:
        if place.plan.owner is None or place.plan.of is not None:
            continue
        owner = named_user(context, place.plan.owner, f"space {place.name}")
        if owner is not None:
            made.append(SpaceOwner(space=place.key, owner=owner))
    return tuple(made)


def named_user(context: Context, name: str, what: str) -> Assignee | None:
    """A user that the plan names: `DIRECTORY\\user` of the source, else as the tenant knows them."""
    for site in context.sites:
        user = site.by_login.get(name.casefold())
        if user is None:
            continue
        try:
            return context.people.user(site.name, user, user)
        except Unknown as why:
            context.findings.error(
                "USER-UNKNOWN",
                name,
                f"the plan names this user for {what}, and cannot be named in the tenant: {why}",
                "run `qlift users`, correct the row, or add a rule to users.rules",
            )
            return None
    _tell_of_misspelling(context, name, what)
    return Assignee(type="user", name=name, by=context.plan.users.match_by)


def _tell_of_misspelling(context: Context, name: str, what: str) -> None:
    """A user of the tenant alone may be named; one letter beside somebody of the source hardly is."""
    wanted = name.casefold()
    if "\\" not in wanted:
        return  # Nobody of a source is called so.
    known = {
        login: user.login
        for site in context.sites
        for login, user in site.by_login.items()
        if abs(len(login) - len(wanted)) < 2 and login[0] == wanted[0]  # Of 50,000, what is worth comparing.
    }
    for near in difflib.get_close_matches(wanted, known, n=1, cutoff=0.9):
        context.findings.warning(
            "USER-MISSPELT",
            name,
            f"the plan names this user for {what}; the source has nobody of that name, but {known[near]}",
            "correct it, unless the tenant has such a user",
        )
