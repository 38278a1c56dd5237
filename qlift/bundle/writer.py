"""Writes a bundle: stable files, volatile fields apart, credentials out, the manifest last."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from qlift.bundle import layout
from qlift.bundle.errors import BundleError
from qlift.bundle.files import digest_of, dump, read_list, write_text
from qlift.bundle.models import AppFile, Identity, Manifest, Raw, Redaction, Rename, StreamAccess
from qlift.bundle.redact import redact_entity, redact_script


class Writer:
    """One export into one folder. Without `finish` the bundle stays unfinished, and resumable."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._former = {kind: self._names(kind) for kind in layout.RENAMED_KINDS}
        self._renames = {(r.kind, r.id): r for r in self._former_renames()}
        self._hashes: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._redactions: list[Redaction] = []

    def begin(self) -> None:
        """From now on the bundle is unfinished."""
        (self.path / layout.MANIFEST).unlink(missing_ok=True)

    def entities(self, kind: str, entities: Iterable[Raw]) -> None:
        """Full entities of one kind, as the Repository Service sends them."""
        stable, runtime = [], {}
        for entity in sorted(entities, key=lambda e: str(e["id"])):
            clean, redactions = redact_entity(kind, entity)
            self._redactions += redactions
            stable.append(_without_volatile(clean))
            runtime[str(entity["id"])] = {k: v for k, v in clean.items() if k in layout.VOLATILE}
        self._hashes[f"{kind}.json"] = write_text(self.path / f"{kind}.json", dump(stable))
        write_text(self.path / f"{kind}.runtime.json", dump(runtime))
        self._counts[kind] = len(stable)
        self._note_renames(kind, stable)

    def objects(self, app_id: str, objects: Iterable[Raw]) -> None:
        name = f"{layout.OBJECTS}/{app_id}.json"
        stable = [_without_volatile(o) for o in sorted(objects, key=lambda o: str(o["id"]))]
        self._hashes[name] = write_text(self.path / name, dump(stable))

    def keep_objects(self, app_ids: Iterable[str]) -> None:
        """Drop the object files of apps that are no more."""
        keep = set(app_ids)
        for path in (self.path / layout.OBJECTS).glob("*.json"):
            if path.stem not in keep:
                path.unlink()
            else:
                self._hashes[f"{layout.OBJECTS}/{path.name}"] = digest_of(path)

    def script(self, app_id: str, app_name: str, text: str) -> None:
        """The load script of an app, credentials taken out."""
        clean, redactions = redact_script(app_id, app_name, text)
        self._redactions += redactions
        name = f"{layout.SCRIPTS}/{app_id}.qvs"
        self._hashes[name] = write_text(self.path / name, clean)

    def keep_scripts(self, app_ids: Iterable[str]) -> None:
        """Drop the scripts of apps that are no more, or that have none."""
        keep = set(app_ids)
        for path in (self.path / layout.SCRIPTS).glob("*.qvs"):
            if path.stem not in keep:
                path.unlink()

    def app_files(self, files: Iterable[AppFile]) -> None:
        """May be called again and again while files arrive: what is listed need not be fetched again."""
        ordered = sorted(files, key=lambda f: f.app)
        write_text(self.path / layout.APP_FILES, dump([f.model_dump() for f in ordered]))
        self._counts["app-file"] = len(ordered)

    def access(self, streams: Iterable[StreamAccess]) -> None:
        ordered = sorted(streams, key=lambda s: s.stream)
        content = [{"stream": s.stream, "users": dict(sorted(s.users.items()))} for s in ordered]
        self._hashes[layout.ACCESS] = write_text(self.path / layout.ACCESS, dump(content))

    def finish(
        self,
        *,
        site: str,
        product_version: str,
        identity: Identity,
        data: str,
        scope: str,
        runtime: dict[str, Any],
    ) -> Manifest:
        redactions = sorted(self._redactions, key=lambda r: (r.kind, r.id, r.field))
        renames = [self._renames[key] for key in sorted(self._renames)]
        for name, models in ((layout.REDACTIONS, redactions), (layout.RENAMES, renames)):
            self._hashes[name] = write_text(self.path / name, dump([m.model_dump() for m in models]))
        manifest = Manifest(
            site=site,
            product_version=product_version,
            identity=identity,
            data=data,
            scope=scope,
            counts=dict(sorted(self._counts.items())),
            sha256=dict(sorted(self._hashes.items())),
        )
        write_text(self.path / layout.RUNTIME_MANIFEST, dump(runtime))
        write_text(self.path / layout.MANIFEST, dump(manifest.model_dump()))
        return manifest

    @property
    def redactions(self) -> tuple[Redaction, ...]:
        return tuple(self._redactions)

    def _names(self, kind: str) -> dict[str, str]:
        return {str(e["id"]): str(e.get("name", "")) for e in read_list(self.path / f"{kind}.json")}

    def _former_renames(self) -> list[Rename]:
        path = self.path / layout.RENAMES
        try:
            return [Rename.model_validate(r) for r in read_list(path)]
        except ValidationError:
            raise BundleError([f"{path}: not as an earlier export wrote it; restore it from git"]) from None

    def _note_renames(self, kind: str, entities: list[Raw]) -> None:
        for entity in entities:
            former = self._former.get(kind, {}).get(str(entity["id"]))
            name = str(entity.get("name", ""))
            if former is None or former == name:
                continue
            key = (kind, str(entity["id"]))
            known = self._renames[key].former_names if key in self._renames else ()
            names = tuple(n for n in (*known, former) if n != name)
            self._renames[key] = Rename(kind=kind, id=key[1], former_names=tuple(dict.fromkeys(names)))


def _without_volatile(value: Any) -> Any:
    """At every level: references carry volatile fields too."""
    if isinstance(value, dict):
        return {k: _without_volatile(v) for k, v in value.items() if k not in layout.VOLATILE}
    if isinstance(value, list):
        return [_without_volatile(v) for v in value]
    return value
