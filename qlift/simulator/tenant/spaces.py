"""Spaces (sections 3.1 to 3.3)."""

# ruff: noqa: N803 (query parameters carry Qlik's names)
from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from qlift.simulator.tenant.errors import Refusal
from qlift.simulator.tenant.paging import page, sort_of
from qlift.simulator.tenant.rights import (
    ASSIGNABLE,
    Roles,
    assignment_of,
    may_manage,
    may_read,
    without_role,
)
from qlift.simulator.tenant.world import ASSIGNMENT, SPACE, Call, Document, Me, World

router = APIRouter(prefix="/api/v1/spaces")

_NAME = re.compile(r'[^"*?<>/|\\:]{1,256}')
_SORT = {"name": "name", "type": "type", "createdAt": "createdAt"}


class NewSpace(BaseModel):
    name: str
    type: Literal["shared", "managed", "data"]
    description: str = ""


class Changes(BaseModel):
    name: str | None = None
    description: str | None = None
    ownerId: str | None = None


class Operation(BaseModel):
    op: Literal["replace"]
    path: Literal["/name", "/ownerId", "/description"]
    value: str


@router.get("")
async def list_spaces(
    call: Me,
    name: str | None = None,
    type: str | None = None,
    ownerId: str | None = None,
    roles: str | None = None,
    action: Literal["publish"] | None = None,
    sort: str | None = None,
    limit: int = Query(10, ge=1),
    next: str | None = None,
    prev: str | None = None,
) -> Document:
    """`name` is searched for anywhere, in either case; `roles` are the caller's own."""
    mine = Roles(call.world, call.user_id)
    admin = call.is_admin
    wanted_types = set(type.split(",")) if type else None
    wanted_roles = set(roles.split(",")) if roles else None
    rows = [
        space
        for space in call.world.store.all(SPACE)
        if (admin or mine.in_space(space))
        and (name is None or name.casefold() in space["name"].casefold())
        and (wanted_types is None or space["type"] in wanted_types)
        and (ownerId is None or space["ownerId"] == ownerId)
        and (wanted_roles is None or mine.in_space(space) & wanted_roles)
        and (action is None or "publish" in _actions(call, space, mine.in_space(space), admin))
    ]
    field, descending = sort_of(sort, _SORT, "+createdAt")
    answer = page(
        call,
        rows,
        lambda space: render(call, space, mine),
        key=lambda space: str(space[field]),
        descending=descending,
        limit=limit,
        next_=next,
        prev=prev,
    )
    personal = {"resourceType": "personalspace", "actions": ["create", "read", "update", "delete"]}
    return {**answer, "meta": {"count": len(rows), "personalSpace": personal}}


@router.post("", status_code=201)
async def create(call: Me, body: NewSpace) -> Document:
    world = call.world
    if body.type != "shared" and not call.is_admin:
        raise Refusal(403, "Forbidden", detail=f"no right to create {body.type} spaces")
    check_name(world, body.name, body.type)
    quota = {"shared": world.switches.shared_spaces, "managed": world.switches.managed_spaces}
    used = sum(1 for space in world.store.all(SPACE) if space["type"] == body.type)
    if 0 <= quota.get(body.type, -1) <= used:
        raise Refusal(403, "Quota exceeded", detail=f"no more {body.type} spaces in this tenant")
    space = new_space(world, body.name, body.type, body.description, call.user_id)
    world.store.put(SPACE, space["id"], space)
    return render(call, space)


@router.get("/types")
async def types() -> Document:
    return {"data": ["shared", "managed", "data"]}


@router.get("/{space_id}")
async def get(call: Me, space_id: str) -> Document:
    return render(call, visible_space(call, space_id))


@router.put("/{space_id}")
async def update(call: Me, space_id: str, body: Changes) -> Document:
    return _change(call, space_id, body.model_dump(exclude_none=True))


@router.patch("/{space_id}")
async def patch(call: Me, space_id: str, body: list[Operation]) -> Document:
    return _change(call, space_id, {operation.path[1:]: operation.value for operation in body})


@router.delete("/{space_id}")
async def delete(call: Me, space_id: str) -> Response:
    world = call.world
    space = visible_space(call, space_id)
    _manager_only(call, space)
    assignments = [a for a in world.store.all(ASSIGNMENT) if a["spaceId"] == space_id]
    occupied = any(app["spaceId"] == space_id for app in world.apps())
    if occupied or (assignments and world.switches.assignments_block_space_delete):
        raise Refusal(412, "Space not empty", detail="the space still has content")
    for assignment in assignments:
        world.store.delete(ASSIGNMENT, assignment["id"])
    world.store.delete(SPACE, space_id)
    return Response(status_code=204)


