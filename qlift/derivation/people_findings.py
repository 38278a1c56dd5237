"""Findings about people, each with its proposal in the users file of `qlift users`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from qlift.bundle.models import User
from qlift.derivation.context import Context, SelectedApp, Site
from qlift.derivation.people import is_built_in, why_left
from qlift.derivation.people_doubts import Owned, look_alikes, owned, role_becomes

NAMES_SHOWN = 10


def about_people(context: Context, selected: Sequence[SelectedApp]) -> None:
    for site in context.sites:
        has = owned(site.bundle, (s.app.id for s in selected if s.site is site))
        alike = look_alikes(site)
        _left(context, site, has)
        _ambiguous(context, site)
        _two_directories(context, site, alike)
        _shared(context, site, has, alike)
        _without_email(context, site)
        _admin_roles(context, site)


def listed(names: Iterable[str]) -> str:
    """The first ten and how many more."""
    known = sorted(names)
    more = f" and {len(known) - NAMES_SHOWN} more" if len(known) > NAMES_SHOWN else ""
    return ", ".join(known[:NAMES_SHOWN]) + more


def _left(context: Context, site: Site, has: Mapping[str, Owned]) -> None:
    """Each object of theirs has its own finding, OWNER-LEFT; here they are counted."""
    heir = context.people.heir()
    fate = f"; it goes to {heir.name}" if heir else ""
    remedy = (
        "map the user in the users file, if somebody else shall get it"
        if heir
        else "say who gets it: users.missing_owner.assign_to, or a row of the users file"
    )
    for id_, content in has.items():
        user = site.users.get(id_)
        if user is None or context.people.is_matched(site.name, user):
            continue
        if is_built_in(user):
            message = f"a built-in account of the source owns {content} of this phase{fate}"
            if heir:
                context.findings.info("ACCOUNT-BUILT-IN", user.login, message, remedy)
            else:
                context.findings.warning("ACCOUNT-BUILT-IN", user.login, message, remedy)
        elif why := why_left(user):
            message = f"{why}, and owns {content} of this phase{fate}"
            if heir:
                context.findings.info("LEAVER-OWNS", user.login, message, remedy)
            else:
                context.findings.warning("LEAVER-OWNS", user.login, message, remedy)


def _ambiguous(context: Context, site: Site) -> None:
    for user in site.bundle.users:
        row = context.people.row(site.name, user)
        if row is not None and row.status == "ambiguous":
            context.findings.warning(
                "USER-AMBIGUOUS",
                user.login,
                "the tenant has several active users for this person; two of one e-mail lock both out there",
                "choose one in the users file (`proposal` names them) and set its status to matched",
            )


def _two_directories(context: Context, site: Site, alike: Mapping[str, tuple[User, ...]]) -> None:
    pairs: dict[tuple[str, str], set[str]] = {}
    for id_, others in alike.items():
        user = site.users[id_]
        for other in others:
            first, second = sorted((user, other), key=lambda u: (u.user_directory.casefold(), u.id))
            key = (first.user_directory, second.user_directory)
            pairs.setdefault(key, set()).add(f"{first.login} = {second.login}")
    for directories, people in pairs.items():
        context.findings.warning(
            "USER-TWICE",
            " and ".join(directories),
            f"each of these {len(people)} looks like one person (same e-mail, or same name and user id): "
            f"{listed(people)}",
            "give both rows of the users file the same identity if they are, and leave them apart if not",
        )


def _shared(
    context: Context, site: Site, has: Mapping[str, Owned], alike: Mapping[str, tuple[User, ...]]
) -> None:
    found: dict[str, set[str]] = {}
    for assignee, ids in context.named(site).items():
        name = assignee.name if assignee.by == "subject" else assignee.name.casefold()
        found.setdefault(name, set()).update(ids & site.active_users)
    for name, ids in found.items():
        active = sorted(ids)
        if len(active) < 2:
            continue
        logins = listed(site.users[i].login for i in active)
        message = f"{len(active)} people of {site.name} become this one user: {logins}"
        same = {u.id for u in alike.get(active[0], ())}
        if same.issuperset(active[1:]):
            context.findings.info(
                "USERS-MERGED", name, f"{message}; they look like one person", "nothing to do"
            )
            continue
        message += "; each would get what the others may see and own"
        remedy = "correct the rows in the users file, or the rule that gives both the same identity"
        if any(i in has for i in active):
            context.findings.error("USERS-MERGED", name, message, remedy)
        else:
            context.findings.warning("USERS-MERGED", name, message, remedy)


def _without_email(context: Context, site: Site) -> None:
    if context.plan.users.match_by != "email":
        return
    found: dict[str, list[str]] = {}
    for user in site.bundle.users:
        if user.id not in site.active_users:
            continue
        row = context.people.row(site.name, user)
        if not (row.email if row else context.people.expected(user)[1]):
            found.setdefault(user.user_directory, []).append(user.user_id)
    for directory, people in found.items():
        context.findings.warning(
            "EMAIL-MISSING",
            directory,
            f"the plan matches by e-mail, and {len(people)} active users have none: {listed(people)}",
            "write it into the users file, or give their directory a rule with `email`",
        )


def _admin_roles(context: Context, site: Site) -> None:
    found: dict[str, list[str]] = {}
    for user in site.bundle.users:
        for role in user.roles if user.id in site.active_users else ():
            found.setdefault(role, []).append(user.login)
    for role, people in found.items():
        context.findings.info(
            "ADMIN-ROLE",
            role,
            f"who has this role in {site.name}: {listed(people)}; {role_becomes(role)}",
            "assign roles of the tenant there; qlift gives none",
        )
