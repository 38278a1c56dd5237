"""Items: what another service knows of the apps, some time later (sections 1.6 and 5.1)."""

# ruff: noqa: N803 (query parameters carry Qlik's names)
from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Query

from qlift.simulator.tenant.errors import Refusal
from qlift.simulator.tenant.paging import page, sort_of
from qlift.simulator.tenant.rights import Roles, edits, sees
from qlift.simulator.tenant.world import APP, ITEM, SPACE, Call, Document, Me, World

router = APIRouter(prefix="/api/v1/items")

_SORT = {"name": "name", "createdAt": "createdAt", "updatedAt": "updatedAt", "recentlyUsed": "updatedAt"}
_KEPT_SECONDS = 3600
"""Older versions are never asked for: no lag is that long."""


def record(world: World, app: Document, attributes: Document | None) -> None:
    """A version of the app's item; None: the app is gone. It shows when the lag has passed."""
    item = world.store.get(ITEM, app["_itemId"])
    now = world.seconds()
    if item is None:
        item = {"id": app["_itemId"], "createdAt": _whole_seconds(world.stamp()), "versions": []}
    version = (
        None
        if attributes is None
        else {"attributes": attributes, "size": app["_size"], "creator": app["_creatorId"]}
    )
    versions: list[list[Any]] = item["versions"]
    while len(versions) > 1 and versions[1][0] < now - _KEPT_SECONDS:
        versions.pop(0)
    versions.append([now, version])
    world.store.put(ITEM, item["id"], item)


def reloaded(world: World, app: Document) -> None:
    """The app has new data, from now on; its item hears of it as of any change."""
    changes = {"lastReloadTime": world.stamp()}
    if world.switches.reload_moves_modified_date:
        changes["modifiedDate"] = changes["lastReloadTime"]
    app |= changes
    world.store.put(APP, app["id"], app)
    item = world.store.get(ITEM, app["_itemId"])
    if item is not None and item["versions"][-1][1] is not None:
        record(world, app, {**item["versions"][-1][1]["attributes"], **changes})


@router.get("")
async def list_items(
    call: Me,
    resourceType: str | None = None,
    resourceSubType: str | None = None,
    resourceId: str | None = None,
    resourceIds: str | None = None,
    name: str | None = None,
    query: str | None = None,
    id: str | None = None,
    spaceId: str | None = None,
    spaceType: str | None = None,
    ownerId: str | None = None,
    notOwnerId: str | None = None,
    createdByUserId: str | None = None,
    notCreatedByUserId: str | None = None,
    noActions: bool = False,
    sort: str | None = None,
    limit: int = Query(10, ge=1, le=100),
    next: str | None = None,
    prev: str | None = None,
) -> Document:
    if (resourceId or resourceIds) and not resourceType:
        raise Refusal(400, "Missing resourceType", detail="resourceId needs resourceType")
    if resourceSubType and resourceType and "[" in resourceType:
        raise Refusal(400, "Ambiguous sub type", detail="resourceSubType beside sub types in brackets")
    ids = set(resourceIds.split(",")) if resourceIds else None
    if ids and len(ids) > 100:
        raise Refusal(400, "Too many resourceIds", detail="at most 100")
    if resourceType and "app" not in {part.split("[")[0] for part in resourceType.split(",")}:
        rows: list[Document] = []
    else:
        rows = _visible(call)
    rows = [
        row
        for row in rows
        if resourceId in (None, row["resourceId"])
        and (ids is None or row["resourceId"] in ids)
        and (name is None or name.casefold() in row["name"].casefold())
        and (query is None or query.casefold() in f"{row['name']}\n{row['description']}".casefold())
        and id in (None, row["id"])
        and _in_space(call.world, row, spaceId, spaceType)
        and ownerId in (None, row["ownerId"])
        and (notOwnerId is None or notOwnerId != row["ownerId"])
        and createdByUserId in (None, row["creatorId"])
        and (notCreatedByUserId is None or notCreatedByUserId != row["creatorId"])
        and not resourceSubType
    ]
    field, descending = sort_of(sort, _SORT, "+createdAt")
    return page(
        call,
        rows,
        lambda row: _render(call, row, with_actions=not noActions),
        key=lambda row: str(row[field]),
        descending=descending,
        limit=limit,
        next_=next,
        prev=prev,
    )


