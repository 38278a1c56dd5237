"""The simulator's own door, faults, and what outlives a restart."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from qlift.simulator import Simulator, SimulatorError, Switches, positions
from qlift.simulator.store import Store
from tests.simulator.tenant.client import Tenant, app_file, sheet, task_body

SPACES = "/api/v1/spaces"


def _state(control: httpx.Client, **query: Any) -> Any:
    return control.get("/control/state", params=query).json()


def test_state_names_things_and_returns_to_what_it_was(
    simulator: Simulator, tenant: Tenant, control: httpx.Client, somebody: str, people: list[Any]
) -> None:
    before = control.get("/control/state").text
    space, managed = tenant.space("Shared"), tenant.space("Managed", "managed")
    tenant.assign(space, somebody, "producer")
    app = tenant.app(app_file("App", sheet("base", published=True, approved=True)), spaceId=space)
    published = tenant.post(f"/api/v1/apps/{app}/publish", {"spaceId": managed}, expect=200)
    tenant.post("/api/scheduling/tasks", task_body(app, enabled=True))
    shown = _state(control)["tenant"]
    (found,) = [a for a in shown["apps"] if a["space"] == "shared Shared"]
    assert found["sha256"] == simulator.world.apps()[-1]["_blob"]
    assert found["objects"][0]["owner"].startswith("qlikbot")
    assert found["tasks"][0]["schedule"]["timezone"] == "Europe/Berlin"
    (copy,) = [a for a in shown["apps"] if a["space"] == "managed Managed"]
    assert (copy["published"], copy["origin"]) == (True, f"shared Shared / App / {found['sha256']}")
    (listed,) = [s for s in shown["spaces"] if s["name"] == "Shared"]
    assert listed["assignments"] == [{"assignee": f"user {people[0]['subject']}", "roles": ["producer"]}]
    text = control.get("/control/state").text
    assert app not in text
    assert space not in text
    assert app in control.get("/control/state", params={"ids": "true"}).text
    simulator.clock.advance(3600)
    for id_ in (app, published["attributes"]["id"]):
        assert tenant.status("DELETE", f"/api/v1/apps/{id_}") == 200
    for id_ in (space, managed):
        assert tenant.status("DELETE", f"{SPACES}/{id_}") == 204
    assert control.get("/control/state").text == before


def test_other_peoples_things_exist(control: httpx.Client) -> None:
    shown = _state(control)["tenant"]
    assert [space["name"] for space in shown["spaces"]] == ["Board papers"]
    assert {app["name"] for app in shown["apps"]} == {"Board figures", "Private notes"}


def test_two_simulators_are_the_same(control: httpx.Client) -> None:
    with Simulator() as other:
        text = httpx.get(f"{other.description['control']['url']}/control/state").text
    assert text == control.get("/control/state").text


def test_switches_are_replaced_or_changed(simulator: Simulator, control: httpx.Client) -> None:
    assert control.put("/control/switches", json={"publish_move_keeps_id": False}).status_code == 200
    assert simulator.switches.publish_move_keeps_id is False
    assert simulator.switches.item_lag == 1.0, "what is not named has its default"
    control.patch("/control/switches", json={"item_lag": 3})
    assert (simulator.switches.publish_move_keeps_id, simulator.switches.item_lag) == (False, 3.0)
    wrong = control.put("/control/switches", json={"task_cron": "sometimes", "unknown": 1})
    assert wrong.status_code == 400
    assert "task_cron" in wrong.text
    assert "unknown" in wrong.text


def test_every_position_is_valid_and_the_default_first(control: httpx.Client) -> None:
    shown = control.get("/control/switches/positions").json()
    assert shown == positions()
    for name, values in shown.items():
        assert values[0] == getattr(Switches(), name)
        assert len(values) > 1
        for value in values:
            assert getattr(Switches.model_validate({name: value}), name) == value


def test_every_switch_tells_its_doubt() -> None:
    assert [name for name, field in Switches.model_fields.items() if not field.description] == []


def test_the_clock_moves_forward_only(control: httpx.Client) -> None:
    assert control.post("/control/clock", json={"advance": 90}).json() == {"now": "2026-11-24T12:01:30.000Z"}
    assert control.post("/control/clock", json={"advance": -1}).status_code == 422


def _fault(control: httpx.Client, action: str, **more: Any) -> None:
    body = {"method": "POST", "path": "/spaces$", "action": action, **more}
    assert control.post("/control/faults", json=body).status_code == 201


def _create(tenant: Tenant, name: str) -> httpx.Response:
    return tenant.http.post(SPACES, json={"name": name, "type": "shared"})


@pytest.mark.parametrize(("when", "exists"), [("before", False), ("after", True)])
def test_a_dropped_connection(tenant: Tenant, control: httpx.Client, when: str, exists: bool) -> None:
    _fault(control, "drop", nth=2, when=when)
    assert _create(tenant, "First").status_code == 201
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        _create(tenant, "Second")
    assert bool(tenant.get(SPACES, name="Second")["data"]) is exists
    assert _create(tenant, "Third").status_code == 201
    log = control.get("/control/requests").json()
    assert [r["status"] for r in log if r["method"] == "POST"] == [201, None, 201]


@pytest.mark.parametrize(("when", "exists"), [("before", False), ("after", True)])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_wrong_status(tenant: Tenant, control: httpx.Client, when: str, exists: bool, status: int) -> None:
    _fault(control, f"status:{status}", when=when)
    answer = _create(tenant, "Space")
    assert answer.status_code == status
    assert answer.json()["errors"][0]["code"] == f"HTTP-{status}"
    assert answer.headers.get("retry-after") == ("1" if status == 429 else None)
    assert bool(tenant.get(SPACES, name="Space")["data"]) is exists


def test_an_html_page_a_slow_answer_and_the_end_of_faults(tenant: Tenant, control: httpx.Client) -> None:
    _fault(control, "html", times=2)
    pages = [_create(tenant, "Space") for _ in range(3)]
    assert [page.status_code for page in pages] == [200, 200, 201]
    assert pages[0].headers["content-type"].startswith("text/html")
    _fault(control, "slow:0.2")
    began = time.monotonic()
    assert _create(tenant, "Slow").status_code == 201
    assert time.monotonic() - began >= 0.2
    _fault(control, "drop")
    assert control.delete("/control/faults").status_code == 204
    assert _create(tenant, "Fine").status_code == 201


@pytest.mark.parametrize(
    ("when", "answered", "made"), [("before", False, False), ("after", False, True), ("answered", True, True)]
)
@pytest.mark.parametrize("action", ["kill", "killsession"])
def test_a_fault_can_end_a_process(
    tenant: Tenant, control: httpx.Client, action: str, when: str, answered: bool, made: bool
) -> None:
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    _fault(control, f"{action}:{victim.pid}", when=when)
    if answered:
        assert _create(tenant, "Space").status_code == 201
    else:
        with pytest.raises(httpx.RemoteProtocolError):
            _create(tenant, "Space")
    assert victim.wait(10) == -signal.SIGKILL
    assert bool(tenant.get("/api/v1/spaces", name="Space")["data"]) == made


def test_half_an_answer_that_says_it_is_whole(tenant: Tenant, control: httpx.Client) -> None:
    _fault(control, "truncate:10")
    answer = _create(tenant, "Space")
    assert (answer.status_code, len(answer.content), answer.headers["content-length"]) == (201, 10, "10")
    assert tenant.get("/api/v1/spaces", name="Space")["data"]


@pytest.mark.parametrize(("action", "told"), [("429", "1"), ("429:41", "41"), ("429:-", None)])
def test_limits_say_how_long_or_not(
    tenant: Tenant, control: httpx.Client, action: str, told: str | None
) -> None:
    _fault(control, f"status:{action}")
    answer = _create(tenant, "Space")
    assert (answer.status_code, answer.headers.get("retry-after")) == (429, told)


def test_access_tokens_end_in_the_middle(simulator: Simulator, tenant: Tenant, control: httpx.Client) -> None:
    known = simulator.description["tenant"]
    form = {k: known[k] for k in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}

    def asked(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(f"{known['url']}/api/v1/spaces", headers=headers).status_code

    def token() -> str:
        return str(httpx.post(f"{known['url']}/oauth/token", json=form).json()["access_token"])

    first = token()
    assert asked(first) == 200
    body = {"method": "GET", "path": "/api/v1/spaces", "action": "expire"}
    assert control.post("/control/faults", json=body).status_code == 201
    assert [asked(first), asked(token())] == [401, 200]
    assert tenant.get("/api/v1/spaces")["data"], "API keys go on"


def test_control_refuses_what_it_cannot_do(control: httpx.Client) -> None:
    assert control.post("/control/clock", json={"advance": 1e300}).status_code == 422
    assert control.post("/control/faults", json={"action": "drop", "path": "(\\"}).status_code == 422


def test_faults_on_the_site_and_words_that_are_none(simulator: Simulator, control: httpx.Client) -> None:
    _fault(control, "status:503", side="site", method="GET", path="/qrs/about")
    header = simulator.description["site"]["header"]
    answer = httpx.get(f"{header['url']}/qrs/about", headers={header["name"]: header["value"]})
    assert answer.status_code == 503
    assert control.post("/control/faults", json={"action": "explode"}).status_code == 422


def test_a_restart_keeps_addresses_credentials_and_content(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with Simulator(state) as first:
        known = first.description
        tenant = Tenant(first, known["tenant"]["api_key"])
        with tenant.http:
            space = tenant.space("Kept")
            app = tenant.app(spaceId=space)
        httpx.post(f"{known['control']['url']}/control/clock", json={"advance": 100})
        with pytest.raises(SimulatorError, match="running already"):
            Simulator(state).start()
    assert state.stat().st_mode & 0o077 == 0
    with Simulator(state) as second:
        assert second.description == known
        assert second.clock.offset == 100
        tenant = Tenant(second, known["tenant"]["api_key"])
        with tenant.http:
            assert tenant.attributes(app)["spaceId"] == space
            assert tenant.space("New") != space


def test_https_with_one_authority_for_both_sides(tmp_path: Path) -> None:
    import ssl

    with Simulator(https=True) as simulator:
        known = simulator.description
        certificate = known["site"]["certificate"]
        trusting = ssl.create_default_context(cafile=certificate["ca"])
        assert known["tenant"]["url"].startswith("https://")
        assert httpx.get(f"{known['tenant']['url']}/api/v1/spaces", verify=trusting).status_code == 401
        about = f"{certificate['url']}/qrs/about?xrfkey=0123456789abcdef"
        headers = {"X-Qlik-Xrfkey": "0123456789abcdef"}
        headers["X-Qlik-User"] = (
            f"UserDirectory={certificate['user_directory']}; UserId={certificate['user_id']}"
        )
        with pytest.raises(httpx.TransportError):
            httpx.get(about, headers=headers, verify=trusting)
        showing = ssl.create_default_context(cafile=certificate["ca"])
        showing.load_cert_chain(certificate["cert"], certificate["key"])
        assert httpx.get(about, headers=headers, verify=showing).status_code == 200


def test_the_command_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    file = tmp_path / "made" / "simulator.json"
    code = "import typer; from qlift.cli.simulate import simulate; typer.run(simulate)"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "--state", str(tmp_path / "state.db"), "--json", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdout is not None
    printed = ""
    while not printed.endswith("}\n}\n"):
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        printed += line
    known = json.loads(printed)
    assert json.loads(file.read_text()) == known
    assert file.stat().st_mode & 0o777 == 0o600
    assert known.keys() == {"tenant", "site", "control"}
    assert known["tenant"].keys() == {"url", "api_key", "client_id", "client_secret", "user_id"}
    assert httpx.get(f"{known['control']['url']}/control/state").status_code == 200
    process.send_signal(signal.SIGTERM)
    out, error = process.communicate(timeout=20)
    assert (process.returncode, out, error) == (0, "", "")


def test_the_store_keeps_order_and_counters(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = Store(path)
    for id_ in ("b", "a", "c"):
        store.put("kind", id_, {"id": id_, "n": 1})
    store.put("kind", "b", {"id": "b", "n": 2})
    store.delete("kind", "a")
    assert [store.counter("x"), store.counter("x"), store.counter("y")] == [1, 2, 1]
    sha256 = store.put_blob(b"bytes")
    store.close()
    again = Store(path)
    assert again.all("kind") == [{"id": "b", "n": 2}, {"id": "c", "n": 1}]
    assert (again.get("kind", "a"), again.get("none", "a"), again.counter("x")) == (None, None, 3)
    assert again.blob_path(sha256).read_bytes() == b"bytes"
    again.close()
