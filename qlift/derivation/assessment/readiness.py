"""How ready an app is, and why: its worst reason decides.

`cannot`: no plan helps under these tenant facts. `needs work`: a person has to change the app, or to find
something out. `ready with changes`: what has to change is known; a plan or a setting of the tenant says it.
"""

from __future__ import annotations

from collections import defaultdict

from qlift.bundle.models import App
from qlift.derivation.assessment.connections import fate
from qlift.derivation.assessment.extensions import extensions_of
from qlift.derivation.assessment.ground import Ground
from qlift.derivation.assessment.leave import REMEDIATION, kit_number, names_twice
from qlift.derivation.assessment.model import Readiness, Reason, ScheduleRow

GIB = 1024**3
LARGE_FILE = GIB
"""Larger files cannot be uploaded by hand without the expanded-app entitlement (help, "Uploading apps").

What the interface allows is not published; the tenant's quota `app_upload_disk_size` says it.
"""
TOO_MANY, TOO_LONG = "TASKS-PER-APP", "TASK-TOO-LONG"
"""Codes of findings about schedules."""
ORDER = {r: n for n, r in enumerate(Readiness)}

CONNECTION_REASONS = {
    "data files": (
        "CONNECTION-FILES",
        Readiness.CHANGES,
        "reads or writes folders: {}",
        "say in the plan which space's data files take their place, and bring the files there",
    ),
    "gateway": (
        "CONNECTION-GATEWAY",
        Readiness.CHANGES,
        "reads databases: {}",
        "make the connections in the tenant, behind a gateway where a firewall is between",
    ),
    "native": (
        "CONNECTION-NATIVE",
        Readiness.CHANGES,
        "reads by a connector that Qlik Cloud has too: {}",
        "make the connections in the tenant",
    ),
    "review": (
        "CONNECTION-REVIEW",
        Readiness.WORK,
        "reads by a connector whose place in Qlik Cloud is not known: {}",
        "find out what can take its place",
    ),
}


TITLES = {
    "APP-FILE-MISSING": "App file not exported",
    "APP-FILE-STALE": "Changed while it was exported",
    "APP-LARGE": "File over 1 GiB",
    "APP-TOO-LARGE": "Larger than the tenant allows",
    "CONNECTION-COMPUTED": "Connection computed by the script",
    "CONNECTION-FILES": "Reads or writes folders",
    "CONNECTION-GATEWAY": "Reads databases",
    "CONNECTION-NATIVE": "Reads web or cloud services",
    "CONNECTION-REVIEW": "Connector to be reviewed",
    "CONNECTION-UNKNOWN": "Connection that does not exist",
    "CREDENTIAL-IN-SCRIPT": "Credential in the script",
    "EXTENSION-NEEDED": "Uses extensions",
    "FILE-PATHS": "Files by their path",
    "MONITORING-APP": "Monitors the site itself",
    "NAME-TWICE": "Name stands twice in its stream",
    "OWNER-LEFT": "Owner has left",
    "PRIVATE-CONTENT-NOT-EXPORTED": "Private content not exported",
    "RELOAD-TOO-LONG": "Reload over three hours",
    "SCRIPT-INCLUDES": "Includes other scripts",
    "SCRIPT-UNKNOWN": "Script not known",
    "SECTION-ACCESS": "Section access",
    "TAGGED-REMEDIATION": "Tagged for remediation",
    "TOO-MANY-TASKS": "More than ten tasks",
    "TRIGGER-BY-HAND": "Trigger to be made by hand",
    "TRIGGER-IN-DOUBT": "Trigger with two readings",
}
"""Of every reason; `docs/assessment.md` explains them."""


