"""A started simulator and clients of its tenant."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from qlift.simulator import Clock, Simulator
from tests.simulator.tenant.client import NOW, Json, Tenant


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(clock=Clock(NOW)) as started:
        started.switches.item_lag = 0.0
        yield started


@pytest.fixture
def tenant(simulator: Simulator) -> Iterator[Tenant]:
    """The tool's identity, by its API key."""
    client = Tenant(simulator, simulator.description["tenant"]["api_key"])
    with client.http:
        yield client


@pytest.fixture
def me(simulator: Simulator) -> str:
    return simulator.description["tenant"]["user_id"]


@pytest.fixture
def control(simulator: Simulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=simulator.description["control"]["url"]) as client:
        yield client


@pytest.fixture
def people(tenant: Tenant) -> list[Json]:
    """Active people of the sample, ordered by name."""
    found: list[Json] = tenant.get("/api/v1/users", filter='subject co "ACME"', limit=100)["data"]
    return found


@pytest.fixture
def somebody(people: list[Json]) -> str:
    return str(people[0]["id"])


@pytest.fixture
def as_person(simulator: Simulator, control: httpx.Client, people: list[Json]) -> Iterator[Tenant]:
    """A client of the first of `people`, an ordinary user."""
    key = control.post("/control/tenant/api-keys", json={"subject": people[0]["subject"]}).json()["api_key"]
    client = Tenant(simulator, key)
    with client.http:
        yield client


@pytest.fixture
def oauth(simulator: Simulator) -> Iterator[Tenant]:
    """The tool's identity, by its OAuth client with all its scopes."""
    known = simulator.description["tenant"]
    body = {"grant_type": "client_credentials"}
    body |= {"client_id": known["client_id"], "client_secret": known["client_secret"]}
    answer = httpx.post(f"{known['url']}/oauth/token", json=body)
    client = Tenant(simulator, answer.json()["access_token"])
    with client.http:
        yield client
