"""What goes wrong on real sites while somebody exports: each can be switched on, and ends when it should."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from qlift.simulator import Simulator
from qlift.simulator.site.kinds import APP, APP_OBJECT, DATA_CONNECTION, STREAM, USER, USER_DIRECTORY

KEY = "0123456789abcdef"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as started:
        yield started


@pytest.fixture
def control(simulator: Simulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=simulator.description["control"]["url"], trust_env=False) as client:
        yield client


class Site:
    """A caller by header."""

    def __init__(self, simulator: Simulator, login: str | None = None) -> None:
        known = simulator.description["site"]["header"]
        self.url = known["url"]
        headers = {known["name"]: login or known["value"], "X-Qlik-Xrfkey": KEY}
        self.http = httpx.Client(headers=headers, trust_env=False, timeout=30)

    def get(self, path: str, filter_: str = "") -> Any:
        query = {"xrfkey": KEY, "filter": filter_} if filter_ else {"xrfkey": KEY}
        answer = self.http.get(f"{self.url}/qrs/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, app: str) -> httpx.Response:
        return self.http.post(f"{self.url}/qrs/app/{app}/export/{KEY}?exportScope=all&xrfkey={KEY}")

    def download(self, asked: httpx.Response) -> httpx.Response:
        return self.http.get(f"{self.url}{asked.json()['downloadPath']}&xrfkey={KEY}")


@pytest.fixture
def site(simulator: Simulator) -> Iterator[Site]:
    site = Site(simulator)
    with site.http:
        yield site


@pytest.fixture
def app(simulator: Simulator) -> str:
    return str(simulator.store.all(APP.stored)[0]["id"])


def fault(control: httpx.Client, **body: Any) -> None:
    assert control.post("/control/faults", json={"side": "site"} | body).status_code == 201


@pytest.mark.parametrize("status", [429, 500])
def test_an_app_that_is_busy(control: httpx.Client, site: Site, app: str, status: int) -> None:
    fault(control, method="POST", path=f"/qrs/app/{app}/export/", times=2, action=f"status:{status}")
    assert [site.ask(app).status_code for _ in range(3)] == [status, status, 201]


def test_an_app_that_never_exports_and_the_others_do(
    control: httpx.Client, simulator: Simulator, site: Site, app: str
) -> None:
    fault(control, method="POST", path=f"/qrs/app/{app}/export/", times=1_000_000, action="status:500")
    assert {site.ask(app).status_code for _ in range(10)} == {500}
    other = simulator.store.all(APP.stored)[1]["id"]
    assert site.download(site.ask(other)).status_code == 200


def test_a_node_that_vanishes_before_and_during_a_download(
    control: httpx.Client, simulator: Simulator, site: Site, app: str
) -> None:
    fault(control, method="GET", path="/tempcontent/", action="status:404")
    assert site.download(site.ask(app)).status_code == 404
    simulator.store.put(
        APP.stored, app, (simulator.store.get(APP.stored, app) or {}) | {"fileSize": 9_000_000}
    )
    fault(control, method="GET", path="/tempcontent/", action="cut:5000000")
    asked = site.ask(app)
    got = 0
    address = f"{site.url}{asked.json()['downloadPath']}&xrfkey={KEY}"
    with pytest.raises(httpx.TransportError), site.http.stream("GET", address) as answer:
        assert (answer.status_code, answer.headers["content-length"]) == (200, "9000000")
        for chunk in answer.iter_bytes():
            got += len(chunk)
    assert 0 < got <= 5_000_000
    assert site.http.get(address).status_code == 404
    assert len(site.download(site.ask(app)).content) == 9_000_000


def test_an_app_that_changes_while_it_is_exported(control: httpx.Client, site: Site, app: str) -> None:
    before = site.get(f"app/{app}")
    body = {"id": app, "change": "nightly_reload"}
    assert control.post("/control/site/when_exported", json=body).status_code == 200
    assert site.get(f"app/{app}") == before
    got = site.download(site.ask(app))
    assert len(got.content) == before["fileSize"]
    after = site.get(f"app/{app}")
    assert after["modifiedDate"] > before["modifiedDate"] and after["fileSize"] > before["fileSize"]
    assert len(site.download(site.ask(app)).content) == after["fileSize"]
    assert site.get(f"app/{app}") == after
    refused = control.post("/control/site/when_exported", json={"id": app, "change": "explode"})
    assert refused.status_code == 400


def test_an_app_that_is_deleted_while_it_is_exported(control: httpx.Client, site: Site, app: str) -> None:
    control.post("/control/site/when_exported", json={"id": app, "change": "delete_app"})
    assert site.download(site.ask(app)).status_code == 200
    assert site.ask(app).status_code == 404


def test_an_identity_that_sees_only_part(control: httpx.Client, simulator: Simulator, site: Site) -> None:
    user = simulator.store.all(USER.stored)[-1]
    assert control.post("/control/site/give_partial_role", json={"id": user["id"]}).status_code == 200
    partial = Site(simulator, f"{user['userDirectory']}\\{user['userId']}")
    with partial.http:
        [me] = partial.get("user/full", f"userId eq '{user['userId']}'")
        assert me["roles"] == ["MigrationReader"]
        seen = {
            kind: len(partial.get(f"{kind}/full")) for kind in ("app", "stream", "dataconnection", "user")
        }
        counted = {kind: partial.get(f"{kind}/count")["value"] for kind in seen}
        total = {
            kind.path: simulator.store.count(kind.stored) for kind in (APP, STREAM, DATA_CONNECTION, USER)
        }
        assert counted == total
        assert seen == total | {"app": 11, "dataconnection": 0}
        objects = partial.get("app/object/full")
        assert 0 < len(objects) < simulator.store.count(APP_OBJECT.stored)
        assert all(item["published"] for item in objects)
        published = next(item for item in simulator.store.all(APP.stored) if item["published"])
        hidden = next(item for item in simulator.store.all(APP.stored) if not item["published"])
        assert partial.ask(published["id"]).status_code == 201
        assert partial.ask(hidden["id"]).status_code == 403


def test_an_app_that_is_new(control: httpx.Client, simulator: Simulator, site: Site) -> None:
    owner = simulator.store.all(USER.stored)[5]["id"]
    stream = simulator.store.all(STREAM.stored)[0]["id"]
    body = {"id": owner, "name": "Brand New", "stream_id": stream}
    ids = {control.post("/control/site/add_app", json=body).json()["id"] for _ in range(2)}
    assert len(ids) == 2
    for id_ in ids:
        found = site.get(f"app/{id_}")
        assert (found["name"], found["stream"]["id"], found["owner"]["id"]) == ("Brand New", stream, owner)
        types = [item["objectType"] for item in site.get("app/object/full", f"app.id eq {id_}")]
        assert sorted(types) == ["app_appscript", "sheet"]
        assert len(site.download(site.ask(id_)).content) == found["fileSize"]


def test_a_user_directory_that_is_read_at_night(
    control: httpx.Client, simulator: Simulator, site: Site
) -> None:
    directory = simulator.store.all(USER_DIRECTORY.stored)[0]
    [task] = site.get("usersynctask/full", f"userDirectory.id eq {directory['id']}")
    control.post("/control/site/nightly_sync", json={"id": directory["id"]})
    after = site.get(f"userdirectory/{directory['id']}")
    changed = {name for name in after if after[name] != directory[name]}
    assert changed == {"syncLastStarted", "syncLastSuccessfulEnded"}
    [again] = site.get("usersynctask/full", f"userDirectory.id eq {directory['id']}")
    assert {name for name in again if again[name] != task[name]} == {"operational"}
