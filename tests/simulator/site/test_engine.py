"""The engine's websocket: what an export asks, and how the engine refuses."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from qlift.simulator import Fault, Simulator, SiteSwitches, qvf
from qlift.simulator.sample import SampleOptions, people
from qlift.simulator.site import changes, seed_real_qvf
from tests.simulator.site.conftest import real_data

__all__ = ["real_data"]

PEOPLE = people(SampleOptions())
NOWHERE = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """Nothing here changes the site but the switches, which are set back."""
    with Simulator() as started:
        yield started


@pytest.fixture(autouse=True)
def untouched(simulator: Simulator) -> Iterator[None]:
    yield
    simulator.faults.clear()
    for name, value in SiteSwitches():
        setattr(simulator.site_switches, name, value)


def _app(simulator: Simulator, name: str = "General Ledger") -> dict[str, Any]:
    return next(item for item in simulator.store.all("site/app") if item["name"] == name)


def _by_certificate(simulator: Simulator, app: str, login: str = "INTERNAL\\sa_api") -> ClientConnection:
    known = simulator.description["site"]["certificate"]
    trust = ssl.create_default_context(cafile=known["ca"])
    trust.load_cert_chain(known["cert"], known["key"])
    directory, _, user = login.partition("\\")
    headers = {"X-Qlik-User": f"UserDirectory={directory}; UserId={user}"}
    return connect(f"{known['engine_url']}/app/{app}", ssl=trust, additional_headers=headers)


def _by_header(simulator: Simulator, app: str, login: str | None = None) -> ClientConnection:
    known = simulator.description["site"]["header"]
    address = known["url"].replace("http", "ws", 1)
    return connect(f"{address}/app/{app}", additional_headers={known["name"]: login or known["value"]})


class Talk:
    """Asks, and gives back the answer of the same id."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.notified = [json.loads(socket.recv())]
        while self.notified[-1]["method"] != "OnConnected":
            self.notified.append(json.loads(socket.recv()))
        self._id = 0

    def ask(self, method: str, handle: int, params: Any = None) -> dict[str, Any]:
        self._id += 1
        request = {"jsonrpc": "2.0", "id": self._id, "method": method, "handle": handle, "params": params}
        self.socket.send(json.dumps(request))
        answer: dict[str, Any] = json.loads(self.socket.recv())
        assert (answer.pop("jsonrpc"), answer.pop("id")) == ("2.0", self._id)
        return answer

    def script(self, app: str) -> dict[str, Any]:
        opened = self.ask("OpenDoc", -1, {"qDocName": app, "qNoData": True})
        return self.ask("GetScript", 1, {}) if "result" in opened else opened


@pytest.mark.parametrize("way", [_by_certificate, _by_header])
def test_the_script_is_that_of_the_app_s_file(simulator: Simulator, way: Any) -> None:
    app = _app(simulator)
    header = qvf.read_header(simulator.store.blob_path(app["_file"]))
    assert header is not None
    with way(simulator, app["id"]) as socket:
        talk = Talk(socket)
        state = {"qSessionState": "SESSION_CREATED"}
        assert talk.notified[-1] == {"jsonrpc": "2.0", "method": "OnConnected", "params": state}
        doc = {"qType": "Doc", "qHandle": 1, "qGenericId": app["id"]}
        assert talk.ask("OpenDoc", -1, [app["id"], "", "", "", True]) == {"result": {"qReturn": doc}}
        assert talk.ask("GetScript", 1, []) == {"result": {"qScript": header["qScript"]}}
    assert "LIB CONNECT TO 'Finance DWH'" in header["qScript"]


def test_a_real_file_s_script(real_data: Any) -> None:
    with Simulator() as simulator:
        [app, *_] = seed_real_qvf(simulator.store, real_data / "qvf")
        header = qvf.read_header(simulator.store.blob_path(app["_file"]))
        with _by_certificate(simulator, app["id"]) as socket:
            assert header is not None
            assert Talk(socket).script(app["id"]) == {"result": {"qScript": header["qScript"]}}


def test_an_edit_is_seen() -> None:
    with Simulator() as simulator:
        app = _app(simulator)["id"]
        changes.edit_script(simulator.store, app, "LOAD 1 AS ü;\r\n")
        with _by_header(simulator, app) as socket:
            assert Talk(socket).script(app) == {"result": {"qScript": "LOAD 1 AS ü;\r\n"}}


