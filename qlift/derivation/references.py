"""What the objects of a bundle refer to: whatever is not there belongs to no phase, and is said here.

Owners are not looked at: they are resolved, with findings of their own, where an object gets its owner.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

from qlift.bundle.models import App, CompositeEvent, Named, ReloadTask, SchemaEvent, Stream, SystemRule
from qlift.derivation.context import Site
from qlift.derivation.findings import Findings
from qlift.derivation.people import People

SHOWN = 10
"""Names in one message."""
NEEDED = ("app", "stream", "user", "reloadtask", "schemaevent", "compositeevent", "systemrule")
"""Kinds without which a derivation says little."""
AGAIN = "export again with an identity that sees everything; else it was deleted, and nothing is to do"
_TARGET = re.compile(r"^(Stream|App)_([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$")


def check_references(site: Site, people: People, findings: Findings) -> None:
    """Adds a finding for everything that refers to an object which the bundle does not hold."""
    _check_kinds(site, findings)
    _check_logins(site, findings)
    _check_rows(site, people, findings)
    for name, message in broken_references(site):
        findings.warning("REFERENCE-UNKNOWN", name, message, AGAIN)
    for name, message in (*_of_rules(site), *_of_labels(site)):
        findings.info("REFERENCE-UNKNOWN", name, message, AGAIN)


def broken_references(site: Site) -> list[tuple[str, str]]:
    """Objects that cannot migrate with any phase as they are: name, and what is missing."""
    return [*_of_apps(site), *_of_tasks(site), *_of_access(site)]


def _check_kinds(site: Site, findings: Findings) -> None:
    if missing := site.bundle.without_list(NEEDED):
        findings.warning(
            "KIND-NOT-EXPORTED",
            site.name,
            f"the bundle has no list of {', '.join(missing)}: whatever depends on them is missing below",
            "run `qlift export` again",
        )


def _check_logins(site: Site, findings: Findings) -> None:
    for login, count in sorted(Counter(u.login.casefold() for u in site.bundle.users).items()):
        if count > 1:
            findings.warning(
                "LOGIN-TWICE",
                login,
                f"{count} users of {site.name} have this login; what belongs to one goes to the other too",
                "delete one of them in the source",
            )


def _check_rows(site: Site, people: People, findings: Findings) -> None:
    """Rows of the users and groups files that nothing answers to: left over, or mistyped."""
    users, groups = people.rows_without(
        site.name, site.by_login.keys(), {g for u in site.bundle.users for g in u.groups}
    )
    users = _check_rewritten(site, users, findings)
    for what, unused in (("users", users), ("groups", groups)):
        if unused:
            findings.info(
                "ROW-UNUSED",
                f"{len(unused)} rows of the {what} file for {site.name}",
                f"the bundle has no such {what}: {_some(unused)}",
                "correct their spelling, or remove them",
            )


_NUMBER = re.compile(r"(\d{1,20}(?:\.\d{1,6})?)(E\d{1,3})?", re.I)


def _check_rewritten(site: Site, unused: list[str], findings: Findings) -> list[str]:
    """Gives the other rows. Nobody is `CORP\\123`, and `CORP\\00123` is there: a spreadsheet's work."""
    if not unused:
        return []
    by_number = {number: u.login for u in site.bundle.users if (number := _as_number(u.login))}
    others = []
    for login in unused:
        number = _as_number(login)
        meant = by_number.get(number) if number else None
        if meant is None:
            others.append(login)
            continue
        user_id = meant.rpartition("\\")[2]
        findings.warning(
            "ROW-REWRITTEN",
            login,
            f"its row in the users file answers to nobody, and {site.name} has {meant}: a spreadsheet takes "
            "such an id for a number",
            f"write '{user_id} there, with the apostrophe, or let `qlift users` write the row",
        )
    return others


def _as_number(login: str) -> tuple[str, Decimal] | None:
    """Directory and value, where a spreadsheet would take the user id for a number."""
    directory, _, user_id = login.rpartition("\\")
    if not _NUMBER.fullmatch(user_id):
        return None
    return directory.casefold(), Decimal(user_id).normalize()


