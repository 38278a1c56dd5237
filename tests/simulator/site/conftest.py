"""A seeded sample site, served over real HTTP, and callers of it."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from qlift.simulator.clock import Clock
from qlift.simulator.site import SITE_ADMIN, SiteSwitches, create_site_app, seed_sample
from qlift.simulator.store import Store

KEY = "0123456789abcdef"
HEADER = "hdr-usr"

Caller = Callable[[str], httpx.Client]
Serve = Callable[[FastAPI], str]


@contextmanager
def _served(app: FastAPI) -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="critical", lifespan="off", ws="none", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves an app until the test ends and gives its address."""
    running = []

    def start(app: FastAPI) -> str:
        running.append(_served(app))
        return running[-1].__enter__()

    yield start
    for server in running:
        server.__exit__(None, None, None)


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store(None)
    seed_sample(store)
    yield store
    store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock(frozen=datetime(2026, 3, 10, 12, 0, tzinfo=UTC))


@pytest.fixture
def switches() -> SiteSwitches:
    return SiteSwitches()


@pytest.fixture
def caller(store: Store, clock: Clock, serve: Serve, switches: SiteSwitches) -> Iterator[Caller]:
    """Makes a client that calls through the header proxy as a user (`DIRECTORY\\user`)."""
    address = serve(create_site_app(store, clock, "header", HEADER, switches))
    made: list[httpx.Client] = []

    def make(login: str) -> httpx.Client:
        made.append(
            httpx.Client(
                base_url=address,
                headers={HEADER: login, "X-Qlik-Xrfkey": KEY},
                params={"xrfkey": KEY},
                trust_env=False,
            )
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def admin(caller: Caller) -> httpx.Client:
    return caller(SITE_ADMIN)


@pytest.fixture
def real_data() -> Path:
    """The folder with real files, which are not part of the project."""
    default = Path(__file__).parents[3].parent / "shared" / "data"
    folder = Path(os.environ.get("QLIFT_REAL_DATA", default))
    if not (folder / "qvf").is_dir():
        pytest.skip(f"no real files: {folder} is absent (set QLIFT_REAL_DATA)")
    return folder
