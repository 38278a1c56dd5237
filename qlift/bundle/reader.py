"""Reads a bundle: every file checked against the manifest and its model, every problem at once."""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter

from qlift.bundle import layout, models, staging
from qlift.bundle.errors import BundleError
from qlift.bundle.kinds import QLIKVIEW, kind_in
from qlift.bundle.reading import Reader

M = TypeVar("M", bound=BaseModel)
E = TypeVar("E", bound=models.Entity)


@dataclass(frozen=True)
class Bundle:
    """An export. All tuples are sorted by id."""

    path: Path
    manifest: models.Manifest
    apps: tuple[models.App, ...]
    streams: tuple[models.Stream, ...]
    users: tuple[models.User, ...]
    reload_tasks: tuple[models.ReloadTask, ...]
    schema_events: tuple[models.SchemaEvent, ...]
    composite_events: tuple[models.CompositeEvent, ...]
    system_rules: tuple[models.SystemRule, ...]
    data_connections: tuple[models.DataConnection, ...]
    tags: tuple[models.Named, ...]
    custom_properties: tuple[models.CustomPropertyDefinition, ...]
    extensions: tuple[models.Extension, ...]
    app_files: dict[str, models.AppFile]
    """By app."""
    access: dict[str, models.StreamAccess]
    """By stream."""
    renames: dict[tuple[str, str], models.Rename]
    """By kind and id."""
    redactions: tuple[models.Redaction, ...]
    runtime: dict[str, dict[str, models.Raw]] = field(repr=False)
    """Volatile fields by kind and id."""
    external_tasks: tuple[models.ExternalProgramTask, ...] = ()
    """Older bundles lack this kind and the next three."""
    user_sync_tasks: tuple[models.UserSyncTask, ...] = ()
    content_libraries: tuple[models.ContentLibrary, ...] = ()
    user_directories: tuple[models.UserDirectory, ...] = ()
    app_objects: dict[str, tuple[models.AppObject, ...]] = field(default_factory=dict, repr=False)
    """By app."""

    def objects(self, app_id: str) -> tuple[models.AppObject, ...]:
        """Sorted by id; empty when the app has none."""
        return self.app_objects.get(app_id, ())

    def script(self, app_id: str) -> str | None:
        """The load script, credentials replaced; None when the export could not read it."""
        path = self.path / layout.SCRIPTS / f"{app_id}.qvs"
        return path.read_bytes().decode("utf-8") if path.exists() else None

    def without_list(self, kinds: Iterable[str]) -> tuple[str, ...]:
        """Those of which the bundle does not say "none": an older export, or a dump of some kinds only."""
        listed = self.manifest.sha256
        return tuple(k for k in kinds if listed and f"{k}.json" not in listed)

    @property
    def site(self) -> str:
        return self.manifest.site

    @property
    def digest(self) -> str:
        """Of everything that a review sees: sha256 over the manifest's table of hashes."""
        table = json.dumps(self.manifest.sha256, sort_keys=True)
        return hashlib.sha256(table.encode()).hexdigest()


def load_bundle(path: Path) -> Bundle:
    """Raises `BundleError` with every problem."""
    with _uncollected():
        return _load(path)


