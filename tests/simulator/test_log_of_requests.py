"""Who has the whole answer of a request finds it in the log: tests count requests there, and others do."""

from __future__ import annotations

import asyncio

import pytest
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Message

from qlift.simulator.clock import Clock
from qlift.simulator.faults import FaultMiddleware, Faults


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Response(status_code=204), id="no content"),
        pytest.param(Response(status_code=200), id="empty"),
        pytest.param(JSONResponse({"id": "1"}), id="json"),
        pytest.param(StreamingResponse([b"ab", b"c"], headers={"content-length": "3"}), id="stream"),
        pytest.param(StreamingResponse([b"ab", b"c"]), id="stream of unknown length"),
        pytest.param(FileResponse(__file__), id="file"),
    ],
)
def test_logged_before_the_last_byte_leaves(answer: ASGIApp) -> None:
    faults = Faults(Clock())
    left = -1

    async def send(message: Message) -> None:
        nonlocal left
        if message["type"] == "http.response.start":
            unknown = b"0" if message["status"] == 204 else b"-1"
            left = int(dict(message["headers"]).get(b"content-length", unknown))
        elif left > 0:
            left -= len(message["body"])
        if left == 0 or (message["type"] == "http.response.body" and not message.get("more_body")):
            assert len(faults.requests()) == 1, message

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("the client stays and says nothing more")

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/apps/1",
        "query_string": b"",
        "headers": [],
        "extensions": {},
    }
    asyncio.run(FaultMiddleware(answer, faults, "tenant")(scope, receive, send))
    assert len(faults.requests()) == 1
