from __future__ import annotations

import io
import os
import tracemalloc
from collections.abc import Callable
from typing import BinaryIO

import pytest

from qlift.cloud.client import Client
from qlift.cloud.errors import Failed, Refused
from qlift.cloud.uploads import ATTEMPTS, STARTS, TTL_SECONDS, upload_file
from qlift.simulator import Simulator
from qlift.simulator.tenant.world import TEMP
from tests.cloud.conftest import Break, Connect, Requests
from tests.cloud.servers import Asked, Reply, Time, odd_server

CHUNK = 10_000
SIZE = 35_000
CONTENT = os.urandom(SIZE)
FILES = "/temp-contents/files"

Arrived = Callable[[str], bytes]


@pytest.fixture
def arrived(simulator: Simulator) -> Arrived:
    """The bytes that the tenant holds under a file id."""

    def read(file_id: str) -> bytes:
        upload = simulator.store.get(TEMP, file_id)
        assert upload is not None
        assert upload["blob"] is not None
        return simulator.store.blob_path(upload["blob"]).read_bytes()

    return read


def _upload(client: Client, content: bytes = CONTENT, size: int | None = None) -> str:
    length = len(content) if size is None else size
    opened = lambda: io.BytesIO(content)  # noqa: E731
    return upload_file(client, opened, length, "sales app.qvf", subject='app "Sales"', chunk=CHUNK)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, SIZE])
@pytest.mark.parametrize("location", ["absolute", "path"])
def test_what_arrives_is_what_was_sent(
    client: Client, simulator: Simulator, arrived: Arrived, requests: Requests, size: int, location: str
) -> None:
    simulator.switches.location = location  # type: ignore[assignment]
    assert arrived(_upload(client, CONTENT[:size])) == CONTENT[:size]
    assert len(requests("PATCH", FILES)) == -(-size // CHUNK)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("action", ["drop", "html", "status:503", "status:423", "status:409"])
@pytest.mark.parametrize("nth", [1, 3, 4])
def test_a_broken_upload_goes_on_where_the_tenant_has_it(
    client: Client, arrived: Arrived, fault: Break, requests: Requests, when: str, action: str, nth: int
) -> None:
    fault(action, FILES, "PATCH", nth=nth, when=when)
    assert arrived(_upload(client)) == CONTENT
    assert len(requests("POST", FILES)) == 1
    # Nothing that the tenant has is sent again: an answer that was lost costs no chunk.
    assert len(requests("PATCH", FILES)) == (4 if when == "after" else 5)


@pytest.mark.parametrize("action", ["drop", "html", "status:503", "status:429"])
def test_the_start_of_an_upload_is_repeated(
    client: Client, arrived: Arrived, fault: Break, action: str
) -> None:
    fault(action, FILES, "POST", times=2, when="after")
    assert arrived(_upload(client)) == CONTENT


def test_limits_are_waited_for(client: Client, arrived: Arrived, fault: Break, time: Time) -> None:
    fault("status:429", FILES, "PATCH", nth=2, times=2)
    assert arrived(_upload(client)) == CONTENT
    assert sum(time.slept) >= 2


def test_an_upload_that_expired_starts_again(client: Client, simulator: Simulator, arrived: Arrived) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() == 2 * CHUNK and len(opened) == 1:
                simulator.clock.advance(TTL_SECONDS + 1)
            return super().read(size)

    opened: list[BinaryIO] = []

    def open_file() -> BinaryIO:
        opened.append(Slow(CONTENT))
        return opened[-1]

    file_id = upload_file(client, open_file, SIZE, "a.qvf", subject="app", chunk=CHUNK)
    assert arrived(file_id) == CONTENT
    assert len(opened) == 2
    assert all(file.closed for file in opened)


def test_a_tenant_that_cannot_say_how_far_it_is(
    client: Client, arrived: Arrived, fault: Break, requests: Requests
) -> None:
    fault("drop", FILES, "PATCH", nth=2)
    fault("status:405", FILES, "HEAD")
    assert arrived(_upload(client)) == CONTENT
    assert len(requests("POST", FILES)) == 2


def test_a_tenant_that_loses_every_upload(client: Client, fault: Break, requests: Requests) -> None:
    fault("status:410", FILES, "PATCH", times=100)
    with pytest.raises(Failed, match=f"{STARTS} times"):
        _upload(client)
    assert len(requests("POST", FILES)) == STARTS


def test_an_upload_without_progress_ends(
    client: Client, fault: Break, requests: Requests, time: Time
) -> None:
    fault("status:423", FILES, "PATCH", nth=2, times=1000)
    with pytest.raises(Refused):
        _upload(client)
    assert len(requests("PATCH", FILES)) == 1 + ATTEMPTS
    assert sum(time.slept) < 120


@pytest.mark.parametrize("size", [SIZE + 1, SIZE + CHUNK, SIZE - 1, SIZE - CHUNK])
def test_a_file_of_another_size_is_refused(client: Client, size: int) -> None:
    with pytest.raises(Failed, match="export it again"):
        _upload(client, CONTENT, size)


def test_a_file_too_large_for_the_tenant_says_so(client: Client, fault: Break) -> None:
    fault("status:413", FILES, "POST")
    with pytest.raises(Refused, match=r'app "Sales": .*quota'):
        _upload(client)


def test_a_location_elsewhere_gets_nothing(connect: Connect) -> None:
    with odd_server(lambda asked: Reply(204, b"")) as elsewhere:

        def answer(asked: Asked) -> Reply:
            return Reply(201, b"", {"Location": f"{elsewhere.url}/upload/1"})

        with odd_server(answer) as server, pytest.raises(Failed, match="another address"):
            _upload(connect(server.url))
        assert elsewhere.asked == []


class _Zeros(io.RawIOBase):
    """As many zeros as wanted, without holding them."""

    def __init__(self, size: int) -> None:
        self._size, self._at = size, 0

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset if whence == 0 else self._size + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        length = min(size, self._size - self._at)
        self._at += length
        return bytes(length)


def test_memory_does_not_grow_with_the_file(client: Client, simulator: Simulator) -> None:
    size = 150_000_000
    tracemalloc.start()
    try:
        file_id = upload_file(client, lambda: _Zeros(size), size, "a.qvf", subject="app")  # type: ignore[arg-type, return-value]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    upload = simulator.store.get(TEMP, file_id)
    assert upload is not None
    assert simulator.store.blob_path(upload["blob"]).stat().st_size == size
    # The tenant's own memory is counted too: it is in this process.
    assert peak < 64_000_000
