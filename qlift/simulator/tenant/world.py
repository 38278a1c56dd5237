"""What every part of the tenant stands on: documents, time, switches, ids, and who is calling."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request

from qlift.simulator.clock import Clock
from qlift.simulator.store import Store
from qlift.simulator.switches import Switches

Document = dict[str, Any]

USER = "tenant/user"
GROUP = "tenant/group"
ROLE = "tenant/role"
SPACE = "tenant/space"
ASSIGNMENT = "tenant/assignment"
APP = "tenant/app"
ITEM = "tenant/item"
SHARE = "tenant/share"
TASK = "tenant/task"
RUN = "tenant/run"
TEMP = "tenant/temp"
API_KEY = "tenant/apikey"
CLIENT = "tenant/oauthclient"
REVOKED = "tenant/revoked"

EVERYONE = "000000000000000000000001"
TENANT_ADMIN = "TenantAdmin"
_NAMESPACE = uuid.UUID("6f1d5a52-9f3a-5d0e-8a5c-1b7f60a1c0de")


class World:
    """One tenant. All handlers run on one event loop and do not wait between reading and writing, so that
    each request takes effect as a whole."""

    def __init__(self, store: Store, clock: Clock, switches: Switches) -> None:
        self.store = store
        self.clock = clock
        self.switches = switches

    @property
    def tenant_id(self) -> str:
        return hashlib.sha256(b"qlift simulator's tenant").hexdigest()[:32]

    def stamp(self) -> str:
        """Now, with milliseconds, as most services write it."""
        return stamp(self.clock.now())

    def seconds(self) -> float:
        """Now, in seconds since 1970."""
        return self.clock.now().timestamp()

    def new_id(self, kind: str) -> str:
        """24 hex digits. The same in every run."""
        return self.id_of(kind, self.store.counter(kind))

    def id_of(self, kind: str, number: int) -> str:
        return hashlib.sha256(f"{kind}#{number}".encode()).hexdigest()[:24]

    def new_uuid(self, kind: str) -> str:
        return str(uuid.uuid5(_NAMESPACE, f"{kind}#{self.store.counter(kind)}"))

    def role_names(self, user: Document) -> set[str]:
        """Of the user itself and of its groups."""
        ids = set(user.get("assignedRoles", ()))
        for group_id in self.group_ids(user):
            group = self.store.get(GROUP, group_id)
            ids |= set(group.get("assignedRoles", ())) if group else set()
        roles = (self.store.get(ROLE, id_) for id_ in ids)
        return {role["name"] for role in roles if role}

    def group_ids(self, user: Document) -> set[str]:
        return {*user.get("assignedGroups", ()), EVERYONE}

    def is_admin(self, user_id: str) -> bool:
        user = self.store.get(USER, user_id)
        return user is not None and TENANT_ADMIN in self.role_names(user)

    def live_user(self, user_id: str) -> Document | None:
        user = self.store.get(USER, user_id)
        return user if user and user["status"] != "deleted" else None

    def apps(self) -> list[Document]:
        """Without those that were deleted softly."""
        return [app for app in self.store.all(APP) if app["_deletedAt"] is None]

    def app(self, app_id: str) -> Document | None:
        app = self.store.get(APP, app_id)
        return app if app and app["_deletedAt"] is None else None


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


@dataclass(frozen=True)
class Caller:
    user_id: str
    scopes: frozenset[str] | None
    """None: an API key, which has no scopes."""


@dataclass(frozen=True)
class Call:
    """One request: in which world, by whom, and under which address the client sees us."""

    world: World
    caller: Caller
    origin: str
    """Scheme, host and port as the client used them: links of another origin lose its credentials."""
    path: str
    query: str

    @property
    def user_id(self) -> str:
        return self.caller.user_id

    @property
    def is_admin(self) -> bool:
        return self.world.is_admin(self.caller.user_id)

    @property
    def reaches_personal_spaces(self) -> bool:
        """Of others: an OAuth matter only."""
        return self.is_admin and "admin.apps" in (self.caller.scopes or ())

    def url(self, path: str) -> str:
        return self.origin + path

    def location(self, path: str) -> str:
        return self.url(path) if self.world.switches.location == "absolute" else path

    def url_of_request(self) -> str:
        return self.url(self.path) + (f"?{self.query}" if self.query else "")


def origin_of(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"


async def _call(request: Request) -> Call:
    return Call(
        world=request.app.state.world,
        caller=request.state.caller,
        origin=origin_of(request),
        path=request.url.path,
        query=request.url.query,
    )


Me = Annotated[Call, Depends(_call)]
