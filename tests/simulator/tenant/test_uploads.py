"""Temporary contents, simple and resumable."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from threading import Event, Thread

import httpx

from qlift.simulator import Simulator
from tests.simulator.tenant.client import Tenant, app_file

TEMP = "/api/v1/temp-contents"
TUS = {"Tus-Resumable": "1.0.0"}
SEND = {**TUS, "Content-Type": "application/offset+octet-stream"}


def _metadata(**values: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def _start(tenant: Tenant, length: int, **metadata: str) -> httpx.Response:
    headers = {"Upload-Length": str(length), "Upload-Metadata": _metadata(filename="app.qvf", **metadata)}
    return tenant.http.post(f"{TEMP}/files", headers={**TUS, **headers})


def _send(tenant: Tenant, url: str, offset: int, content: bytes, **headers: str) -> httpx.Response:
    return tenant.http.patch(url, content=content, headers={**SEND, "Upload-Offset": str(offset), **headers})


def test_simple_upload_and_import_from_it(simulator: Simulator, tenant: Tenant) -> None:
    content = app_file("Uploaded")
    answer = tenant.http.post(TEMP, params={"filename": "app.qvf", "ttl": 60}, content=content)
    assert (answer.status_code, answer.content) == (201, b"")
    location = answer.headers["location"]
    got = tenant.http.get(location)
    assert (got.content, got.headers["content-type"]) == (content, "application/octet-stream")
    assert "attachment" in got.headers["content-disposition"]
    part = tenant.http.get(location, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, content[:4])
    assert tenant.http.get(location, headers={"Range": "bytes=9999-"}).status_code == 416
    id_ = location.rpartition("/")[2]
    details = tenant.get(f"{TEMP}/{id_}/details")
    assert (details["ID"], details["Name"], details["Size"]) == (id_, "app.qvf", str(len(content)))
    made = tenant.post("/api/v1/apps/import", expect=200, fileId=id_)
    assert made["attributes"]["name"] == "Uploaded"
    simulator.clock.advance(60)
    assert tenant.http.get(location).status_code == 410
    assert tenant.status("POST", "/api/v1/apps/import", fileId=id_) == 404


def test_simple_upload_refusals(tenant: Tenant) -> None:
    assert tenant.http.post(TEMP, content=b"x").status_code == 400
    assert tenant.http.post(TEMP, params={"filename": "x", "ttl": 259_201}, content=b"x").status_code == 400


def test_resumable_upload_in_pieces(tenant: Tenant) -> None:
    content = app_file("Resumed") + bytes(3000)
    started = _start(tenant, len(content), ttl="120")
    url = started.headers["location"]
    assert (started.status_code, started.headers["tus-resumable"]) == (201, "1.0.0")
    assert url.startswith(f"{tenant.url}{TEMP}/files/")
    id_ = url.rpartition("/")[2]
    assert _send(tenant, url, 0, content[:1000]).status_code == 204
    assert tenant.http.get(f"{TEMP}/{id_}").status_code == 204, "incomplete"
    assert tenant.http.get(f"{TEMP}/{id_}/details").status_code == 204
    assert tenant.status("POST", "/api/v1/apps/import", fileId=id_) == 404
    head = tenant.http.head(url, headers=TUS)
    assert (head.headers["upload-offset"], head.headers["upload-length"]) == ("1000", str(len(content)))
    last = _send(tenant, url, 1000, content[1000:])
    assert (last.status_code, last.headers["upload-offset"]) == (204, str(len(content)))
    assert tenant.http.get(f"{TEMP}/{id_}").content == content
    assert tenant.post("/api/v1/apps/import", expect=200, fileId=id_)["attributes"]["name"] == "Resumed"


def test_resumable_upload_refusals(simulator: Simulator, tenant: Tenant) -> None:
    url = _start(tenant, 10, ttl="60").headers["location"]
    assert tenant.http.post(f"{TEMP}/files", headers={"Upload-Length": "1"}).status_code == 412
    assert tenant.http.post(f"{TEMP}/files", headers={**TUS, "Upload-Length": "x"}).status_code == 400
    assert _start(tenant, 2**41).status_code == 413
    assert _start(tenant, 1, ttl="0").status_code == 400
    assert _send(tenant, url, 5, b"x").status_code == 409
    assert _send(tenant, url, 0, b"x", **{"Content-Type": "application/json"}).status_code == 415
    assert _send(tenant, url, 0, b"x", **{"Tus-Resumable": "0.2"}).status_code == 412
    assert _send(tenant, url, 0, b"x" * 11).status_code == 400
    assert _send(tenant, f"{TEMP}/files/none", 0, b"x").status_code == 404
    simulator.clock.advance(60)
    assert _send(tenant, url, 0, b"x").status_code == 410
    assert tenant.http.head(url, headers=TUS).status_code == 410


def test_an_upload_that_is_being_written_is_locked(tenant: Tenant) -> None:
    url = _start(tenant, 10).headers["location"]
    go_on = Event()

    def pieces() -> Iterator[bytes]:
        yield b"12345"
        go_on.wait(10)
        yield b"67890"

    def upload() -> None:
        token = tenant.http.headers["Authorization"]
        headers = {**SEND, "Upload-Offset": "0", "Authorization": token}
        httpx.patch(url, content=pieces(), headers=headers)

    other = Thread(target=upload)
    other.start()
    while tenant.http.head(url, headers=TUS).headers["upload-offset"] != "5":
        pass
    assert _send(tenant, url, 5, b"x").status_code == 423
    go_on.set()
    other.join()
    assert tenant.http.head(url, headers=TUS).headers["upload-offset"] == "10"


def test_uploads_are_their_creators(tenant: Tenant, as_person: Tenant) -> None:
    location = tenant.http.post(TEMP, params={"filename": "a"}, content=b"x").headers["location"]
    assert as_person.http.get(location).status_code == 404


def test_the_location_may_be_a_path(simulator: Simulator, tenant: Tenant) -> None:
    simulator.switches.location = "path"
    assert _start(tenant, 1).headers["location"].startswith(f"{TEMP}/files/")
