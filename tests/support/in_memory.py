"""Requests that go to an application in this process: everything of HTTP but the network.

A request costs a third of what it costs over a socket. Connections that the simulator ends look to the client
as they do over a network.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
from starlette.types import ASGIApp, Message


def _nothing(*_: object) -> None:
    return None


class InMemory(httpx.BaseTransport):
    """`before` and `after` are called with each request; `after` before its answer is told."""

    def __init__(
        self,
        app: ASGIApp,
        loop: asyncio.AbstractEventLoop,
        *,
        before: Callable[[httpx.Request], None] = _nothing,
        after: Callable[[httpx.Request, Exchange], None] = _nothing,
    ) -> None:
        self._app, self._loop, self._before, self._after = app, loop, before, after

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._before(request)
        exchange = Exchange(request.read())
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.url.scheme,
            "path": request.url.path,
            "raw_path": request.url.raw_path.partition(b"?")[0],
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 1),
            "server": (request.url.host, request.url.port or 80),
        }
        self._loop.run_until_complete(self._app(scope, exchange.receive, exchange.send))
        self._after(request, exchange)
        return exchange.response(request)


class Exchange:
    """The simulator ends connections by the `transport` of what `send` belongs to, as uvicorn has it."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self.status = 0
        """0: none was told."""
        self.headers: list[tuple[bytes, bytes]] = []
        self._sent: list[bytes] = []
        self._aborted = False
        self.transport = self

    def abort(self) -> None:
        self._aborted = True

    async def receive(self) -> Message:
        if self._body is None or self._aborted:
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if self._aborted:
            return
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        else:
            self._sent.append(message.get("body", b""))

    def response(self, request: httpx.Request) -> httpx.Response:
        if self._aborted:
            error: type[httpx.RequestError] = httpx.ReadError if self.status else httpx.RemoteProtocolError
            raise error("the connection was closed", request=request)
        options: dict[str, Any] = {"headers": self.headers, "content": b"".join(self._sent)}
        return httpx.Response(self.status, **options)