@contextmanager
def _uncollected() -> Iterator[None]:
    """A large bundle is a million objects, none of them garbage: looking for some again and again took four
    fifths of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _load(path: Path) -> Bundle:
    reader = Reader(path)
    manifest = _manifest(reader)
    if manifest is None:
        raise BundleError(reader.problems)
    reader.hashes = manifest.sha256
    lists = _Lists(reader, manifest)
    bundle = Bundle(
        path=path,
        manifest=manifest,
        apps=lists.of("app", models.App),
        streams=lists.of("stream", models.Stream),
        users=lists.of("user", models.User),
        reload_tasks=lists.of("reloadtask", models.ReloadTask),
        schema_events=lists.of("schemaevent", models.SchemaEvent),
        composite_events=lists.of("compositeevent", models.CompositeEvent),
        system_rules=lists.of("systemrule", models.SystemRule),
        data_connections=lists.of("dataconnection", models.DataConnection),
        tags=lists.of("tag", models.Named),
        custom_properties=lists.of("custompropertydefinition", models.CustomPropertyDefinition),
        extensions=lists.of("extension", models.Extension),
        app_files={f.app: f for f in lists.app_files()},
        access={a.stream: a for a in lists.access()},
        renames={(r.kind, r.id): r for r in lists.renames()},
        redactions=lists.verified(layout.REDACTIONS, models.Redaction),
        runtime={kind: lists.runtime(kind) for kind in layout.KINDS},
        external_tasks=lists.of("externalprogramtask", models.ExternalProgramTask),
        user_sync_tasks=lists.of("usersynctask", models.UserSyncTask),
        content_libraries=lists.of("contentlibrary", models.ContentLibrary),
        user_directories=lists.of("userdirectory", models.UserDirectory),
        app_objects=dict(lists.objects()),
    )
    lists.check_scripts()
    lists.check_the_rest()
    if reader.problems:
        raise BundleError(reader.problems)
    return bundle


def _manifest(reader: Reader) -> models.Manifest | None:
    path = reader.path
    wrong = reader.folder_problem()
    if wrong:
        reader.problems.append(f"{path}: the bundle {wrong}; run `qlift export`, or correct its path")
        return None
    data = reader.read(layout.MANIFEST)
    if data is None:
        if not reader.problems:
            begun = (path / staging.FOLDER).is_dir()
            reader.problems.append(
                f"{path}: the bundle is unfinished (no manifest.json); run `qlift export`, it resumes"
                if begun
                else f"{path}: no bundle (it has no manifest.json); correct the path, or run `qlift export`"
            )
        return None
    if kind_in(data) == QLIKVIEW:
        reader.problems.append(
            f"{path}: a QlikView bundle; it can be checked (`qlift check`), but nothing can be derived from "
            "it yet: take it out of the plan's `sources`"
        )
        return None
    manifest = reader.parsed(layout.MANIFEST, data, _MANIFEST, None)
    if manifest is not None and manifest.format != 1:
        reader.problem(
            layout.MANIFEST,
            f"format {manifest.format} is not known to this version of qlift",
            "take the version that wrote it, or export again",
        )
        return None
    return manifest


@cache
def _list_of(model: type[BaseModel]) -> TypeAdapter[Any]:
    return TypeAdapter(tuple[model, ...])  # type: ignore[valid-type]


_MANIFEST: TypeAdapter[models.Manifest | None] = TypeAdapter(models.Manifest)
_RUNTIME: TypeAdapter[Any] = TypeAdapter(dict[str, models.Runtime])
_OTHER_RUNTIME: TypeAdapter[Any] = TypeAdapter(dict[str, models.Raw])
TASKS_AND_TRIGGERS = ("reloadtask", "externalprogramtask", "usersynctask", "schemaevent", "compositeevent")
"""Kinds whose last and next runs are read."""


class _Lists:
    """Every file is read once: hashed and validated from the same bytes."""

    def __init__(self, reader: Reader, manifest: models.Manifest) -> None:
        self.reader = reader
        self.manifest = manifest
        self.read: set[str] = set()
        """Names whose hash was compared."""

    def of(self, kind: str, model: type[E]) -> tuple[E, ...]:
        name = f"{kind}.json"
        problems = len(self.reader.problems)
        found = self.verified(name, model)
        self.reader.unique(name, (e.id for e in found))
        counted = self.manifest.counts.get(kind)
        if counted not in (None, len(found)) and len(self.reader.problems) == problems:
            self.reader.problem(name, f"holds {len(found)} objects, {layout.MANIFEST} says {counted}")
        return tuple(sorted(found, key=lambda e: e.id))

    def verified(self, name: str, model: type[M]) -> tuple[M, ...]:
        self.read.add(name)
        found: tuple[M, ...] = self.reader.parsed(name, self.reader.verified(name), _list_of(model), ())
        return found

    def app_files(self) -> tuple[models.AppFile, ...]:
        """Not in the manifest: the files change with every reload."""
        name = layout.APP_FILES
        found: tuple[models.AppFile, ...] = self.reader.parsed(
            name, self.reader.read(name), _list_of(models.AppFile), ()
        )
        self.reader.unique(name, (f.app for f in found))
        counted = self.manifest.counts.get("app-file")
        if counted not in (None, len(found)) and not self.reader.problems:
            self.reader.problem(name, f"holds {len(found)} files, {layout.MANIFEST} says {counted}")
        return found

    def access(self) -> tuple[models.StreamAccess, ...]:
        found = self.verified(layout.ACCESS, models.StreamAccess)
        self.reader.unique(layout.ACCESS, (a.stream for a in found))
        return found

    def renames(self) -> tuple[models.Rename, ...]:
        found = self.verified(layout.RENAMES, models.Rename)
        self.reader.unique(layout.RENAMES, (f"{r.kind} {r.id}" for r in found))
        return found

    def runtime(self, kind: str) -> dict[str, models.Raw]:
        name = f"{kind}.runtime.json"
        adapter = _RUNTIME if kind in TASKS_AND_TRIGGERS else _OTHER_RUNTIME
        found = self.reader.parsed(name, self.reader.read(name), adapter, {})
        return {id_: dict(volatile) for id_, volatile in found.items()}

    def objects(self) -> Iterator[tuple[str, tuple[models.AppObject, ...]]]:
        for name, stem in self._files_in(layout.OBJECTS, ".json"):
            found = self.verified(name, models.AppObject)
            self.reader.unique(name, (o.id for o in found))
            others = sorted({o.app.id for o in found} - {stem})
            if others:
                self.reader.problem(name, f"holds objects of the app {others[0]}")
            yield stem, tuple(sorted(found, key=lambda o: o.id))

    def check_scripts(self) -> None:
        for name, _ in self._files_in(layout.SCRIPTS, ".qvs"):
            self.read.add(name)
            try:
                (self.reader.verified(name) or b"").decode("utf-8")
            except UnicodeDecodeError:
                self.reader.problem(name, "not UTF-8")

    def check_the_rest(self) -> None:
        """What the manifest lists and this version of qlift does not know."""
        for name in self.manifest.sha256:
            if name not in self.read:
                self.reader.verified(name)

    def _files_in(self, folder: str, suffix: str) -> list[tuple[str, str]]:
        """Names and stems of the files that are there."""
        try:
            found = sorted(f.name for f in (self.reader.path / folder).iterdir() if f.name.endswith(suffix))
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [(f"{folder}/{name}", name.removesuffix(suffix)) for name in found]
