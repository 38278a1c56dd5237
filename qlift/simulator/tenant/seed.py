"""How a tenant looks before anybody migrates into it: people, groups, roles, and things of others."""

from __future__ import annotations

import secrets
from typing import NotRequired, TypedDict

from qlift.simulator import qvf
from qlift.simulator.clock import Clock
from qlift.simulator.store import Store
from qlift.simulator.switches import Switches
from qlift.simulator.tenant.apps import new_app, save
from qlift.simulator.tenant.groups import new_group
from qlift.simulator.tenant.spaces import new_space
from qlift.simulator.tenant.tokens import new_api_key
from qlift.simulator.tenant.users import new_user
from qlift.simulator.tenant.world import (
    CLIENT,
    EVERYONE,
    GROUP,
    ROLE,
    SPACE,
    TENANT_ADMIN,
    USER,
    Document,
    World,
)

CLIENT_ID = "5c1a9e0f7b3d4826a1f0c9d2e4b68735"
SCOPES = ["user_default", "admin_classic", "admin.apps", "admin.spaces", "apps", "spaces", "offline_access"]
FOREIGN_SUBJECT = "TENANT\\existing.owner"
FOREIGN_SPACE = "Board papers"
FOREIGN_APP = "Board figures"


class Person(TypedDict):
    """`groups` are names out of those that are seeded."""

    subject: str
    email: str
    name: str
    groups: NotRequired[list[str]]


class Credentials(TypedDict):
    api_key: str
    client_id: str
    client_secret: str
    user_id: str


def seed_tenant(
    store: Store, people: list[Person], groups: list[str], clock: Clock | None = None
) -> Credentials:
    """Once: a store that was seeded keeps what it holds and gives its credentials again.

    One identity, a tenant admin, stands behind key and client. A shared space with one app, owned by somebody
    else, is there so that other people's things exist.
    """
    known: Credentials | None = store.get_setting("tenant/credentials")
    if known is not None:
        return known
    world = World(store, clock or Clock(), Switches())
    store.put_setting("tenant/created", world.stamp())
    _seed_roles(world)
    group_ids = _seed_groups(world, groups)
    bot = new_user(world, f"qlikbot\\{CLIENT_ID}", "Migration", "")
    bot |= {"clientId": CLIENT_ID, "assignedRoles": [_role_id(world, TENANT_ADMIN)]}
    store.put(USER, bot["id"], bot)
    for person in people:
        user = new_user(world, person["subject"], person["name"], person["email"])
        user["assignedGroups"] = [group_ids[name] for name in person.get("groups", ()) if name in group_ids]
        store.put(USER, user["id"], user)
    _seed_foreign(world)
    client = {
        "clientId": CLIENT_ID,
        "clientSecret": secrets.token_hex(32),
        "userId": bot["id"],
        "allowedScopes": SCOPES,
        "allowedGrantTypes": ["client_credentials", "urn:qlik:oauth:user-impersonation"],
    }
    store.put(CLIENT, CLIENT_ID, client)
    credentials = Credentials(
        api_key=new_api_key(world, bot["id"]),
        client_id=CLIENT_ID,
        client_secret=str(client["clientSecret"]),
        user_id=bot["id"],
    )
    store.put_setting("tenant/identity", bot["id"])
    store.put_setting("tenant/credentials", credentials)
    return credentials


def _seed_roles(world: World) -> None:
    levels = {TENANT_ADMIN: "admin", "AnalyticsAdmin": "admin", "DataAdmin": "admin", "Steward": "user"}
    now = world.stamp()
    for name, level in levels.items():
        id_ = world.new_id("role")
        role: Document = {"id": id_, "name": name, "description": "", "type": "default", "level": level}
        role |= {"tenantId": world.tenant_id, "assignedScopes": [], "permissions": [], "createdAt": now}
        role |= {"lastUpdatedAt": now, "canEdit": False, "canDelete": False, "fullUser": True}
        world.store.put(ROLE, id_, role)


def _role_id(world: World, name: str) -> str:
    return next(str(role["id"]) for role in world.store.all(ROLE) if role["name"] == name)


def _seed_groups(world: World, names: list[str]) -> dict[str, str]:
    everyone = new_group(world, "com.qlik.Everyone", "idp") | {"id": EVERYONE}
    world.store.put(GROUP, EVERYONE, everyone)
    ids: dict[str, str] = {}
    for name in names:
        group = new_group(world, name, "idp")
        world.store.put(GROUP, group["id"], group)
        ids[name] = group["id"]
    return ids


def _seed_foreign(world: World) -> None:
    owner = new_user(world, FOREIGN_SUBJECT, "Existing Owner", "existing.owner@tenant.example")
    world.store.put(USER, owner["id"], owner)
    space = new_space(world, FOREIGN_SPACE, "shared", "Not part of any migration", owner["id"])
    world.store.put(SPACE, space["id"], space)
    content = qvf.encode({"qTitle": FOREIGN_APP})
    for name, space_id in ((FOREIGN_APP, space["id"]), ("Private notes", "")):
        app = new_app(world, name, owner["id"], space_id)
        app["_blob"] = app["_data"] = world.store.put_blob(content)
        app["_size"] = len(content)
        save(world, app)
