"""Load scripts over the engine's websocket (JSON-RPC 2.0): `OpenDoc` without data, then `GetScript`.

One socket an app: a session holds one open app (Qlik Engine JSON API, "Open an app").
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from qlift.bundle.redact import redact_text
from qlift.sources.qlik_sense.client import SiteClient
from qlift.sources.qlik_sense.errors import EngineError, Unreachable
from qlift.sources.qlik_sense.ways.common import LOOPBACK

CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 60.0
LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes; a script is a text that people wrote."""
_GLOBAL = -1
"""The handle of the engine itself."""


class _Connect(connect):
    """Follows no redirect: the identity is in headers of any name, and would go to another host with it."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class Engine:
    def __init__(self, client: SiteClient) -> None:
        self._client = client
        self.url = client.connection.engine_url

    def script(self, app_id: str) -> str:
        """Raises `Unreachable` when no answer comes, `EngineError` when the engine refuses this app."""
        try:
            # Not with two threads at one TLS connection, as the library's other client has it: of some 500
            # handshakes one waits in vain for its answer.
            return asyncio.run(self._script(app_id))
        except TimeoutError:
            raise Unreachable(f"the engine {self.url} does not answer in time") from None
        except (OSError, WebSocketException) as error:
            raise Unreachable(
                f"the engine {self.url} cannot be reached ({error or type(error).__name__})"
            ) from None

    async def _script(self, app_id: str) -> str:
        url = f"{self.url}/app/{quote(app_id)}"
        entrance = self._client.entrance
        secure = url.startswith("wss:")
        async with _Connect(
            url,
            ssl=entrance.tls if secure else None,
            server_hostname=self._client.site.server_name if secure else None,
            additional_headers=entrance.headers(),
            user_agent_header=None,
            # As for http: no proxy of the environment between two ends of one machine.
            proxy=None if urlsplit(url).hostname in LOOPBACK else True,
            open_timeout=CONNECT_SECONDS,
            close_timeout=1,
            max_size=LARGEST_ANSWER,
        ) as socket:
            opened = await _call(socket, 1, _GLOBAL, "OpenDoc", _open(app_id))
            answer = await _call(socket, 2, _handle(opened), "GetScript", {})
        script = answer.get("qScript")
        if not isinstance(script, str):
            raise EngineError("the engine answered something that is not a script")
        return script


def _open(app_id: str) -> dict[str, Any]:
    return {"qDocName": app_id, "qUserName": "", "qPassword": "", "qSerial": "", "qNoData": True}


def _handle(opened: dict[str, Any]) -> int:
    returned = opened.get("qReturn")
    handle = returned.get("qHandle") if isinstance(returned, dict) else None
    if not isinstance(handle, int) or handle < 0:
        raise EngineError("the engine did not open the app")
    return handle


async def _call(
    socket: ClientConnection, number: int, handle: int, method: str, params: dict[str, Any]
) -> dict[str, Any]:
    call = {"jsonrpc": "2.0", "id": number, "handle": handle, "method": method, "params": params}
    await socket.send(json.dumps(call))
    while True:
        try:
            message = json.loads(await asyncio.wait_for(socket.recv(), ANSWER_SECONDS))
        except ValueError:
            raise EngineError("the engine answered something that is not JSON") from None
        if not isinstance(message, dict):
            raise EngineError("the engine answered something that is not JSON-RPC")
        if message.get("method") == "OnAuthenticationInformation" and _must_log_in(message):
            raise Unreachable("the engine wants us to log in: it does not know the identity that was given")
        if message.get("id") != number:
            # Notifications, such as OnConnected.
            continue
        if "error" in message:
            raise EngineError(f"{method}: {_problem(message['error'])}")
        result = message.get("result")
        return result if isinstance(result, dict) else {}


def _must_log_in(message: dict[str, Any]) -> bool:
    params = message.get("params")
    return isinstance(params, dict) and bool(params.get("mustAuthenticate"))


def _problem(error: Any) -> str:
    if not isinstance(error, dict):
        return "refused"
    return redact_text(" ".join(str(error.get(k)) for k in ("code", "message", "parameter") if error.get(k)))[
        :200
    ]
