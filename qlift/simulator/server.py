"""The simulator as a process: tenant, site (two ways in) and control, each on a port of 127.0.0.1."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, Literal, Self, TypedDict

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from qlift.simulator.certificates import Certificates, certificates
from qlift.simulator.clock import Clock
from qlift.simulator.control import CLOCK, SWITCHES, create_control_app
from qlift.simulator.faults import FaultMiddleware, Faults
from qlift.simulator.site import SampleOptions, create_site_app, seed_from_bundle, seed_sample
from qlift.simulator.store import Store
from qlift.simulator.switches import Switches
from qlift.simulator.tenant import Credentials, Person, World, create_tenant_app, seed_tenant

HEADER = "hdr-usr"
HOST = "127.0.0.1"
_SERVICE_ACCOUNT = ("INTERNAL", "sa_api")
_NAMES = ("tenant", "header", "certificate", "control")
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0


class HeaderAccess(TypedDict):
    url: str
    name: str
    value: str


class CertificateAccess(TypedDict):
    url: str
    ca: str
    cert: str
    key: str
    user_directory: str
    user_id: str


class SiteAccess(TypedDict):
    header: HeaderAccess
    certificate: CertificateAccess


class TenantAccess(Credentials):
    url: str


class Control(TypedDict):
    url: str


class Description(TypedDict):
    """How to reach everything. Holds secrets; certificates are named by path, in PEM."""

    tenant: TenantAccess
    site: SiteAccess
    control: Control


class SimulatorError(Exception):
    """Why the simulator cannot start, for people."""


class Simulator:
    """`state` None: nothing is kept. Else a second start has the same content, addresses and secrets.

    `sample` and `bundle` seed an empty state; a seeded one stays as it is. Without a bundle the site is the
    generated sample, and in either case the tenant knows the site's people.
    """

    def __init__(
        self,
        state: Path | None = None,
        *,
        sample: SampleOptions | None = None,
        bundle: Path | None = None,
        https: bool = False,
        clock: Clock | None = None,
        switches: Switches | None = None,
    ) -> None:
        self.store = Store(state)
        self.clock = clock or Clock()
        if clock is None:
            self.clock.advance(float(self.store.get_setting(CLOCK) or 0.0))
        self.faults = Faults()
        kept = self.store.get_setting(SWITCHES)
        self._world = World(
            self.store, self.clock, switches or Switches.model_validate(kept if kept is not None else {})
        )
        self._https = bool(self.store.get_setting("https")) or https
        self.store.put_setting("https", self._https)
        try:
            self._credentials = self._seed(sample or SampleOptions(), bundle)
            self._certificates = certificates(self.store)
        except BaseException:
            self.store.close()
            raise
        self._sockets: dict[str, socket.socket] = {}
        self._servers: list[uvicorn.Server] = []
        self._thread: Thread | None = None

    @property
    def switches(self) -> Switches:
        """The ones in force. Setting a field takes effect with the next request."""
        return self._world.switches

    @property
    def world(self) -> World:
        """The tenant, for tests that look behind its interface."""
        return self._world

    def start(self) -> Self:
        """Serves in a thread until `stop`. Raises SimulatorError."""
        self._bind()
        self._servers = [self._server(name) for name in _NAMES]
        ready = Event()
        failure: list[BaseException] = []
        self._thread = Thread(target=self._run, args=(ready, failure), name="qlift-simulator", daemon=True)
        self._thread.start()
        if not ready.wait(_START_SECONDS) or failure:
            self.stop()
            raise SimulatorError(f"the simulator did not start: {failure[0] if failure else 'timed out'}")
        return self

    def stop(self) -> None:
        """Ends the servers and closes the state. Harmless when it is not running."""
        for server in self._servers:
            server.should_exit = True
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
            self._thread = None
        for listener in self._sockets.values():
            listener.close()
        self._sockets = {}
        self.store.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def description(self) -> Description:
        """Known once it is started."""
        scheme = "https" if self._https else "http"
        directory, user_id = _SERVICE_ACCOUNT
        return {
            "tenant": {"url": self._url("tenant", scheme), **self._credentials},
            "site": {
                "header": {
                    "url": self._url("header", scheme),
                    "name": HEADER,
                    "value": _site_admin(self.store),
                },
                "certificate": {
                    "url": self._url("certificate", "https"),
                    "ca": str(self._certificates.ca.absolute()),
                    "cert": str(self._certificates.client.absolute()),
                    "key": str(self._certificates.client_key.absolute()),
                    "user_directory": directory,
                    "user_id": user_id,
                },
            },
            "control": {"url": self._url("control", "http")},
        }

    @property
    def certificates(self) -> Certificates:
        return self._certificates

    def _seed(self, sample: SampleOptions, bundle: Path | None) -> Credentials:
        if not self.store.get_setting("seeded"):
            if bundle is None:
                seed_sample(self.store, sample)
            else:
                seed_from_bundle(self.store, bundle)
            self.store.put_setting("seeded", True)
        people, groups = people_of_site(self.store)
        return seed_tenant(self.store, people, groups, self.clock)

    def _url(self, name: str, scheme: str) -> str:
        return f"{scheme}://{HOST}:{self._sockets[name].getsockname()[1]}"

    def _bind(self) -> None:
        ports: dict[str, int] = self.store.get_setting("ports") or {}
        for name in _NAMES:
            # With the protocol named, asyncio sets TCP_NODELAY; without it each answer takes 40 ms.
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            self._sockets[name] = listener
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((HOST, ports.get(name, 0)))
            except OSError as error:
                self.stop()
                if name not in ports:
                    raise SimulatorError(f"no port for the {name}: {error}") from error
                raise SimulatorError(
                    f"port {ports[name]} of the {name} is taken: is this state's simulator running already?"
                ) from error
        self.store.put_setting("ports", {n: s.getsockname()[1] for n, s in self._sockets.items()})

    def _server(self, name: str) -> uvicorn.Server:
        secure = name == "certificate" or (self._https and name in ("tenant", "header"))
        options: dict[str, Any] = {}
        if secure:
            options["ssl_certfile"] = str(self._certificates.server)
        if name == "certificate":
            options["ssl_ca_certs"] = str(self._certificates.ca)
            options["ssl_cert_reqs"] = ssl.CERT_REQUIRED
        return uvicorn.Server(
            uvicorn.Config(
                self._app(name),
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                backlog=512,
                timeout_graceful_shutdown=2,
                **options,
            )
        )

    def _app(self, name: str) -> ASGIApp:
        if name == "control":
            return create_control_app(self._world, self.faults)
        if name == "tenant":
            return FaultMiddleware(create_tenant_app(self._world), self.faults, "tenant")
        access: Literal["header", "certificate"] = "header" if name == "header" else "certificate"
        return FaultMiddleware(_Site(self.store, self.clock, access), self.faults, "site")

    def _run(self, ready: Event, failure: list[BaseException]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:
            failure.append(error)
            ready.set()

    async def _serve(self, ready: Event) -> None:
        # One loop for all: tenant and control never see each other's half-done work.
        serving = [
            asyncio.ensure_future(server.serve(sockets=[self._sockets[name]]))
            for name, server in zip(_NAMES, self._servers, strict=True)
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


class _Site:
    """Built at its first request: that takes longer than everything else, and many tests never ask it."""

    def __init__(self, store: Store, clock: Clock, access: Literal["header", "certificate"]) -> None:
        self._store = store
        self._clock = clock
        self._access: Literal["header", "certificate"] = access
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            self._app = create_site_app(self._store, self._clock, self._access, HEADER)
        await self._app(scope, receive, send)


def people_of_site(store: Store) -> tuple[list[Person], list[str]]:
    """Everybody who can be expected in the tenant, and their groups: no service accounts, nobody who left."""
    people: list[Person] = []
    groups: set[str] = set()
    for user in store.all("site/user"):
        gone = user.get("inactive") or user.get("removedExternally")
        if user["userDirectory"] == "INTERNAL" or gone:
            continue
        values: dict[str, list[str]] = {}
        for attribute in user.get("attributes") or ():
            values.setdefault(attribute["attributeType"].lower(), []).append(attribute["attributeValue"])
        mine = values.get("group", [])
        groups.update(mine)
        people.append(
            {
                "subject": f"{user['userDirectory']}\\{user['userId']}",
                "email": next(iter(values.get("email", ())), ""),
                "name": user.get("name") or user["userId"],
                "groups": mine,
            }
        )
    return people, sorted(groups)


def _site_admin(store: Store) -> str:
    """A person with every right on the site, else the service account."""
    directory, user_id = _SERVICE_ACCOUNT
    for user in store.all("site/user"):
        if "RootAdmin" in (user.get("roles") or ()) and user["userDirectory"] != "INTERNAL":
            directory, user_id = user["userDirectory"], user["userId"]
            break
    return f"{directory}\\{user_id}"
