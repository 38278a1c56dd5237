"""Single apps of a space that are shared with somebody (section 3.5)."""

# ruff: noqa: N803 (query parameters carry Qlik's names)
from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from qlift.simulator.tenant.errors import Refusal
from qlift.simulator.tenant.paging import page
from qlift.simulator.tenant.rights import edits, visible_app
from qlift.simulator.tenant.spaces import visible_space
from qlift.simulator.tenant.world import SHARE, SPACE, Call, Document, Me, World

router = APIRouter(prefix="/api/v1/spaces/{space_id}/shares")

ROLES = {"shared": {"consumer"}, "managed": {"basicconsumer", "consumer", "contributor"}}
"""By type of space."""


class NewShare(BaseModel):
    type: Literal["user", "group", "link"]
    assigneeId: str
    resourceId: str
    resourceType: Literal["app"]
    roles: list[str]


@router.get("")
async def list_shares(
    call: Me,
    space_id: str,
    resourceId: str | None = None,
    resourceType: str | None = None,
    limit: int = Query(10, ge=1),
    next: str | None = None,
    prev: str | None = None,
) -> Document:
    visible_space(call, space_id)
    rows = [
        share
        for share in call.world.store.all(SHARE)
        if share["spaceId"] == space_id
        and resourceId in (None, share["resourceId"])
        and resourceType in (None, share["resourceType"])
    ]
    answer = page(
        call,
        rows,
        lambda share: share,
        key=lambda share: str(share["createdAt"]),
        limit=limit,
        next_=next,
        prev=prev,
    )
    return {**answer, "meta": {"count": len(rows)}}


@router.post("", status_code=201)
async def create(call: Me, space_id: str, body: NewShare) -> Document:
    world = call.world
    space = visible_space(call, space_id)
    app = _shareable(call, space_id, body.resourceId)
    unknown = sorted(set(body.roles) - ROLES.get(space["type"], set()))
    if unknown or not body.roles:
        raise Refusal(400, "Invalid roles", detail=", ".join(unknown) or "no role", pointer="/roles")
    same = ("resourceId", "assigneeId", "type")
    if any(all(s[k] == getattr(body, k) for k in same) for s in world.store.all(SHARE)):
        raise Refusal(409, "Conflict", detail="the app is shared with this assignee already")
    now = world.stamp()
    share = {
        "id": world.new_id("share"),
        "spaceId": space_id,
        "resourceName": app["name"],
        **body.model_dump(),
        "disabled": False,
        "tenantId": world.tenant_id,
        "createdAt": now,
        "createdBy": call.user_id,
        "updatedAt": now,
        "updatedBy": call.user_id,
    }
    world.store.put(SHARE, str(share["id"]), share)
    return share


@router.delete("/{share_id}")
async def delete(call: Me, space_id: str, share_id: str) -> Response:
    visible_space(call, space_id)
    share = call.world.store.get(SHARE, share_id)
    if share is None or share["spaceId"] != space_id:
        raise Refusal(404, "Not found", detail=f"no share {share_id} in this space")
    _shareable(call, space_id, share["resourceId"])
    call.world.store.delete(SHARE, share_id)
    return Response(status_code=204)


def delete_shares_of_app(world: World, app_id: str) -> None:
    for share in world.store.all(SHARE):
        if share["resourceId"] == app_id:
            world.store.delete(SHARE, share["id"])


def _shareable(call: Call, space_id: str, app_id: str) -> Document:
    app = visible_app(call, app_id)
    if app["spaceId"] != space_id:
        raise Refusal(404, "Not found", detail=f"no app {app_id} in this space")
    space = call.world.store.get(SPACE, space_id)
    owns = app["ownerId"] == call.user_id or (space and space["ownerId"] == call.user_id)
    if not (owns or edits(call, app)):
        raise Refusal(403, "Forbidden", detail="no right to share this app")
    return app
