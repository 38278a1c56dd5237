"""Names that a tenant refuses or that people will confuse, and the tags of Qlik's older migration kit.

A tenant's documented limits: a group's name has 1 to 256 characters. For the names of apps and tasks none
is published (a task's is refused with CHO-001 when it is too long, without a number).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from qlift.bundle.models import App, Stream
from qlift.derivation.context import Context, Place, SelectedApp, Site
from qlift.derivation.desired import SpaceAssignment

LONGEST_GROUP_NAME = 256
KIT_TAG = re.compile(r"app\s*-\s*(05|10|20|30|40|99)\b", re.I)
"""Tags of the "Qlik Sense to SaaS Migration app"; what follows the number is translated in some sites."""
_KIT_SAYS = {
    "05": "it is in the cloud already, or is only a link to it",
    "20": "it needs work before it is migrated",
    "40": "its migration is complete",
    "99": "it will not be migrated",
}


def check_names(
    context: Context,
    places: Sequence[Place],
    selected: Sequence[SelectedApp],
    assignments: Iterable[SpaceAssignment],
) -> None:
    _apps_of_one_name(context, selected)
    for site in context.sites:
        _streams_alike(context, site, [p.stream for p in places if p.site is site and p.stream])
    _groups(context, assignments)
    for app in selected:
        _kit_tags(context, app.app)


def _apps_of_one_name(context: Context, selected: Sequence[SelectedApp]) -> None:
    by_name: dict[tuple[str, str], list[App]] = {}
    for choice in selected:
        app = choice.app
        where = choice.place.name if choice.place else f"the personal space of {app.owner.login}"
        by_name.setdefault((where, app.name), []).append(app)
        if not app.name.strip():
            context.findings.warning(
                "APP-NAME",
                app.id,
                "the app has no name; whether a tenant takes that is not documented",
                "give it a name in the source",
            )
    for (where, name), apps in by_name.items():
        if len(apps) > 1:
            context.findings.info(
                "APP-NAME-TWICE",
                name,
                f"{len(apps)} apps of this name go to {where} ({', '.join(a.id for a in apps)}); "
                "a tenant allows that, people may take one for the other",
                "rename one, or leave out what nobody uses",
            )


def _streams_alike(context: Context, site: Site, taken: Sequence[Stream]) -> None:
    """Of those that become spaces here, with any other stream of the site."""
    wanted = {s.name.casefold() for s in taken}
    alike: dict[str, list[Stream]] = {}
    for stream in site.bundle.streams:
        if stream.name.casefold() in wanted:
            alike.setdefault(stream.name.casefold(), []).append(stream)
    for streams in alike.values():
        if len(streams) > 1:
            context.findings.warning(
                "STREAMS-ALIKE",
                " / ".join(sorted(s.name for s in streams)),
                f"{len(streams)} streams of {site.name} have the same name but for capitals",
                "give their spaces names that people can tell apart (`name`), or merge them in the source",
            )


def _groups(context: Context, assignments: Iterable[SpaceAssignment]) -> None:
    names = {a.assignee.name for a in assignments if a.assignee.type == "group"}
    for name in sorted(n for n in names if len(n) > LONGEST_GROUP_NAME or not n.strip()):
        context.findings.error(
            "GROUP-NAME",
            name,
            f"a group's name in a tenant has 1 to {LONGEST_GROUP_NAME} characters, this one {len(name)}",
            "name the tenant's group in the groups file",
        )


def _kit_tags(context: Context, app: App) -> None:
    found = {m[1]: tag.name for tag in app.tags if (m := KIT_TAG.match(tag.name))}
    tags = sorted({tag.name for tag in app.tags if KIT_TAG.match(tag.name)})
    if len(tags) > 1:
        context.findings.error(
            "MIGRATION-TAGS",
            app.name,
            f"it has several migration tags: {', '.join(tags)}",
            "keep the one that is true",
        )
        return
    for number, tag in found.items():
        if number == "10":
            context.findings.info(
                "MIGRATION-TAG",
                app.name,
                f"it is tagged {tag}, and the plan migrates it",
                "review it, then tag it `App - 30 Ready to Migrate`",
            )
        elif number in _KIT_SAYS:
            context.findings.warning(
                "MIGRATION-TAG",
                app.name,
                f"it is tagged {tag} ({_KIT_SAYS[number]}), and the plan migrates it",
                "leave it out (`select.apps.tags`), or correct the tag in the source",
            )
