"""One export: lists, objects, audit, load scripts, app files, and then the bundle as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from qlift.bundle import BlobError, BlobStore, Writer
from qlift.bundle.arrays import read_file
from qlift.bundle.layout import APP_FILES, BLOBS
from qlift.bundle.models import AppFile, Identity, Manifest
from qlift.sources.journal import Journal
from qlift.sources.progress import Meter, Progress
from qlift.sources.qlik_sense.access import read_access
from qlift.sources.qlik_sense.app_files import AppFiles, expected, unchanged
from qlift.sources.qlik_sense.app_settings import Options, options_of, read_settings, settings_file
from qlift.sources.qlik_sense.client import SiteClient
from qlift.sources.qlik_sense.errors import TargetUnwritable
from qlift.sources.qlik_sense.identity import hidden, who
from qlift.sources.qlik_sense.inventory import (
    Inventory,
    product_version,
    read_inventory,
    read_objects,
    with_private_content,
)
from qlift.sources.qlik_sense.run import ExportReport, Run
from qlift.sources.qlik_sense.scripts import read_scripts, scripts_from_files

__all__ = ["ExportReport", "export_site"]

PARALLEL = 4
JOURNAL = "journal.jsonl"


def _now() -> datetime:
    return datetime.now(UTC)


def export_site(
    client: SiteClient,
    folder: Path,
    *,
    data: str,
    scope: str,
    blobs: str | None,
    progress: Progress,
    parallel: int = PARALLEL,
    now: Callable[[], datetime] = _now,
    before_commit: Callable[[Writer, Manifest], None] = lambda _writer, _manifest: None,
) -> ExportReport:
    """Write or refresh the bundle in `folder`. An interrupted export resumes; until one is complete, the
    former bundle stays as it is.

    With failed app files the bundle is finished all the same: what is missing is a finding of derivation.
    `before_commit` sees the old bundle and the new one side by side. Raises `SourceError`.
    """
    rows = read_settings(settings_file(client.connection.path))
    with _writable(folder):
        writer = Writer(folder)
        writer.begin()
        journal = Journal(writer.unfinished / JOURNAL, now)
        run = Run(client, writer, journal, ExportReport(), progress, parallel)
        try:
            progress("asking who we are")
            version, me = product_version(client), who(client)
            inventory = read_inventory(run)
            run.report.incomplete += (*me.reasons, *inventory.short)
            options, unknown = options_of(
                inventory.apps, rows, settings_file(client.connection.path), data=data, scope=scope
            )
            run.report.notes += unknown
            run.report.incomplete += hidden(client, me, inventory.ids, progress)
            read_objects(run, inventory.apps)
            run.report.incomplete += read_access(run, inventory.streams)
            _content(run, inventory, BlobStore(blobs or str(folder / BLOBS)), options)
            run.report.redactions = len(writer.redactions)
            reasons = tuple(run.report.incomplete)
            manifest = writer.seal(
                site=client.connection.site,
                product_version=version,
                identity=Identity(user=me.name, roles=me.roles, complete=not reasons, reasons=reasons),
                data=data,
                scope=scope,
                runtime={"exported_at": now().isoformat(timespec="seconds")},
            )
        finally:
            journal.close()
        before_commit(writer, manifest)
        writer.commit()
    return run.report


def _content(run: Run, inventory: Inventory, store: BlobStore, options: dict[str, Options]) -> None:
    """Load scripts and app files."""
    report, apps = run.report, [a for a in inventory.apps if not options[str(a["id"])].skip]
    report.apps, report.skipped = len(inventory.apps), len(inventory.apps) - len(apps)
    former = {str(f["app"]): AppFile.model_validate(f) for f in read_file(run.writer.path / APP_FILES)}
    lacking = read_scripts(run, apps, former)
    known = former | {
        str(line["id"]): AppFile.model_validate(line["file"]) for line in run.journal.all("file")
    }
    private = with_private_content(run, apps)
    files = {
        i: known[i] for a in apps if unchanged(known.get(i := str(a["id"])), a, options[i], store, private)
    }
    wanted = [a for a in apps if str(a["id"]) not in files]
    run.journal.note("fetch", "", apps=[str(a["id"]) for a in wanted])
    meter = Meter(len(wanted), sum(expected(a, options[str(a["id"])]) for a in wanted), run.progress)
    fetched, failed = AppFiles(run, store, options, private, meter).fetch_all(wanted)
    report.unchanged, report.fetched = len(files), len(fetched)
    report.bytes = sum(f.size for f in fetched.values())
    report.failed += [str(failed[i]) for i in sorted(failed)]
    files |= fetched
    run.writer.app_files(files.values())
    store.drop_parts({i for line in run.journal.all("fetch") for i in line["apps"]})
    report.failed += scripts_from_files(run, apps, lacking, files, store)
    run.writer.keep_scripts(str(a["id"]) for a in apps)


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except BlobError as error:
        raise TargetUnwritable(f"{error}, and run the same command again: it goes on from here") from None
    except OSError as error:
        raise TargetUnwritable(
            f"{error.filename or folder} cannot be written ({error.strerror or error}); free some space or "
            "choose another folder with --out, and run the same command again: it goes on from here"
        ) from None
