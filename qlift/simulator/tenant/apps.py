"""Apps: create, import, read, change, move, give away, delete (sections 4.1 to 4.6).

Every write answers 200, creations and deletions included.
"""

# ruff: noqa: N803 (query parameters carry Qlik's names)
from __future__ import annotations

import asyncio
import hashlib
import re
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from qlift.simulator import qvf
from qlift.simulator.tenant import items
from qlift.simulator.tenant.content import imported_objects
from qlift.simulator.tenant.errors import Refusal
from qlift.simulator.tenant.rights import (
    edits,
    may_edit,
    settle_owner,
    visible_app,
    without_role,
)
from qlift.simulator.tenant.shares import delete_shares_of_app
from qlift.simulator.tenant.spaces import is_ready
from qlift.simulator.tenant.tasks import app_moved, delete_tasks_of_app, disable_tasks_of_app
from qlift.simulator.tenant.uploads import complete_upload, keep
from qlift.simulator.tenant.world import APP, SPACE, Call, Document, Me, World, stamp

router = APIRouter(prefix="/api")

HARD_DELETE_SECONDS = 45 * 60
RECOVERY_SECONDS = 14 * 24 * 3600
_SIGNATURE = qvf.SIGNATURE[:6]
_ATTRIBUTES = (
    "id",
    "name",
    "description",
    "spaceId",
    "ownerId",
    "owner",
    "createdDate",
    "modifiedDate",
    "lastReloadTime",
    "published",
    "publishTime",
    "originAppId",
    "thumbnail",
    "dynamicColor",
    "encrypted",
    "hasSectionAccess",
    "isDirectQueryMode",
    "usage",
    "custom",
    "_resourcetype",
)
_BOM_FREE_NAME = re.compile(r"[^\w .()-]")


class NewAttributes(BaseModel):
    name: str | None = None
    description: str | None = None
    spaceId: str | None = None
    locale: str | None = None
    usage: Literal[
        "ANALYTICS", "DATA_PREPARATION", "DATAFLOW_PREP", "SINGLE_TABLE_PREP", "DIRECT_QUERY_MODE"
    ] = "ANALYTICS"


class NewApp(BaseModel):
    attributes: NewAttributes = NewAttributes()


class ChangedAttributes(BaseModel):
    """Name and description alone; others are ignored, as the service says nothing about them."""

    name: str | None = None
    description: str | None = None


class ChangedApp(BaseModel):
    attributes: ChangedAttributes


class NewOwner(BaseModel):
    ownerId: str


class NewPlace(BaseModel):
    spaceId: str


@router.get("/v1/apps/privileges")
async def privileges() -> list[str]:
    return ["can_create_app", "can_import_app", "can_create_session_app"]


@router.post("/v1/apps")
async def create(call: Me, body: NewApp) -> Document:
    space_id = _target(call, body.attributes.spaceId)
    app = new_app(call.world, body.attributes.name or "Untitled", call.user_id, space_id)
    app["description"] = body.attributes.description or ""
    app["usage"] = body.attributes.usage
    save(call.world, app)
    settle_owner(call.world, app)
    return render(call, app)


