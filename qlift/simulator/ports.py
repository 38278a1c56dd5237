"""The simulator's HTTP servers: each on a port of 127.0.0.1, all in one thread and one event loop."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any, Literal

import uvicorn
from starlette.types import ASGIApp

from qlift.simulator.certificates import Certificates

HOST = "127.0.0.1"
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_LASTING = range(20_000, 32_000)
"""Ports that no system gives to outgoing connections, so that a later start finds them free again."""
_TRIES = 100
_BACKLOG = 512


class SimulatorError(Exception):
    """Why the simulator cannot start, for people."""


@dataclass(frozen=True)
class Endpoint:
    name: str
    app: ASGIApp
    tls: Literal["none", "server", "client"] = "none"
    """`client`: nobody comes in without a certificate of ours."""
    websockets: bool = False


def _listening(port: int) -> socket.socket:
    """Raises OSError. It listens at once: two that are only bound may have the same port."""
    # With the protocol named, asyncio sets TCP_NODELAY; without it each answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _listening_somewhere() -> socket.socket:
    for _ in range(_TRIES):
        with suppress(OSError):
            # Whatever a test has seeded, two processes do not try the same ports.
            return _listening(random.SystemRandom().choice(_LASTING))
    return _listening(0)


class Servers:
    """`ports`: those of an earlier start, by name; a new name gets a free one."""

    def __init__(
        self, endpoints: Sequence[Endpoint], certificates: Certificates, ports: Mapping[str, int]
    ) -> None:
        self._endpoints = endpoints
        self._certificates = certificates
        self._wanted = ports
        self._sockets: dict[str, socket.socket] = {}
        self._servers: list[uvicorn.Server] = []
        self._thread: Thread | None = None

    def start(self) -> None:
        """Serves until `stop`. Raises SimulatorError."""
        for endpoint in self._endpoints:
            self._bind(endpoint.name)
        self._servers = [self._server(endpoint) for endpoint in self._endpoints]
        ready = Event()
        failure: list[BaseException] = []
        self._thread = Thread(target=self._run, args=(ready, failure), name="qlift-simulator", daemon=True)
        self._thread.start()
        if not ready.wait(_START_SECONDS) or failure:
            self.stop()
            raise SimulatorError(f"the simulator did not start: {failure[0] if failure else 'timed out'}")

    def stop(self) -> None:
        """Harmless when nothing is served."""
        for server in self._servers:
            server.should_exit = True
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
            self._thread = None
        for listener in self._sockets.values():
            listener.close()
        self._sockets = {}

    @property
    def ports(self) -> dict[str, int]:
        """Known once it is started."""
        return {name: listener.getsockname()[1] for name, listener in self._sockets.items()}

    def _bind(self, name: str) -> None:
        wanted = self._wanted.get(name)
        try:
            self._sockets[name] = _listening_somewhere() if wanted is None else _listening(wanted)
        except OSError as error:
            self.stop()
            if name not in self._wanted:
                raise SimulatorError(f"no port for the {name}: {error}") from error
            raise SimulatorError(
                f"port {self._wanted[name]} of the {name} is taken: "
                "is this state's simulator running already?"
            ) from error

    def _server(self, endpoint: Endpoint) -> uvicorn.Server:
        options: dict[str, Any] = {}
        if endpoint.tls != "none":
            options["ssl_certfile"] = str(self._certificates.server)
        if endpoint.tls == "client":
            options["ssl_ca_certs"] = str(self._certificates.ca)
            options["ssl_cert_reqs"] = ssl.CERT_REQUIRED
        return uvicorn.Server(
            uvicorn.Config(
                endpoint.app,
                http="h11",
                ws="websockets-sansio" if endpoint.websockets else "none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                date_header=False,
                proxy_headers=False,
                backlog=_BACKLOG,
                timeout_graceful_shutdown=2,
                **options,
            )
        )

    def _run(self, ready: Event, failure: list[BaseException]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:
            failure.append(error)
            ready.set()

    async def _serve(self, ready: Event) -> None:
        # One loop for all: tenant and control never see each other's half-done work.
        serving = [
            asyncio.ensure_future(server.serve(sockets=[self._sockets[endpoint.name]]))
            for endpoint, server in zip(self._endpoints, self._servers, strict=True)
        ]
        while not all(server.started for server in self._servers):
            for task in serving:
                if task.done():
                    task.result()
                    raise SimulatorError("a server ended at once")
            await asyncio.sleep(0.005)
        ready.set()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*serving)
