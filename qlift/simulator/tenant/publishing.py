"""Publishing by copy and by move, and again over what is published (section 4.5)."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from qlift.simulator.tenant import items
from qlift.simulator.tenant.apps import new_app, render, save, space_type
from qlift.simulator.tenant.content import copied_objects, replaced_objects
from qlift.simulator.tenant.errors import Refusal
from qlift.simulator.tenant.rights import edits, may_publish, settle_owner, visible_app
from qlift.simulator.tenant.spaces import is_ready
from qlift.simulator.tenant.tasks import app_moved, delete_tasks_of_app, disable_tasks_of_app
from qlift.simulator.tenant.world import APP, SPACE, Call, Document, Me

router = APIRouter(prefix="/api/v1/apps")


class Attributes(BaseModel):
    name: str | None = None
    description: str | None = None


class Publish(BaseModel):
    spaceId: str
    attributes: Attributes = Attributes()
    data: Literal["source", "target"] | None = None
    moveApp: bool = False
    originAppId: str | None = None


class Republish(BaseModel):
    targetId: str
    checkOriginAppId: bool | None = None
    attributes: Attributes = Attributes()
    data: Literal["source", "target"] | None = None


@router.post("/{app_id}/publish")
async def publish(call: Me, app_id: str, body: Publish) -> Document:
    world = call.world
    refusal = world.switches.app_refusal_status
    source = visible_app(call, app_id)
    if not edits(call, source):
        raise Refusal(403, "Forbidden")
    if space_type(world, source) == "managed":
        raise Refusal(refusal, "A published app cannot be published")
    _check_space(call, body.spaceId)
    if body.moveApp:
        if not body.originAppId:
            raise Refusal(400, "originAppId must be given when the app is moved")
        origin = visible_app(call, body.originAppId)
        if origin["id"] == app_id:
            raise Refusal(400, "An app cannot be its own origin")
    origin_id = body.originAppId if body.moveApp and body.originAppId else app_id
    twice = (a for a in world.apps() if a["spaceId"] == body.spaceId and a["originAppId"] == origin_id)
    if world.switches.publish_twice == "refused" and next(twice, None) is not None:
        raise Refusal(409, "The app is already published in this space")
    app = _moved(call, source, body.spaceId) if body.moveApp else _copied(call, source, body.spaceId)
    app |= body.attributes.model_dump(exclude_none=True)
    app |= {"originAppId": origin_id, "publishTime": world.stamp()}
    save(world, app)
    if body.moveApp:
        app_moved(world, app["id"])
    settle_owner(world, app)
    return render(call, app)


@router.put("/{app_id}/publish")
async def republish(call: Me, app_id: str, body: Republish) -> Document:
    """The target keeps id, space, owner, and what its users made in it."""
    world = call.world
    switches = world.switches
    source = visible_app(call, app_id)
    target = visible_app(call, body.targetId)
    if not edits(call, source):
        raise Refusal(403, "Forbidden")
    if not target["publishTime"] or app_id == body.targetId:
        raise Refusal(switches.app_refusal_status, "The target is not a published app")
    _check_space(call, target["spaceId"])
    check = switches.origin_check_default if body.checkOriginAppId is None else body.checkOriginAppId
    if check and target["originAppId"] != app_id:
        raise Refusal(switches.origin_check_status, "The source is not the origin of the published app")
    target["_objects"] = replaced_objects(world, source, target)
    for field in ("_blob", "_size"):
        target[field] = source[field]
    target["_scripts"] = [dict(script) for script in source["_scripts"]]
    if (body.data or switches.republish_data_default) == "source":
        target["_data"], target["lastReloadTime"] = source["_data"], source["lastReloadTime"]
    target |= {"name": source["name"], "description": source["description"]}
    target |= body.attributes.model_dump(exclude_none=True)
    target["publishTime"] = world.stamp()
    if switches.republish_origin_app_id == "staged":
        target["originAppId"] = app_id
    save(world, target)
    if switches.republish_disables_tasks:
        disable_tasks_of_app(world, target["id"], "APP-SCRIPT-UPDATED")
    return render(call, target)


def _check_space(call: Call, space_id: str) -> None:
    space = call.world.store.get(SPACE, space_id)
    if space is None:
        raise Refusal(404, "Space not found")
    if space["type"] != "managed":
        raise Refusal(call.world.switches.app_refusal_status, "Apps are published into managed spaces")
    if not may_publish(call, space) or not is_ready(call.world, space):
        raise Refusal(403, "Forbidden", detail="publishing needs the role publisher in the space")


def _copied(call: Call, source: Document, space_id: str) -> Document:
    app = new_app(call.world, source["name"], call.user_id, space_id)
    for field in ("description", "_blob", "_data", "_size", "lastReloadTime", "usage"):
        app[field] = source[field]
    app["_scripts"] = [dict(script) for script in source["_scripts"]]
    app["_objects"] = copied_objects(call.world, source, call.user_id)
    return app


def _moved(call: Call, source: Document, space_id: str) -> Document:
    """States and owners of all objects are kept; whether the id is, is a switch."""
    world = call.world
    if world.switches.publish_move_keeps_id:
        source["spaceId"] = space_id
        return source
    fresh = new_app(world, source["name"], source["ownerId"], space_id)
    identity = {name: fresh[name] for name in ("id", "_itemId", "createdDate")}
    items.record(world, source, None)
    world.store.delete(APP, source["id"])
    delete_tasks_of_app(world, source["id"])
    return {**source, **identity, "spaceId": space_id}
