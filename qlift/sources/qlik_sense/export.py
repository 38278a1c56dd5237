"""One export: inventory, objects, audit, app files, manifest."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from qlift.bundle import BlobStore, Writer
from qlift.bundle.layout import APP_FILES, BLOBS
from qlift.bundle.models import AppFile, Identity, Raw
from qlift.sources.qlik_sense.app_files import fetch, unchanged
from qlift.sources.qlik_sense.client import SiteClient
from qlift.sources.qlik_sense.errors import AppExportFailed
from qlift.sources.qlik_sense.inventory import (
    Progress,
    check_source,
    read_access,
    read_inventory,
    read_objects,
)


@dataclass
class ExportReport:
    """What an export did. `failed` and `incomplete` are for people: object, reason, remedy."""

    apps: int = 0
    fetched: int = 0
    unchanged: int = 0
    redactions: int = 0
    failed: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)


def export_site(
    client: SiteClient, folder: Path, *, data: str, scope: str, blobs: str | None, progress: Progress
) -> ExportReport:
    """Write or refresh the bundle in `folder`. An interrupted export resumes by file.

    With failed app files the manifest is written all the same: what is missing is a finding of derivation.
    Raises `SourceError`.
    """
    report = ExportReport()
    progress("asking who we are")
    check = check_source(client)
    report.incomplete += check.reasons
    writer = Writer(folder)
    writer.begin()
    entities, short = read_inventory(client, writer, progress)
    report.incomplete += short
    read_objects(client, writer, entities["app"], progress)
    report.incomplete += read_access(client, writer, entities["stream"], progress)
    store = BlobStore(blobs or str(folder / BLOBS))
    _files(client, writer, folder, entities["app"], store, report, data=data, scope=scope, progress=progress)
    report.redactions = len(writer.redactions)
    identity = check.identity
    writer.finish(
        site=client.connection.site,
        product_version=check.product_version,
        identity=Identity(user=identity.user, roles=identity.roles, complete=not report.incomplete),
        data=data,
        scope=scope,
        runtime={"exported_at": datetime.now(UTC).isoformat(timespec="seconds")},
    )
    return report


def _files(
    client: SiteClient,
    writer: Writer,
    folder: Path,
    apps: list[Raw],
    store: BlobStore,
    report: ExportReport,
    *,
    data: str,
    scope: str,
    progress: Progress,
) -> None:
    known = _known_files(folder)
    report.apps = len(apps)
    files: dict[str, AppFile] = {a: f for a, f in known.items() if a in {str(x["id"]) for x in apps}}
    for number, app in enumerate(sorted(apps, key=lambda a: str(a["id"])), 1):
        app_id = str(app["id"])
        if unchanged(known.get(app_id), app, store):
            report.unchanged += 1
            continue
        progress(f"exporting app {number} of {len(apps)}: {app.get('name', '')}")
        try:
            files[app_id] = fetch(client, app, store, data=data, scope=scope)
        except AppExportFailed as error:
            report.failed.append(str(error))
            files.pop(app_id, None)
            continue
        report.fetched += 1
        # After each file: an interruption then costs one file.
        writer.app_files(files.values())
    writer.app_files(files.values())


def _known_files(folder: Path) -> dict[str, AppFile]:
    path = folder / APP_FILES
    if not path.exists():
        return {}
    listed = (AppFile.model_validate(f) for f in json.loads(path.read_text(encoding="utf-8")))
    return {f.app: f for f in listed}