class Judge:
    """Gives the reasons of every app; what many apps share is looked up once."""

    def __init__(self, ground: Ground, schedules: tuple[ScheduleRow, ...]) -> None:
        self._ground = ground
        bundle = ground.bundle
        self._rows: dict[str, list[ScheduleRow]] = defaultdict(list)
        for row in schedules:
            self._rows[row.app_id].append(row)
        self._twice = names_twice(ground)
        self._secrets: dict[str, list[str]] = defaultdict(list)
        for redaction in bundle.redactions:
            if redaction.kind == "script":
                self._secrets[redaction.id].append(redaction.field)

    def reasons(self, app: App) -> tuple[Reason, ...]:
        """The worst first."""
        found = [
            *self._about_the_tenant(app),
            *self._about_the_export(app),
            *self._about_the_script(app),
            *self._about_the_rest(app),
            *self._about_the_tasks(app),
        ]
        return tuple(sorted(found, key=lambda r: (-ORDER[r.readiness], r.code)))

    def _about_the_tenant(self, app: App) -> list[Reason]:
        ground, found = self._ground, []
        quota = ground.tenant.app_quota
        memory, size = ground.memory(app), ground.size(app)
        if app.stream is not None and app.stream.id in ground.monitoring:
            found.append(
                _reason(
                    "MONITORING-APP",
                    Readiness.CANNOT,
                    "it is about the site itself and reads its logs",
                    "leave it; Qlik Cloud has monitoring apps of its own",
                )
            )
        # A file is compressed: one that is larger than the quota is so in memory too.
        if max(memory or 0, size or 0) > quota:
            what = f"{_gib(memory)} in memory" if memory and memory > quota else f"a file of {_gib(size)}"
            found.append(
                _reason(
                    "APP-TOO-LARGE",
                    Readiness.CANNOT,
                    f"{what}; the tenant allows {_gib(quota)}",
                    "load less, split it, or buy large-app capacity",
                )
            )
        elif size and size > LARGE_FILE:
            found.append(
                _reason(
                    "APP-LARGE",
                    Readiness.CHANGES,
                    f"a file of {_gib(size)}; over 1 GiB the entitlement for expanded apps may be needed",
                    "compare with the tenant's quota app_upload_disk_size, or export without data",
                )
            )
        return found

    def _about_the_export(self, app: App) -> list[Reason]:
        bundle, found = self._ground.bundle, []
        file = bundle.app_files.get(app.id)
        if file is None and bundle.app_files:
            found.append(
                _reason(
                    "APP-FILE-MISSING",
                    Readiness.WORK,
                    "its file could not be exported",
                    "run `qlift export` again; if it fails again, ask what the site's log says",
                )
            )
        if file is not None and file.stale:
            found.append(
                _reason(
                    "APP-FILE-STALE",
                    Readiness.CHANGES,
                    "it changed while it was being exported",
                    "run `qlift export` again",
                )
            )
        private = self._ground.contents[app.id].private
        if private and bundle.manifest.scope != "all":
            found.append(
                _reason(
                    "PRIVATE-CONTENT-NOT-EXPORTED",
                    Readiness.WORK,
                    f"{private} private or community objects are not in its file",
                    "export with `--scope all`",
                )
            )
        return found

    def _about_the_script(self, app: App) -> list[Reason]:
        script = self._ground.scripts.get(app.id)
        if script is None:
            return [
                _reason(
                    "SCRIPT-UNKNOWN",
                    Readiness.CHANGES,
                    "the bundle has no load script of it: connections and section access are not known",
                    "export with access to the engine, or look into the script",
                )
            ]
        found = self._connections(app)
        if script.access is not None:
            columns = ", ".join(script.access.columns) or "columns that cannot be read"
            found.append(
                _reason(
                    "SECTION-ACCESS",
                    Readiness.WORK,
                    f"section access ({columns}): it opens for whom its table names as the tenant does",
                    "change its user column to what the tenant knows, and keep qlift's identity in it",
                )
            )
        if app.id in self._secrets:
            found.append(
                _reason(
                    "CREDENTIAL-IN-SCRIPT",
                    Readiness.WORK,
                    f"a credential stands in its script ({', '.join(self._secrets[app.id])})",
                    "move it into a data connection",
                )
            )
        return found

    def _connections(self, app: App) -> list[Reason]:
        ground = self._ground
        by_fate: dict[str, list[str]] = defaultdict(list)
        for connection in ground.known_connections(app):
            by_fate[fate(connection).becomes].append(connection.name)
        found = []
        for becomes, (code, readiness, message, remedy) in CONNECTION_REASONS.items():
            if by_fate[becomes]:
                found.append(_reason(code, readiness, message.format(_few(by_fate[becomes])), remedy))
        script = ground.scripts[app.id]
        if script.computed:
            found.append(
                _reason(
                    "CONNECTION-COMPUTED",
                    Readiness.WORK,
                    f"its script computes names of connections: {_few(list(script.computed))}",
                    "find out which connections these are",
                )
            )
        if script.paths:
            found.append(
                _reason(
                    "FILE-PATHS",
                    Readiness.WORK,
                    f"its script names files by their path: {_few(list(script.paths))}",
                    "bring the files into a space's data files and change the script; the cloud has no disk",
                )
            )
        if script.includes:
            found.append(
                _reason(
                    "SCRIPT-INCLUDES",
                    Readiness.WORK,
                    f"its script includes others, which are not in the bundle: {_few(list(script.includes))}",
                    "look through them, and put them where the script finds them in the tenant",
                )
            )
        missing = sorted(n for n in script.connections if n.casefold() not in ground.connections_by_name)
        if missing:
            found.append(
                _reason(
                    "CONNECTION-UNKNOWN",
                    Readiness.WORK,
                    f"its script names connections that the site does not have: {_few(missing)}",
                    "find out what they were, or drop those lines",
                )
            )
        return found

    def _about_the_rest(self, app: App) -> list[Reason]:
        found = []
        extensions = extensions_of(self._ground, app)
        if extensions:
            found.append(
                _reason(
                    "EXTENSION-NEEDED",
                    Readiness.CHANGES,
                    f"uses extensions: {_few(list(extensions))}",
                    "upload them in the tenant before people open the app",
                )
            )
        if not self._ground.is_active(app.owner.id):
            found.append(
                _reason(
                    "OWNER-LEFT",
                    Readiness.CHANGES,
                    f"its owner {app.owner.login} is no active person",
                    "say in the plan who gets it: users.missing_owner",
                )
            )
        if app.id in self._twice:
            found.append(
                _reason(
                    "NAME-TWICE",
                    Readiness.CHANGES,
                    "another app of its stream has the same name",
                    "keep one of them, or rename one: people see two apps of one name in the space",
                )
            )
        tag = next((t.name for t in app.tags if kit_number(t.name) == REMEDIATION), None)
        if tag is not None:
            found.append(
                _reason(
                    "TAGGED-REMEDIATION",
                    Readiness.WORK,
                    f"somebody tagged it {tag}",
                    "ask who did, and take the tag off when it is done",
                )
            )
        return found

    def _about_the_tasks(self, app: App) -> list[Reason]:
        found = []
        rows = self._rows[app.id]
        by_hand = [f"{r.task} / {r.trigger}" for r in rows if r.enabled and r.outcome == "by hand"]
        if by_hand:
            found.append(
                _reason(
                    "TRIGGER-BY-HAND",
                    Readiness.CHANGES,
                    f"triggers that do not migrate: {_few(by_hand)}",
                    "see the schedules; make a task by hand in the tenant",
                )
            )
        if doubtful := [f"{r.task} / {r.trigger}" for r in rows if r.outcome == "check first"]:
            found.append(
                _reason(
                    "TRIGGER-IN-DOUBT",
                    Readiness.CHANGES,
                    f"triggers that two readings fit: {_few(doubtful)}",
                    "see the schedules; confirm the right one in the plan: schedules.confirmed",
                )
            )
        codes = {c for r in rows for c in r.codes}
        if TOO_MANY in codes:
            found.append(
                _reason(
                    "TOO-MANY-TASKS",
                    Readiness.WORK,
                    "more tasks than an app of Qlik Cloud may have",
                    "merge triggers in the source",
                )
            )
        if TOO_LONG in codes:
            found.append(
                _reason(
                    "RELOAD-TOO-LONG",
                    Readiness.WORK,
                    "its last reload took longer than Qlik Cloud lets it run",
                    "split the load, or load less",
                )
            )
        return found


def worst(reasons: tuple[Reason, ...]) -> Readiness:
    return max((r.readiness for r in reasons), key=ORDER.__getitem__, default=Readiness.READY)


def _reason(code: str, readiness: Readiness, message: str, remedy: str) -> Reason:
    return Reason(code=code, readiness=readiness, message=message, remedy=remedy)


def _few(names: list[str]) -> str:
    more = len(names) - 3
    return ", ".join(names[:3]) + (f" and {more} more" if more > 0 else "")


def _gib(size: int | None) -> str:
    return f"{(size or 0) / GIB:.1f} GiB"