@router.get("/{item_id}")
async def get(call: Me, item_id: str) -> Document:
    return _render(call, _item(call, item_id), with_actions=True)


@router.get("/{item_id}/publisheditems")
async def published_items(
    call: Me,
    item_id: str,
    limit: int = Query(10, ge=1, le=100),
    next: str | None = None,
    prev: str | None = None,
) -> Document:
    """The published copies that name this item's app as their origin."""
    origin = _item(call, item_id)["resourceId"]
    rows = [
        row
        for row in _visible(call)
        if row["resourceAttributes"]["originAppId"] == origin and row["resourceAttributes"]["publishTime"]
    ]
    return page(
        call,
        rows,
        lambda row: _render(call, row, with_actions=True),
        key=lambda row: str(row["createdAt"]),
        limit=limit,
        next_=next,
        prev=prev,
    )


@router.get("/{item_id}/collections")
async def collections(call: Me, item_id: str) -> Document:
    _item(call, item_id)
    return {"data": [], "links": {"self": {"href": call.url_of_request()}}}


def _row(world: World, item: Document) -> Document | None:
    """The item as the service knows it now; None while it is unknown, and after its end."""
    due = world.seconds() - world.switches.item_lag
    version = None
    for since, candidate in item["versions"]:
        if since <= due:
            version = candidate
    if version is None:
        return None
    attributes = version["attributes"]
    return {
        "id": item["id"],
        "tenantId": world.tenant_id,
        "name": attributes["name"],
        "description": attributes["description"],
        "resourceId": attributes["id"],
        "resourceType": "app",
        "resourceSubType": "",
        "resourceAttributes": attributes,
        "resourceCustomAttributes": None,
        "resourceCreatedAt": _whole_seconds(attributes["createdDate"]),
        "resourceUpdatedAt": _whole_seconds(attributes["modifiedDate"]),
        "resourceReloadEndTime": attributes["lastReloadTime"],
        "resourceReloadStatus": "",
        "resourceSize": {"appFile": version["size"], "appMemory": version["size"]},
        "spaceId": attributes["spaceId"],
        "ownerId": attributes["ownerId"],
        "creatorId": version["creator"],
        "updaterId": attributes["ownerId"],
        "createdAt": item["createdAt"],
        "updatedAt": _whole_seconds(attributes["modifiedDate"]),
        "thumbnailId": "",
        "isFavorited": False,
        "collectionIds": [],
    }


def _visible(call: Call) -> list[Document]:
    roles = Roles(call.world, call.user_id)
    rows = (_row(call.world, item) for item in call.world.store.all(ITEM))
    return [row for row in rows if row is not None and sees(call, row, roles)]


def _item(call: Call, item_id: str) -> Document:
    item = call.world.store.get(ITEM, item_id)
    row = _row(call.world, item) if item else None
    if row is None or not sees(call, row):
        raise Refusal(404, "Item not found")
    return row


def _in_space(world: World, row: Document, space_id: str | None, space_type: str | None) -> bool:
    if space_id is not None and row["spaceId"] != ("" if space_id == "personal" else space_id):
        return False
    if space_type is None:
        return True
    space = world.store.get(SPACE, row["spaceId"]) if row["spaceId"] else None
    return (space["type"] if space else "personal") in space_type.split(",")


def _render(call: Call, row: Document, *, with_actions: bool) -> Document:
    url = call.url(f"/api/v1/items/{row['id']}")
    actions = ["read", "update", "delete"] if with_actions and edits(call, row) else ["read"] * with_actions
    item = {name: value for name, value in row.items() if name != "spaceId" or value}
    return {
        **item,
        "actions": actions,
        "meta": {"actions": actions, "collections": [], "tags": [], "isFavorited": False},
        "links": {
            "self": {"href": url},
            "collections": {"href": f"{url}/collections"},
            "open": {"href": call.url(f"/sense/app/{row['resourceId']}")},
        },
    }


def _whole_seconds(text: str) -> str:
    """Items have second precision, apps milliseconds."""
    return datetime.fromisoformat(text).strftime("%Y-%m-%dT%H:%M:%SZ") if text else text
