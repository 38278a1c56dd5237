"""The pretend app files of the site, in step with the documents of the app and its objects."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections.abc import Iterable
from typing import Any, BinaryIO

from qlift.simulator import qvf
from qlift.simulator.site.documents import login
from qlift.simulator.site.kinds import APP, Document
from qlift.simulator.store import Store

Content = dict[str, Any]

FILE = "_file"
"""Field of an app's document: sha256 of its file. Never served."""

_IN_MEMORY = 4 * 1024 * 1024


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
    """Stores a file of at least `size` bytes and the app's document that names it."""
    sha256, length = store_header(store, contents, size)
    store.put(APP.stored, app["id"], app | {FILE: sha256, "fileSize": length})


def store_header(store: Store, contents: qvf.Header, size: int) -> tuple[str, int]:
    """Stores a pretend file; its sha256 and its size in bytes."""
    target: BinaryIO
    with io.BytesIO() if size < _IN_MEMORY else tempfile.TemporaryFile() as target:
        length = qvf.write(target, contents, size)
        target.seek(0)
        return store.put_blob(target), length


def read(store: Store, app: Document) -> qvf.Header | None:
    """The header of an app's file if it is a pretend one, else None."""
    if FILE not in app:
        return None
    found = qvf.read_header(store.blob_path(app[FILE]))
    return found if found is not None and "simulatorObjects" in found else None
