"""Writes a bundle: stable files, volatile fields apart, credentials out, the manifest last."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from qlift.bundle import layout
from qlift.bundle.arrays import read_file, write_array
from qlift.bundle.errors import BundleError
from qlift.bundle.files import digest_of, dump, write_text
from qlift.bundle.models import ID, AppFile, Identity, Manifest, Raw, Redaction, Rename, StreamAccess
from qlift.bundle.redact import may_hold_credentials, redact_entity, redact_script
from qlift.bundle.staging import Staging


class Writer:
    """One export into one folder. What the folder holds stays as it is until `commit`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._staging = Staging(path)
        self._hashes: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._redactions: list[Redaction] = []
        self._renames: dict[tuple[str, str], Rename] = {}

    @property
    def unfinished(self) -> Path:
        """Where the export is gathered; what lies there after an interruption may be taken over."""
        return self._staging.folder

    @property
    def recovered(self) -> str | None:
        """The change report of an export whose process was killed when all but the last moves was done."""
        return self._staging.recovered

    def begin(self) -> None:
        self._staging.open()
        self._renames = {(r.kind, r.id): r for r in self._former(layout.RENAMES, Rename)}

    def entities(self, kind: str, entities: Iterable[Raw]) -> None:
        """Full entities of one kind, as the Repository Service sends them."""
        stable: list[tuple[str, str]] = []
        runtime: dict[str, Raw] = {}
        names: dict[str, str] = {}
        for entity in entities:
            key = _safe(kind, str(entity["id"]))
            clean, redactions = redact_entity(kind, entity)
            self._redactions += redactions
            stable.append((key, _text(clean)))
            runtime[key] = {k: v for k, v in clean.items() if k in layout.VOLATILE}
            names[key] = str(entity.get("name", ""))
        stable.sort()
        name = f"{kind}.json"
        self._hashes[name], self._counts[kind] = write_array(self._file(name), (text for _, text in stable))
        write_text(self._file(f"{kind}.runtime.json"), dump(dict(sorted(runtime.items()))))
        if kind in layout.RENAMED_KINDS:
            self._note_renames(kind, names)

    def objects(self, app_id: str, objects: Iterable[Raw]) -> tuple[str, list[Redaction]]:
        """Returns the sha256 of the app's file, and where credentials were."""
        name = f"{layout.OBJECTS}/{_safe('app', app_id)}.json"
        texts: list[str] = []
        found: list[Redaction] = []
        for item in sorted(objects, key=lambda o: str(o["id"])):
            text = _text(item)
            if may_hold_credentials(text):
                clean, redactions = redact_entity("app-object", item)
                found += redactions
                text = _text(clean) if redactions else text
            texts.append(text)
        self._redactions += found
        self._hashes[name], _ = write_array(self._file(name), texts)
        return self._hashes[name], found

    def resume_objects(self, app_id: str, sha256: str, redacted: Iterable[Raw] = ()) -> bool:
        """Take over what was gathered before an interruption, if it is still whole."""
        resumed = self._resume(f"{layout.OBJECTS}/{app_id}.json", sha256)
        if resumed:
            self._redactions += [Redaction.model_validate(r) for r in redacted]
        return resumed

    def objects_of(self, app_id: str) -> Iterator[Raw]:
        """Of an app whose objects this export has gathered."""
        return read_file(self._file(f"{layout.OBJECTS}/{app_id}.json"))

    def keep_objects(self, app_ids: Iterable[str]) -> None:
        """Drop the object files of apps that are no more."""
        self._keep(layout.OBJECTS, {f"{a}.json" for a in app_ids})

    def script(self, app_id: str, app_name: str, text: str) -> tuple[str, tuple[str, ...]]:
        """The load script of an app, credentials taken out.

        Returns the sha256 of its file and where credentials were.
        """
        clean, redactions = redact_script(app_id, app_name, text)
        self._redactions += redactions
        name = f"{layout.SCRIPTS}/{_safe('app', app_id)}.qvs"
        self._hashes[name] = write_text(self._file(name), clean)
        return self._hashes[name], tuple(r.field for r in redactions)

    def resume_script(self, app_id: str, app_name: str, sha256: str, redacted: Iterable[str]) -> bool:
        """As `resume_objects`; `redacted` is where credentials were."""
        resumed = self._resume(f"{layout.SCRIPTS}/{app_id}.qvs", sha256)
        if resumed:
            self._redactions += [
                Redaction(kind="script", id=app_id, name=app_name, field=f) for f in redacted
            ]
        return resumed

    def keep_script(self, app_id: str) -> bool:
        """The script is that of the former export, if there is one."""
        name = f"{layout.SCRIPTS}/{app_id}.qvs"
        if not (self.path / name).exists():
            return False
        self._hashes[name] = digest_of(self.path / name)
        # What an interrupted export gathered must not go over it.
        self._file(name).unlink(missing_ok=True)
        former = self._former(layout.REDACTIONS, Redaction)
        self._redactions += [r for r in former if (r.kind, r.id) == ("script", app_id)]
        return True

    def keep_scripts(self, app_ids: Iterable[str]) -> None:
        """Drop the scripts of apps that are no more, or that have none."""
        self._keep(layout.SCRIPTS, {f"{a}.qvs" for a in app_ids})

    def app_files(self, files: Iterable[AppFile]) -> None:
        ordered = sorted(files, key=lambda f: f.app)
        write_text(self._file(layout.APP_FILES), dump([f.model_dump() for f in ordered]))
        self._counts["app-file"] = len(ordered)

    def access(self, streams: Iterable[StreamAccess]) -> None:
        texts = sorted(
            (s.stream, _json({"stream": s.stream, "users": dict(sorted(s.users.items()))})) for s in streams
        )
        self._hashes[layout.ACCESS], _ = write_array(self._file(layout.ACCESS), (text for _, text in texts))

    def seal(
        self,
        *,
        site: str,
        product_version: str,
        identity: Identity,
        data: str,
        scope: str,
        runtime: dict[str, Any],
    ) -> Manifest:
        """The export is complete; `commit` puts it in place."""
        redactions = sorted(self._redactions, key=lambda r: (r.kind, r.id, r.field))
        renames = [self._renames[key] for key in sorted(self._renames)]
        for name, models in ((layout.REDACTIONS, redactions), (layout.RENAMES, renames)):
            self._hashes[name] = write_text(self._file(name), dump([m.model_dump() for m in models]))
        manifest = Manifest(
            site=site,
            product_version=product_version,
            identity=identity,
            data=data,
            scope=scope,
            counts=dict(sorted(self._counts.items())),
            sha256=dict(sorted(self._hashes.items())),
        )
        write_text(self._file(layout.RUNTIME_MANIFEST), dump(runtime))
        write_text(self._file(layout.MANIFEST), dump(manifest.model_dump()))
        return manifest

    def commit(self) -> None:
        self._staging.commit()

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
        """`seal` and `commit`."""
        manifest = self.seal(
            site=site,
            product_version=product_version,
            identity=identity,
            data=data,
            scope=scope,
            runtime=runtime,
        )
        self.commit()
        return manifest

    def gathered(self, name: str) -> Path:
        """A file of the export that is not in place yet, or the bundle's where it does not differ."""
        staged = self._file(name)
        return staged if staged.exists() else self.path / name

    @property
    def hashes(self) -> dict[str, str]:
        """Of the stable files so far."""
        return dict(self._hashes)

    @property
    def redactions(self) -> tuple[Redaction, ...]:
        return tuple(self._redactions)

    def _file(self, name: str) -> Path:
        return self._staging.folder / name

    def _resume(self, name: str, sha256: str) -> bool:
        file = self._file(name)
        if not file.exists() or digest_of(file) != sha256:
            return False
        self._hashes[name] = sha256
        return True

    def _keep(self, folder: str, files: set[str]) -> None:
        gone = [n for n in self._hashes if n.startswith(f"{folder}/") and n.split("/", 1)[1] not in files]
        for name in gone:
            del self._hashes[name]

    def _former(self, name: str, model: Any) -> list[Any]:
        return [_as_written(self.path / name, model, entry) for entry in _earlier(self.path / name)]

    def _note_renames(self, kind: str, names: dict[str, str]) -> None:
        for entity in _earlier(self.path / f"{kind}.json"):
            key, former = str(entity["id"]), str(entity.get("name", ""))
            name = names.get(key, former)
            if former == name:
                continue
            known = self._renames[kind, key].former_names if (kind, key) in self._renames else ()
            kept = tuple(n for n in (*known, former) if n != name)
            self._renames[kind, key] = Rename(kind=kind, id=key, former_names=tuple(dict.fromkeys(kept)))


