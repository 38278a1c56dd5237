"""The few calls of the engine that an export needs: open an app, read its load script.

JSON-RPC 2.0 over a websocket at `/app/<id>`. Shapes: Qlik's QIX schema and public traffic logs; codes: the
list of errors of the QIX reference (5 access denied, 1002 app already open, 1003 app not found).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from qlift.simulator import qvf
from qlift.simulator.site import access, appfile
from qlift.simulator.site.access import Access
from qlift.simulator.site.identity import PROXIED, Refusal
from qlift.simulator.site.kinds import APP, APP_OBJECT, Document
from qlift.simulator.site.switches import SiteSwitches
from qlift.simulator.store import Store

_GLOBAL, _DOC = -1, 1
_OPEN_DOC = ("qDocName", "qUserName", "qPassword", "qSerial", "qNoData")
_POLICY_VIOLATION = 1008


class EngineError(Exception):
    def __init__(self, code: int, message: str, parameter: str = "") -> None:
        super().__init__(message)
        self.answer = {"code": code, "parameter": parameter, "message": message}


class Engine:
    """An ASGI application for websockets alone. `caller` finds out who connects, or raises Refusal."""

    def __init__(
        self, store: Store, switches: SiteSwitches, caller: Callable[[HTTPConnection], Document]
    ) -> None:
        self._store = store
        self._switches = switches
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        if not scope["path"].startswith("/app/"):
            await socket.close(_POLICY_VIOLATION)
            return
        try:
            user = self._caller(socket)
        except Refusal:
            # Without a word the handshake is answered with 403.
            await socket.close(_POLICY_VIOLATION)
            return
        await socket.accept()
        if scope.get(PROXIED):
            await notify(socket, "OnAuthenticationInformation", mustAuthenticate=False, **_named(user))
        await notify(socket, "OnConnected", qSessionState="SESSION_CREATED")
        session = Session(self._store, self._switches, user)
        try:
            while True:
                await socket.send_text(json.dumps(await session.answer(await socket.receive_text())))
        except WebSocketDisconnect:
            return


async def notify(socket: WebSocket, method: str, **params: Any) -> None:
    await socket.send_text(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}))


def _named(user: Document) -> dict[str, str]:
    return {"userId": user["userId"], "userDirectory": user["userDirectory"]}


class Session:
    """One connection: it may open one app."""

    def __init__(self, store: Store, switches: SiteSwitches, user: Document) -> None:
        self._store = store
        self._switches = switches
        self._user = user
        self._open: str | None = None

    async def answer(self, text: str) -> dict[str, Any]:
        """To one request, errors included."""
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": None}
        try:
            request = _request(text)
            answer["id"] = request.get("id")
            answer["result"] = await self._called(request)
        except EngineError as error:
            answer["error"] = error.answer
        return answer

    async def _called(self, request: dict[str, Any]) -> dict[str, Any]:
        method, handle = request.get("method"), request.get("handle")
        if method == "OpenDoc" and handle == _GLOBAL:
            return self._open_doc(_named_params(request.get("params"), _OPEN_DOC))
        if handle not in (_GLOBAL, _DOC if self._open else _GLOBAL):
            raise EngineError(-32602, "Invalid Params", "Invalid handle")
        if method == "GetScript" and handle == _DOC:
            # Real files may be large: they are searched outside of the loop.
            return {"qScript": await asyncio.to_thread(self._script)}
        raise EngineError(-32601, "Method not found", str(method))

    def _open_doc(self, params: dict[str, Any]) -> dict[str, Any]:
        id_ = str(params.get("qDocName", ""))
        app = self._store.get(APP.stored, id_)
        if app is None:
            raise EngineError(1003, "App not found", id_)
        if not self._may(app, access.READ):
            raise EngineError(5, "Access denied", id_)
        if self._open not in (None, id_):
            raise EngineError(1002, "App already open", id_)
        self._open = id_
        return {"qReturn": {"qType": "Doc", "qHandle": _DOC, "qGenericId": id_}}

    def _script(self) -> str:
        app = self._store.get(APP.stored, self._open or "")
        if app is None:
            raise EngineError(1003, "App not found", self._open or "")
        if not self._may_see_script(app):
            raise EngineError(5, "Access denied", "Access denied to get script")
        header = qvf.read_header(self._store.blob_path(app[appfile.FILE])) if appfile.FILE in app else None
        return str((header or {}).get("qScript", ""))

    def _may_see_script(self, app: Document) -> bool:
        if self._switches.script_access == "root_admin":
            return "RootAdmin" in self._user["roles"]
        if self._switches.script_access == "update":
            return self._may(app, access.UPDATE)
        return any(
            Access(self._store).actions(self._user, APP_OBJECT, item, wanted=access.READ)
            for item in self._store.where(APP_OBJECT.stored, "app.id", app["id"])
            if item["objectType"] == "app_appscript"
        )

    def _may(self, app: Document, action: int) -> bool:
        return bool(Access(self._store).actions(self._user, APP, app, wanted=action))


def _request(text: str) -> dict[str, Any]:
    try:
        request = json.loads(text)
    except ValueError:
        raise EngineError(-32700, "Parse error") from None
    if not isinstance(request, dict):
        raise EngineError(-32600, "Invalid request")
    return request


def _named_params(params: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Parameters come by name or by place."""
    if isinstance(params, list):
        return dict(zip(names, params, strict=False))
    return params if isinstance(params, dict) else {}
