"""The simulator's own door: its state, clock, switches and faults. Part of no contract of Qlik's."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qlift.simulator.faults import Fault, Faults
from qlift.simulator.site import SiteSwitches, control_router
from qlift.simulator.store import Store
from qlift.simulator.switches import Switches, positions
from qlift.simulator.tenant import items
from qlift.simulator.tenant.apps import save
from qlift.simulator.tenant.content import new_object
from qlift.simulator.tenant.dump import canonical, dump
from qlift.simulator.tenant.tokens import new_api_key
from qlift.simulator.tenant.world import APP, USER, World

SWITCHES = "switches"
CLOCK = "clock"
_SITE_VOLATILE = ("modifiedDate", "operational", "nextExecution", "lastReloadTime")


class Advance(BaseModel):
    model_config = ConfigDict(extra="forbid")

    advance: float = Field(ge=0, le=1e9)
    """Seconds, at most some thirty years."""


class NewObject(BaseModel):
    """An object that a user makes in an app, as in the hub."""

    model_config = ConfigDict(extra="forbid")

    subject: str
    """The user's."""
    engineObjectId: str | None = None
    objectType: str = "sheet"
    name: str = "My own sheet"
    published: bool = False
    approved: bool = False
    content: Any = None


class KeyFor(BaseModel):
    model_config = ConfigDict(extra="forbid")

    subject: str


def create_control_app(world: World, faults: Faults, site_switches: SiteSwitches) -> FastAPI:
    app = FastAPI(title="Control of the simulator")
    app.include_router(control_router(world.store, site_switches))

    @app.get("/control/state")
    async def state(ids: bool = False) -> Response:
        """Both sides without what changes by itself. The site is large, so it is shown by hash."""
        both = {"tenant": dump(world, ids=ids), "site": _site(world.store)}
        return Response(canonical(both) + "\n", media_type="application/json")

    @app.post("/control/clock")
    async def clock(body: Advance) -> dict[str, str]:
        world.clock.advance(body.advance)
        world.store.put_setting(CLOCK, world.clock.offset)
        return {"now": world.stamp()}

    @app.get("/control/clock")
    async def now() -> dict[str, str]:
        return {"now": world.stamp()}

    @app.post("/control/faults", status_code=201)
    async def add_fault(body: Fault) -> Fault:
        faults.add(body)
        return body

    @app.delete("/control/faults", status_code=204)
    async def clear_faults() -> None:
        faults.clear()

    @app.get("/control/requests")
    async def requests() -> list[dict[str, Any]]:
        return faults.requests()

    @app.delete("/control/requests", status_code=204)
    async def clear_requests() -> None:
        faults.clear_requests()

    @app.get("/control/switches")
    async def switches() -> Switches:
        return world.switches

    @app.put("/control/switches")
    async def set_switches(body: dict[str, Any]) -> Switches:
        """What is not named goes back to its default."""
        return _switch(world, body)

    @app.patch("/control/switches")
    async def change_switches(body: dict[str, Any]) -> Switches:
        return _switch(world, world.switches.model_dump() | body)

    @app.get("/control/switches/positions")
    async def all_positions() -> dict[str, list[Any]]:
        return positions()

    @app.post("/control/tenant/apps/{app_id}/objects", status_code=201)
    async def add_object(app_id: str, body: NewObject) -> dict[str, Any]:
        found = world.app(app_id)
        if found is None:
            raise HTTPException(404, f"no app {app_id}")
        made = new_object(
            engine_object_id=body.engineObjectId or world.new_uuid("object"),
            object_type=body.objectType,
            name=body.name,
            published=body.published,
            approved=body.approved,
            owner_id=_user_id(world, body.subject),
            content=body.content,
        )
        found["_objects"].append(made)
        if world.switches.own_objects_move_modified_date:
            save(world, found)
        else:
            world.store.put(APP, app_id, found)
        return made

    @app.post("/control/tenant/apps/{app_id}/reload", status_code=204)
    async def reload(app_id: str) -> None:
        """By somebody in the hub, not by a task."""
        found = world.app(app_id)
        if found is None:
            raise HTTPException(404, f"no app {app_id}")
        items.reloaded(world, found)

    @app.post("/control/tenant/api-keys", status_code=201)
    async def add_key(body: KeyFor) -> dict[str, str]:
        """A key of any user, to act as one of them."""
        return {"api_key": new_api_key(world, _user_id(world, body.subject))}

    return app


def _user_id(world: World, subject: str) -> str:
    user = next((u for u in world.store.all(USER) if u["subject"] == subject), None)
    if user is None:
        raise HTTPException(404, f"no user with the subject {subject}")
    return str(user["id"])


def _switch(world: World, values: dict[str, Any]) -> Switches:
    try:
        world.switches = Switches.model_validate(values)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise HTTPException(400, "; ".join(problems)) from None
    world.store.put_setting(SWITCHES, world.switches.model_dump())
    return world.switches


def _site(store: Store) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for kind in store.kinds():
        if not kind.startswith("site/"):
            continue
        documents = store.all(kind)
        digest = hashlib.sha256()
        for document in sorted(documents, key=lambda d: str(d.get("id"))):
            lasting = {k: v for k, v in document.items() if k not in _SITE_VOLATILE}
            digest.update(json.dumps(lasting, sort_keys=True).encode())
        shown[kind.removeprefix("site/")] = {"count": len(documents), "sha256": digest.hexdigest()}
    return shown