def visible_space(call: Call, space_id: str) -> Document:
    space = call.world.store.get(SPACE, space_id)
    if space is None or not may_read(call, space):
        raise Refusal(404, "Not found", detail="Space not found or access denied")
    return space


def new_space(world: World, name: str, type_: str, description: str, owner_id: str) -> Document:
    """Not yet stored."""
    now = world.stamp()
    return {
        "id": world.new_id("space"),
        "name": name,
        "type": type_,
        "description": description,
        "ownerId": owner_id,
        "tenantId": world.tenant_id,
        "createdAt": now,
        "createdBy": owner_id,
        "updatedAt": now,
    }


def check_name(world: World, name: str, type_: str, own_id: str | None = None) -> None:
    """Refused: forbidden characters; a name that is taken (409 on create, by a switch on rename)."""
    if not _NAME.fullmatch(name):
        raise Refusal(
            world.switches.bad_space_name_status,
            "Invalid space name",
            detail='1 to 256 characters, none of "*?<>/|\\:',
            pointer="/name",
        )

    def form(text: str) -> str:
        return text if world.switches.space_name_case_sensitive else text.casefold()

    for space in world.store.all(SPACE):
        rival = world.switches.space_name_scope == "tenant" or space["type"] == type_
        if rival and space["id"] != own_id and form(space["name"]) == form(name):
            status = 409 if own_id is None else world.switches.rename_conflict_status
            raise Refusal(status, "Space name already exists", detail=f"{name!r} is taken", pointer="/name")


def is_ready(world: World, space: Document) -> bool:
    """Whether the other services have heard of it."""
    born = datetime.fromisoformat(space["createdAt"]).timestamp()
    return world.seconds() >= born + world.switches.space_lag


def render(call: Call, space: Document, mine: Roles | None = None) -> Document:
    roles = (mine or Roles(call.world, call.user_id)).in_space(space)
    admin = call.is_admin
    manages = admin or "facilitator" in roles
    url = call.url(f"/api/v1/spaces/{space['id']}")
    return {
        **space,
        "links": {"self": {"href": url}, "assignments": {"href": f"{url}/assignments"}},
        "meta": {
            "actions": _actions(call, space, roles, admin),
            "roles": sorted(roles),
            "assignableRoles": list(ASSIGNABLE[space["type"]]) if manages else [],
        },
    }


def _actions(call: Call, space: Document, roles: set[str], admin: bool) -> list[str]:
    actions = ["read"]
    if admin or "facilitator" in roles:
        actions += ["change_owner", "create", "update", "delete", "link_environment", "restrict"]
    elif "producer" in roles:
        actions.append("create")
    if space["type"] == "managed" and ("publisher" in roles or without_role(call)):
        actions.append("publish")
    return actions


def _manager_only(call: Call, space: Document) -> None:
    if not may_manage(call, space):
        raise Refusal(403, "Forbidden", detail="no right to manage this space")


def _change(call: Call, space_id: str, changes: dict[str, Any]) -> Document:
    world = call.world
    space = visible_space(call, space_id)
    _manager_only(call, space)
    if changes.get("name", space["name"]) != space["name"]:
        check_name(world, changes["name"], space["type"], space_id)
    owner_id = str(changes.get("ownerId", space["ownerId"]))
    if owner_id != space["ownerId"]:
        _change_owner(call, space, owner_id)
    space |= changes
    space["updatedAt"] = world.stamp()
    world.store.put(SPACE, space_id, space)
    return render(call, space)


def _change_owner(call: Call, space: Document, owner_id: str) -> None:
    world = call.world
    if world.live_user(owner_id) is None:
        raise Refusal(400, "Invalid owner", detail=f"no user {owner_id}", pointer="/ownerId")
    if not call.is_admin and space["ownerId"] != call.user_id:
        raise Refusal(403, "Forbidden", detail="only the owner or a tenant admin gives a space away")
    assignment = assignment_of(world, space["id"], owner_id)
    if assignment is not None and world.switches.assigned_space_owner == "removed":
        world.store.delete(ASSIGNMENT, assignment["id"])
