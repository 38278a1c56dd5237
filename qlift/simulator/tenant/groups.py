"""Groups and roles (sections 7.2 and 7.3)."""

# ruff: noqa: N803 (query parameters carry Qlik's names)
from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from qlift.simulator.tenant.errors import Refusal
from qlift.simulator.tenant.paging import page, sort_of
from qlift.simulator.tenant.references import RoleReference, role_ids, role_summaries
from qlift.simulator.tenant.scim import Attribute, matches, parse
from qlift.simulator.tenant.world import (
    ASSIGNMENT,
    EVERYONE,
    GROUP,
    ROLE,
    USER,
    Call,
    Document,
    Me,
    World,
)

router = APIRouter(prefix="/api/v1")

_SORT = {name: name for name in ("name", "id", "createdAt")} | {"_id": "id"}
_SEARCHED = frozenset({"eq", "co"})
_LIMIT = 10_000


class NewGroup(BaseModel):
    name: str = Field(min_length=1, max_length=256)
    description: str = ""
    providerType: Literal["idp", "custom"] = "idp"
    status: Literal["active"] = "active"
    assignedRoles: list[RoleReference] = Field(default=[], max_length=100)


class Operation(BaseModel):
    op: Literal["replace"]
    path: Literal["assignedRoles", "name", "description"]
    """Without a slash, unlike everywhere else."""
    value: Any


class Filter(BaseModel):
    filter: str | None = None


@router.get("/groups")
async def list_groups(
    call: Me,
    filter: str | None = None,
    limit: int = Query(20, ge=1, le=100),
    sort: str | None = None,
    next: str | None = None,
    prev: str | None = None,
    systemGroups: bool = False,
    totalResults: bool = False,
) -> Document:
    rows = [g for g in call.world.store.all(GROUP) if systemGroups or g["id"] != EVERYONE]
    answer = _list(call, rows, filter, limit, sort, next, prev)
    return {**answer, "totalResults": len(_filtered(call, rows, filter))} if totalResults else answer


@router.post("/groups/actions/filter")
async def filter_groups(
    call: Me,
    body: Filter,
    limit: int = Query(20, ge=1, le=100),
    sort: str | None = None,
    next: str | None = None,
    prev: str | None = None,
) -> Document:
    rows = [g for g in call.world.store.all(GROUP) if g["id"] != EVERYONE]
    return _list(call, rows, body.filter, limit, sort, next, prev)


@router.post("/groups", status_code=201)
async def create(call: Me, body: NewGroup) -> Document:
    world = call.world
    _admin_only(call)
    if any(group["name"] == body.name for group in world.store.all(GROUP)):
        raise Refusal(409, "Group already exists", code="GROUPS-4", detail=f"name {body.name!r} is taken")
    if world.store.count(GROUP) >= _LIMIT:
        raise Refusal(400, "Too many groups")
    group = new_group(world, body.name, body.providerType)
    group |= {"description": body.description, "assignedRoles": role_ids(world, body.assignedRoles)}
    group |= {"createdBy": call.user_id, "updatedBy": call.user_id}
    world.store.put(GROUP, group["id"], group)
    return render(call, group)


@router.get("/groups/{group_id}")
async def get(call: Me, group_id: str) -> Document:
    return render(call, _group(call.world, group_id))


@router.patch("/groups/{group_id}")
async def patch(call: Me, group_id: str, body: list[Operation]) -> Response:
    world = call.world
    _admin_only(call)
    group = _group(world, group_id)
    changes: Document = {}
    for operation in body:
        if operation.path == "assignedRoles":
            if not isinstance(operation.value, list):
                raise Refusal(400, "Invalid value", pointer="assignedRoles")
            changes["assignedRoles"] = role_ids(
                world, [RoleReference.model_validate(v) for v in operation.value]
            )
        elif group["providerType"] != "custom" or not isinstance(operation.value, str):
            raise Refusal(
                400, "Invalid operation", detail=f"{operation.path} of this group cannot be changed"
            )
        else:
            changes[operation.path] = operation.value
    group |= changes
    group |= {"lastUpdatedAt": world.stamp(), "updatedBy": call.user_id}
    world.store.put(GROUP, group_id, group)
    return Response(status_code=204)