@router.post("/v1/apps/import")
async def import_app(
    request: Request,
    call: Me,
    spaceId: str | None = None,
    name: str | None = None,
    fileId: str | None = None,
    mode: Literal["NEW", "AUTOREPLACE"] = "NEW",
    NoData: bool = False,  # noqa: ARG001
    fallbackName: str | None = None,
    appId: str | None = None,  # noqa: ARG001
) -> Document:
    """Always a new app. The file's bytes stay as they are, so that their hash can be compared."""
    world = call.world
    if mode == "AUTOREPLACE":
        raise Refusal(403, "Import mode not permitted")
    space_id = _target(call, spaceId)
    if fileId is None:
        sha256, size = await _received(request, world)
    else:
        upload = complete_upload(call, fileId)
        if upload is None:
            raise Refusal(404, "File not found", detail=f"no complete upload {fileId}")
        sha256, size = upload["blob"], upload["length"]
    limit = world.switches.app_upload_disk_size
    if 0 <= limit < size:
        raise Refusal(413, "App too large", detail=f"{size} bytes, allowed are {limit}")
    path = world.store.blob_path(sha256)
    if not _is_app_file(path):
        raise Refusal(world.switches.corrupt_import_status, "The file is not a valid app")
    header = await asyncio.to_thread(qvf.read_header, path) or {}
    # Reading a large file took its time: rights are those of now.
    _target(call, spaceId)
    _count_import(world)
    title = header.get("qTitle")
    app = new_app(world, name or title or fallbackName or "Untitled", call.user_id, space_id)
    app["description"] = str(header.get("description") or "")
    app |= {"_blob": sha256, "_data": sha256, "_size": size}
    app["_objects"] = imported_objects(header, call.user_id)
    if isinstance(header.get("qScript"), str):
        app["_scripts"] = [first_script(world, app["id"], header["qScript"], call.user_id)]
    if header.get("qLastReloadTime"):
        app["lastReloadTime"] = str(header["qLastReloadTime"])
    save(world, app)
    settle_owner(world, app)
    return render(call, app)


@router.get("/v1/apps/{app_id}")
async def get(call: Me, app_id: str) -> Document:
    stored = call.world.store.get(APP, app_id)
    if stored is not None and stored["_deletedAt"] is not None:
        raise Refusal(call.world.switches.deleted_app_get_status, "App not found")
    return render(call, visible_app(call, app_id))


@router.put("/v1/apps/{app_id}")
async def update(call: Me, app_id: str, body: ChangedApp) -> Document:
    app = editable(call, app_id)
    app |= body.attributes.model_dump(exclude_none=True)
    save(call.world, app)
    return render(call, app)


@router.delete("/v1/apps/{app_id}")
async def delete(call: Me, app_id: str) -> Response:
    """Within 45 minutes for good, later for 14 days recoverable. An admin needs no role for it."""
    app = visible_app(call, app_id)
    if not (call.is_admin or edits(call, app)):
        raise Refusal(403, "Forbidden")
    world = call.world
    delete_tasks_of_app(world, app_id)
    delete_shares_of_app(world, app_id)
    items.record(world, app, None)
    born = datetime.fromisoformat(app["createdDate"]).timestamp()
    if world.seconds() - born <= HARD_DELETE_SECONDS:
        world.store.delete(APP, app_id)
    else:
        app["_deletedAt"] = world.stamp()
        world.store.put(APP, app_id, app)
    return Response(status_code=200)


@router.post("/analytics/apps/{app_id}/actions/restore")
async def restore(call: Me, app_id: str) -> Document:
    """With its id, owner and objects, within 14 days: the core app only, so without tasks and shares."""
    world = call.world
    app = world.store.get(APP, app_id)
    if app is None or app["_deletedAt"] is None or _purged(world, app):
        raise Refusal(world.switches.restore_status, "App not found")
    space_gone = app["spaceId"] and world.store.get(SPACE, app["spaceId"]) is None
    if not call.is_admin and (app["ownerId"] != call.user_id or space_gone):
        raise Refusal(403, "Forbidden")
    if space_gone and world.switches.restored_without_space == "refused":
        raise Refusal(403, "Forbidden", detail="the app's space does not exist any more")
    if space_gone and world.switches.restored_without_space == "personal":
        app["spaceId"] = ""
    app["_deletedAt"] = None
    save(world, app)
    return render(call, app)


def _purged(world: World, app: Document) -> bool:
    gone = datetime.fromisoformat(app["_deletedAt"]).timestamp()
    return world.seconds() - gone > RECOVERY_SECONDS


