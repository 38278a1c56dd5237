"""Uploads of app files by the tus protocol: in chunks, resumable, with bounded memory."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import BinaryIO

from qlift.cloud.client import UPLOADS, Client
from qlift.cloud.errors import Ambiguous, CloudError, Failed, NotFound, Refused

FILES = "/api/v1/temp-contents/files"
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = 8 * 1024 * 1024
"""Bytes in one request. The service names no largest chunk."""
TTL_SECONDS = 172_800
"""Counts from the start of the upload; the service allows at most 259,200."""
ATTEMPTS = 8
"""In a row without progress."""
STARTS = 3
OFFSET_MISMATCH, LOCKED = 409, 423


class _StartAgain(Exception):
    """The tenant no longer has the upload (expired, or never had it)."""


def upload_file(
    client: Client,
    open_file: Callable[[], BinaryIO],
    size: int,
    filename: str,
    *,
    subject: str,
    chunk: int = CHUNK,
) -> str:
    """Returns the id that an import takes as `fileId`. A broken upload goes on where the tenant has it.

    `size` in bytes. Raises `Failed` when the file is not of that size, and what the client raises.
    """
    for _ in range(STARTS):
        location = _create(client, size, filename, subject)
        try:
            with open_file() as file:
                _send(client, location, file, size, chunk, subject)
        except _StartAgain:
            continue
        return location.partition("?")[0].rstrip("/").rpartition("/")[2]
    raise Failed(f"the tenant lost the upload {STARTS} times before it was complete", subject=subject)


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
            client.sleep(_pause(attempt))
            continue
        location = answer.headers.get("location")
        if not location:
            raise Failed("the tenant did not say where to upload to", subject=subject)
        return client.own_path(location, subject)
    raise AssertionError("unreachable")


def _send(client: Client, location: str, file: BinaryIO, size: int, chunk: int, subject: str) -> None:
    offset, failures = 0, 0
    while offset < size:
        data = _read(file, offset, min(chunk, size - offset), subject)
        headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        try:
            client.patch(location, subject=subject, tier=UPLOADS, headers=headers, content=data)
            offset, failures = offset + len(data), 0
            continue
        except NotFound:
            raise _StartAgain from None
        except CloudError as error:
            failures += 1
            if not _passing(error) or failures == ATTEMPTS:
                raise
        client.sleep(_pause(failures))
        offset = _offset(client, location, size, subject)
    if file.seek(0, 2) != size:
        raise Failed(
            f"the app file is larger than the {size} bytes that the bundle says; export it again",
            subject=subject,
        )


def _passing(error: CloudError) -> bool:
    """After which the tenant can be asked how far it is."""
    return isinstance(error, Ambiguous) or error.status in (OFFSET_MISMATCH, LOCKED)


def _read(file: BinaryIO, offset: int, length: int, subject: str) -> bytes:
    file.seek(offset)
    data = file.read(length)
    if not data:
        raise Failed(
            f"the app file ends at {offset} bytes, before the size that the bundle says; export it again",
            subject=subject,
        )
    return data


def _offset(client: Client, location: str, size: int, subject: str) -> int:
    """How much the tenant has. The question is of the tus protocol; Qlik names it in words only."""
    try:
        answer = client.head(location, subject=subject, headers=TUS)
        offset = int(answer.headers["upload-offset"])
    except (NotFound, Refused, KeyError, ValueError):
        raise _StartAgain from None
    if not 0 <= offset <= size:
        raise _StartAgain
    return offset


def _pause(attempt: int) -> float:
    return float(min(0.25 * 2**attempt, 8.0))
