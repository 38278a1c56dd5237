"""App files leave the site once, to who asked, with the objects of the scope."""

from __future__ import annotations

import hashlib
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from qlift.simulator import qvf
from qlift.simulator.sample import SampleOptions, people
from qlift.simulator.site import appfile, changes, seed_real_qvf
from qlift.simulator.site.kinds import APP, APP_OBJECT, Document
from qlift.simulator.store import Store

Caller = Callable[[str], httpx.Client]
TOKEN = "060dcbca-4782-4f99-a7c4-767190e85355"
PEOPLE = people(SampleOptions())


def _app(store: Store, name: str) -> Document:
    return next(item for item in store.all(APP.stored) if item["name"] == name)


def _ask(client: httpx.Client, app: Document, **query: str) -> httpx.Response:
    return client.post(f"/qrs/app/{app['id']}/export/{TOKEN}", params=query)


def _url(client: httpx.Client, path: str) -> str:
    """As clients must: the path as it is, the key added with `&`."""
    return f"{str(client.base_url).rstrip('/')}{path}&xrfkey={client.params['xrfkey']}"


def _download(client: httpx.Client, path: str) -> httpx.Response:
    # Not by the client itself: its own parameters would replace those of the path.
    return httpx.get(_url(client, path), headers=client.headers, trust_env=False)


def _export(client: httpx.Client, app: Document, **query: str) -> bytes:
    asked = _ask(client, app, **query)
    assert asked.status_code == 201, asked.text
    answer = asked.json()
    assert answer["exportToken"] == TOKEN
    assert answer["appId"] == app["id"]
    got = _download(client, answer["downloadPath"])
    assert got.status_code == 200, got.text
    return got.content


def _objects(content: bytes) -> list[dict[str, Any]]:
    header = qvf.read_header(content)
    assert header is not None
    found: list[dict[str, Any]] = header["simulatorObjects"]
    return found


def test_everything_leaves_byte_for_byte(store: Store, admin: httpx.Client) -> None:
    for app in store.all(APP.stored):
        content = _export(admin, app, exportScope="all", skipData="false")
        assert content == b"".join(appfile.body(store, app).chunks())
        assert len(content) == app["fileSize"]


@pytest.mark.parametrize(
    ("scope", "states"),
    [
        ("approved", {(True, True)}),
        ("published", {(True, True), (True, False)}),
        ("all", {(True, True), (True, False), (False, False)}),
        (None, {(True, True)}),
    ],
)
def test_the_scope_decides_which_objects_travel(
    store: Store, admin: httpx.Client, scope: str | None, states: set[tuple[bool, bool]]
) -> None:
    app = _app(store, "General Ledger")
    found = _objects(_export(admin, app, **({} if scope is None else {"exportScope": scope})))
    expected = {
        item["engineObjectId"]
        for item in store.all(APP_OBJECT.stored)
        if item["app"]["id"] == app["id"] and (item["published"], item["approved"]) in states
    }
    assert {item["engineObjectId"] for item in found} == expected
    assert {(item["published"], item["approved"]) for item in found} == states


def test_a_personal_app_leaves_whole_in_every_scope(store: Store, admin: httpx.Client) -> None:
    app = _app(store, "Payroll Experiments")
    assert len(_objects(_export(admin, app, exportScope="approved"))) > 5


@pytest.mark.parametrize("word", ["true", "True"])
def test_without_data_the_file_is_smaller(store: Store, admin: httpx.Client, word: str) -> None:
    app = _app(store, "General Ledger")
    content = _export(admin, app, exportScope="all", skipData=word)
    assert len(content) < app["fileSize"] / 4
    assert _objects(content) == _objects(_export(admin, app, exportScope="all", skipData="False"))


def test_a_file_can_be_fetched_once(store: Store, admin: httpx.Client) -> None:
    path = _ask(admin, _app(store, "General Ledger")).json()["downloadPath"]
    assert _download(admin, path).status_code == 200
    assert _download(admin, path).status_code == 404


def test_a_file_is_for_who_asked_and_lies_on_its_node(
    store: Store, caller: Caller, admin: httpx.Client
) -> None:
    path = _ask(admin, _app(store, "Company KPIs")).json()["downloadPath"]
    assert _download(caller("INTERNAL\\sa_api"), path).status_code == 403
    without_node = path.split("?")[0] + "?"
    assert _download(admin, without_node).status_code == 404
    assert _download(admin, path).status_code == 200


def test_who_may_not_export_is_refused(store: Store, caller: Caller) -> None:
    reader = caller(PEOPLE[8].login)
    assert _ask(reader, _app(store, "Company KPIs")).status_code == 403
    owner = caller(PEOPLE[1].login)
    assert _ask(owner, _app(store, "General Ledger")).status_code == 201


def test_an_unknown_scope_or_app_is_refused(store: Store, admin: httpx.Client) -> None:
    assert _ask(admin, _app(store, "General Ledger"), exportScope="some").status_code == 400
    assert _ask(admin, {"id": "00000000-0000-0000-0000-000000000001"}).status_code == 404


def test_a_file_of_some_size_streams(store: Store, admin: httpx.Client) -> None:
    app = _app(store, "General Ledger")
    changes.resize_file(store, app["id"], 200_000_000)
    path = _ask(admin, app, exportScope="all").json()["downloadPath"]
    before = _resident()
    with httpx.stream("GET", _url(admin, path), headers=admin.headers, trust_env=False) as answer:
        assert answer.headers["content-length"] == "200000000"
        assert sum(len(chunk) for chunk in answer.iter_bytes()) == 200_000_000
    assert _resident() - before < 50_000_000
    assert sum(file.stat().st_size for file in store.folder.iterdir()) < 1_000_000


def _resident() -> int:
    """Peak memory of this process, where the simulator runs too, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_an_uploaded_app_can_be_published_and_leaves_as_it_came(store: Store, admin: httpx.Client) -> None:
    header = {"qTitle": "Loaded", "simulatorObjects": []}
    made = admin.post("/qrs/app/upload", params={"name": "Loaded"}, content=qvf.encode(header))
    assert made.status_code == 201
    app = made.json()
    assert app["published"] is False
    stream = next(item for item in store.all("site/stream") if item["name"] == "Sales")
    published = admin.put(f"/qrs/app/{app['id']}/publish", params={"stream": stream["id"]})
    assert published.json()["stream"]["name"] == "Sales"
    assert _export(admin, app, exportScope="all") == qvf.encode(header)
    refused = admin.post("/qrs/app/upload", params={"name": "x"}, content=b"<html>log in</html>")
    assert refused.status_code == 400


def test_real_files_leave_as_they_are(store: Store, admin: httpx.Client, real_data: Path) -> None:
    made = seed_real_qvf(store, real_data / "qvf")
    originals = {_sha256(file.read_bytes()) for file in (real_data / "qvf").glob("*.qvf")}
    for scope in ("approved", "all"):
        assert {_sha256(_export(admin, app, exportScope=scope, skipData="true")) for app in made} == originals


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
