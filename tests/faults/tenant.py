"""A tenant in this process that is put back to its beginning for each case."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import datetime
import functools
import shutil
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

import providers.base
import providers.delete_guard
import providers.session
from providers.claims import Claims
from qlift.bundle import BlobStore
from qlift.cloud.auth import OAuthClient
from qlift.cloud.client import Client
from qlift.cloud.index import Index
from qlift.cloud.log import FOLDER, RequestLog
from qlift.cloud.tenant import Tenant
from qlift.simulator import Clock, Store, Switches, qvf
from qlift.simulator.faults import Fault, FaultMiddleware, Faults
from qlift.simulator.tenant import Person, World, create_tenant_app, end_access_tokens, seed_tenant
from tests.support.in_memory import Exchange, InMemory

URL = "http://127.0.0.1:1"
PEOPLE = ("ann", "ben", "cleo")
"""Whom plans name."""
OTHERS = ("olga", "otto")
"""Who work in the tenant beside us."""
GROUP = "Finance"
BEGIN = datetime.datetime(2026, 11, 25, 8, tzinfo=datetime.UTC)
BETWEEN_REQUESTS = 0.05
"""Seconds."""
PRIVATE = {"sheet-private": "ben", "sheet-community": "cleo"}
"""Objects of the app file with people's own content, and whose they are."""


def subject(name: str) -> str:
    return f"ACME\\{name}"


class Killed(BaseException):
    """The engine, its program and its providers are gone, as with the machine."""


@dataclass(frozen=True)
class Kill:
    """At a write, counted from 1: before the tenant committed it, or after it did."""

    write: int
    after: bool


class FaultyTenant:
    """`skew`: how far the client's clock is ahead of the tenant's, in seconds, and its pace."""

    def __init__(self) -> None:
        self.world = World(Store(None), Clock(BEGIN), Switches())
        people: list[Person] = [
            {"subject": subject(n), "email": f"{n}@acme.example", "name": n, "groups": [GROUP]}
            for n in (*PEOPLE, *OTHERS)
        ]
        self._credentials = seed_tenant(self.world.store, people, [GROUP], self.world.clock)
        self.faults = Faults(self.world.clock)
        self._app = create_tenant_app(self.world)
        served = FaultMiddleware(self._app, self.faults, "tenant", lambda: end_access_tokens(self.world))
        self._loop = asyncio.new_event_loop()
        self._transport = InMemory(served, self._loop, before=self._before, after=self._done)
        self._begin = copy.deepcopy(self._documents())
        self.files = BlobStore("memory://qlift-faults")
        self._folder = tempfile.TemporaryDirectory(prefix="qlift-faults-")
        self.root = Path(self._folder.name)
        """The project's folder: logs are in it."""
        self.requests: list[tuple[str, str]] = []
        """Methods and paths, since somebody cleared them."""
        self.reset(Switches())

    def close(self) -> None:
        self._loop.close()
        self._folder.cleanup()
        self.world.store.close()

    def reset(self, switches: Switches, *, skew: tuple[float, float] = (0.0, 1.0), lag: float = 20.0) -> None:
        store = self.world.store
        kinds, settings = copy.deepcopy(self._begin)
        store._kinds, store._settings, store._indexes = kinds, settings, {}
        self.world.clock, self.world.switches = Clock(BEGIN), switches
        self._app.state.limits._windows.clear()
        self.disturb((), None)
        self.requests.clear()
        self.log: Path | None = None
        shutil.rmtree(self.root / FOLDER, ignore_errors=True)
        self.problems: list[str] = []
        """What no client may do. Not raised: a provider would make words of it."""
        self._skew, self._lag = skew, lag

    def begin(self) -> None:
        """A new provider process."""
        self._silent_until: dict[str, float] = {}
        """By tier: nothing may be asked after a 429, until its `Retry-After` is over."""
        client = Client(
            URL,
            OAuthClient(self._credentials["client_id"], SecretStr(self._credentials["client_secret"])),
            verify=_no_tls(),
            now=self._now,
            sleep=self._sleep,
            log=RequestLog(self.log, self.root),
        )
        client._http = httpx.Client(base_url=client.url, transport=self._transport)
        tenant = Tenant(client, Index(client), self._lag)
        providers.session._session = providers.session.Session(tenant, lambda: (self.files,), self.root)
        providers.base.claims = claims = Claims()
        vars(providers.delete_guard)["claims"] = claims

    def app_file(self, title: str, version: int, peoples: bool) -> tuple[str, int]:
        """Hash and size. The version shows in a public object; `peoples`: it holds people's own ones too."""
        listed = [{"engineObjectId": "sheet-public", "published": True, "approved": True, "content": version}]
        if peoples:
            listed += [
                {"engineObjectId": "sheet-private", "content": 0},
                {"engineObjectId": "sheet-community", "published": True, "content": 0},
            ]
        content = qvf.encode({"qTitle": f"{title} {version}", "simulatorObjects": listed})
        return self.files.put([content])

    def copy_of_ids(self) -> list[tuple[str, str]]:
        """Kind and id of every document."""
        kinds = self.world.store._kinds
        return [(kind, id_) for kind, documents in kinds.items() for id_ in documents]

    def _documents(self) -> tuple[Any, Any]:
        return self.world.store._kinds, self.world.store._settings

    def _before(self, request: httpx.Request) -> None:
        self.requests.append((request.method, request.url.path))
        self.world.clock.advance(BETWEEN_REQUESTS)
        early = self._silent_until.get(self._tier(request), 0.0) - self.world.seconds()
        if early > 0:
            what = f"{request.method} {request.url.path}"
            self.problems.append(f"{what} came {early:.0f} s before the limit was over")
        if self._changes(request):
            self._writes += 1
            if self._kill == Kill(self._writes, after=False):
                raise Killed

    def _done(self, request: httpx.Request, exchange: Exchange) -> None:
        if exchange.status == httpx.codes.TOO_MANY_REQUESTS:
            told = dict(exchange.headers).get(b"retry-after", b"1")
            # The client's clock may be some percent fast.
            self._silent_until[self._tier(request)] = self.world.seconds() + float(told) * 0.95
        if self._changes(request) and self._kill == Kill(self._writes, after=True):
            raise Killed

    @staticmethod
    def _tier(request: httpx.Request) -> str:
        if "temp-contents" in request.url.path and request.method != "HEAD":
            return "uploads"
        return "reads" if request.method in ("GET", "HEAD") else "writes"

    @staticmethod
    def _changes(request: httpx.Request) -> bool:
        return request.method not in ("GET", "HEAD") and not request.url.path.startswith("/oauth")

    def disturb(self, faults: tuple[Fault, ...], kill: Kill | None) -> None:
        """From now on, in place of what was set before."""
        self.faults.clear()
        for fault in faults:
            self.faults.add(fault)
        self._kill, self._writes = kill, 0

    @contextlib.contextmanager
    def disturbed(self, *faults: Fault, kill: Kill | None = None) -> Iterator[None]:
        """While something runs, which the kill may end."""
        self.disturb(faults, kill)
        try:
            yield
        finally:
            self.disturb((), None)

    def _now(self) -> float:
        ahead, pace = self._skew
        return self.world.clock.offset * pace + ahead + BEGIN.timestamp()

    def _sleep(self, seconds: float) -> None:
        self.world.clock.advance(seconds / self._skew[1])


@functools.cache
def _no_tls() -> ssl.SSLContext:
    """Made once: reading the authorities' certificates takes longer than a whole run."""
    return ssl.create_default_context()