@router.post("/v1/apps/{app_id}/copy")
async def copy(call: Me, app_id: str, body: NewApp) -> Document:
    world = call.world
    source = visible_app(call, app_id)
    if not edits(call, source):
        raise Refusal(403, "Forbidden")
    _refuse_managed(call, source, "copied")
    space_id = _target(call, body.attributes.spaceId)
    app = new_app(world, body.attributes.name or source["name"], call.user_id, space_id)
    app["description"] = (
        source["description"] if body.attributes.description is None else (body.attributes.description)
    )
    for field in ("_blob", "_data", "_size", "lastReloadTime", "usage"):
        app[field] = source[field]
    app["_scripts"] = [dict(script) for script in source["_scripts"]]
    app["_objects"] = [
        {**o, "ownerId": call.user_id}
        for o in source["_objects"]
        if o["published"] or o["ownerId"] == call.user_id
    ]
    save(world, app)
    settle_owner(world, app)
    return render(call, app)


@router.post("/v1/apps/{app_id}/export")
async def export(call: Me, app_id: str, NoData: bool = False) -> Response:  # noqa: ARG001
    """201 without a body; the file is in the temporary contents."""
    app = visible_app(call, app_id)
    if not edits(call, app):
        raise Refusal(403, "Forbidden")
    _refuse_managed(call, app, "exported")
    if app["_blob"] is None:
        raise Refusal(call.world.switches.app_refusal_status, "The app has no content to export")
    file_name = _BOM_FREE_NAME.sub("_", app["name"]) + ".qvf"
    upload = keep(call, file_name, app["_blob"], app["_size"])
    location = call.location(f"/api/v1/temp-contents/{upload['id']}")
    return Response(status_code=201, headers={"Location": location})


@router.put("/v1/apps/{app_id}/owner")
async def change_owner(call: Me, app_id: str, body: NewOwner) -> Document:
    world = call.world
    app = visible_app(call, app_id)
    if not (call.is_admin or edits(call, app)):
        raise Refusal(403, "Forbidden")
    if world.live_user(body.ownerId) is None:
        raise Refusal(404, "User not found")
    if body.ownerId != app["ownerId"]:
        app["ownerId"] = body.ownerId
        save(world, app)
        disable_tasks_of_app(world, app_id, "OWNER-MOVED")
        settle_owner(world, app)
    return render(call, app)


@router.put("/v1/apps/{app_id}/space")
async def change_space(call: Me, app_id: str, body: NewPlace) -> Document:
    return _move(call, app_id, body.spaceId)


@router.delete("/v1/apps/{app_id}/space")
async def leave_space(call: Me, app_id: str) -> Document:
    return _move(call, app_id, "")


def new_app(world: World, name: str, owner_id: str, space_id: str) -> Document:
    """Not yet stored."""
    now = world.stamp()
    return {
        "id": world.new_uuid("app"),
        "name": name,
        "description": "",
        "spaceId": space_id,
        "ownerId": owner_id,
        "createdDate": now,
        "modifiedDate": now,
        "lastReloadTime": "",
        "published": False,
        "publishTime": "",
        "originAppId": "",
        "thumbnail": "",
        "dynamicColor": "",
        "encrypted": False,
        "hasSectionAccess": False,
        "isDirectQueryMode": False,
        "usage": "ANALYTICS",
        "custom": {},
        "_resourcetype": "app",
        "_blob": None,
        "_data": None,
        "_size": 0,
        "_objects": [],
        "_scripts": [],
        "_itemId": world.new_id("item"),
        "_creatorId": owner_id,
        "_deletedAt": None,
    }


def first_script(world: World, app_id: str, script: str, user_id: str) -> Document:
    return {
        "scriptId": world.new_id("script"),
        "appId": app_id,
        "script": script,
        "versionMessage": "",
        "modifierId": user_id,
        "modifiedTime": world.stamp(),
    }


def save(world: World, app: Document) -> None:
    """Store a changed app, and tell the items service."""
    app["modifiedDate"] = world.stamp()
    world.store.put(APP, app["id"], app)
    items.record(world, app, attributes(world, app))


