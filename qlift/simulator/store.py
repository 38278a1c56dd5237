"""What the simulator knows: documents in memory, written through to SQLite, and blobs as files.

Documents are shared with the caller, not copied, so that lists of thousands stay cheap. Who changes one must
`put` it again, or the change is lost at the next start.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, BinaryIO

Document = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    position INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (kind, id)
);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, body TEXT NOT NULL);
"""
_CHUNK = 1024 * 1024


class Store:
    """`path` is the SQLite file; blobs lie beside it in `<name>.blobs`. None: nothing outlives the process.

    `lock` guards every call and may be held by a caller around several of them.
    """

    def __init__(self, path: Path | None) -> None:
        self.lock = RLock()
        self._kinds: dict[str, dict[str, Document]] = {}
        self._indexes: dict[str, dict[str, _Index]] = {}
        self._batches = 0
        self._settings: dict[str, Any] = {}
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._connection: sqlite3.Connection | None = None
        if path is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="qlift-simulator-")
            self.folder = Path(self._temporary.name)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.folder = path.with_name(path.name + ".blobs")
            self._open(path)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _open(self, path: Path) -> None:
        # The file holds private keys and secrets: nobody else may read it, from its first byte on.
        path.touch(mode=0o600, exist_ok=True)
        connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        connection.executescript(_SCHEMA)
        for kind, id_, body in connection.execute("SELECT kind, id, body FROM document ORDER BY position"):
            self._kinds.setdefault(kind, {})[id_] = json.loads(body)
        for name, body in connection.execute("SELECT name, body FROM setting"):
            self._settings[name] = json.loads(body)
        self._connection = connection

    def close(self) -> None:
        with self.lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if self._temporary is not None:
                self._temporary.cleanup()
                self._temporary = None

    def get(self, kind: str, id_: str) -> Document | None:
        with self.lock:
            return self._kinds.get(kind, {}).get(id_)

    def put(self, kind: str, id_: str, document: Document) -> None:
        with self.lock:
            self._kinds.setdefault(kind, {})[id_] = document
            for index in self._indexes.get(kind, {}).values():
                index.put(id_, document)
            if self._connection is not None:
                # Not REPLACE: the position, and with it the order of lists, stays.
                self._connection.execute(
                    "INSERT INTO document (kind, id, body) VALUES (?, ?, ?) "
                    "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                    (kind, id_, json.dumps(document, ensure_ascii=False)),
                )

    def put_all(self, kind: str, documents: Iterable[tuple[str, Document]]) -> None:
        """Many at once, in one transaction."""
        with self.batch():
            for id_, document in documents:
                self.put(kind, id_, document)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """One transaction for all that is put inside; may be nested. What was put before an error stays."""
        with self.lock:
            self._batches += 1
            if self._batches == 1 and self._connection is not None:
                self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._batches -= 1
                if self._batches == 0 and self._connection is not None:
                    self._connection.execute("COMMIT")

    def delete(self, kind: str, id_: str) -> None:
        """Nothing happens when it is not there."""
        with self.lock:
            self._kinds.get(kind, {}).pop(id_, None)
            for index in self._indexes.get(kind, {}).values():
                index.drop(id_)
            if self._connection is not None:
                self._connection.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, id_))

    def all(self, kind: str) -> list[Document]:
        """In the order in which they were first put."""
        with self.lock:
            return list(self._kinds.get(kind, {}).values())

    def where(self, kind: str, path: str, value: str) -> list[Document]:
        """Documents with this text at a path of fields (`app.id`), capitals ignored.

        The first call builds an index; after it the time is that of the answer, not of the kind.
        """
        with self.lock:
            indexes = self._indexes.setdefault(kind, {})
            index = indexes.get(path)
            if index is None:
                index = indexes[path] = _Index(path)
                for id_, document in self._kinds.get(kind, {}).items():
                    index.put(id_, document)
            return index.get(value)

    def kinds(self) -> list[str]:
        with self.lock:
            return sorted(self._kinds)

    def count(self, kind: str) -> int:
        with self.lock:
            return len(self._kinds.get(kind, {}))

    def counter(self, name: str) -> int:
        """1, 2, 3 … for each name, over restarts: ids that are made from it are the same in every run."""
        with self.lock:
            value = int(self.get_setting(f"counter/{name}") or 0) + 1
            self.put_setting(f"counter/{name}", value)
            return value

    def get_setting(self, name: str) -> Any:
        """None when it was never put."""
        with self.lock:
            return self._settings.get(name)

    def put_setting(self, name: str, value: Any) -> None:
        with self.lock:
            self._settings[name] = value
            if self._connection is not None:
                self._connection.execute(
                    "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET body = excluded.body",
                    (name, json.dumps(value, ensure_ascii=False)),
                )

    def put_blob(self, content: bytes | BinaryIO) -> str:
        """Keeps the bytes once and returns their sha256 in hex."""
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix="part-", delete=False) as part:
            digest = hashlib.sha256()
            if isinstance(content, bytes):
                digest.update(content)
                part.write(content)
            else:
                while chunk := content.read(_CHUNK):
                    digest.update(chunk)
                    part.write(chunk)
        return self.adopt_blob(Path(part.name), digest.hexdigest())

    def adopt_blob(self, file: Path, sha256: str) -> str:
        """Takes over a file of `folder` whose hash the caller has computed while writing it."""
        file.replace(self.blob_path(sha256))
        return sha256

    def blob_path(self, sha256: str) -> Path:
        return self.folder / sha256


class _Index:
    """Documents of one kind by the text at one path."""

    def __init__(self, path: str) -> None:
        self._path = path.split(".")
        self._found: dict[str, dict[str, Document]] = {}
        # Not read from the former document: callers change what they were given before they put it again.
        self._values: dict[str, str] = {}

    def put(self, id_: str, document: Document) -> None:
        value = self._value(document)
        if self._values.get(id_) != value:
            self.drop(id_)
        if value is not None:
            self._values[id_] = value
            self._found.setdefault(value, {})[id_] = document

    def drop(self, id_: str) -> None:
        value = self._values.pop(id_, None)
        if value is not None:
            del self._found[value][id_]

    def get(self, value: str) -> list[Document]:
        return list(self._found.get(value.lower(), {}).values())

    def _value(self, document: Document) -> str | None:
        found: Any = document
        for name in self._path:
            found = found.get(name) if isinstance(found, dict) else None
        return found.lower() if isinstance(found, str) else None
