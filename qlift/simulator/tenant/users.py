"""Users (section 7.1)."""

# ruff: noqa: N803 (query parameters carry Qlik's names)
from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel

from qlift.simulator.tenant.errors import Refusal
from qlift.simulator.tenant.paging import page, sort_of
from qlift.simulator.tenant.references import RoleReference, role_ids, role_summaries
from qlift.simulator.tenant.scim import Attribute, matches, mixes, parse
from qlift.simulator.tenant.tasks import disable_tasks_of_owner
from qlift.simulator.tenant.world import GROUP, ROLE, USER, Call, Document, Me, World

router = APIRouter(prefix="/api/v1/users")

_SORT = {name: name for name in ("name", "id", "subject", "email", "status", "createdAt")} | {"_id": "id"}
_SEARCHED = frozenset({"eq", "co"})


class NewUser(BaseModel):
    subject: str
    name: str | None = None
    email: str | None = None
    picture: str | None = None
    status: Literal["invited"] | None = None
    tenantId: str | None = None
    assignedRoles: list[RoleReference] = []


class Operation(BaseModel):
    op: Literal["replace", "add", "remove-value", "renew", "set", "unset"]
    path: Literal[
        "/name",
        "/roles",
        "/assignedRoles",
        "/assignedGroups",
        "/status",
        "/inviteExpiry",
        "/preferredZoneinfo",
        "/preferredLocale",
    ]
    value: Any = None


class Filter(BaseModel):
    filter: str | None = None


@router.get("/me")
async def me(call: Me) -> Response:
    return RedirectResponse(call.url(f"/api/v1/users/{call.user_id}"), 301)


@router.get("/actions/count")
async def count(call: Me) -> Document:
    return {"total": len(_live(call.world))}


@router.post("/actions/filter")
async def filter_users(
    call: Me,
    body: Filter,
    limit: int = Query(20, ge=1, le=100),
    sort: str | None = None,
    next: str | None = None,
    prev: str | None = None,
    fields: str | None = None,
) -> Document:
    return _list(call, body.filter, limit, sort, next, prev, fields, False)


@router.get("")
async def list_users(
    call: Me,
    filter: str | None = None,
    limit: int = Query(20, ge=1, le=100),
    sort: str | None = None,
    next: str | None = None,
    prev: str | None = None,
    fields: str | None = None,
    totalResults: bool = False,
    status: str | None = None,
) -> Document:
    """`status` is an old parameter that clients still send, as are `sortBy` and `sortOrder` (ignored)."""
    text = f'({filter}) and (status eq "{status}")' if filter and status else filter
    if status and not filter:
        text = f'status eq "{status}"'
    return _list(call, text, limit, sort, next, prev, fields, totalResults)


@router.post("", status_code=201)
async def create(call: Me, body: NewUser) -> Document:
    world = call.world
    _admin_only(call)
    if body.status == "invited" and not body.email:
        raise Refusal(400, "Missing email", detail="an invited user needs an e-mail", pointer="/email")
    if any(user["subject"] == body.subject for user in _live(world)):
        raise Refusal(409, "User already exists", code="USERS-4", detail=f"subject {body.subject!r} is taken")
    user = new_user(world, body.subject, body.name or "", body.email or "")
    user["status"] = body.status or "provisioned"
    user["assignedRoles"] = role_ids(world, body.assignedRoles)
    if body.picture:
        user["picture"] = body.picture
    world.store.put(USER, user["id"], user)
    return render(call, user)


@router.get("/{user_id}")
async def get(call: Me, user_id: str, fields: str | None = None) -> Document:
    user = call.world.store.get(USER, user_id)
    gone = user is not None and user["status"] == "deleted"
    if user is None or (gone and call.world.switches.deleted_user_get == "404"):
        raise _missing(user_id)
    return _chosen(render(call, user), fields)


@router.patch("/{user_id}")
async def patch(call: Me, user_id: str, body: list[Operation]) -> Response:
    """204; 207 with the errors when some operations could not be applied."""
    world = call.world
    user = world.live_user(user_id)
    if user is None:
        raise _missing(user_id)
    if user_id != call.user_id:
        _admin_only(call)
    errors: list[Document] = []
    for operation in body:
        try:
            _apply(world, user, operation)
        except Refusal as refusal:
            errors.append(
                {
                    "code": "USERS-2",
                    "title": refusal.title,
                    "detail": refusal.detail,
                    "status": refusal.status,
                }
            )
    if errors and len(errors) == len(body):
        raise Refusal(400, errors[0]["title"], code="USERS-2", detail=errors[0]["detail"])
    user["lastUpdatedAt"] = world.stamp()
    world.store.put(USER, user_id, user)
    return JSONResponse({"errors": errors}, 207) if errors else Response(status_code=204)


@router.delete("/{user_id}")
async def delete(call: Me, user_id: str) -> Response:
    _admin_only(call)
    user = call.world.live_user(user_id)
    if user is None:
        raise _missing(user_id)
    if user_id == call.user_id:
        raise Refusal(400, "Cannot delete yourself")
    user["status"] = "deleted"
    call.world.store.put(USER, user_id, user)
    disable_tasks_of_owner(call.world, user_id, "OWNER-DELETED")
    return Response(status_code=204)


def new_user(world: World, subject: str, name: str, email: str) -> Document:
    """Not yet stored."""
    now = world.stamp()
    return {
        "id": world.new_id("user"),
        "tenantId": world.tenant_id,
        "subject": subject,
        "name": name,
        "email": email,
        "status": "active",
        "assignedRoles": [],
        "assignedGroups": [],
        "createdAt": now,
        "lastUpdatedAt": now,
    }


