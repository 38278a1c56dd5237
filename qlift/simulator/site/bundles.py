"""A site from a bundle: one that `qlift export` wrote, or JSON of the Repository Service assembled by hand.

Read as plain JSON, not through the bundle's own models: a site serves what is there, and a bundle put
together by hand has no manifest.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qlift.simulator.site import appfile
from qlift.simulator.site.documents import NO_DATE, Ids, service_accounts
from qlift.simulator.site.kinds import APP, APP_OBJECT, KINDS, USER, Document, Kind
from qlift.simulator.store import Store

_FILE_BYTES = 8192
_COMMON: Document = {
    "createdDate": NO_DATE,
    "modifiedDate": NO_DATE,
    "modifiedByUserName": "INTERNAL\\sa_repository",
    "privileges": None,
}
_APP: Document = {
    "description": "",
    "published": False,
    "stream": None,
    "lastReloadTime": NO_DATE,
    "savedInProductVersion": "",
    "staticByteSize": 0,
    "thumbnail": "",
    "dynamicColor": "",
}


class SeedError(Exception):
    """The bundle cannot be read; the message lists every problem."""


def seed_from_bundle(store: Store, path: Path) -> None:
    """Adds what the bundle holds to the store. Apps whose file is missing get a pretend one, of their size
    and with their script where the bundle has it.

    The service accounts are added when the bundle has none, since somebody has to be able to log in.
    Raises SeedError.
    """
    if not path.is_dir():
        raise SeedError(
            f"{path} is not a folder; a bundle is a folder with app.json, stream.json and others."
        )
    problems: list[str] = []
    documents = {kind: _documents(path, kind, problems) for kind in KINDS if kind is not APP_OBJECT}
    objects = _objects(path, problems)
    files = {item.get("app"): item for item in _array(path / "app-file.json", problems)}
    if not documents[APP] and not documents[USER]:
        problems.append("neither app.json nor user.json holds anything")
    if problems:
        raise SeedError(f"The bundle {path} cannot be used: " + "; ".join(problems))
    for kind, found in documents.items():
        store.put_all(kind.stored, ((document["id"], document) for document in found))
    store.put_all(APP_OBJECT.stored, ((document["id"], document) for document in objects))
    _add_accounts(store)
    by_app: dict[str, list[Document]] = {}
    for document in objects:
        by_app.setdefault(document["app"]["id"], []).append(document)
    for document in documents[APP]:
        blob = path / "blobs" / f"{files.get(document['id'], {}).get('sha256')}.qvf"
        if blob.is_file():
            with blob.open("rb") as content:
                sha256 = store.put_blob(content)
            changed = document | {appfile.FILE: sha256, "fileSize": blob.stat().st_size}
            store.put(APP.stored, document["id"], changed)
        else:
            script = path / "script" / f"{document['id']}.qvs"
            text = script.read_bytes().decode("utf-8", "replace") if script.is_file() else ""
            _pretend_file(store, document, by_app.get(document["id"], []), text)


def _documents(path: Path, kind: Kind, problems: list[str]) -> list[Document]:
    found = _array(path / f"{kind.path}.json", problems)
    runtime = _read(path / f"{kind.path}.runtime.json", {}, problems)
    for document in found:
        if not isinstance(document.get("id"), str):
            problems.append(f"{kind.path}.json: an object without id")
            return []
    return [_complete(kind, document | runtime.get(document["id"], {})) for document in found]


def _complete(kind: Kind, document: Document) -> Document:
    """Fields that every object has on a site, where the bundle leaves them out."""
    complete = _COMMON | {"schemaPath": kind.type}
    if kind is APP:
        complete |= _APP
    return complete | document


def _objects(path: Path, problems: list[str]) -> list[Document]:
    folder = path / "app-object"
    found = []
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        if file.name.endswith(".runtime.json"):
            continue
        for document in _array(file, problems):
            if "id" not in document or "id" not in document.get("app", {}):
                problems.append(f"{file.name}: an object without id or app")
                break
            found.append(_complete(APP_OBJECT, document))
    return found


def _array(file: Path, problems: list[str]) -> list[Document]:
    found = _read(file, [], problems)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        problems.append(f"{file.name} is not an array of objects")
        return []
    return found


def _read(file: Path, empty: Any, problems: list[str]) -> Any:
    if not file.is_file():
        return empty
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as problem:
        problems.append(f"{file.name} is not JSON ({problem})")
        return empty


def _add_accounts(store: Store) -> None:
    known = {(user["userDirectory"], user["userId"]) for user in store.all(USER.stored)}
    for account in service_accounts(Ids("bundle")):
        if (account["userDirectory"], account["userId"]) not in known:
            store.put(USER.stored, account["id"], account)


def _pretend_file(store: Store, app: Document, objects: list[Document], script: str) -> None:
    contents = [
        (item, {"title": item.get("name", ""), "type": item.get("objectType", "")}) for item in objects
    ]
    size = max(int(app.get("fileSize") or 0), _FILE_BYTES)
    appfile.put(store, app, appfile.header(app, contents, script), size)
