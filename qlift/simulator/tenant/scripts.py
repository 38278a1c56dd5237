"""Versions of an app's load script (section 4.7)."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel

from qlift.simulator.tenant.apps import editable, first_script, save
from qlift.simulator.tenant.errors import Refusal
from qlift.simulator.tenant.rights import visible_app
from qlift.simulator.tenant.tasks import disable_tasks_of_app
from qlift.simulator.tenant.world import Document, Me

router = APIRouter(prefix="/api/v1/apps/{app_id}/scripts")


class NewScript(BaseModel):
    script: str
    versionMessage: str = ""


@router.get("")
async def list_scripts(call: Me, app_id: str) -> Document:
    """The list key is `scripts`, newest first; all on one page."""
    app = visible_app(call, app_id)
    shown = [
        {
            "scriptId": script["scriptId"],
            "modifierId": script["modifierId"],
            "modifiedTime": script["modifiedTime"],
            "size": len(script["script"].encode()),
            "versionMessage": script["versionMessage"],
        }
        for script in reversed(app["_scripts"])
    ]
    return {"scripts": shown, "links": {}, "privileges": ["read"]}


@router.post("")
async def add(call: Me, app_id: str, body: NewScript) -> Response:
    app = editable(call, app_id)
    script = first_script(call.world, app_id, body.script, call.user_id)
    app["_scripts"].append({**script, "versionMessage": body.versionMessage})
    save(call.world, app)
    if call.world.switches.script_change_disables_tasks:
        disable_tasks_of_app(call.world, app_id, "APP-SCRIPT-UPDATED")
    return Response(status_code=200)


@router.get("/{script_id}")
async def get(call: Me, app_id: str, script_id: str) -> Document:
    app = visible_app(call, app_id)
    scripts = app["_scripts"]
    wanted = [s for s in scripts if s["scriptId"] == script_id] if script_id != "current" else scripts[-1:]
    if not wanted:
        raise Refusal(404, "Script not found")
    return {"script": wanted[0]["script"], "versionMessage": wanted[0]["versionMessage"]}
