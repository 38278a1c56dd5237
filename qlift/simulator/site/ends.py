"""The addresses of a site: the proxy, and the ports of repository and engine for certificates."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from qlift.simulator.clock import Clock
from qlift.simulator.site.app import create_site_app
from qlift.simulator.site.engine import Engine
from qlift.simulator.site.identity import Gate, Way
from qlift.simulator.site.switches import SiteSwitches
from qlift.simulator.store import Store

HEADER = "hdr-usr"


class SiteEnds:
    """One ASGI application for each address."""

    def __init__(self, store: Store, clock: Clock, switches: SiteSwitches) -> None:
        engine = Engine(store, switches, Gate(store, "header", HEADER).connected)
        self.proxy = ByProtocol(Repository(store, clock, "header", switches), engine)
        self.repository: ASGIApp = Repository(store, clock, "certificate", switches)
        self.engine = ByProtocol(
            _nothing, Engine(store, switches, Gate(store, "certificate", HEADER).connected)
        )


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


class ByProtocol:
    """HTTP to the one, websockets to the other."""

    def __init__(self, http: ASGIApp, websocket: ASGIApp) -> None:
        self._http = http
        self._websocket = websocket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._websocket if scope["type"] == "websocket" else self._http)(scope, receive, send)


async def _nothing(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})
