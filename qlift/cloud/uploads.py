"""Uploads of app files by the tus protocol: in chunks, resumable, with bounded memory."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import BinaryIO

from qlift.cloud.client import UPLOADS, Client
from qlift.cloud.errors import Ambiguous, CloudError, Failed

FILES = "/api/v1/temp-contents/files"
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = 8 * 1024 * 1024
TTL_SECONDS = 172_800
"""Counts from the start of the upload; the service allows at most 259,200."""
ATTEMPTS = 8
GONE, OFFSET_MISMATCH, LOCKED = 410, 409, 423


def upload_file(
    client: Client, open_file: Callable[[], BinaryIO], size: int, filename: str, *, subject: str
) -> str:
    """Returns the id that an import takes as `fileId`. A broken upload goes on where the tenant has it."""
    for _ in range(2):
        location = _create(client, size, filename, subject)
        with open_file() as file:
            if _send(client, location, file, size, subject):
                return location.rstrip("/").rpartition("/")[2]
    raise Failed("the upload expired twice before it was complete", subject=subject)


def _create(client: Client, size: int, filename: str, subject: str) -> str:
    metadata = ",".join(
        f"{k} {base64.b64encode(v.encode()).decode()}"
        for k, v in (("filename", filename), ("ttl", str(TTL_SECONDS)))
    )
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata}
    for attempt in range(1, ATTEMPTS + 1):
        try:
            answer = client.post(FILES, subject=subject, tier=UPLOADS, headers=headers)
        except Ambiguous:
            # A second empty upload costs nothing; the first one expires.
            if attempt == ATTEMPTS:
                raise
            client.sleep(min(0.25 * 2**attempt, 8.0))
            continue
        location = answer.headers.get("location")
        if not location:
            raise Failed("the tenant did not say where to upload to", subject=subject)
        return client.own_path(location, subject)
    raise AssertionError("unreachable")


def _send(client: Client, location: str, file: BinaryIO, size: int, subject: str) -> bool:
    """False: the upload expired and has to begin again."""
    offset, failures = 0, 0
    while offset < size:
        file.seek(offset)
        headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        chunk = file.read(CHUNK)
        try:
            client.patch(location, subject=subject, tier=UPLOADS, headers=headers, content=chunk)
            offset, failures = offset + len(chunk), 0
            continue
        except CloudError as error:
            if error.status == GONE:
                return False
            if not isinstance(error, Ambiguous) and error.status not in (OFFSET_MISMATCH, LOCKED):
                raise
            failures += 1
            if failures == ATTEMPTS:
                raise
        client.sleep(min(0.25 * 2**failures, 8.0))
        answer = client.head(location, subject=subject, headers=TUS)
        offset = int(answer.headers.get("upload-offset", offset))
    return True
