"""Faults on demand: the n-th matching request goes wrong before or after it took effect.

Every request of tenant and site passes here first, so here also the log of requests is kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import os
import re
import signal
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qlift.simulator.clock import Clock

Side = Literal["tenant", "site"]

WEBSOCKET = "WEBSOCKET"
"""The method of a websocket's handshake, in faults and in the log of requests."""

_LOG_LENGTH = 20_000
_HANDSHAKE = {"websocket.accept": 101, "websocket.close": 403}
_ACTION = re.compile(
    r"drop|cut:\d+|truncate:\d+|html(:\d{3})?|status:\d{3}|status:429:(\d+|-)|expire|"
    r"slow:\d+(\.\d+)?|kill:\d+|killsession:\d+"
)
_PAGE = "<!DOCTYPE html><html><head><title>Please wait</title></head><body><h1>Please wait</h1></body></html>"


class Fault(BaseModel):
    """What goes wrong, and at which request.

    `action`: `drop` (the connection ends without an answer), `cut:<bytes>` (it ends after so much of the
    answer's body), `truncate:<bytes>` (a complete answer whose body is so much of the real one's, as a broken
    proxy makes them), `status:<n>` (429 carries `Retry-After: 1`; `status:429:<seconds>` another one,
    `status:429:-` none), `html` or `html:<n>` (a page with status 200 or n), `expire` (all access tokens of
    the tenant end before the request), `slow:<seconds>` (real seconds), `kill:<pid>` and `killsession:<id>`
    (SIGKILL to one process, or to all of a session as a lost machine would). The handshake of a websocket is
    a request with the method WEBSOCKET; it fails before it took effect.
    """

    model_config = ConfigDict(extra="forbid")

    side: Side = "tenant"
    method: str = ".*"
    """Regular expression, whole method."""
    path: str = ".*"
    """Regular expression, anywhere in path and query."""
    nth: int = Field(default=1, ge=1)
    """Counted from when the fault is set."""
    times: int = Field(default=1, ge=1)
    """This many matching requests in a row, from the n-th on."""
    when: Literal["before", "after", "answered"] = "before"
    """Before the request took effect (a client that is killed there never gets it done), after it did but
    without its answer, or when the answer is out (only for kills)."""
    action: str

    @field_validator("action")
    @classmethod
    def _known(cls, value: str) -> str:
        if not _ACTION.fullmatch(value):
            raise ValueError(
                "one of drop, cut:<bytes>, truncate:<bytes>, html[:n], status:n, status:429:<seconds or ->, "
                "expire, slow:<seconds>, kill:<pid>, killsession:<id>"
            )
        return value

    @property
    def kills(self) -> bool:
        return self.action.startswith("kill")

    @field_validator("method", "path")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except (re.error, OverflowError) as error:
            raise ValueError(f"no regular expression: {error}") from None
        return value