def _of_apps(site: Site) -> Iterator[tuple[str, str]]:
    bundle = site.bundle
    apps = {a.id for a in bundle.apps}
    for app in bundle.apps:
        if app.stream is not None and app.stream.id not in site.streams:
            yield app.name, f"the app is in the stream {_label(app.stream)}, which the bundle does not hold"
    for what, ids in (("objects", bundle.app_objects), ("a file", bundle.app_files)):
        unknown = sorted(ids.keys() - apps)
        if unknown:
            yield (
                f"{len(unknown)} apps of {site.name}",
                f"the bundle has {what} of apps that it does not hold: {_some(unknown)}",
            )


def _of_tasks(site: Site) -> Iterator[tuple[str, str]]:
    bundle = site.bundle
    apps = {a.id for a in bundle.apps}
    tasks = {t.id for t in bundle.reload_tasks}
    for task in bundle.reload_tasks:
        if task.app.id not in apps:
            yield task.name, f"the task reloads the app {_label(task.app)}, which the bundle does not hold"
    events: tuple[SchemaEvent | CompositeEvent, ...] = (*bundle.schema_events, *bundle.composite_events)
    for event in events:
        started = event.reload_task
        if started is not None and started.id not in tasks:
            yield event.name, f"the trigger starts the task {_label(started)}, which the bundle does not hold"
        elif started is None and event.external_program_task is None and event.user_sync_task is None:
            yield event.name, "the trigger starts no task at all"
    for event in bundle.composite_events:
        for rule in event.composite_rules:
            if rule.reload_task is not None and rule.reload_task.id not in tasks:
                label = _label(rule.reload_task)
                yield event.name, f"the trigger waits for the task {label}, which the bundle does not hold"


def _of_access(site: Site) -> Iterator[tuple[str, str]]:
    for stream_id, access in sorted(site.bundle.access.items()):
        stream = site.streams.get(stream_id)
        if stream is None:
            yield stream_id, "the audit is about this stream, which the bundle does not hold"
            continue
        unknown = sorted(access.users.keys() - site.users.keys())
        if unknown:
            yield (
                stream.name,
                f"the audit of this stream names {len(unknown)} users that the bundle does not hold: "
                f"{_some(unknown)}",
            )


def _of_rules(site: Site) -> Iterator[tuple[str, str]]:
    known = {
        "Stream": {i.casefold() for i in site.streams},
        "App": {a.id.casefold() for a in site.bundle.apps},
    }
    for rule in site.bundle.system_rules:
        for kind, id_ in _targets(rule):
            if id_.casefold() not in known[kind]:
                yield rule.name, f"the rule is about the {kind.lower()} {id_}, which the bundle does not hold"


def _targets(rule: SystemRule) -> Iterator[tuple[str, str]]:
    for pattern in rule.resource_filter.split(","):
        found = _TARGET.match(pattern.strip())
        if found:
            yield found[1], found[2]


def _of_labels(site: Site) -> Iterator[tuple[str, str]]:
    """Tags and custom properties: one line for each that has no definition."""
    bundle = site.bundle
    tags = {t.id for t in bundle.tags}
    properties = {p.id for p in bundle.custom_properties}
    labelled: tuple[App | Stream | ReloadTask, ...] = (*bundle.apps, *bundle.streams, *bundle.reload_tasks)
    for what, used, known in (
        ("tag", (t for o in labelled for t in o.tags), tags),
        ("custom property", (v.definition for o in labelled for v in o.custom_properties), properties),
    ):
        unknown = {_label(u) for u in used if u.id not in known}
        if unknown:
            yield (
                f"{len(unknown)} of {site.name}",
                f"objects have a {what} that the bundle does not hold: {_some(unknown)}",
            )


def _label(named: Named) -> str:
    return f'"{named.name}" ({named.id})' if named.name else named.id


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else ""
    return ", ".join(ordered[:SHOWN]) + more
