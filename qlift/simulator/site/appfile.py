"""The pretend app files of the site, in step with the documents of the app and its objects."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qlift.simulator import qvf
from qlift.simulator.site.documents import login
from qlift.simulator.site.kinds import APP, Document
from qlift.simulator.store import Store

Content = dict[str, Any]

FILE = "_file"
"""Field of an app's document: sha256 of the beginning of its file, up to the zero bytes. Never served."""

_CHUNK = 1024 * 1024
_ZEROS = bytes(_CHUNK)


def content_hash(content: Content) -> str:
    """What the repository keeps as `contentHash`: it changes exactly when the content does."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def header(app: Document, objects: Iterable[tuple[Document, Content]], script: str) -> qvf.Header:
    """The header of an app's file, with all of its objects."""
    return {
        "qTitle": app["name"],
        "qLastReloadTime": app["lastReloadTime"],
        "qSavedInProductVersion": app["savedInProductVersion"],
        "qThumbnail": {"qUrl": app["thumbnail"]},
        "description": app["description"],
        "dynamicColor": app["dynamicColor"],
        "hassectionaccess": "section access" in script.lower(),
        "qScript": script,
        "simulatorObjects": [
            {
                "engineObjectId": document["engineObjectId"],
                "objectType": document["objectType"],
                "name": document["name"],
                "published": document["published"],
                "approved": document["approved"],
                "ownerLogin": login(document["owner"]),
                "content": content,
            }
            for document, content in objects
        ],
    }


def put(store: Store, app: Document, contents: qvf.Header, size: int) -> None:
    """Stores a file of at least `size` bytes and the app's document that names it.

    Only the part with content is kept; the zero bytes after it are made when somebody reads the file.
    """
    head = qvf.encode(contents)
    document = app | {FILE: store.put_blob(head), "fileSize": max(size, len(head))}
    store.put(APP.stored, app["id"], document)


@dataclass(frozen=True)
class FileBody:
    """A file as it leaves the site: its beginning, and its whole size in bytes."""

    head: bytes | Path
    size: int

    def chunks(self) -> Iterator[bytes]:
        """Never more than a megabyte at a time."""
        left = self.size
        with io.BytesIO(self.head) if isinstance(self.head, bytes) else self.head.open("rb") as head:
            while left > 0 and (chunk := head.read(min(left, _CHUNK))):
                left -= len(chunk)
                yield chunk
        while left > 0:
            yield _ZEROS[: min(left, _CHUNK)]
            left -= min(left, _CHUNK)


def body(store: Store, app: Document) -> FileBody:
    """Of the whole file."""
    return FileBody(store.blob_path(app[FILE]), app["fileSize"])


def read(store: Store, app: Document) -> qvf.Header | None:
    """The header of an app's file if it is a pretend one, else None."""
    if FILE not in app:
        return None
    found = qvf.read_header(store.blob_path(app[FILE]))
    return found if found is not None and "simulatorObjects" in found else None