def test_errors_as_the_engine_gives_them(simulator: Simulator) -> None:
    app, other = _app(simulator)["id"], _app(simulator, "Headcount")["id"]
    with _by_header(simulator, app) as socket:
        talk = Talk(socket)
        assert talk.script(NOWHERE) == {
            "error": {"code": 1003, "parameter": NOWHERE, "message": "App not found"}
        }
        assert talk.ask("GetScript", 1)["error"]["code"] == -32602
        assert talk.ask("DeleteApp", -1)["error"]["code"] == -32601
        assert "result" in talk.script(app)
        assert "result" in talk.script(app)
        assert talk.ask("OpenDoc", -1, {"qDocName": other})["error"]["code"] == 1002
        socket.send("{nonsense")
        assert json.loads(socket.recv())["error"]["code"] == -32700


@pytest.mark.parametrize(
    ("switch", "login", "code"),
    [
        ("update", PEOPLE[1].login, None),  # owns the app
        ("update", PEOPLE[6].login, None),  # ContentAdmin
        ("update", PEOPLE[2].login, 5),  # publishes to its stream
        ("object", PEOPLE[2].login, 5),
        ("object", PEOPLE[6].login, None),
        ("root_admin", PEOPLE[1].login, 5),
        ("root_admin", PEOPLE[0].login, None),
    ],
)
def test_who_may_see_a_script(simulator: Simulator, switch: Any, login: str, code: int | None) -> None:
    simulator.site_switches.script_access = switch
    app = _app(simulator)["id"]
    with _by_header(simulator, app, login) as socket:
        answer = Talk(socket).script(app)
    if code is None:
        assert answer["result"]["qScript"]
    else:
        assert answer["error"]["code"] == code and "script" in answer["error"]["parameter"]


def test_who_may_not_read_an_app_may_not_open_it(simulator: Simulator) -> None:
    app = _app(simulator)["id"]
    with _by_certificate(simulator, app, PEOPLE[3].login) as socket:
        error = {"code": 5, "parameter": app, "message": "Access denied"}
        assert Talk(socket).script(app) == {"error": error}


def test_strangers_do_not_get_in(simulator: Simulator) -> None:
    app = _app(simulator)["id"]
    with pytest.raises(InvalidStatus, match="403"):
        _by_certificate(simulator, app, "ACME\\nobody")
    with _by_header(simulator, app, "ACME\\nobody") as socket:
        told = json.loads(socket.recv())
        assert (told["method"], told["params"]["mustAuthenticate"]) == ("OnAuthenticationInformation", True)
        with pytest.raises(ConnectionClosed):
            socket.recv()
    known = simulator.description["site"]["certificate"]
    without = ssl.create_default_context(cafile=known["ca"])
    # By TLS 1.3 the client learns of it at one of several later steps.
    with pytest.raises((OSError, EOFError, WebSocketException)):
        connect(f"{known['engine_url']}/app/{app}", ssl=without)


def test_the_ports_for_certificates_are_two(simulator: Simulator) -> None:
    known = simulator.description["site"]["certificate"]
    trust = ssl.create_default_context(cafile=known["ca"])
    trust.load_cert_chain(known["cert"], known["key"])
    with httpx.Client(verify=trust, trust_env=False) as client:
        address = known["engine_url"].replace("wss", "https")
        assert client.get(f"{address}/qrs/about").status_code == 404


def test_a_handshake_can_fail(simulator: Simulator) -> None:
    app = _app(simulator)["id"]
    simulator.faults.clear_requests()
    simulator.faults.add(Fault(side="site", method="WEBSOCKET", path="/app/", action="status:503"))
    with pytest.raises(InvalidStatus, match="503"):
        _by_header(simulator, app)
    simulator.faults.add(Fault(side="site", method="WEBSOCKET", path="/app/", action="drop"))
    with pytest.raises((InvalidMessage, ConnectionError)):
        _by_header(simulator, app)
    with _by_header(simulator, app) as socket:
        assert "result" in Talk(socket).script(app)
        logged = [r["status"] for r in simulator.faults.requests() if r["method"] == "WEBSOCKET"]
    assert logged == [503, None, 101]
