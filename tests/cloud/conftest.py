"""One simulated tenant for each file of tests, as new before each test but for its content."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pydantic import SecretStr

from qlift.cloud.auth import ApiKey, OAuthClient
from qlift.cloud.client import Client
from qlift.simulator import Fault, Simulator, Switches
from qlift.simulator.site import SampleOptions
from tests.cloud.servers import Time


@pytest.fixture(scope="module")
def _simulator() -> Iterator[Simulator]:
    with Simulator(sample=SampleOptions(apps=4, users=12)) as simulator:
        yield simulator


@pytest.fixture
def simulator(_simulator: Simulator) -> Simulator:
    for name, value in Switches(item_lag=0.0).model_dump().items():
        setattr(_simulator.switches, name, value)
    _simulator.faults.clear()
    _simulator.faults.clear_requests()
    # A new window of the limits.
    _simulator.clock.advance(301)
    return _simulator


@pytest.fixture
def time(simulator: Simulator) -> Time:
    """Sleeping moves the tenant's clock too."""
    return Time(also=simulator.clock.advance)


@pytest.fixture
def client(simulator: Simulator, time: Time) -> Iterator[Client]:
    tenant = simulator.description["tenant"]
    made = Client(tenant["url"], ApiKey(SecretStr(tenant["api_key"])), now=time.now, sleep=time.sleep)
    yield made
    made.close()


@pytest.fixture
def oauth(simulator: Simulator, time: Time) -> Iterator[Client]:
    tenant = simulator.description["tenant"]
    credentials = OAuthClient(tenant["client_id"], SecretStr(tenant["client_secret"]))
    made = Client(tenant["url"], credentials, now=time.now, sleep=time.sleep)
    yield made
    made.close()


Break = Callable[..., None]


@pytest.fixture
def fault(simulator: Simulator) -> Break:
    def add(action: str, path: str, method: str = ".*", **more: object) -> None:
        simulator.faults.add(Fault.model_validate({"action": action, "path": path, "method": method, **more}))

    return add


@pytest.fixture
def requests(simulator: Simulator) -> Callable[..., list[tuple[str, int | None]]]:
    """What arrived at the tenant: path and status of those that match."""

    def arrived(method: str, path: str = "") -> list[tuple[str, int | None]]:
        return [
            (r["path"], r["status"])
            for r in simulator.faults.requests()
            if r["method"] == method and path in r["path"]
        ]

    return arrived