class Faults:
    """The faults that are set and the log of requests. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._set: list[tuple[Fault, list[int]]] = []
        self._log: deque[dict[str, Any]] = deque(maxlen=_LOG_LENGTH)

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._set.append((fault, [0]))

    def clear(self) -> None:
        with self._lock:
            self._set.clear()

    def due(self, side: Side, method: str, target: str) -> Fault | None:
        """Counts the request with every fault that it matches; the first fault that is due wins."""
        found: Fault | None = None
        with self._lock:
            for fault, seen in self._set:
                if fault.side != side or not re.fullmatch(fault.method, method, re.IGNORECASE):
                    continue
                if not re.search(fault.path, target):
                    continue
                seen[0] += 1
                if found is None and fault.nth <= seen[0] < fault.nth + fault.times:
                    found = fault
        return found

    def record(self, side: Side, method: str, target: str, status: int | None, client: str) -> None:
        row = {"side": side, "method": method, "path": target, "status": status, "client": client}
        with self._lock:
            self._log.append({**row, "at": self._clock.now().timestamp()})

    def requests(self) -> list[dict[str, Any]]:
        """Oldest first. `status` None: the client got no answer. `client` tells apart processes that work as
        one identity; empty before they have a token."""
        with self._lock:
            return list(self._log)

    def clear_requests(self) -> None:
        with self._lock:
            self._log.clear()


class FaultMiddleware:
    """The outermost layer of a server. `end_tokens` is what the action `expire` does; the site has none."""

    def __init__(
        self, app: ASGIApp, faults: Faults, side: Side, end_tokens: Callable[[], None] = lambda: None
    ) -> None:
        self._app = app
        self._faults = faults
        self._side: Side = side
        self._end_tokens = end_tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        target = scope["path"] + (f"?{query}" if query else "")
        method = scope["method"] if scope["type"] == "http" else WEBSOCKET
        client = _client(scope)
        sent: list[int] = []
        logged = False
        left: int | None = None

        async def noting(message: Message) -> None:
            nonlocal logged, left
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                sent.append(message["status"])
                left = _announced(message)
            elif message["type"] == "http.response.body" and left is not None:
                left -= len(message.get("body", b""))
            elif message["type"] in _HANDSHAKE and not sent:
                # A connection may last: it is logged when it begins.
                sent.append(_HANDSHAKE[message["type"]])
                self._faults.record(self._side, method, target, sent[0], client)
                logged = True
            if sent and not logged and (left == 0 or _is_the_end(message)):
                # Who has the whole answer finds the request in the log. Without a body, the headers are it.
                self._faults.record(self._side, method, target, sent[0], client)
                logged = True
            await send(message)

        fault = self._faults.due(self._side, method, target)
        try:
            if fault is None:
                await self._app(scope, receive, noting)
            else:
                await self._fail(fault, scope, receive, noting, send)
        finally:
            if not logged:
                self._faults.record(self._side, method, target, sent[0] if sent else None, client)

    async def _fail(self, fault: Fault, scope: Scope, receive: Receive, noting: Send, raw: Send) -> None:
        answer = _answer(fault.action)
        late = fault.when == "after" and scope["type"] == "http"
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        if fault.when == "answered":
            await self._app(scope, receive, noting)
            await _happen(fault.action)
            return
        if late:
            await self._app(scope, receive, hold)
        elif answer is not None or fault.action == "drop" or fault.kills:
            await _drain(receive)
        if fault.action == "drop":
            await _drop(receive, raw)
            return
        if answer is not None:
            await answer(scope, receive, noting)
            return
        await _happen(fault.action)
        if fault.action == "expire":
            self._end_tokens()
        if fault.kills:
            await _drop(receive, raw)
            return
        word, _, argument = fault.action.partition(":")
        if word == "cut":
            noting = _cutting(int(argument), noting, raw)
        if word == "truncate":
            noting = _truncating(int(argument), noting)
        if not late:
            await self._app(scope, receive, noting)
        for message in held:
            await noting(message)


def _client(scope: Scope) -> str:
    """A short hash of what it signs in with: each process of an OAuth client has a token of its own."""
    word: bytes = dict(scope["headers"]).get(b"authorization", b"")
    return hashlib.sha256(word).hexdigest()[:8] if word else ""


def _announced(start: Message) -> int | None:
    """Bytes of the body that follows; None: not known before its end."""
    if start["status"] in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        return 0
    lengths = [value for name, value in start.get("headers", ()) if name.lower() == b"content-length"]
    return int(lengths[0]) if lengths else None


def _is_the_end(message: Message) -> bool:
    return message["type"] == "http.response.body" and not message.get("more_body", False)


def _cutting(left: int, send: Send, raw: Send) -> Send:
    """Sends so many bytes of the body; what comes after goes nowhere, since the connection is gone."""

    async def cut(message: Message) -> None:
        nonlocal left
        if left < 0:
            return
        body = message.get("body", b"")
        if message["type"] != "http.response.body" or len(body) <= left:
            left -= len(body)
            await send(message)
            return
        await send({**message, "body": body[:left], "more_body": True})
        left = -1
        _transport(raw).abort()

    return cut


def _truncating(left: int, send: Send) -> Send:
    """An answer that says how long it is, and is: the head waits for the body."""
    start: Message = {}
    body = b""

    async def truncated(message: Message) -> None:
        nonlocal start, body
        if message["type"] == "http.response.start":
            start = message
            return
        body += message.get("body", b"")
        if message.get("more_body", False):
            return
        headers = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length"]
        length = (b"content-length", str(len(body[:left])).encode())
        await send({**start, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": body[:left]})

    return truncated


def _answer(action: str) -> Response | None:
    word, _, argument = action.partition(":")
    if word == "html":
        return HTMLResponse(_PAGE, int(argument or 200))
    if word != "status":
        return None
    code, _, seconds = argument.partition(":")
    status = int(code)
    title = http.client.responses.get(status, "Error")
    limited = status == HTTPStatus.TOO_MANY_REQUESTS and seconds != "-"
    headers = {"Retry-After": seconds or "1"} if limited else None
    return JSONResponse({"errors": [{"code": f"HTTP-{status}", "title": title}]}, status, headers)


async def _happen(action: str) -> None:
    word, _, argument = action.partition(":")
    if word == "slow":
        await asyncio.sleep(float(argument))
    elif word == "kill":
        os.kill(int(argument), signal.SIGKILL)
    elif word == "killsession":
        _kill_session(int(argument))


def _kill_session(session: int) -> None:
    """Its leader first: it would start others in place of those that end."""
    members = [session, *(int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit())]
    for pid in members:
        with suppress(ProcessLookupError):
            if pid == session or os.getsid(pid) == session:
                os.kill(pid, signal.SIGKILL)


async def _drain(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return


async def _drop(receive: Receive, send: Send) -> None:
    _transport(send).abort()
    while (await receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
        pass


def _transport(send: Send) -> asyncio.Transport:
    """ASGI has no word for ending a connection, so uvicorn's transport is taken from its `send`."""
    transport: asyncio.Transport | None = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("connections can only be dropped when uvicorn serves the application")
    return transport
