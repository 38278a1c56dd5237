"""Which reasons an app has. How ready it is, its worst reason decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from qlift.bundle.models import App
from qlift.derivation.assessment.connections import fate
from qlift.derivation.assessment.extensions import extensions_of
from qlift.derivation.assessment.ground import Ground
from qlift.derivation.assessment.leave import REMEDIATION, kit_number, names_twice
from qlift.derivation.assessment.model import Reason, ScheduleRow
from qlift.derivation.assessment.reasons import ORDER, reason
from qlift.derivation.assessment.scripts import ScriptFacts

GIB = 1024**3
LARGE_FILE = GIB
"""Larger files cannot be uploaded by hand without the expanded-app entitlement (help, "Uploading apps").

What the interface allows is not published; the tenant's quota `app_upload_disk_size` says it.
"""
TOO_MANY, TOO_LONG = "TASKS-PER-APP", "TASK-TOO-LONG"
"""Codes of findings about schedules."""
NAMES_SHOWN = 3
BY_FATE = {
    "data files": ("CONNECTION-FILES", "reads or writes folders"),
    "gateway": ("CONNECTION-GATEWAY", "reads databases"),
    "native": ("CONNECTION-NATIVE", "reads by a connector that Qlik Cloud has too"),
    "review": ("CONNECTION-REVIEW", "reads by a connector whose place in Qlik Cloud is not known"),
}


class Judge:
    """Gives the reasons of every app; what many apps share is looked up once."""

    def __init__(self, ground: Ground, schedules: tuple[ScheduleRow, ...]) -> None:
        self._ground = ground
        self._rows: dict[str, list[ScheduleRow]] = defaultdict(list)
        for row in schedules:
            self._rows[row.app_id].append(row)
        self._twice = names_twice(ground)
        self._secrets: dict[str, list[str]] = defaultdict(list)
        for redaction in ground.bundle.redactions:
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

    def _about_the_tenant(self, app: App) -> Iterator[Reason]:
        ground = self._ground
        quota, memory, size = ground.tenant.app_quota, ground.memory(app) or 0, ground.size(app) or 0
        if app.stream is not None and app.stream.id in ground.monitoring:
            yield reason("MONITORING-APP", "it is about the site itself and reads its logs")
        # A file is compressed: one that is larger than the quota is so in memory too.
        if max(memory, size) > quota:
            what = f"{_gib(memory)} in memory" if memory > quota else f"a file of {_gib(size)}"
            yield reason("APP-TOO-LARGE", f"{what}; the tenant allows {_gib(quota)}")
        elif size > LARGE_FILE:
            message = f"a file of {_gib(size)}; over 1 GiB the entitlement for expanded apps may be needed"
            yield reason("APP-LARGE", message)

    def _about_the_export(self, app: App) -> Iterator[Reason]:
        bundle = self._ground.bundle
        file = bundle.app_files.get(app.id)
        if file is None and bundle.app_files:
            yield reason("APP-FILE-MISSING", "its file could not be exported")
        if file is not None and file.stale:
            yield reason("APP-FILE-STALE", "it changed while it was being exported")
        private = self._ground.contents[app.id].private
        if private and file is not None and file.scope != "all":
            message = f"{private} private or community objects are not in its file"
            yield reason("PRIVATE-CONTENT-NOT-EXPORTED", message)

    def _about_the_script(self, app: App) -> Iterator[Reason]:
        script = self._ground.scripts.get(app.id)
        if script is None:
            message = "the bundle has no load script of it: connections and section access are not known"
            yield reason("SCRIPT-UNKNOWN", message)
            return
        yield from self._connections(app, script)
        if script.paths:
            yield reason("FILE-PATHS", f"its script names files by their path: {_few(script.paths)}")
        if script.includes:
            message = f"its script includes others, which are not in the bundle: {_few(script.includes)}"
            yield reason("SCRIPT-INCLUDES", message)
        if script.access is not None:
            columns = ", ".join(script.access.columns) or "columns that cannot be read"
            message = f"section access ({columns}): it opens for whom its table names as the tenant does"
            yield reason("SECTION-ACCESS", message)
        if app.id in self._secrets:
            message = f"a credential stands in its script ({', '.join(self._secrets[app.id])})"
            yield reason("CREDENTIAL-IN-SCRIPT", message)

    def _connections(self, app: App, script: ScriptFacts) -> Iterator[Reason]:
        ground = self._ground
        by_fate: dict[str, list[str]] = defaultdict(list)
        for connection in ground.known_connections(app):
            by_fate[fate(connection).becomes].append(connection.name)
        for becomes, names in by_fate.items():
            code, message = BY_FATE[becomes]
            yield reason(code, f"{message}: {_few(names)}")
        if script.computed:
            message = f"its script computes names of connections: {_few(script.computed)}"
            yield reason("CONNECTION-COMPUTED", message)
        missing = sorted(n for n in script.connections if n.casefold() not in ground.connections_by_name)
        if missing:
            message = f"its script names connections that the site does not have: {_few(missing)}"
            yield reason("CONNECTION-UNKNOWN", message)

    def _about_the_rest(self, app: App) -> Iterator[Reason]:
        extensions = extensions_of(self._ground, app)
        if extensions:
            yield reason("EXTENSION-NEEDED", f"uses extensions: {_few(extensions)}")
        if not self._ground.is_active(app.owner.id):
            yield reason("OWNER-LEFT", f"its owner {app.owner.login} is no active person")
        if app.id in self._twice:
            yield reason("NAME-TWICE", "another app of its stream has the same name")
        tag = next((t.name for t in app.tags if kit_number(t.name) == REMEDIATION), None)
        if tag is not None:
            yield reason("TAGGED-REMEDIATION", f"somebody tagged it {tag}")

    def _about_the_tasks(self, app: App) -> Iterator[Reason]:
        rows = self._rows[app.id]
        by_hand = [f"{r.task} / {r.trigger}" for r in rows if r.enabled and r.outcome == "by hand"]
        if by_hand:
            yield reason("TRIGGER-BY-HAND", f"triggers that do not migrate: {_few(by_hand)}")
        doubtful = [f"{r.task} / {r.trigger}" for r in rows if r.outcome == "check first"]
        if doubtful:
            yield reason("TRIGGER-IN-DOUBT", f"triggers that two readings fit: {_few(doubtful)}")
        codes = {c for r in rows for c in r.codes}
        if TOO_MANY in codes:
            yield reason("TOO-MANY-TASKS", "more tasks than an app of Qlik Cloud may have")
        if TOO_LONG in codes:
            yield reason("RELOAD-TOO-LONG", "its last reload took longer than Qlik Cloud lets it run")


def _few(names: Iterable[str]) -> str:
    known = list(names)
    more = len(known) - NAMES_SHOWN
    return ", ".join(known[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"
