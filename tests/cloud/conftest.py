"""One simulated tenant for each file of tests, as new before each test but for its content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from qlift.cloud.auth import ApiKey, Credentials, OAuthClient
from qlift.cloud.client import Client
from qlift.simulator import Fault, Simulator, Switches
from qlift.simulator.site import SampleOptions
from tests.cloud.servers import Time

KEY = "the-very-secret-key-0123456789"


@pytest.fixture(scope="module")
def _simulator() -> Iterator[Simulator]:
    with Simulator(sample=SampleOptions(apps=4, users=12)) as simulator:
        yield simulator


@pytest.fixture
def simulator(_simulator: Simulator) -> Simulator:
    for name, value in Switches(item_lag=0.0).model_dump().items():
        setattr(_simulator.switches, name, value)
    _simulator.faults.clear()
    _settle(_simulator)
    _simulator.faults.clear_requests()
    # A new window of the limits.
    _simulator.clock.advance(301)
    return _simulator


def _settle(simulator: Simulator) -> None:
    """A request is noted after its answer; all servers share one loop, so asking twice is enough."""
    for _ in range(2):
        httpx.get(f"{simulator.description['control']['url']}/control/clock")


Connect = Callable[..., Client]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A client of any address, with a clock of its own."""
    made: list[Client] = []

    def open_(
        url: str, credentials: Credentials | str = KEY, time: Time | None = None, **more: Any
    ) -> Client:
        clock = time or Time()
        used = ApiKey(SecretStr(credentials)) if isinstance(credentials, str) else credentials
        made.append(Client(url, used, now=clock.now, sleep=clock.sleep, **more))
        return made[-1]

    yield open_
    for client in made:
        client.close()


@pytest.fixture
def time(simulator: Simulator) -> Time:
    """Sleeping moves the tenant's clock too."""
    return Time(also=simulator.clock.advance)


@pytest.fixture
def client(simulator: Simulator, time: Time, connect: Connect) -> Client:
    tenant = simulator.description["tenant"]
    return connect(tenant["url"], tenant["api_key"], time)


@pytest.fixture
def oauth(simulator: Simulator, time: Time, connect: Connect) -> Client:
    tenant = simulator.description["tenant"]
    credentials = OAuthClient(tenant["client_id"], SecretStr(tenant["client_secret"]))
    return connect(tenant["url"], credentials, time)


Break = Callable[..., None]
Requests = Callable[..., list[tuple[str, int | None]]]


@pytest.fixture
def fault(simulator: Simulator) -> Break:
    def add(action: str, path: str, method: str = ".*", **more: object) -> None:
        simulator.faults.add(Fault.model_validate({"action": action, "path": path, "method": method, **more}))

    return add


@pytest.fixture
def requests(simulator: Simulator) -> Requests:
    """What arrived at the tenant: path and status of those that match."""

    def arrived(method: str, path: str = "") -> list[tuple[str, int | None]]:
        _settle(simulator)
        return [
            (r["path"], r["status"])
            for r in simulator.faults.requests()
            if r["method"] == method and path in r["path"]
        ]

    return arrived
