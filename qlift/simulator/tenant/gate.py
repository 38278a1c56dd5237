"""What every request passes: who is it, does the token reach this area, is there room in the tier."""

from __future__ import annotations

from datetime import UTC
from email.utils import format_datetime

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qlift.simulator.tenant.errors import limited, unauthorised
from qlift.simulator.tenant.limits import Limits
from qlift.simulator.tenant.tokens import caller_of
from qlift.simulator.tenant.world import Caller, World

_OPEN = ("/resources/", "/oauth/", "/openapi.json", "/docs")
"""Served without credentials; `/oauth/token` counts against the limit of its client by itself."""
_WIDE = {"user_default", "admin_classic"}


class Gate:
    def __init__(self, app: ASGIApp, world: World, limits: Limits) -> None:
        self._app = app
        self._world = world
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_OPEN):
            await self._app(scope, receive, self._dated(send))
            return
        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, self._dated(send))

    def _dated(self, send: Send) -> Send:
        """With the tenant's own time, as every server says it."""

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(self._world.clock.now().astimezone(UTC), usegmt=True).encode()
                message["headers"] = [*message.get("headers", ()), (b"date", date)]
            await send(message)

        return dated

    def _refusal(self, scope: Scope) -> Response | None:
        kind, _, token = _header(scope, b"authorization").partition(" ")
        caller = caller_of(self._world, token.strip()) if kind.lower() == "bearer" else None
        if caller is None:
            return unauthorised()
        method, path = scope["method"], scope["path"]
        seconds = self._limits.wait(self._world.switches, caller.user_id, method, path, self._world.seconds())
        if seconds is not None:
            return limited(seconds)
        if not _in_scope(caller, method, path):
            error = {"code": "HTTP-403", "title": "Forbidden", "detail": "Insufficient scope"}
            return JSONResponse({"errors": [error]}, 403)
        scope.setdefault("state", {})["caller"] = caller
        return None


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _in_scope(caller: Caller, method: str, path: str) -> bool:
    """Scopes restrict, never grant: `spaces:read` reads spaces, `apps` and `admin.apps` do all with apps."""
    if caller.scopes is None or caller.scopes & _WIDE:
        return True
    area = path.split("/")[3] if path.count("/") >= 3 else ""
    for scope in caller.scopes:
        name, _, right = scope.removeprefix("admin.").partition(":")
        if name == area and (right != "read" or method in ("GET", "HEAD")):
            return True
    # Whoever has a token may ask who they are.
    return path in ("/api/v1/users/me", f"/api/v1/users/{caller.user_id}")
