"""Small local servers for what the simulator does not do, and a clock that costs no time."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Time:
    """Seconds that pass only by sleeping. `also` is told how long, to move somebody else's clock."""

    def __init__(self, also: Callable[[float], None] = lambda seconds: None) -> None:
        self._now = 1000.0
        self._also = also
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> float:
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds
            self.slept.append(seconds)
        self._also(seconds)


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


@dataclass
class Odd:
    """A server that answers what it is told to; None as an answer ends the connection."""

    url: str
    asked: list[Asked]


@contextmanager
def odd_server(
    answer: Callable[[Asked], Reply | None], port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Odd]:
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            request = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            asked.append(request)
            reply = answer(request)
            if reply is None:
                self.close_connection = True
                return
            self.send_response_only(reply.status)  # Its own Date would stand beside a given one.
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        def __getattr__(self, name: str) -> Any:
            """`do_GET` and its like."""
            if name.startswith("do_"):
                return self._handle
            raise AttributeError(name)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Clients that go away are part of the tests."""

    server = Server(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Odd(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
