"""What the plan hands over: a phase, spaces with all that is in them, single apps."""

from __future__ import annotations

import difflib

from qlift.derivation.apps import Apps
from qlift.derivation.context import Context, Place, SelectedApp
from qlift.derivation.desired import HandedOver, ReloadSchedule, Space, SpaceOwner


def handed_over(
    context: Context,
    places: tuple[Place, ...],
    selected: tuple[SelectedApp, ...],
    apps: Apps,
    spaces: tuple[Space, ...],
) -> HandedOver:
    """A staging space goes with the last of the spaces that are published to from it."""
    if context.plan.handed_over:
        own = tuple(sorted(s.key for s in spaces if not s.external))
        return HandedOver(spaces=own, apps=tuple(sorted(a.key for a in apps.apps)))
    flagged = {p.key for p in places if p.plan.handed_over}
    users_of: dict[str, set[str]] = {}
    for place in places:
        if place.staging_key:
            users_of.setdefault(place.staging_key, set()).add(place.key)
    staging = {key for key, users in users_of.items() if users <= flagged}
    for key in sorted(flagged & set(users_of) - staging):
        context.findings.error(
            "HANDED-OVER-STAGING",
            next(s.name for s in spaces if s.key == key),
            "it is handed over, and apps are still published from it to: "
            + ", ".join(sorted(p.name for p in places if p.key in users_of[key] - flagged)),
            "hand those spaces over too, or keep this one",
        )
    made = {s.key for s in spaces}
    named = _named_apps(context, selected)
    keys = {
        apps.key_of[app.site.name, app.app.id][0]
        for app in selected
        if (app.site.name, app.app.id) in apps.key_of
        and ((app.place and app.place.key in flagged) or (app.site.name, app.app.id) in named)
    }
    return HandedOver(spaces=tuple(sorted((flagged | staging) & made)), apps=tuple(sorted(keys)))


def _named_apps(context: Context, selected: tuple[SelectedApp, ...]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for wanted in context.plan.apps.handed_over:
        matching = [a for a in selected if wanted in (a.app.id, a.app.name)]
        found.update((a.site.name, a.app.id) for a in matching)
        if not matching:
            near = difflib.get_close_matches(wanted, [a.app.name for a in selected], n=1)
            context.findings.error(
                "APP-UNKNOWN",
                wanted,
                "the plan hands this app over, and it is none of the selected ones"
                + (f"; did you mean {near[0]}?" if near else ""),
                "correct `apps.handed_over`: a name or an id",
            )
        if len(matching) > 1:
            context.findings.error(
                "HANDED-OVER-TWICE",
                wanted,
                f"{len(matching)} selected apps have this name",
                "name the one that is meant by its id: " + ", ".join(sorted(a.app.id for a in matching)),
            )
    return found


def about_hand_over(
    context: Context,
    done: HandedOver,
    spaces: tuple[Space, ...],
    owners: tuple[SpaceOwner, ...],
    schedules: tuple[ReloadSchedule, ...],
) -> None:
    """What stays with the tool's identity although it goes."""
    owned = {o.space for o in owners}
    nobodys = sorted(s.name for s in spaces if s.key in set(done.spaces) - owned)
    if nobodys:
        context.findings.warning(
            "HANDED-OVER-TO-NOBODY",
            f"{len(nobodys)} spaces",
            f"they are handed over without an owner and stay with qlift's identity: {', '.join(nobodys)}",
            "give them an `owner` in a run before, or change their owner in the tenant",
        )
    theirs = set(done.apps)
    tasks = [s for s in schedules if (s.publication or s.app) in theirs]
    if tasks:
        context.findings.warning(
            "HANDED-OVER-SCHEDULES",
            f"{len(tasks)} schedules",
            "they belong to qlift's identity, which no call changes, and run as it: without its roles in the "
            "spaces their reloads may fail",
            "have somebody with a role there open and save each of them: who saves a task becomes its owner",
        )
