"""Two phases give apps of one space to one person, in every order that their requests can take.

Owning an app raises its owner's role in the space. A phase knows its own plan only, so what the other one's
write has raised for a moment must not look like a role that the person had.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import combinations

import httpx
import pytest
from pydantic import SecretStr

from qlift.cloud.apps import ELEVATION, change_app_owner, find_app
from qlift.cloud.auth import ApiKey
from qlift.cloud.client import Client
from qlift.cloud.index import Index
from qlift.cloud.tenant import Tenant
from qlift.simulator import Simulator, Switches
from tests.crash_matrix.compact import SAMPLE
from tests.support.people_first import JANE, Tenancy

MOST = 4
"""Requests of one change of owner: it looks, changes, looks, puts back."""
TIMEOUT = 10
NAME = str.maketrans("", "", "[]'")
ORDERS = [
    [n in first for n in range(2 * MOST)] for first in combinations(range(2 * MOST), MOST) if 0 in first
]
"""Both do the same, so it does not matter which of them begins."""


class Turns:
    """Lets the requests of two processes through one by one. `order`: whether it is the first one's turn."""

    def __init__(self, order: Sequence[bool]) -> None:
        self._order = list(order)
        self._done: set[bool] = set()
        self._changed = threading.Condition()

    def wait_for(self, who: bool) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._next() == who, TIMEOUT)

    def over(self) -> None:
        with self._changed:
            self._order.pop(0)
            self._changed.notify_all()

    def done(self, who: bool) -> None:
        with self._changed:
            self._done.add(who)
            self._changed.notify_all()

    def _next(self) -> bool:
        while self._order[0] in self._done:
            self._order.pop(0)
        return self._order[0]


class Giver:
    """A process of a phase that gives an app away."""

    def __init__(self, url: str, key: str, app: str) -> None:
        client = Client(url, ApiKey(SecretStr(key)))
        self.http: httpx.Client = client._http
        self.app = app
        self._tenant = Tenant(client, Index(client))
        # Lists that a run has read long before.
        self._tenant.index.space("")
        self._live = find_app(self._tenant, app, app)

    def give(self, owner: str, turns: Turns, who: bool) -> None:
        assert self._live is not None
        self.http.event_hooks = {
            "request": [lambda _: turns.wait_for(who)],
            "response": [lambda _: turns.over()],
        }
        try:
            change_app_owner(self._tenant, self._live, owner, (), self.app)
        finally:
            turns.done(who)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(sample=SAMPLE, switches=Switches(rate_limits=False, item_lag=0)) as started:
        yield started


@pytest.mark.parametrize("had", [[], ["consumer"], ["producer"]], ids=" ".join)
def test_the_owner_has_the_roles_of_before(simulator: Simulator, had: list[str]) -> None:
    url, key = (simulator.description["tenant"][k] for k in ("url", "api_key"))
    people = Tenancy(url, key)
    jane, me = people.user(JANE), people.api("GET", "/api/v1/users/me")["id"]
    space = people.space(f"Of another phase {had}".translate(NAME), "shared", "")
    assert ELEVATION["shared"] == ("producer",)
    if had:
        people.assign(space, "user", jane, *had)
    givers = [Giver(url, key, people.app(f"{n}", space, "")) for n in range(2)]
    roles = f"/api/v1/spaces/{space}/assignments"
    wrong = []
    admin = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"})
    with ThreadPoolExecutor(2) as both, admin, closing(givers[0].http), closing(givers[1].http):
        for order in ORDERS:
            turns = Turns(order)
            running = [both.submit(g.give, jane, turns, n == 0) for n, g in enumerate(givers)]
            for one in running:
                one.result(TIMEOUT)
            left = admin.get(roles, params={"assigneeId": jane}).raise_for_status().json()["data"]
            if [a["roles"] for a in left] != ([had] if had else []):
                wrong.append("".join("BA"[turn] for turn in order))
                for found in left:
                    admin.delete(f"{roles}/{found['id']}").raise_for_status()
            for giver in givers:
                admin.put(f"/api/v1/apps/{giver.app}/owner", json={"ownerId": me}).raise_for_status()
    assert not wrong
