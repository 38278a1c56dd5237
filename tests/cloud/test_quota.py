"""The limiter against the simulated tenant's documented tiers, on a clock that moves only when all wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from pydantic import SecretStr

from qlift.cloud.auth import ApiKey
from qlift.cloud.client import Client
from qlift.simulator import Clock, Simulator

FLOOR_SECONDS = 600
"""Of 1,500 writes at 500 in five minutes: at 0, 300 and 600 seconds."""


class TimeOfAll:
    """Advances the simulator's clock to the next waking, once all the threads that take part sleep."""

    def __init__(self, clock: Clock, threads: int) -> None:
        self._clock, self._threads = clock, threads
        self._changed = threading.Condition()
        self._wakings: dict[int, float] = {}

    def now(self) -> float:
        return self._clock.now().timestamp()

    def sleep(self, seconds: float) -> None:
        me = threading.get_ident()
        with self._changed:
            waking = self.now() + seconds
            self._wakings[me] = waking
            while self.now() < waking:
                if len(self._wakings) == self._threads:
                    self._clock.advance(max(0.0, min(self._wakings.values()) - self.now()))
                    self._changed.notify_all()
                    if waking == min(self._wakings.values()):
                        continue
                self._changed.wait()
            del self._wakings[me]

    def leave(self) -> None:
        with self._changed:
            self._threads -= 1
            if self._wakings and len(self._wakings) == self._threads:
                self._clock.advance(max(0.0, min(self._wakings.values()) - self.now()))
            self._changed.notify_all()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as started:
        yield started


Connect = Callable[..., Client]


@pytest.fixture
def connect(simulator: Simulator) -> Iterator[Connect]:
    tenant = simulator.description["tenant"]
    key = ApiKey(SecretStr(tenant["api_key"]))
    with ExitStack() as opened:

        def one(time: TimeOfAll, share: float = 1.0) -> Client:
            client = Client(tenant["url"], key, share=share, now=time.now, sleep=time.sleep)
            opened.callback(client.close)
            return client

        yield one


def writes(client: Client, count: int) -> None:
    """Of some space's description: cheap, and like any other of the tier."""
    space = client.post("/api/v1/spaces", subject="space", json={"name": str(id(client)), "type": "shared"})
    for number in range(count - 1):
        patch = [{"op": "replace", "path": "/description", "value": str(number)}]
        client.patch(f"/api/v1/spaces/{space.data['id']}", subject="space", json=patch)


def took(time: TimeOfAll, *jobs: Callable[[], None]) -> list[float]:
    """Seconds until each job was done."""
    began = time.now()

    def run(job: Callable[[], None]) -> float:
        try:
            job()
            return time.now() - began
        finally:
            time.leave()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def refused(simulator: Simulator) -> int:
    return sum(r["status"] == 429 for r in simulator.faults.requests())


def test_1500_writes_use_the_bursts_and_meet_no_429(simulator: Simulator, connect: Connect) -> None:
    time = TimeOfAll(simulator.clock, threads=1)
    client = connect(time)
    [seconds] = took(time, lambda: writes(client, 1500))
    assert refused(simulator) == 0
    assert FLOOR_SECONDS <= seconds <= FLOOR_SECONDS * 1.05


def test_two_phases_that_share_the_quota_meet_no_429_and_end_together(
    simulator: Simulator, connect: Connect
) -> None:
    time = TimeOfAll(simulator.clock, threads=2)
    clients = [connect(time, share=0.5) for _ in range(2)]
    seconds = took(time, *(lambda c=c: writes(c, 750) for c in clients))
    assert refused(simulator) == 0
    assert all(FLOOR_SECONDS <= s <= FLOOR_SECONDS * 1.05 for s in seconds)


def test_two_phases_that_do_not_share_it_both_end_and_none_starves(
    simulator: Simulator, connect: Connect
) -> None:
    """Each believes that it has the whole quota: 429s tell them otherwise, and both go slower."""
    time = TimeOfAll(simulator.clock, threads=2)
    clients = [connect(time) for _ in range(2)]
    seconds = took(time, *(lambda c=c: writes(c, 750) for c in clients))
    assert refused(simulator) > 0
    assert max(seconds) <= FLOOR_SECONDS * 2
    assert max(seconds) - min(seconds) <= FLOOR_SECONDS / 2


@pytest.mark.parametrize("window", [60, 300, 600, 3600])
def test_retry_after_of_any_length_is_honoured(simulator: Simulator, connect: Connect, window: int) -> None:
    time = TimeOfAll(simulator.clock, threads=1)
    client = connect(time)
    simulator.world.switches.tier2_per_minute = 2
    simulator.world.switches.limit_window_seconds = window
    allowed = 2 * window // 60
    [seconds] = took(time, lambda: writes(client, allowed + 1))
    assert window - 1 <= seconds <= window + 60
    assert refused(simulator) == 1
