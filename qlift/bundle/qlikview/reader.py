"""Reads a QlikView bundle: every file, every reference between them, every problem at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter
from pydantic_core import from_json

from qlift.bundle.errors import BundleError
from qlift.bundle.layout import MANIFEST
from qlift.bundle.qlikview import models as qv
from qlift.bundle.qlikview.references import check_references
from qlift.bundle.qlikview.site import QlikViewBundle
from qlift.bundle.qlikview.tasks import Task
from qlift.bundle.qvf import SIGNATURE, is_app_file
from qlift.bundle.reading import Reader
from qlift.bundle.redact import REDACTED, redact_entity

M = TypeVar("M", bound=BaseModel)
CONVERTED = "converted"
_CHUNK = 1024 * 1024
_REMEDY = "correct it; docs/qlikview.md describes the folder"


def load_qlikview(path: Path) -> QlikViewBundle:
    """Raises `BundleError` with every problem."""
    reader = Reader(path, _REMEDY)
    wrong = reader.folder_problem()
    if wrong:
        raise BundleError([f"{path}: the bundle {wrong}; correct its path"])
    manifest = _manifest(reader)
    bundle = QlikViewBundle(
        path=path,
        manifest=manifest or _UNKNOWN,
        folders=_list(reader, "folders.json", qv.Folder),
        mounts=_list(reader, "mounts.json", qv.Mount),
        categories=_list(reader, "categories.json", qv.Category),
        documents=_list(reader, "documents.json", qv.Document),
        metadata=_list(reader, "metadata.json", qv.Metadata),
        tasks=_list(reader, "tasks.json", Task),
        users=_list(reader, "users.json", qv.User),
        groups=_list(reader, "groups.json", qv.Group),
        cals=_list(reader, "cals.json", qv.Cal),
        section_access=_list(reader, "section-access.json", qv.SectionAccessTable),
        acl=_list(reader, "acl.json", qv.AclEntry),
        converted=_list(reader, "converted.json", qv.Converted),
    )
    _check_keys(reader, bundle)
    if not reader.problems:
        # What refers to an entry that could not be read would be told as missing too.
        check_references(reader, bundle)
    _check_app_files(reader, bundle)
    if reader.problems:
        raise BundleError(reader.problems)
    return bundle


_UNKNOWN = qv.Manifest(
    format=1, kind="qlikview", site="unknown", product_version="", time_zone="UTC", authorization="dms"
)
"""While the other files of a bundle without a readable manifest are looked at."""


def _manifest(reader: Reader) -> qv.Manifest | None:
    data = reader.read(MANIFEST)
    if data is None and not reader.problems:
        reader.problem(MANIFEST, "missing")
    adapter: TypeAdapter[qv.Manifest | None] = TypeAdapter(qv.Manifest)
    return reader.parsed(MANIFEST, data, adapter, None)


def _list(reader: Reader, name: str, model: type[M]) -> tuple[M, ...]:
    before = len(reader.problems)
    data = reader.read(name)
    if data is None:
        if len(reader.problems) == before:
            reader.problem(name, "missing", "write it; an empty list if the site has none of it")
        return ()
    adapter: TypeAdapter[tuple[M, ...]] = TypeAdapter(tuple[model, ...])  # type: ignore[valid-type]
    found = reader.parsed(name, data, adapter, ())
    if len(reader.problems) == before:
        _refuse_credentials(reader, name, from_json(data))
    return found


def _refuse_credentials(reader: Reader, name: str, entries: list[dict[str, Any]]) -> None:
    """Passwords of external event triggers above all. Messages never hold them."""
    for number, entry in enumerate(entries):
        label = str(entry.get("ID") or entry.get("name") or f"entry {number}")
        _, found = redact_entity(name, {"id": label, **entry})
        for redaction in found:
            reader.problem(
                name,
                f"{label}: {redaction.field}: holds a credential",
                f"put {REDACTED} in its place before anybody commits the file",
            )


def _check_keys(reader: Reader, bundle: QlikViewBundle) -> None:
    keys: dict[str, Iterable[str]] = {
        "folders.json": (f.id for f in bundle.folders),
        "mounts.json": (m.name.casefold() for m in bundle.mounts),
        "categories.json": (c.id for c in bundle.categories),
        "documents.json": (d.id for d in bundle.documents),
        "metadata.json": (m.document for m in bundle.metadata),
        "tasks.json": (t.id for t in bundle.tasks),
        "users.json": (u.name.casefold() for u in bundle.users),
        "groups.json": (g.name.casefold() for g in bundle.groups),
        "section-access.json": (t.id for t in bundle.section_access),
        "converted.json": (c.document for c in bundle.converted),
    }
    for name, found in keys.items():
        reader.unique(name, found)
    reader.unique("converted.json", (c.file.casefold() for c in bundle.converted))


def _check_app_files(reader: Reader, bundle: QlikViewBundle) -> None:
    for listed in bundle.converted:
        for wrong, remedy in _wrong_with(reader, listed):
            reader.problem(listed.file, wrong, remedy)
    folder = reader.path / CONVERTED
    if not folder.is_dir() or folder.is_symlink():
        return
    known = {c.file.casefold() for c in bundle.converted}
    for file in sorted(f.name for f in folder.iterdir()):
        name = f"{CONVERTED}/{file}"
        if name.casefold() not in known:
            reader.problem(name, "converted.json does not list it", "list it, or remove the file")


def _wrong_with(reader: Reader, listed: qv.Converted) -> Iterator[tuple[str, str]]:
    """App files may be larger than memory."""
    before = len(reader.problems)
    file = reader.regular_file(listed.file)
    if file is None:
        if len(reader.problems) == before:
            yield "missing", "convert the document again, or take it out of converted.json"
        return
    size, start, digest = 0, b"", hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            start = start or chunk[: len(SIGNATURE)]
            size += len(chunk)
            digest.update(chunk)
    if not is_app_file(start):
        yield "not an app file (its first bytes are others)", "convert the document again"
    if size != listed.size:
        yield (
            f"has {size} bytes, converted.json says {listed.size}",
            "copy the file again, or correct the list",
        )
    elif digest.hexdigest() != listed.sha256:
        yield (
            "not the file that converted.json lists (sha256 differs)",
            "copy the file again, or correct the list",
        )
