"""`qlift connect` where an end refuses, does not answer, or does not show everything."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from qlift.cli import app
from qlift.simulator import Simulator

WRONG = "planted-and-wrong-0123456789"
DEAD = "http://127.0.0.1:1"
"""Nobody serves there."""
KEY, CLIENT, CLIENT_SECRET = "QLIFT_API_KEY", "QLIFT_CLIENT_ID", "QLIFT_CLIENT_SECRET"
VISITOR = "QLIFT_TEST_VISITOR"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture(autouse=True)
def folder(simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of a team: one site and one tenant, and no credentials yet."""
    monkeypatch.chdir(tmp_path)
    for name in (KEY, CLIENT, CLIENT_SECRET):
        monkeypatch.delenv(name, raising=False)
    ends = simulator.description
    header = ends["site"]["header"]
    way = {"header": {"name": header["name"], "value_env": VISITOR}}
    write("sources/qs-prod", {"site": "sample", "kind": "qlik-sense", "url": header["url"], "way": way})
    write("targets/prod", {"url": ends["tenant"]["url"]})
    monkeypatch.setenv(VISITOR, header["value"])


def write(name: str, content: dict[str, Any]) -> None:
    path = Path("stacks", f"{name}.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def connect(*args: str) -> tuple[int, str]:
    """Exit code, and what a person sees."""
    said = CliRunner().invoke(app, ["connect", *args])
    return said.exit_code, said.output


def key_of(simulator: Simulator, subject: str) -> str:
    url = f"{simulator.description['control']['url']}/control/tenant/api-keys"
    answer = httpx.post(url, json={"subject": subject}).raise_for_status()
    return str(answer.json()["api_key"])


def test_both_ends_work(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = simulator.description["tenant"]
    monkeypatch.setenv(CLIENT, tenant["client_id"])
    monkeypatch.setenv(CLIENT_SECRET, tenant["client_secret"])
    code, said = connect()
    assert code == 0, said
    assert "source qs-prod: ok" in said and "target prod: ok" in said
    assert "TenantAdmin" in said and "14 app" in said


Env = Callable[[str, str], None]
Trouble = Callable[[Simulator, Env], None]


def wrong_key(_: Simulator, env: Env) -> None:
    env(KEY, WRONG)


def wrong_client(simulator: Simulator, env: Env) -> None:
    env(CLIENT, simulator.description["tenant"]["client_id"])
    env(CLIENT_SECRET, WRONG)


def no_credentials(_: Simulator, __: Env) -> None:
    pass


def no_admin(simulator: Simulator, env: Env) -> None:
    env(KEY, key_of(simulator, "TENANT\\existing.owner"))


def dead_tenant(_: Simulator, env: Env) -> None:
    write("targets/prod", {"url": DEAD})
    env(KEY, WRONG)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (wrong_key, "check qlift:apiKey, or qlift:clientId and qlift:clientSecret; it may have expired"),
        (wrong_client, "unknown client or missing secret; check qlift:apiKey, or qlift:clientId"),
        (no_credentials, "no credentials for http"),
        (no_admin, "the identity is no tenant admin: it cannot make spaces for others or change owners"),
        (dead_tenant, f"the tenant {DEAD} cannot be reached"),
    ],
)
def test_a_tenant_that_cannot_be_used(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, trouble: Trouble, words: str
) -> None:
    trouble(simulator, monkeypatch.setenv)
    refused("target prod", words, "--target", "prod")


def test_what_a_script_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, WRONG)
    told = CliRunner().invoke(app, ["connect", "--target", "prod", "--json"])
    [result] = json.loads(told.stdout)
    assert (told.exit_code, result["end"], result["ok"]) == (1, "target prod", False)
    assert "HTTP 401" in result["problems"][0] and WRONG not in told.output


def unknown_visitor(_: Simulator, env: Env) -> None:
    env(VISITOR, "ACME\\nobody.at.all")


def no_root_admin(simulator: Simulator, env: Env) -> None:
    user = next(u for u in simulator.store.all("site/user") if not u["roles"] and not u["inactive"])
    simulator.store.put("site/user", user["id"], user | {"roles": ["ContentAdmin"]})
    env(VISITOR, f"{user['userDirectory']}\\{user['userId']}")


def dead_site(_: Simulator, __: Env) -> None:
    way = {"header": {"name": "X-Qlik-User", "value_env": VISITOR}}
    write("sources/qs-prod", {"site": "sample", "kind": "qlik-sense", "url": DEAD, "way": way})


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (unknown_visitor, "it does not know the identity that was given; check the way in"),
        (no_root_admin, "has the roles ContentAdmin, not RootAdmin: rules may hide"),
        (dead_site, f"the site {DEAD} cannot be reached"),
    ],
)
def test_a_site_that_cannot_be_used(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, trouble: Trouble, words: str
) -> None:
    trouble(simulator, monkeypatch.setenv)
    refused("source qs-prod", words, "--source", "qs-prod")


def refused(end: str, words: str, *options: str) -> None:
    code, said = connect(*options)
    assert code == 1
    assert f"{end}: NOT ok" in said and words in said
    assert WRONG not in said
