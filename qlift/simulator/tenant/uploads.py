"""Temporary contents: simple uploads and resumable ones by tus 1.0.0 (section 12)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse

from qlift.simulator.tenant.errors import Refusal
from qlift.simulator.tenant.world import TEMP, Call, Document, Me, World, stamp

router = APIRouter(prefix="/api/v1/temp-contents")

_VERSION = "1.0.0"
_TUS = {"Tus-Resumable": _VERSION}
_MAX_TTL = 259_200
_DEFAULT_TTL = 3600
_MAX_SIZE = 2**40
_CHUNK = 1024 * 1024

_writing: set[str] = set()
"""Uploads that a request is writing to: another one is told 423. Of this process only."""


@router.post("")
async def simple(
    request: Request,
    call: Me,
    filename: str = Query(min_length=1, max_length=255),
    ttl: int = Query(_DEFAULT_TTL, ge=1, le=_MAX_TTL),
) -> Response:
    """201 with `Location` and no body."""
    digest = hashlib.sha256()
    size = 0
    with tempfile.NamedTemporaryFile(dir=call.world.store.folder, prefix="part-", delete=False) as part:
        path = Path(part.name)
        try:
            async for chunk in request.stream():
                digest.update(chunk)
                part.write(chunk)
                size += len(chunk)
        except BaseException:
            path.unlink()
            raise
    sha256 = call.world.store.adopt_blob(path, digest.hexdigest())
    upload = keep(call, filename, sha256, size, ttl)
    location = call.location(f"/api/v1/temp-contents/{upload['id']}")
    return Response(status_code=201, headers={"Location": location})


@router.post("/files")
async def start(request: Request, call: Me) -> Response:
    _check_version(request)
    length = _number(request, "upload-length")
    if length > _MAX_SIZE:
        raise Refusal(413, "Upload too large")
    metadata = _metadata(request.headers.get("upload-metadata", ""))
    if not metadata.get("filename"):
        raise Refusal(400, "Missing filename", detail="Upload-Metadata needs a filename")
    ttl = metadata.get("ttl") or str(_DEFAULT_TTL)
    if not ttl.isdecimal() or not 1 <= int(ttl) <= _MAX_TTL:
        raise Refusal(400, "Invalid ttl", detail=f"seconds from 1 to {_MAX_TTL}")
    upload = _new(call, metadata["filename"], length, int(ttl))
    _partial(call.world, upload["id"]).touch()
    if length == 0:
        await _finish(call.world, upload)
    call.world.store.put(TEMP, upload["id"], upload)
    location = call.location(f"/api/v1/temp-contents/files/{upload['id']}")
    return Response(status_code=201, headers={**_TUS, "Location": location})


@router.head("/files/{upload_id}")
async def resume(request: Request, call: Me, upload_id: str) -> Response:
    _check_version(request)
    upload = _upload(call, upload_id)
    headers = {**_TUS, "Upload-Offset": str(upload["offset"]), "Upload-Length": str(upload["length"])}
    return Response(status_code=200, headers={**headers, "Cache-Control": "no-store"})


@router.patch("/files/{upload_id}")
async def send(request: Request, call: Me, upload_id: str) -> Response:
    """What arrived before a broken connection is kept: the client resumes behind it."""
    _check_version(request)
    upload = _upload(call, upload_id)
    if request.headers.get("content-type") != "application/offset+octet-stream":
        raise Refusal(415, "Unsupported media type")
    if upload_id in _writing:
        raise Refusal(423, "Upload is locked", detail="another request is writing to it")
    if _number(request, "upload-offset") != upload["offset"]:
        raise Refusal(409, "Offset mismatch", detail=f"the upload stands at {upload['offset']}")
    _writing.add(upload_id)
    try:
        await _append(request, call.world, upload)
    finally:
        _writing.discard(upload_id)
    if upload["offset"] == upload["length"]:
        await _finish(call.world, upload)
        call.world.store.put(TEMP, upload_id, upload)
    return Response(status_code=204, headers={**_TUS, "Upload-Offset": str(upload["offset"])})


@router.get("/{upload_id}")
async def read(call: Me, upload_id: str, inline: bool = False) -> Response:
    upload = _upload(call, upload_id)
    if upload["blob"] is None:
        return Response(status_code=204)
    return FileResponse(
        call.world.store.blob_path(upload["blob"]),
        media_type="application/octet-stream",
        filename=upload["name"],
        content_disposition_type="inline" if inline else "attachment",
    )


@router.get("/{upload_id}/details")
async def details(call: Me, upload_id: str) -> Any:
    upload = _upload(call, upload_id)
    if upload["blob"] is None:
        return Response(status_code=204)
    expires = datetime.fromtimestamp(upload["_start"] + upload["ttl"], UTC)
    return {
        "ID": upload["id"],
        "Name": upload["name"],
        "Size": str(upload["length"]),
        "Expires": stamp(expires),
        "CreatedAt": upload["createdAt"],
        "CreatorID": upload["creatorId"],
        "UpdatedAt": upload["updatedAt"],
        "TTLSeconds": upload["ttl"],
    }


def keep(call: Call, name: str, sha256: str, size: int, ttl: int = _DEFAULT_TTL) -> Document:
    """A blob as a finished temporary content of the caller."""
    upload = _new(call, name, size, ttl)
    upload |= {"offset": size, "blob": sha256}
    call.world.store.put(TEMP, upload["id"], upload)
    return upload


def complete_upload(call: Call, upload_id: str) -> Document | None:
    """None: unknown, somebody else's, incomplete, or expired."""
    upload = call.world.store.get(TEMP, upload_id)
    if upload is None or upload["creatorId"] != call.user_id or upload["blob"] is None:
        return None
    return None if _expired(call.world, upload) else upload


