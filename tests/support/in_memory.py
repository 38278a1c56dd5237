"""Requests that go to an application in this process: everything of HTTP but the network.

A request costs a third of what it costs over a socket. Connections that the simulator ends look to the client as they
do over a network.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
from starlette.types import ASGIApp, Message


class InMemory(httpx.BaseTransport):
    """`before` is called with each request."""

    def __init__(
        self, app: ASGIApp, loop: asyncio.AbstractEventLoop, before: Callable[[httpx.Request], None]
    ) -> None:
        self._app, self._loop, self._before = app, loop, before

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._before(request)
        exchange = _Exchange(request.read())
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
        return exchange.response(request)


class _Exchange:
    """The simulator ends connections by the `transport` of what `send` belongs to, as uvicorn has it."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
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
            self._status, self._headers = message["status"], list(message.get("headers", []))
        else:
            self._sent.append(message.get("body", b""))

    def response(self, request: httpx.Request) -> httpx.Response:
        if self._aborted:
            error: type[httpx.RequestError] = httpx.ReadError if self._status else httpx.RemoteProtocolError
            raise error("the connection was closed", request=request)
        options: dict[str, Any] = {"headers": self._headers, "content": b"".join(self._sent)}
        return httpx.Response(self._status, **options)
