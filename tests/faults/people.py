"""What people put beside an app of ours."""

from __future__ import annotations

import copy

from qlift.simulator.tenant.world import APP, SHARE, TASK, USER
from tests.faults.life import tenant
from tests.faults.tenant import subject


def user(name: str) -> str:
    return next(str(u["id"]) for u in tenant.world.store.all(USER) if u["subject"] == subject(name))


def schedule(app_id: str) -> None:
    """Olga's, like one of ours: there has to be one."""
    theirs = copy.deepcopy(tenant.world.store.all(TASK)[0])
    theirs |= {
        "id": "f" * 24,
        "name": "Before the board meets",
        "resourceId": app_id,
        "_ownerId": user("olga"),
    }
    theirs["states"][0]["onEvents"][0]["actions"][0]["functionRef"]["arguments"]["appId"] = app_id
    tenant.world.store.put(TASK, theirs["id"], theirs)


def share(app_id: str) -> None:
    app = tenant.world.store.get(APP, app_id) or {}
    made = {"id": "e" * 24, "spaceId": app["spaceId"], "resourceId": app_id, "resourceType": "app"}
    made |= {"type": "user", "assigneeId": user("olga"), "roles": ["consumer"]}
    tenant.world.store.put(SHARE, made["id"], {**made, "createdAt": tenant.world.stamp()})