def _earlier(path: Path) -> Iterator[Raw]:
    """Objects of an earlier export; none without the file. Raises `BundleError`."""
    try:
        yield from read_file(path)
    except (ValueError, RecursionError):
        raise _spoilt(path) from None


def _as_written(path: Path, model: Any, entry: Raw) -> Any:
    try:
        return model.model_validate(entry)
    except ValidationError:
        raise _spoilt(path) from None


def _spoilt(path: Path) -> BundleError:
    return BundleError([f"{path}: not as an earlier export wrote it; restore it from git"])


def _safe(kind: str, id_: str) -> str:
    """Ids become names of files. Raises `BundleError`."""
    if not ID.fullmatch(id_):
        raise BundleError(
            [
                f"{kind}: the site names an object {id_!r}; an id has letters, digits, - and _. Nothing is "
                "written: find out who answers for the site there"
            ]
        )
    return id_


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _text(entity: Raw) -> str:
    return _json(_lasting(entity))


def _lasting(value: Any, key: str = "") -> Any:
    """Without what is volatile, at every level: references carry volatile fields too.

    The service promises no order of what an object refers to, so the bundle gives one.
    """
    if isinstance(value, dict):
        return {k: _lasting(v, k) for k, v in value.items() if k not in layout.VOLATILE}
    if isinstance(value, list):
        items = [_lasting(v) for v in value]
        if key in layout.SETS:
            return sorted(items)
        if items and all(isinstance(v, dict) for v in items):
            return sorted(items, key=lambda v: str(v.get("id") or _json(v)))
        return items
    return value
