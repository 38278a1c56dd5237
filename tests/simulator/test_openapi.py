"""Schemathesis on the documents that the simulator serves about itself: nothing answers 500.

Ids of things that exist are put where the documents name ids, so that requests get past the first refusal.
Cases are the same in every run.
"""

from __future__ import annotations

import asyncio
import copy
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp

from qlift.simulator import Simulator, Switches
from qlift.simulator.control import create_control_app
from qlift.simulator.site import SampleOptions
from qlift.simulator.site.app import create_site_app
from qlift.simulator.site.qps import create_qps_app
from qlift.simulator.site.sessions import Sessions
from qlift.simulator.tenant import create_tenant_app
from tests.support.in_memory import InMemory

schemathesis = pytest.importorskip("schemathesis", reason="comes with the extra `dev` (requirements.lock)")

EXAMPLES = int(os.environ.get("QLIFT_OPENAPI_EXAMPLES", "6"))
"""Of each operation, of what its document allows and of what it does not."""
SAMPLE = SampleOptions(streams=2, apps=4, personal=1, users=10, groups=2, reload_tasks=3, connections=2)
KEY = "0123456789abcdef"

_texts = st.text(max_size=8) | st.sampled_from(("", "0", "-1", "null", "x" * 300))
_junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_texts, inner, max_size=2),
    max_leaves=4,
)


class Served:
    """One server and what it stands on; `documents` by kind are put back before each operation."""

    def __init__(
        self,
        simulator: Simulator,
        app: ASGIApp,
        headers: dict[str, str],
        query: dict[str, str],
        fill: Callable[[httpx.Client], None] = lambda _: None,
    ) -> None:
        self.app, self._simulator = app, simulator
        self._loop = asyncio.new_event_loop()
        transport = InMemory(app, self._loop)
        self.client = httpx.Client(base_url="http://simulator", transport=transport, headers=headers)
        self.query = query
        fill(self.client)
        self._documents = copy.deepcopy(simulator.store._kinds)
        self.ids = sorted({id_ for documents in self._documents.values() for id_ in documents})

    def restore(self) -> None:
        store = self._simulator.store
        store._kinds, store._indexes = copy.deepcopy(self._documents), {}

    def close(self) -> None:
        self.client.close()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self._simulator.stop()

    def existing(self, name: str, chance: random.Random) -> str | None:
        """The id of something, rather of what the name of a parameter speaks of."""
        kind = name.lower().removesuffix("id").strip("_").rpartition("_")[2]
        fitting = [i for k, d in self._documents.items() if kind and kind in k for i in d]
        return chance.choice(fitting or self.ids)


def _tenant() -> Served:
    simulator = Simulator(sample=SAMPLE, switches=Switches(rate_limits=False, item_lag=0.0))
    credentials = simulator._credentials
    app = create_tenant_app(simulator.world)
    return Served(simulator, app, {"Authorization": f"Bearer {credentials['api_key']}"}, {}, _fill)


def _fill(client: httpx.Client) -> None:
    """Something of every kind."""

    def made(method: str, path: str, body: Any) -> Any:
        answer = client.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    me = made("GET", "/api/v1/users?limit=100", None)["data"]
    bot = next(u["id"] for u in me if u["subject"].startswith("qlikbot"))
    shared = made("POST", "/api/v1/spaces", {"name": "Lab", "type": "shared"})["id"]
    managed = made("POST", "/api/v1/spaces", {"name": "Finance", "type": "managed"})["id"]
    for space, role in ((shared, "producer"), (managed, "publisher")):
        body = {"type": "user", "assigneeId": bot, "roles": [role]}
        made("POST", f"/api/v1/spaces/{space}/assignments", body)
    app = made("POST", "/api/v1/apps", {"attributes": {"name": "Ledger", "spaceId": shared}})
    app_id = app["attributes"]["id"]
    made("POST", f"/api/v1/apps/{app_id}/publish", {"spaceId": managed})
    made("POST", "/api/scheduling/tasks", task(app_id))


def task(app_id: str) -> dict[str, Any]:
    function = {"refName": "app.reload", "arguments": {"appId": app_id, "partial": False}}
    states = [
        {
            "name": "s",
            "type": "EVENT",
            "onEvents": [{"eventRefs": [], "actions": [{"functionRef": function}]}],
        }
    ]
    schedule = {
        "recurrence": "RRULE:FREQ=DAILY",
        "timezone": "Europe/Berlin",
        "startDateTime": "2027-01-01T06:00:00",
    }
    start = {"stateName": "s", "schedule": schedule}
    return {"name": "Reload", "specVersion": "1.16.0", "enabled": True, "states": states, "start": start}