def render(call: Call, user: Document) -> Document:
    world = call.world
    groups = [group for id_ in user["assignedGroups"] if (group := world.store.get(GROUP, id_))]
    shown = {name: value for name, value in user.items() if name != "clientId"}  # Filtered by, not shown.
    return {
        **shown,
        "assignedRoles": role_summaries(world, user["assignedRoles"]),
        "assignedGroups": [
            {
                "id": group["id"],
                "name": group["name"],
                "providerType": group["providerType"],
                "assignedRoles": role_summaries(world, group["assignedRoles"]),
            }
            for group in groups
        ],
        "assignedScopes": [],
        "links": {"self": {"href": call.url(f"/api/v1/users/{user['id']}")}},
    }


def _live(world: World) -> list[Document]:
    return [user for user in world.store.all(USER) if user["status"] != "deleted"]


def _attributes(world: World) -> dict[str, Attribute]:
    def names(kind: str, ids: list[str]) -> list[Any]:
        return [found["name"] for id_ in ids if (found := world.store.get(kind, id_))]

    def group_roles(user: Document) -> list[Any]:
        groups = [group for id_ in user["assignedGroups"] if (group := world.store.get(GROUP, id_))]
        return [name for group in groups for name in names(ROLE, group["assignedRoles"])]

    return {
        "id": Attribute(lambda user: [user["id"]]),
        "subject": Attribute(lambda user: [user["subject"]], _SEARCHED),
        "name": Attribute(lambda user: [user["name"]], _SEARCHED),
        "email": Attribute(lambda user: [user["email"]], _SEARCHED),
        "status": Attribute(lambda user: [user["status"]]),
        "clientId": Attribute(lambda user: [user.get("clientId")]),
        "assignedRoles.id": Attribute(lambda user: user["assignedRoles"]),
        "assignedRoles.name": Attribute(lambda user: names(ROLE, user["assignedRoles"])),
        "assignedGroups.id": Attribute(lambda user: user["assignedGroups"]),
        "assignedGroupsAssignedRoles.name": Attribute(group_roles),
        "assignedScopes": Attribute(lambda _user: []),
    }


def _list(
    call: Call,
    filter: str | None,
    limit: int,
    sort: str | None,
    next_: str | None,
    prev: str | None,
    fields: str | None,
    total: bool,
) -> Document:
    rows = _live(call.world)
    if filter:
        attributes = _attributes(call.world)
        node = parse(filter, attributes)
        if mixes(node, "status"):
            raise Refusal(400, "Invalid filter", detail="conditions on status must be a group of their own")
        rows = [user for user in rows if matches(node, user, attributes)]
    field, descending = sort_of(sort, _SORT, "+name")

    def key(user: Document) -> str:
        return str(user.get(field) or "")

    def show(user: Document) -> Document:
        return _chosen(render(call, user), fields)

    answer = page(call, rows, show, key=key, descending=descending, limit=limit, next_=next_, prev=prev)
    return {**answer, "totalResults": len(rows)} if total else answer


def _chosen(user: Document, fields: str | None) -> Document:
    wanted = {"id", *fields.split(",")} if fields else None
    return {name: value for name, value in user.items() if wanted is None or name in wanted}


def _admin_only(call: Call) -> None:
    if not call.is_admin:
        raise Refusal(403, "Forbidden", code="USERS-6", detail="only a tenant admin may do this")


def _missing(user_id: str) -> Refusal:
    return Refusal(404, "Not found", detail=f"no user {user_id}")


def _apply(world: World, user: Document, operation: Operation) -> None:
    field = operation.path[1:]
    value = operation.value
    if field in ("roles", "assignedRoles"):
        ids = role_ids(world, [RoleReference.model_validate(item) for item in _list_of_objects(value)])
        user["assignedRoles"] = _changed(user["assignedRoles"], ids, operation.op)
        return
    if field == "assignedGroups":
        user["assignedGroups"] = _changed(user["assignedGroups"], _custom_groups(world, value), operation.op)
        return
    if operation.op not in ("replace", "set", "renew"):
        raise Refusal(400, "Invalid operation", detail=f"{operation.op} does not go with {operation.path}")
    if field == "status":
        if value not in ("active", "disabled"):
            raise Refusal(400, "Invalid status", detail=f"{value!r}")
        if value == "disabled":
            disable_tasks_of_owner(world, user["id"], "OWNER-DISABLED")
    elif field != "inviteExpiry" and not isinstance(value, str):
        raise Refusal(400, "Invalid value", detail=f"{operation.path} takes a text")
    user[field] = value


def _list_of_objects(value: Any) -> list[Document]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Refusal(400, "Invalid value", detail="an array of objects is expected")
    return value


def _custom_groups(world: World, value: Any) -> list[str]:
    """Only custom groups: the members of the others come from the identity provider."""
    ids: list[str] = []
    for item in _list_of_objects(value):
        group = next((g for g in world.store.all(GROUP) if g["name"] == item.get("name")), None)
        if group is None or group["providerType"] != "custom":
            raise Refusal(400, "Invalid group", detail=f"no custom group {item.get('name')!r}")
        ids.append(group["id"])
    return ids


def _changed(old: list[str], ids: list[str], op: str) -> list[str]:
    if op == "add":
        return [*old, *(id_ for id_ in ids if id_ not in old)]
    if op == "remove-value":
        return [id_ for id_ in old if id_ not in ids]
    return ids
