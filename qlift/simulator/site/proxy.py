"""The proxy of a site: virtual proxies by prefix, each with its way in, before repository and engine.

A call without an identity is sent to a login page (302). Who got in by token or ticket has a session after
it, by the cookie `X-Qlik-Session-<prefix>`. Shapes: the Proxy Service API's pages on authentication and
public traffic logs.
"""

from __future__ import annotations

import re
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from qlift.simulator.site.engine import notify
from qlift.simulator.site.identity import LOGIN_PATH, PREFIX, PROXIED
from qlift.simulator.site.kinds import USER, Document
from qlift.simulator.site.ntlm import WindowsLogin
from qlift.simulator.site.sessions import Sessions
from qlift.simulator.store import Store

LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Log in</title></head><body>Log in</body></html>"
WINDOWS_LOGIN = "/internal_windows_authentication/"

_TARGETS_KEPT = 1000

Identify = Callable[[HTTPConnection], Document | None]


@dataclass(frozen=True)
class VirtualProxy:
    """`identify` finds the user by what the request itself carries."""

    prefix: str
    identify: Identify
    keeps_sessions: bool = True
    windows: WindowsLogin | None = None
    """Where browsers of Windows are sent for their login, if the virtual proxy has that."""

    @property
    def root(self) -> str:
        return f"/{self.prefix}" if self.prefix else ""

    @property
    def cookie(self) -> str:
        return f"X-Qlik-Session-{self.prefix}" if self.prefix else "X-Qlik-Session"


class Proxy:
    """An ASGI application for HTTP and websockets. The virtual proxy with an empty prefix is the default."""

    def __init__(
        self,
        store: Store,
        sessions: Sessions,
        virtual: Mapping[str, VirtualProxy],
        repository: ASGIApp,
        engine: ASGIApp,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._virtual = virtual
        self._repository = repository
        self._engine = engine
        self._targets: OrderedDict[str, str] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        virtual, path = self._chosen(scope["path"])
        connection = HTTPConnection(scope)
        if path.startswith(LOGIN_PATH):
            await HTMLResponse(LOGIN_PAGE)(scope, receive, send)
            return
        if virtual.windows is not None and path.startswith(WINDOWS_LOGIN):
            await self._windows_login(virtual, virtual.windows, connection)(scope, receive, send)
            return
        user, session = self._known(virtual, connection)
        if user is None:
            await self._turn_away(virtual, path, connection, receive, send)
            return
        target = self._engine if scope["type"] == "websocket" else self._repository
        inner = {**scope, "path": path, "raw_path": quote(path).encode()}
        inner |= {PROXIED: user, PREFIX: virtual.root}
        await target(inner, receive, send if session is None else _with_cookie(virtual, session, scope, send))

    def _chosen(self, path: str) -> tuple[VirtualProxy, str]:
        first, _, rest = path.removeprefix("/").partition("/")
        if first and first in self._virtual:
            return self._virtual[first], f"/{rest}"
        return self._virtual[""], path

    def _known(self, virtual: VirtualProxy, connection: HTTPConnection) -> tuple[Document | None, str | None]:
        """The caller, and the session that was opened for this request, if one was."""
        if not virtual.keeps_sessions:
            return virtual.identify(connection), None
        kept = self._sessions.user_of(virtual.prefix, connection.cookies.get(virtual.cookie, ""))
        if kept is not None:
            return self._store.get(USER.stored, kept), None
        user = virtual.identify(connection)
        ticket = connection.query_params.get("qlikTicket")
        # The page on authentication: the first request must be a GET.
        if user is None and ticket and connection.scope.get("method", "GET") == "GET":
            user = self._store.get(USER.stored, self._sessions.take(virtual.prefix, ticket) or "")
        return user, None if user is None else self._sessions.open(virtual.prefix, user["id"])

    async def _turn_away(
        self, virtual: VirtualProxy, path: str, connection: HTTPConnection, receive: Receive, send: Send
    ) -> None:
        login = self._login(virtual, path, connection)
        if connection.scope["type"] == "http":
            await RedirectResponse(login, status_code=302)(connection.scope, receive, send)
            return
        socket = WebSocket(connection.scope, receive, send)
        await socket.accept()
        await notify(socket, "OnAuthenticationInformation", mustAuthenticate=True, loginUri=login)
        await socket.close()

    def _login(self, virtual: VirtualProxy, path: str, connection: HTTPConnection) -> str:
        """The address of the login page. Where the caller wanted to go is kept, without the xrfkey."""
        windows = virtual.windows is not None and "Windows" in connection.headers.get("user-agent", "")
        pairs = parse_qsl(connection.url.query, keep_blank_values=True)
        query = urlencode([(name, value) for name, value in pairs if name.lower() != "xrfkey"])
        id_ = str(uuid.uuid4())
        target = f"{_origin(connection)}{virtual.root}{quote(path)}"
        self._targets[id_] = f"{target}?{query}" if query else target
        while len(self._targets) > _TARGETS_KEPT:
            self._targets.popitem(last=False)
        place = WINDOWS_LOGIN if windows else LOGIN_PATH
        return f"{_origin(connection)}{virtual.root}{place}?targetId={id_}"

    def _windows_login(
        self, virtual: VirtualProxy, windows: WindowsLogin, connection: HTTPConnection
    ) -> Response:
        target = self._targets.get(connection.query_params.get("targetId", ""))
        if target is None:
            return PlainTextResponse("Unknown targetId", status_code=400)
        token = re.fullmatch(r"NTLM (\S+)", connection.headers.get("authorization", ""), re.IGNORECASE)
        if token is None:
            return _challenge("")
        user, answer = windows.step(connection.scope["client"], token[1])
        if user is None:
            return _challenge(answer)
        ticket = self._sessions.issue(virtual.prefix, user["id"])
        joined = "&" if "?" in target else "?"
        return RedirectResponse(f"{target}{joined}qlikTicket={ticket}", status_code=302)


def _challenge(message: str) -> Response:
    headers = {"WWW-Authenticate": f"NTLM {message}".strip()}
    return HTMLResponse("<html><body>Unauthorized</body></html>", status_code=401, headers=headers)


def _origin(connection: HTTPConnection) -> str:
    secure = connection.url.scheme in ("https", "wss")
    return f"{'https' if secure else 'http'}://{connection.headers.get('host', connection.url.netloc)}"


def _with_cookie(virtual: VirtualProxy, session: str, scope: Scope, send: Send) -> Send:
    secure = "; Secure" if scope["scheme"] in ("https", "wss") else ""
    value = f"{virtual.cookie}={session}; Path=/; HttpOnly{secure}"

    async def sending(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.accept"):
            message.setdefault("headers", [])
            MutableHeaders(scope=message).append("Set-Cookie", value)
        await send(message)

    return sending
