"""Who has which roles in a space (section 3.4)."""

# ruff: noqa: N803 (query parameters carry Qlik's names)
from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from qlift.simulator.tenant.errors import Refusal
from qlift.simulator.tenant.paging import page
from qlift.simulator.tenant.rights import ASSIGNABLE, assignment_of, may_manage, new_assignment
from qlift.simulator.tenant.spaces import visible_space
from qlift.simulator.tenant.world import ASSIGNMENT, GROUP, Call, Document, Me, World

router = APIRouter(prefix="/api/v1/spaces/{space_id}/assignments")


class NewAssignment(BaseModel):
    type: Literal["user", "group", "bot"]
    assigneeId: str
    roles: list[str]


class Changes(BaseModel):
    roles: list[str]


@router.get("")
async def list_assignments(
    call: Me,
    space_id: str,
    assigneeId: str | None = None,
    type: Literal["user", "group", "bot"] | None = None,
    limit: int = Query(10, ge=1),
    next: str | None = None,
    prev: str | None = None,
) -> Document:
    visible_space(call, space_id)
    rows = [
        assignment
        for assignment in call.world.store.all(ASSIGNMENT)
        if assignment["spaceId"] == space_id
        and assigneeId in (None, assignment["assigneeId"])
        and type in (None, assignment["type"])
    ]
    answer = page(
        call,
        rows,
        lambda assignment: render(call, assignment),
        key=lambda assignment: str(assignment["createdAt"]),
        limit=limit,
        next_=next,
        prev=prev,
    )
    return {**answer, "meta": {"count": len(rows)}}


@router.post("", status_code=201)
async def create(call: Me, space_id: str, body: NewAssignment) -> Document:
    world = call.world
    space = _managed(call, space_id)
    roles = _roles(space, body.roles)
    if not _exists(world, body):
        raise Refusal(404, "Not found", detail=f"no {body.type} {body.assigneeId}", pointer="/assigneeId")
    bot = body.type == "bot" or (body.type == "user" and _is_bot(world, body.assigneeId))
    if bot and world.switches.bot_assignee not in ("either", body.type):
        raise Refusal(400, "Bad request", detail=f"{body.assigneeId} is no {body.type}", pointer="/type")
    if body.assigneeId == space["ownerId"] and world.switches.owner_assignment == "refused":
        raise Refusal(409, "Conflict", detail="the owner of the space has every role already")
    if assignment_of(world, space_id, body.assigneeId) is not None:
        raise Refusal(409, "Conflict", detail="the assignee already has an assignment in this space")
    id_ = world.new_id("assignment")
    made = new_assignment(world, id_, space_id, body.type, body.assigneeId, roles, call.user_id)
    world.store.put(ASSIGNMENT, id_, made)
    return render(call, made)


@router.get("/{assignment_id}")
async def get(call: Me, space_id: str, assignment_id: str) -> Document:
    visible_space(call, space_id)
    return render(call, _assignment(call.world, space_id, assignment_id))


@router.put("/{assignment_id}")
async def update(call: Me, space_id: str, assignment_id: str, body: Changes) -> Document:
    """`roles` is the whole list."""
    world = call.world
    space = _managed(call, space_id)
    assignment = _assignment(world, space_id, assignment_id)
    roles = _roles(space, body.roles)
    if set(roles) - set(assignment["roles"]):
        assignment["_since"] = world.seconds()
    assignment |= {"roles": roles, "updatedAt": world.stamp(), "updatedBy": call.user_id}
    world.store.put(ASSIGNMENT, assignment_id, assignment)
    return render(call, assignment)


@router.delete("/{assignment_id}")
async def delete(call: Me, space_id: str, assignment_id: str) -> Response:
    _managed(call, space_id)
    _assignment(call.world, space_id, assignment_id)
    call.world.store.delete(ASSIGNMENT, assignment_id)
    return Response(status_code=204)


def render(call: Call, assignment: Document) -> Document:
    space = call.url(f"/api/v1/spaces/{assignment['spaceId']}")
    links = {"self": {"href": f"{space}/assignments/{assignment['id']}"}, "space": {"href": space}}
    return {**{k: v for k, v in assignment.items() if not k.startswith("_")}, "links": links}


def _managed(call: Call, space_id: str) -> Document:
    space = visible_space(call, space_id)
    if not may_manage(call, space):
        raise Refusal(403, "Forbidden", detail="no right to manage the members of this space")
    return space


def _assignment(world: World, space_id: str, assignment_id: str) -> Document:
    assignment = world.store.get(ASSIGNMENT, assignment_id)
    if assignment is None or assignment["spaceId"] != space_id:
        raise Refusal(404, "Not found", detail=f"no assignment {assignment_id} in this space")
    return assignment


def _roles(space: Document, roles: list[str]) -> list[str]:
    unknown = sorted(set(roles) - set(ASSIGNABLE[space["type"]]))
    if unknown or not roles:
        what = f"not assignable in a {space['type']} space: {', '.join(unknown)}" if unknown else "no role"
        raise Refusal(400, "Invalid roles", detail=what, pointer="/roles")
    return sorted(set(roles))


def _exists(world: World, body: NewAssignment) -> bool:
    if body.type == "group":
        return world.store.get(GROUP, body.assigneeId) is not None
    user = world.live_user(body.assigneeId)
    return user is not None and (body.type == "user" or _is_bot(world, body.assigneeId))


def _is_bot(world: World, user_id: str) -> bool:
    user = world.live_user(user_id)
    return user is not None and str(user["subject"]).startswith("qlikbot\\")
