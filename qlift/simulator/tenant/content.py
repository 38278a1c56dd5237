"""Objects inside apps, as far as owners and publishing matter (sections 4.1, 4.5 and 17).

The real service shows them over its websocket only, so nothing here is a public list: `GET /control/state`
shows them. Only pretend files tell their objects; a real file's stay unknown.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from qlift.simulator.tenant.errors import Refusal
from qlift.simulator.tenant.rights import visible_app
from qlift.simulator.tenant.world import APP, Document, Me, World

router = APIRouter(prefix="/api/v1/apps")

OBJECTS = "simulatorObjects"
"""Member of a pretend file's header that tells what a real file keeps in its own streams."""


class NewOwner(BaseModel):
    ownerId: str


@router.post("/{app_id}/objects/{object_id}/actions/change-owner")
async def change_owner(call: Me, app_id: str, object_id: str, body: NewOwner) -> Document:
    """By engine object id. Only the object's owner may, so nothing given away can be taken back."""
    world = call.world
    app = visible_app(call, app_id)
    found = find(app, object_id)
    if found is None:
        raise Refusal(404, "Object not found")
    if found["ownerId"] != call.user_id:
        raise Refusal(world.switches.object_not_owned_status, "The object is not the caller's")
    if world.live_user(body.ownerId) is None:
        raise Refusal(400, "Invalid owner")
    found["ownerId"] = body.ownerId
    world.store.put(APP, app_id, app)
    return render(found)


def render(item: Document) -> Document:
    attributes = {
        "id": item["engineObjectId"],
        "name": item["name"],
        "objectType": item["objectType"],
        "ownerId": item["ownerId"],
        "approved": item["approved"],
    }
    return {"attributes": attributes, "privileges": ["read", "update", "delete", "change_owner"]}


def find(app: Document, object_id: str) -> Document | None:
    return next((o for o in app["_objects"] if o["engineObjectId"] == object_id), None)


def imported_objects(header: Document, owner_id: str) -> list[Document]:
    """All belong to who imports, whoever owned them at the source; states stay as they were."""
    listed = header.get(OBJECTS)
    if not isinstance(listed, list):
        return []
    return [
        new_object(
            engine_object_id=str(item["engineObjectId"]),
            object_type=str(item.get("objectType", "sheet")),
            name=str(item.get("name", "")),
            published=bool(item.get("published")),
            approved=bool(item.get("approved")),
            owner_id=owner_id,
            content=item.get("content"),
        )
        for item in listed
        if isinstance(item, dict) and item.get("engineObjectId")
    ]


def new_object(
    *,
    engine_object_id: str,
    object_type: str,
    name: str,
    published: bool,
    approved: bool,
    owner_id: str,
    content: Any,
) -> Document:
    return {
        "engineObjectId": engine_object_id,
        "objectType": object_type,
        "name": name,
        "published": published,
        "approved": approved,
        "ownerId": owner_id,
        "content": content,
    }


def copied_objects(world: World, source: Document, owner_id: str) -> list[Document]:
    """What publishing by copy makes of the source's objects.

    The public ones become the base of the published app and belong to its owner. What happens to private
    ones, and to those that were published but not approved, is not documented: switches.
    """
    copied: list[Document] = []
    for item in source["_objects"]:
        if item["approved"]:
            copied.append({**item, "ownerId": owner_id})
        elif item["published"]:
            if world.switches.community_objects_on_copy == "approved":
                copied.append({**item, "approved": True, "ownerId": owner_id})
            else:
                copied.append(dict(item))
        elif world.switches.private_objects_on_copy == "kept":
            copied.append(dict(item))
        elif world.switches.private_objects_on_copy == "exposed":
            copied.append({**item, "published": True, "approved": True, "ownerId": owner_id})
    return copied


def replaced_objects(world: World, source: Document, target: Document) -> list[Document]:
    """What a republish leaves in the target: its users' own objects, and the source's instead of its base."""
    own = [item for item in target["_objects"] if not item["approved"]]
    ids = {item["engineObjectId"] for item in own}
    base = copied_objects(world, source, target["ownerId"])
    return [*own, *(item for item in base if item["engineObjectId"] not in ids)]