def _site() -> Served:
    simulator = Simulator(sample=SAMPLE)
    app = create_site_app(simulator.store, simulator.clock, "header", "hdr-usr", simulator.site_switches)
    return Served(simulator, app, {"hdr-usr": "INTERNAL\\sa_api", "X-Qlik-Xrfkey": KEY}, {"xrfkey": KEY})


def _proxy() -> Served:
    simulator = Simulator(sample=SAMPLE)
    app = create_qps_app(simulator.store, Sessions(simulator.clock), ["jwt", "ticket"])
    return Served(simulator, app, {"X-Qlik-Xrfkey": KEY}, {"xrfkey": KEY})


def _control() -> Served:
    simulator = Simulator(sample=SAMPLE)
    app = create_control_app(simulator.world, simulator.faults, simulator.site_switches)
    return Served(simulator, app, {}, {})


SERVERS: dict[str, Callable[[], Served]] = {
    "tenant": _tenant,
    "site": _site,
    "proxy": _proxy,
    "control": _control,
}


@pytest.fixture(scope="module", params=list(SERVERS))
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    made = SERVERS[request.param]()
    yield made
    made.close()


def test_nothing_answers_500(served: Served) -> None:
    document = schemathesis.openapi.from_asgi("/openapi.json", served.app)
    failures: list[str] = []
    for found in document.get_all_operations():
        operation = found.ok()
        for mode in schemathesis.GenerationMode:
            served.restore()
            try:
                _try(served, operation, mode)
            except AssertionError as error:
                failures.append(str(error))
    assert failures == [], "\n\n".join(failures)


def _try(served: Served, operation: Any, mode: Any) -> None:
    @hypothesis.seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), st.integers(0, 10**6), _junk)
    def tried(case: Any, seed: int, junk: Any) -> None:
        _send(served, case, random.Random(seed), junk)

    try:
        tried()
    except hypothesis.errors.Unsatisfiable:
        # Of some there is nothing that the document does not allow.
        return


def _send(served: Served, case: Any, chance: random.Random, junk: Any) -> None:
    for name in case.path_parameters or {}:
        if chance.random() < 0.8:
            case.path_parameters[name] = served.existing(name, chance)
    wanted = case.as_transport_kwargs(base_url="http://simulator")
    body = wanted.get("json", None)
    if isinstance(body, dict):
        _known_ids(body, served, chance)
    content: dict[str, Any] = {"json": body} if "json" in wanted else {"content": wanted.get("data")}
    if case.method.upper() in ("POST", "PUT", "PATCH") and not case.operation.body:
        # Its document tells nothing of the body.
        content = {"json": _spoilt(task(served.existing("app_id", chance) or ""), junk, chance)}
    headers = {
        k: v for k, v in wanted["headers"].items() if k.lower() != "content-type" or "json" not in content
    }
    query = {**(wanted.get("params") or {}), **served.query}
    request = f"{case.method.upper()} {wanted['url']} {query} {content}"
    try:
        answer = served.client.request(
            case.method, wanted["url"], params=query, headers=headers, cookies=None, **content
        )
    except (UnicodeError, httpx.InvalidURL, TypeError, httpx.LocalProtocolError):
        # Not to be sent.
        return
    except Exception as error:
        raise AssertionError(f"{request} raised {type(error).__name__}: {error}") from error
    assert answer.status_code < 500, f"{request} answered {answer.status_code} {answer.text[:200]}"


def _known_ids(body: dict[str, Any], served: Served, chance: random.Random) -> None:
    for name, value in body.items():
        if isinstance(value, str) and name.lower().endswith("id") and chance.random() < 0.7:
            body[name] = served.existing(name, chance)
        elif isinstance(value, dict):
            _known_ids(value, served, chance)


def _spoilt(body: Any, junk: Any, chance: random.Random) -> Any:
    """With one part, however deep, replaced."""
    if chance.random() < 0.25 or not isinstance(body, dict | list) or not body:
        return junk
    if isinstance(body, dict):
        name = chance.choice(sorted(body))
        return {**body, name: _spoilt(body[name], junk, chance)}
    place = chance.randrange(len(body))
    return [*body[:place], _spoilt(body[place], junk, chance), *body[place + 1 :]]
