"""Exporting app files: a POST makes a file, which one GET by the same user takes away.

Codes for a second GET (404) and for another user (403) are our choice; the service's are not documented.
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from urllib.parse import quote

from qlift.simulator import qvf
from qlift.simulator.site import appfile
from qlift.simulator.site.appfile import FileBody
from qlift.simulator.site.kinds import Document
from qlift.simulator.store import Store

SCOPES = ("approved", "published", "all")
NODE_ID = "d064a20b-b0a4-4bad-8b21-0535a1e2cb7b"


class ExportError(Exception):
    """Carries the status and text of the service's answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class _Ticket:
    body: FileBody
    user: str


class Exports:
    """The files that wait to be fetched. A restart forgets them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[str, _Ticket] = {}
        self._lock = threading.Lock()

    def create(
        self, app: Document, user: Document, token: str, *, skip_data: bool, scope: str, prefix: str = ""
    ) -> Document:
        """The answer of the POST; `prefix` begins the path of the download. Raises ExportError."""
        if scope not in SCOPES:
            raise ExportError(400, f"Invalid exportScope: {scope}")
        if appfile.FILE not in app:
            raise ExportError(500, f"The app {app['id']} has no file.")
        ticket = str(uuid.uuid4())
        name = f"{app['name']}.qvf"
        with self._lock:
            self._waiting[ticket] = _Ticket(
                scoped_file(self._store, app, skip_data=skip_data, scope=scope), user["id"]
            )
        return {
            "exportToken": token,
            "appId": app["id"],
            "downloadPath": f"{prefix}/tempcontent/{ticket}/{quote(name, safe='')}?serverNodeId={NODE_ID}",
            "cancelled": False,
            "schemaPath": "AppExportResponse",
        }

    def take(self, ticket: str, user: Document, node: str | None) -> FileBody:
        """The file of a ticket, once: a download that breaks off needs a new export. Raises ExportError."""
        with self._lock:
            found = self._waiting.get(ticket)
            if found is None or node != NODE_ID:
                raise ExportError(404, "The file was not found.")
            if found.user != user["id"]:
                raise ExportError(403, "Forbidden")
            del self._waiting[ticket]
        return found.body


def scoped_file(store: Store, app: Document, *, skip_data: bool, scope: str) -> FileBody:
    """The file as it leaves the site.

    Of a published app, `approved` holds the base objects, `published` the community ones too, `all` all.
    An unpublished app has neither state: its objects travel in every scope. A real file is passed on as
    it is.
    """
    whole = appfile.body(store, app)
    header = appfile.read(store, app)
    if header is None:
        return whole
    everything = header["simulatorObjects"]
    kept = [
        item
        for item in everything
        if scope == "all"
        or not app["published"]
        or (item["published"] and (item["approved"] or scope == "published"))
    ]
    if len(kept) == len(everything) and not skip_data:
        return whole
    head = qvf.encode(header | {"simulatorObjects": kept})
    return FileBody(head, len(head) if skip_data else max(len(head), whole.size))
