"""Reads a folder of dumps and writes a bundle, which never calls itself complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qlift.bundle import BlobError, BlobStore, Writer
from qlift.bundle.layout import BLOBS, KINDS
from qlift.bundle.models import AppFile, Identity, Raw, StreamAccess
from qlift.sources.dump import app_files
from qlift.sources.dump.kinds import OBJECTS, kind_of, problems_of
from qlift.sources.dump.texts import entities, read_json, read_text
from qlift.sources.progress import Progress
from qlift.sources.qlik_sense.app_script import find_script
from qlift.sources.qlik_sense.errors import SourceError, TargetUnwritable

WHO = "unknown (import-dump)"
UNSEEN = "made from dumps: what the identity that made them could not see is not known"
_SHOWN = 5


@dataclass
class DumpReport:
    """What was found, by kind, and what was not. Lines are for people."""

    counts: dict[str, int] = field(default_factory=dict)
    app_files: int = 0
    scripts: int = 0
    redactions: int = 0
    missing: list[str] = field(default_factory=list)
    """Kinds, with the call that gets them."""
    unused: list[str] = field(default_factory=list)
    """Files, with the reason."""


@dataclass
class _Dump:
    kinds: dict[str, dict[str, Raw]] = field(default_factory=dict)
    """By kind and id."""
    files: dict[tuple[str, str], Path] = field(default_factory=dict)
    access: dict[str, dict[str, int]] = field(default_factory=dict)
    version: str = ""
    problems: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)


def import_dump(
    folder: Path,
    out: Path,
    *,
    site: str,
    data: str,
    scope: str,
    blobs: str | None,
    progress: Progress,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> DumpReport:
    """`data` and `scope` say how the app files were exported: the files do not.

    Raises `SourceError` with every problem; nothing is written then.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder}: there is no such folder")
    dump = _Dump()
    for path in sorted(folder.rglob("*.json")):
        progress(f"reading {path.name}")
        _read(path, dump)
    apps = list(dump.kinds.get("app", {}).values())
    matched, unmatched = app_files.match(sorted(folder.rglob("*.qvf")), apps)
    scripts, strange = app_files.match(sorted(folder.rglob("*.qvs")), apps)
    if not dump.kinds and not dump.problems:
        dump.problems.append(
            f"{folder}: no JSON of the Repository Service in it, such as app.json with the answer of "
            "GET /qrs/app/full"
        )
    if dump.problems:
        raise SourceError("\n".join(dump.problems))
    report = DumpReport(unused=[*dump.unused, *unmatched, *strange])
    with _told(out):
        writer = Writer(out)
        writer.begin()
        _write(writer, dump, report)
        store = BlobStore(blobs or str(out / BLOBS))
        files = _store(writer, matched, apps, store, data, scope, progress)
        _scripts(writer, files, scripts, apps, store, report)
        report.app_files, report.redactions = len(files), len(writer.redactions)
        reasons = (UNSEEN, *(f"missing: {m}" for m in report.missing))
        writer.finish(
            site=site,
            product_version=dump.version,
            identity=Identity(user=WHO, reasons=reasons),
            data=data,
            scope=scope,
            runtime={"imported_at": now().isoformat(timespec="seconds")},
        )
    return report


def _read(path: Path, dump: _Dump) -> None:
    try:
        content = read_json(path)
    except ValueError as error:
        dump.problems.append(f"{path}: {error}")
        return
    if isinstance(content, dict) and "buildVersion" in content:
        dump.version = str(content["buildVersion"])
        return
    if isinstance(content, dict) and isinstance(content.get("matrix"), list):
        _matrix(content["matrix"], dump)
        return
    found = entities(content)
    kind = kind_of(path.stem, found) if found is not None else None
    if found is None or kind is None:
        dump.unused.append(f"{path}: no kind that a bundle has")
        return
    problems = list(problems_of(kind, found))
    if problems:
        more = f" (and {len(problems) - _SHOWN} more)" if len(problems) > _SHOWN else ""
        dump.problems += [f"{path}: {p}" for p in problems[:_SHOWN]]
        dump.problems[-1] += more
        return
    known = dump.kinds.setdefault(kind, {})
    for entity in found:
        id_ = str(entity["id"])
        if known.setdefault(id_, entity) != entity:
            dump.problems.append(
                f"{path}: {id_} stands otherwise in {dump.files[kind, id_]}; remove the older file"
            )
        dump.files.setdefault((kind, id_), path)


def _matrix(rows: list[Any], dump: _Dump) -> None:
    """An answer of the audit. Rows of other resources than streams are left out later."""
    for row in rows:
        granted = int((row.get("audit") or {}).get("access") or 0) if isinstance(row, dict) else 0
        if granted:
            dump.access.setdefault(str(row["resourceId"]), {})[str(row["subjectId"])] = granted


def _write(writer: Writer, dump: _Dump, report: DumpReport) -> None:
    for kind in KINDS:
        if kind in dump.kinds:
            writer.entities(kind, dump.kinds[kind].values())
            report.counts[kind] = len(dump.kinds[kind])
        else:
            report.missing.append(f"{kind}: GET /qrs/{kind}/full")
    objects: dict[str, list[Raw]] = {}
    for entity in dump.kinds.get(OBJECTS, {}).values():
        objects.setdefault(str(entity["app"]["id"]), []).append(entity)
    if objects:
        report.counts[OBJECTS] = sum(map(len, objects.values()))
    else:
        report.missing.append(f"{OBJECTS}: GET /qrs/{OBJECTS}/full")
    for app_id, found in objects.items():
        writer.objects(app_id, found)
    writer.keep_objects(dump.kinds.get("app", {}))
    streams = dump.kinds.get("stream", {})
    asked = [StreamAccess(stream=s, users=users) for s, users in dump.access.items() if s in streams]
    if not asked:
        report.missing.append("audit: POST /qrs/systemrule/security/audit/matrix for each stream")
    writer.access(asked)


def _store(
    writer: Writer,
    matched: dict[str, Path],
    apps: list[Raw],
    store: BlobStore,
    data: str,
    scope: str,
    progress: Progress,
) -> dict[str, AppFile]:
    found = {}
    for app in apps:
        app_id = str(app["id"])
        if app_id not in matched:
            continue
        progress(f"storing {matched[app_id].name}")
        try:
            sha256, size = store.put(app_files.chunks(matched[app_id]), app_id)
        except ValueError as error:
            raise SourceError(str(error)) from None
        found[app_id] = AppFile(
            app=app_id,
            sha256=sha256,
            size=size,
            modified_date=str(app.get("modifiedDate", "")),
            data=data,
            scope=scope,
        )
    writer.app_files(found.values())
    return found


def _scripts(
    writer: Writer,
    files: dict[str, AppFile],
    texts: dict[str, Path],
    apps: list[Raw],
    store: BlobStore,
    report: DumpReport,
) -> None:
    for app in apps:
        app_id = str(app["id"])
        script = None
        if app_id in texts:
            script = read_text(texts[app_id])
        elif app_id in files:
            with store.open(files[app_id].sha256) as content:
                script = find_script(content)
        if script is not None:
            writer.script(app_id, str(app.get("name", "")), script)
            report.scripts += 1


@contextmanager
def _told(out: Path) -> Iterator[None]:
    try:
        yield
    except BlobError as error:
        raise TargetUnwritable(str(error)) from None
    except OSError as error:
        raise TargetUnwritable(
            f"{error.filename or out} cannot be read or written ({error.strerror or error})"
        ) from None
