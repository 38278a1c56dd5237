"""Reads a bundle: every file checked against the manifest and its model, every problem at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from qlift.bundle import layout, models
from qlift.bundle.errors import BundleError
from qlift.bundle.files import digest_of

M = TypeVar("M", bound=BaseModel)
REMEDY = "export again, or restore the file from git"


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

    def objects(self, app_id: str) -> tuple[models.AppObject, ...]:
        """Sorted by id; empty when the app has none."""
        return self._objects.get(app_id, ())

    def script(self, app_id: str) -> str | None:
        """The load script, credentials replaced; None when the export could not read it."""
        path = self.path / layout.SCRIPTS / f"{app_id}.qvs"
        return path.read_bytes().decode("utf-8") if path.exists() else None

    @cached_property
    def _objects(self) -> dict[str, tuple[models.AppObject, ...]]:
        folder = self.path / layout.OBJECTS
        found = {}
        for path in sorted(folder.glob("*.json")) if folder.exists() else []:
            raw = json.loads(path.read_text(encoding="utf-8"))
            found[path.stem] = tuple(models.AppObject.model_validate(r) for r in raw)
        return found

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
    reader = _Reader(path)
    manifest = reader.manifest()
    entities = {kind: reader.entities(kind, model) for kind, model in layout.KINDS.items()}
    lists = {name: reader.models_of(name, model) for name, model in layout.LISTS.items()}
    for objects in sorted((path / layout.OBJECTS).glob("*.json")):
        reader.models_of(f"{layout.OBJECTS}/{objects.name}", models.AppObject)
    runtime = {kind: reader.json(f"{kind}.runtime.json", {}) for kind in layout.KINDS}
    if reader.problems or manifest is None:
        raise BundleError(reader.problems)
    return Bundle(
        path=path,
        manifest=manifest,
        apps=_typed(entities["app"], models.App),
        streams=_typed(entities["stream"], models.Stream),
        users=_typed(entities["user"], models.User),
        reload_tasks=_typed(entities["reloadtask"], models.ReloadTask),
        schema_events=_typed(entities["schemaevent"], models.SchemaEvent),
        composite_events=_typed(entities["compositeevent"], models.CompositeEvent),
        system_rules=_typed(entities["systemrule"], models.SystemRule),
        data_connections=_typed(entities["dataconnection"], models.DataConnection),
        tags=_typed(entities["tag"], models.Named),
        custom_properties=_typed(entities["custompropertydefinition"], models.CustomPropertyDefinition),
        extensions=_typed(entities["extension"], models.Extension),
        app_files={f.app: f for f in _typed(lists[layout.APP_FILES], models.AppFile)},
        access={a.stream: a for a in _typed(lists[layout.ACCESS], models.StreamAccess)},
        renames={(r.kind, r.id): r for r in _typed(lists[layout.RENAMES], models.Rename)},
        redactions=_typed(lists[layout.REDACTIONS], models.Redaction),
        runtime=runtime,
        external_tasks=_typed(entities["externalprogramtask"], models.ExternalProgramTask),
        user_sync_tasks=_typed(entities["usersynctask"], models.UserSyncTask),
        content_libraries=_typed(entities["contentlibrary"], models.ContentLibrary),
        user_directories=_typed(entities["userdirectory"], models.UserDirectory),
    )


def _typed(found: Iterable[BaseModel], model: type[M]) -> tuple[M, ...]:
    return tuple(f for f in found if isinstance(f, model))


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []

    def manifest(self) -> models.Manifest | None:
        file = self.path / layout.MANIFEST
        if not file.exists():
            what = "is unfinished (no manifest.json)" if self.path.exists() else "does not exist"
            self.problems.append(f"{self.path}: the bundle {what}; run `qlift export`, it resumes")
            return None
        raw = self.json(layout.MANIFEST, None)
        try:
            manifest = models.Manifest.model_validate(raw)
        except ValidationError as error:
            self.problems += [f"{file}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            return None
        if manifest.format != 1:
            self.problems.append(f"{file}: format {manifest.format} is not known to this version of qlift")
            return None
        for name, wanted in manifest.sha256.items():
            listed = self.path / name
            if not listed.exists():
                self.problems.append(f"{listed}: missing; {REMEDY}")
            elif digest_of(listed) != wanted:
                self.problems.append(f"{listed}: not as it was exported (sha256 differs); {REMEDY}")
        return manifest

    def json(self, name: str, default: Any) -> Any:
        file = self.path / name
        if not file.exists():
            return default
        try:
            return json.loads(file.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            self.problems.append(f"{file}:{error.lineno}: not JSON ({error.msg}); {REMEDY}")
        except UnicodeDecodeError:
            self.problems.append(f"{file}: not UTF-8; {REMEDY}")
        return default

    def models_of(self, name: str, model: type[M]) -> list[M]:
        raw = self.json(name, [])
        if not isinstance(raw, list):
            self.problems.append(f"{self.path / name}: expected a list; {REMEDY}")
            return []
        found = []
        for number, entry in enumerate(raw):
            try:
                found.append(model.model_validate(entry))
            except ValidationError as error:
                where = entry.get("id", f"entry {number}") if isinstance(entry, dict) else f"entry {number}"
                for problem in error.errors():
                    field_name = ".".join(map(str, problem["loc"]))
                    self.problems.append(f"{self.path / name}: {where}: {field_name}: {problem['msg']}")
        return found

    def entities(self, kind: str, model: type[models.Entity]) -> list[models.Entity]:
        found = self.models_of(f"{kind}.json", model)
        seen: set[str] = set()
        for entity in found:
            if entity.id in seen:
                self.problems.append(f"{self.path / kind}.json: {entity.id} stands there twice; {REMEDY}")
            seen.add(entity.id)
        return sorted(found, key=lambda e: e.id)