@router.delete("/groups/{group_id}")
async def delete(call: Me, group_id: str) -> Response:
    world = call.world
    _admin_only(call)
    _group(world, group_id)
    if group_id == EVERYONE:
        raise Refusal(400, "System groups cannot be deleted")
    for user in world.store.all(USER):
        if group_id in user["assignedGroups"]:
            user["assignedGroups"] = [id_ for id_ in user["assignedGroups"] if id_ != group_id]
            world.store.put(USER, user["id"], user)
    for assignment in world.store.all(ASSIGNMENT):
        if assignment["assigneeId"] == group_id:
            world.store.delete(ASSIGNMENT, assignment["id"])
    world.store.delete(GROUP, group_id)
    return Response(status_code=204)


@router.get("/roles")
async def list_roles(
    call: Me,
    filter: str | None = None,
    limit: int = Query(20, ge=1, le=100),
    sort: str | None = None,
    next: str | None = None,
    prev: str | None = None,
    totalResults: bool = False,
) -> Document:
    rows = _filtered_roles(call.world.store.all(ROLE), filter)
    field, descending = sort_of(sort, _SORT | {"type": "type", "level": "level"}, "+name")
    answer = page(
        call,
        rows,
        lambda role: _render_role(call, role),
        key=lambda role: str(role[field]),
        descending=descending,
        limit=limit,
        next_=next,
        prev=prev,
    )
    return {**answer, "totalResults": len(rows)} if totalResults else answer


@router.get("/roles/{role_id}")
async def get_role(call: Me, role_id: str) -> Document:
    role = call.world.store.get(ROLE, role_id)
    if role is None:
        raise Refusal(404, "Role not found")
    return _render_role(call, role)


def new_group(world: World, name: str, provider_type: str) -> Document:
    """Not yet stored."""
    now = world.stamp()
    return {
        "id": world.new_id("group"),
        "tenantId": world.tenant_id,
        "name": name,
        "description": "",
        "status": "active",
        "providerType": provider_type,
        "assignedRoles": [],
        "createdAt": now,
        "lastUpdatedAt": now,
    }


def render(call: Call, group: Document) -> Document:
    links = {"self": {"href": call.url(f"/api/v1/groups/{group['id']}")}}
    return {**group, "assignedRoles": role_summaries(call.world, group["assignedRoles"]), "links": links}


def _render_role(call: Call, role: Document) -> Document:
    return {**role, "links": {"self": {"href": call.url(f"/api/v1/roles/{role['id']}")}}}


def _group(world: World, group_id: str) -> Document:
    group = world.store.get(GROUP, group_id)
    if group is None:
        raise Refusal(404, "Not found", detail=f"no group {group_id}")
    return group


def _admin_only(call: Call) -> None:
    if not call.is_admin:
        raise Refusal(403, "Forbidden", detail="only a tenant admin may do this")


def _filtered(call: Call, rows: list[Document], filter: str | None) -> list[Document]:
    if not filter:
        return rows
    world = call.world

    def roles(group: Document) -> list[Any]:
        return [role["name"] for id_ in group["assignedRoles"] if (role := world.store.get(ROLE, id_))]

    attributes = {
        "id": Attribute(lambda group: [group["id"]]),
        "name": Attribute(lambda group: [group["name"]], _SEARCHED),
        "status": Attribute(lambda group: [group["status"]]),
        "providerType": Attribute(lambda group: [group["providerType"]]),
        "assignedRoles.id": Attribute(lambda group: group["assignedRoles"]),
        "assignedRoles.name": Attribute(roles),
    }
    node = parse(filter, attributes)
    return [group for group in rows if matches(node, group, attributes)]


def _filtered_roles(rows: list[Document], filter: str | None) -> list[Document]:
    if not filter:
        return rows
    attributes = {
        "id": Attribute(lambda role: [role["id"]]),
        "name": Attribute(lambda role: [role["name"]], _SEARCHED),
        "type": Attribute(lambda role: [role["type"]]),
        "level": Attribute(lambda role: [role["level"]]),
    }
    node = parse(filter, attributes)
    return [role for role in rows if matches(node, role, attributes)]


def _list(
    call: Call,
    rows: list[Document],
    filter: str | None,
    limit: int,
    sort: str | None,
    next_: str | None,
    prev: str | None,
) -> Document:
    field, descending = sort_of(sort, _SORT, "+name")
    return page(
        call,
        _filtered(call, rows, filter),
        lambda group: render(call, group),
        key=lambda group: str(group[field]),
        descending=descending,
        limit=limit,
        next_=next_,
        prev=prev,
    )