def attributes(world: World, app: Document) -> Document:
    user = world.store.get("tenant/user", app["ownerId"])
    owner = {"owner": user["subject"] if user else ""}
    full = {**app, **owner}
    return {name: full[name] for name in _ATTRIBUTES}


def render(call: Call, app: Document) -> Document:
    can_edit = edits(call, app)
    rights = ["read"]
    if can_edit:
        rights += [
            "update",
            "delete",
            "reload",
            "publish",
            "duplicate",
            "export",
            "change_owner",
            "change_space",
        ]
    created = ("sheet", "bookmark", "snapshot", "story", "dimension", "measure", "masterobject", "variable")
    return {
        "attributes": attributes(call.world, app),
        "privileges": rights,
        "create": [{"resource": name, "canCreate": can_edit} for name in created],
    }


def editable(call: Call, app_id: str) -> Document:
    app = visible_app(call, app_id)
    if not edits(call, app):
        raise Refusal(403, "Forbidden", detail="no role in the app's space that allows this")
    return app


def space_type(world: World, app: Document) -> str:
    """`personal` when the app lies in no space."""
    space = world.store.get(SPACE, app["spaceId"]) if app["spaceId"] else None
    return space["type"] if space else "personal"


def _refuse_managed(call: Call, app: Document, what: str) -> None:
    if space_type(call.world, app) == "managed":
        raise Refusal(call.world.switches.app_refusal_status, f"Apps in managed spaces cannot be {what}")


def _target(call: Call, space_id: str | None) -> str:
    """The space to put a new app into; "" is the caller's personal space."""
    if not space_id:
        return ""
    world = call.world
    space = world.store.get(SPACE, space_id)
    if space is None:
        raise Refusal(404, "Space not found")
    if space["type"] == "managed" and world.switches.managed_import == "refused":
        raise Refusal(world.switches.app_refusal_status, "Apps come into a managed space by publishing")
    if space["type"] == "data":
        raise Refusal(world.switches.app_refusal_status, "A data space holds no apps")
    if not may_edit(call, space) or not is_ready(world, space):
        raise Refusal(403, "Forbidden", detail="no role in the space that allows this")
    return space_id


def _move(call: Call, app_id: str, space_id: str) -> Document:
    world = call.world
    app = visible_app(call, app_id)
    if not (edits(call, app) or app["ownerId"] == call.user_id or without_role(call)):
        raise Refusal(403, "Forbidden")
    _refuse_managed(call, app, "moved")
    target = _target(call, space_id)
    if target != app["spaceId"]:
        app["spaceId"] = target
        save(world, app)
        app_moved(world, app_id)
        settle_owner(world, app)
    return render(call, app)


def _is_app_file(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SIGNATURE)) == _SIGNATURE


def _count_import(world: World) -> None:
    """By calendar day, as the capacity page words it."""
    day = stamp(world.clock.now())[:10]
    name = f"imports/{day}"
    used = int(world.store.get_setting(name) or 0)
    if used >= world.switches.imports_per_day:
        raise Refusal(403, "Daily quota of app imports exceeded")
    world.store.put_setting(name, used + 1)


async def _received(request: Request, world: World) -> tuple[str, int]:
    """The body as a blob: its sha256 and its size in bytes."""
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    if kind != "application/octet-stream":
        raise Refusal(415, "Unsupported media type", detail="app files come as application/octet-stream")
    digest = hashlib.sha256()
    size = 0
    with tempfile.NamedTemporaryFile(dir=world.store.folder, prefix="part-", delete=False) as part:
        path = Path(part.name)
        try:
            async for chunk in request.stream():
                digest.update(chunk)
                part.write(chunk)
                size += len(chunk)
        except BaseException:
            path.unlink()
            raise
    return world.store.adopt_blob(path, digest.hexdigest()), size
