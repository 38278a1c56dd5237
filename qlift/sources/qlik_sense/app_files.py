"""App files: exported one by one, streamed into the store, resumable by file."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator

from qlift.bundle import BlobStore
from qlift.bundle.models import AppFile, Raw
from qlift.sources.qlik_sense.client import SiteClient
from qlift.sources.qlik_sense.errors import AppExportFailed, SourceError

SIGNATURE = bytes.fromhex("FFFF0100C106")
"""How every known app file begins (own inspection of public files, engines 12.387 to 12.1934)."""


def unchanged(known: AppFile | None, app: Raw, store: BlobStore) -> bool:
    """Whether the file of an earlier export, or of the run before an interruption, is still the right one."""
    return (
        known is not None
        and not known.stale
        and known.modified_date == app.get("modifiedDate")
        and store.exists(known.sha256)
        and store.size(known.sha256) == known.size
    )


def fetch(client: SiteClient, app: Raw, store: BlobStore, *, data: str, scope: str) -> AppFile:
    """Export one app. Raises `AppExportFailed`; a broken download leaves nothing under a final name."""
    app_id, name = str(app["id"]), str(app.get("name", ""))
    try:
        ticket = client.post(
            f"app/{app_id}/export/{uuid.uuid4()}",
            skipData="true" if data == "none" else "false",
            # The service's default leaves private and community sheets out.
            exportScope=scope,
        )
        path = ticket.get("downloadPath") if isinstance(ticket, dict) else None
        if not path:
            raise SourceError("the site gave no download path")
        with client.download(str(path)) as chunks:
            sha256, size = store.put(_checked(chunks))
        after = client.get(f"app/{app_id}")
    except SourceError as error:
        raise AppExportFailed(
            f'app "{name}" ({app_id}): {error}; run `qlift export` again, it fetches only what is missing'
        ) from None
    modified = str(app.get("modifiedDate", ""))
    return AppFile(
        app=app_id,
        sha256=sha256,
        size=size,
        modified_date=modified,
        stale=str(after.get("modifiedDate", "")) != modified,
    )


def _checked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Refuses what is no app file, such as a login page saved as one."""
    head = b""
    begun = False
    for chunk in chunks:
        if begun:
            yield chunk
            continue
        head += chunk
        if len(head) < len(SIGNATURE):
            continue
        if not head.startswith(SIGNATURE):
            raise SourceError("what the site sent is no app file (QVF)")
        begun = True
        yield head
    if not begun:
        raise SourceError("what the site sent is no app file (QVF)")
