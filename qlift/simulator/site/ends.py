"""The addresses of a site: the proxy, and the ports of repository, engine and proxy for certificates."""

from __future__ import annotations

from functools import partial

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from qlift.simulator.clock import Clock
from qlift.simulator.site import ntlm
from qlift.simulator.site.app import create_site_app
from qlift.simulator.site.engine import Engine
from qlift.simulator.site.identity import Gate, Way, by_header
from qlift.simulator.site.kinds import Document
from qlift.simulator.site.proxy import Proxy, VirtualProxy
from qlift.simulator.site.qps import create_qps_app
from qlift.simulator.site.sessions import Sessions
from qlift.simulator.site.switches import SiteSwitches
from qlift.simulator.site.web_tokens import WebTokens
from qlift.simulator.store import Store

HEADER = "hdr-usr"
_TOKEN = "site token"
HEADER_PREFIX, JWT_PREFIX, TICKET_PREFIX, WINDOWS_PREFIX = "header", "jwt", "ticket", "windows"


class SiteEnds:
    """One ASGI application for each address. `admin` (`DIRECTORY\\user`) is who the JSON web token names."""

    def __init__(self, store: Store, clock: Clock, switches: SiteSwitches, admin: str) -> None:
        self.tokens = WebTokens(store, clock)
        self.token = str(store.get_setting(_TOKEN) or self.tokens.issue(*login_parts(admin)))
        store.put_setting(_TOKEN, self.token)
        self.windows = ntlm.WindowsLogin(store, admin) if ntlm.available() else None
        sessions = Sessions(clock)
        header = partial(by_header, store, HEADER)
        virtual = [
            VirtualProxy("", header, keeps_sessions=False),
            VirtualProxy(HEADER_PREFIX, header, keeps_sessions=False),
            VirtualProxy(JWT_PREFIX, self._by_token),
            VirtualProxy(TICKET_PREFIX, _nobody),
        ]
        if self.windows is not None:
            virtual.append(VirtualProxy(WINDOWS_PREFIX, _nobody, windows=self.windows))
        by_prefix = {proxy.prefix: proxy for proxy in virtual}
        self.proxy: ASGIApp = Proxy(
            store,
            sessions,
            by_prefix,
            Repository(store, clock, "header", switches),
            Engine(store, switches, Gate(store, "header", HEADER).connected),
        )
        self.repository: ASGIApp = Repository(store, clock, "certificate", switches)
        self.engine: ASGIApp = WebsocketsOnly(
            Engine(store, switches, Gate(store, "certificate", HEADER).connected)
        )
        self.qps: ASGIApp = create_qps_app(
            store, sessions, [proxy.prefix for proxy in virtual if proxy.keeps_sessions]
        )

    def _by_token(self, connection: HTTPConnection) -> Document | None:
        word, _, token = connection.headers.get("authorization", "").partition(" ")
        return self.tokens.user_of(token.strip()) if word.lower() == "bearer" else None


def _nobody(_connection: HTTPConnection) -> Document | None:
    """Where a ticket or a session is the only way in."""
    return None


def login_parts(login: str) -> tuple[str, str]:
    directory, _, user_id = login.rpartition("\\")
    return directory, user_id


class Repository:
    """Built at its first request: that takes longer than everything else, and many tests never ask it."""

    def __init__(self, store: Store, clock: Clock, way: Way, switches: SiteSwitches) -> None:
        self._store = store
        self._clock = clock
        self._way: Way = way
        self._switches = switches
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            self._app = create_site_app(self._store, self._clock, self._way, HEADER, self._switches)
        await self._app(scope, receive, send)


class WebsocketsOnly:
    """The engine's port serves nothing else."""

    def __init__(self, engine: ASGIApp) -> None:
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._engine(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})