def _new(call: Call, name: str, length: int, ttl: int) -> Document:
    now = call.world.stamp()
    return {
        "id": call.world.new_id("temp"),
        "name": name,
        "length": length,
        "offset": 0,
        "blob": None,
        "ttl": ttl,
        "creatorId": call.user_id,
        "createdAt": now,
        "updatedAt": now,
        "_start": call.world.seconds(),
    }


def _upload(call: Call, upload_id: str) -> Document:
    upload = call.world.store.get(TEMP, upload_id)
    if upload is None or upload["creatorId"] != call.user_id:
        raise Refusal(404, "Not found")
    if _expired(call.world, upload):
        raise Refusal(410, "Expired", detail="the time to live counts from the start of the upload")
    return upload


def _expired(world: World, upload: Document) -> bool:
    return world.seconds() >= float(upload["_start"]) + float(upload["ttl"])


def _partial(world: World, upload_id: str) -> Path:
    return world.store.folder / f"tus-{upload_id}"


async def _append(request: Request, world: World, upload: Document) -> None:
    with _partial(world, upload["id"]).open("r+b") as file:
        file.seek(upload["offset"])
        try:
            async for chunk in request.stream():
                if upload["offset"] + len(chunk) > upload["length"]:
                    raise Refusal(400, "More bytes than Upload-Length")
                file.write(chunk)
                upload["offset"] += len(chunk)
        finally:
            upload["updatedAt"] = world.stamp()
            world.store.put(TEMP, upload["id"], upload)


async def _finish(world: World, upload: Document) -> None:
    path = _partial(world, upload["id"])
    sha256 = await asyncio.to_thread(_hash, path)
    upload["blob"] = world.store.adopt_blob(path, sha256)


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _check_version(request: Request) -> None:
    if request.headers.get("tus-resumable") != _VERSION:
        raise Refusal(412, "Unsupported tus version", headers={"Tus-Version": _VERSION})


def _number(request: Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not text.isdecimal():
        raise Refusal(400, f"Invalid {name}", detail="a whole number of bytes is expected")
    return int(text)


def _metadata(text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        key, _, value = part.partition(" ")
        try:
            pairs[key] = base64.b64decode(value, validate=True).decode()
        except ValueError as error:
            raise Refusal(400, "Invalid Upload-Metadata", detail=f"{key} is not base64") from error
    return pairs
