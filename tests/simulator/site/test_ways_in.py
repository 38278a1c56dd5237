"""Ways in beside certificate and plain header: tokens, tickets, Windows; and nobody gets in without."""

from __future__ import annotations

import json
import os
import re
import ssl
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
import spnego
from websockets.sync.client import connect

from qlift.simulator import Simulator, SiteSwitches
from qlift.simulator.sample import SITE_ADMIN

KEY = "0123456789abcdef"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as started:
        yield started


@pytest.fixture(autouse=True)
def untouched(simulator: Simulator) -> Iterator[None]:
    yield
    for name, value in SiteSwitches():
        setattr(simulator.site_switches, name, value)


@pytest.fixture
def site(simulator: Simulator) -> dict[str, Any]:
    return dict(simulator.description["site"])


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(headers={"X-Qlik-Xrfkey": KEY}, trust_env=False) as made:
        yield made


def about(client: httpx.Client, url: str, more: str = "", **headers: str) -> httpx.Response:
    return client.get(f"{url}/qrs/about?xrfkey={KEY}{more}", headers=headers)


def is_login_page(client: httpx.Client, answer: httpx.Response, prefix: str) -> bool:
    assert answer.status_code == 302
    location = answer.headers["location"]
    page = client.get(location)
    return f"/{prefix}internal_forms_authentication/?targetId=" in location and (
        page.status_code,
        page.headers["content-type"].partition(";")[0],
    ) == (200, "text/html")


def test_nobody_gets_in_without_an_identity(site: dict[str, Any], client: httpx.Client) -> None:
    for way, prefix in (
        ("header", ""),
        ("prefixed_header", "header/"),
        ("jwt", "jwt/"),
        ("ticket", "ticket/"),
        ("ntlm", "windows/"),
    ):
        for path in ("/qrs/about", "/qrs/app/full", "/tempcontent/x/y.qvf"):
            answer = client.get(f"{site[way]['url']}{path}?xrfkey={KEY}")
            assert is_login_page(client, answer, prefix), (way, path)
    assert client.post(f"{site['jwt']['url']}/qrs/tag?xrfkey={KEY}", json={}).status_code == 302


def test_a_header_behind_a_prefix(site: dict[str, Any], client: httpx.Client) -> None:
    known = site["prefixed_header"]
    assert known["url"].endswith("/header")
    answer = about(client, known["url"], **{known["name"]: known["value"]})
    assert answer.json()["schemaPath"] == "About" and "set-cookie" not in answer.headers
    assert client.get(f"{known['url']}/qrs/about", headers={known["name"]: known["value"]}).status_code == 403


def test_a_token_lets_in_and_opens_a_session(site: dict[str, Any], client: httpx.Client) -> None:
    url, token = site["jwt"]["url"], site["jwt"]["token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["userDirectory"], claims["userId"]) == tuple(SITE_ADMIN.split("\\"))
    assert jwt.get_unverified_header(token)["alg"] == "RS256"
    first = about(client, url, Authorization=f"Bearer {token}")
    assert first.status_code == 200
    assert re.fullmatch(r"X-Qlik-Session-jwt=\S+; Path=/; HttpOnly", first.headers["set-cookie"])
    again = about(client, url)
    assert again.status_code == 200 and "set-cookie" not in again.headers
    # The cookie of one virtual proxy is nothing to another, and the prefix is mandatory.
    assert about(client, site["ticket"]["url"]).status_code == 302
    bare = about(client, site["header"]["url"], Authorization=f"Bearer {token}")
    assert bare.status_code == 302


@pytest.mark.parametrize("what", ["forged", "unsigned", "expired", "stranger", "nonsense"])
def test_a_token_that_is_none(simulator: Simulator, site: dict[str, Any], what: str) -> None:
    tokens = simulator._site.tokens
    directory, _, user = SITE_ADMIN.partition("\\")
    claims = {"userDirectory": directory, "userId": user, "exp": 4_000_000_000}
    head, _, signature = site["jwt"]["token"].split(".")
    body = b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    token = {
        "forged": f"{head}.{body}.{signature}",
        "unsigned": jwt.encode(claims, "", algorithm="none"),
        "expired": tokens.issue(directory, user, simulator.clock.now() - timedelta(seconds=1)),
        "stranger": tokens.issue("ACME", "nobody"),
        "nonsense": "x",
    }[what]
    with httpx.Client(headers={"X-Qlik-Xrfkey": KEY}, trust_env=False) as client:
        assert about(client, site["jwt"]["url"], Authorization=f"Bearer {token}").status_code == 302


def ticket(site: dict[str, Any], key: str = KEY, **changed: Any) -> httpx.Response:
    known = site["ticket"]
    trust = ssl.create_default_context(cafile=known["ca"])
    trust.load_cert_chain(known["cert"], known["key"])
    body = {"UserDirectory": known["user_directory"], "UserId": known["user_id"], "Attributes": []} | changed
    address = f"{known['qps_url']}/qps/{known['prefix']}/ticket"
    with httpx.Client(verify=trust, trust_env=False) as client:
        return client.post(address, params={"xrfkey": key}, headers={"X-Qlik-Xrfkey": KEY}, json=body)


def test_a_ticket_opens_one_session(site: dict[str, Any], client: httpx.Client) -> None:
    asked = ticket(site)
    assert asked.status_code == 201
    assert (asked.json()["UserDirectory"], asked.json()["UserId"]) == tuple(SITE_ADMIN.split("\\"))
    url, value = site["ticket"]["url"], asked.json()["Ticket"]
    first = about(client, url, f"&qlikTicket={value}")
    assert first.status_code == 200 and "X-Qlik-Session-ticket" in client.cookies
    assert about(client, url).status_code == 200
    with httpx.Client(headers={"X-Qlik-Xrfkey": KEY}, trust_env=False) as other:
        assert about(other, url, f"&qlikTicket={value}").status_code == 302


def test_a_ticket_is_for_its_proxy_for_a_get_and_for_a_minute(
    simulator: Simulator, site: dict[str, Any], client: httpx.Client
) -> None:
    value = ticket(site).json()["Ticket"]
    assert about(client, site["jwt"]["url"], f"&qlikTicket={value}").status_code == 302
    tag = f"{site['ticket']['url']}/qrs/tag?xrfkey={KEY}&qlikTicket={value}"
    assert client.post(tag, json={"name": "x"}).status_code == 302
    simulator.clock.advance(61)
    assert about(client, site["ticket"]["url"], f"&qlikTicket={value}").status_code == 302


def test_a_session_ends_when_nobody_uses_it(
    simulator: Simulator, site: dict[str, Any], client: httpx.Client
) -> None:
    url = site["ticket"]["url"]
    assert about(client, url, f"&qlikTicket={ticket(site).json()['Ticket']}").status_code == 200
    for _ in range(3):
        simulator.clock.advance(29 * 60)
        assert about(client, url).status_code == 200
    simulator.clock.advance(31 * 60)
    assert about(client, url).status_code == 302


def test_the_proxy_service_refuses(site: dict[str, Any], client: httpx.Client) -> None:
    wrong = ticket(site, key="0123456789abcdeX")
    assert (wrong.status_code, wrong.text) == (403, "XSRF prevention check failed. Possible XSRF discovered.")
    assert ticket(site, UserId="a\\b").status_code == 422
    assert ticket(site, UserDirectory=" ").status_code == 422
    assert ticket({"ticket": site["ticket"] | {"prefix": "nowhere"}}).status_code == 404
    value = ticket(site, UserId="nobody").json()["Ticket"]
    assert about(client, site["ticket"]["url"], f"&qlikTicket={value}").status_code == 302
    trust = ssl.create_default_context(cafile=site["ticket"]["ca"])
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{site['ticket']['qps_url']}/qps/ticket/ticket", verify=trust, trust_env=False)


def handshake(client: httpx.Client, location: str, user: str, password: str) -> httpx.Response:
    """As a client of Windows does it: challenge and answer on one connection."""
    context = spnego.client(user, password, protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
    answer = client.get(location)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "NTLM")
    token = context.step()
    while token is not None and answer.status_code == 401:
        message = b64encode(token).decode()
        answer = client.get(location, headers={"Authorization": f"NTLM {message}"})
        challenge = answer.headers.get("www-authenticate", "").partition(" ")[2]
        token = context.step(b64decode(challenge)) if challenge else None
    return answer


def test_a_windows_login(site: dict[str, Any], client: httpx.Client) -> None:
    known = site["ntlm"]
    client.headers["User-Agent"] = WINDOWS
    away = client.get(f"{known['url']}/qrs/app/count?xrfkey={KEY}&filter=name%20eq%20'Headcount'")
    location = away.headers["location"]
    assert away.status_code == 302 and "/windows/internal_windows_authentication/?targetId=" in location
    back = handshake(client, location, known["user"], known["password"])
    assert back.status_code == 302
    assert "xrfkey" not in back.headers["location"] and "qlikTicket=" in back.headers["location"]
    first = client.get(f"{back.headers['location']}&xrfkey={KEY}")
    assert (first.status_code, first.json()) == (200, {"value": 1})
    assert "X-Qlik-Session-windows" in client.cookies
    assert about(client, known["url"]).status_code == 200


@pytest.mark.parametrize("wrong", ["password", "user"])
def test_a_windows_login_that_fails(site: dict[str, Any], client: httpx.Client, wrong: str) -> None:
    known = site["ntlm"] | {wrong: "ACME\\somebody"}
    client.headers["User-Agent"] = WINDOWS
    location = about(client, known["url"]).headers["location"]
    answer = handshake(client, location, known["user"], known["password"])
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "NTLM")


def test_a_handshake_belongs_to_its_connection(site: dict[str, Any], client: httpx.Client) -> None:
    known = site["ntlm"]
    client.headers["User-Agent"] = WINDOWS
    location = about(client, known["url"]).headers["location"]
    context = spnego.client(known["user"], known["password"], protocol="ntlm")
    message = b64encode(context.step() or b"").decode()
    challenged = client.get(location, headers={"Authorization": f"NTLM {message}"})
    token = context.step(b64decode(challenged.headers["www-authenticate"].partition(" ")[2]))
    message = b64encode(token or b"").decode()
    with httpx.Client(headers=client.headers, trust_env=False) as other:
        answer = other.get(location, headers={"Authorization": f"NTLM {message}"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "NTLM")
    assert client.get(location, headers={"Authorization": f"NTLM {message}"}).status_code == 302


def test_the_login_of_windows_is_for_windows(site: dict[str, Any], client: httpx.Client) -> None:
    client.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64)"
    assert is_login_page(client, about(client, site["ntlm"]["url"]), "windows/")
    assert client.get(f"{site['ntlm']['url']}/internal_windows_authentication/").status_code == 400
    assert "NTLM_USER_FILE" not in os.environ


def test_a_download_by_token(simulator: Simulator, site: dict[str, Any], client: httpx.Client) -> None:
    url = site["jwt"]["url"]
    client.headers["Authorization"] = f"Bearer {site['jwt']['token']}"
    app = simulator.store.all("site/app")[0]
    for position, root in (("bare", url), ("prefixed", site["header"]["url"])):
        simulator.site_switches.download_path = position  # type: ignore[assignment]
        asked = client.post(f"{url}/qrs/app/{app['id']}/export/{KEY}?exportScope=all&xrfkey={KEY}")
        path = asked.json()["downloadPath"]
        assert path.startswith("/tempcontent/" if position == "bare" else "/jwt/tempcontent/")
        got = client.get(f"{root}{path}&xrfkey={KEY}")
        assert got.status_code == 200 and len(got.content) == app["fileSize"]


def test_the_engine_behind_a_prefix(simulator: Simulator, site: dict[str, Any]) -> None:
    app = simulator.store.all("site/app")[0]["id"]
    address = f"{site['jwt']['url'].replace('http', 'ws', 1)}/app/{app}"
    bearer = {"Authorization": f"Bearer {site['jwt']['token']}"}
    with connect(address, additional_headers=bearer) as socket:
        notified = [json.loads(socket.recv()) for _ in range(2)]
        assert [n["method"] for n in notified] == ["OnAuthenticationInformation", "OnConnected"]
        assert notified[0]["params"]["mustAuthenticate"] is False
        assert socket.response is not None
        cookie = socket.response.headers["Set-Cookie"].partition(";")[0]
    with connect(address, additional_headers={"Cookie": cookie}) as socket:
        socket.recv(), socket.recv()
        request = {"jsonrpc": "2.0", "id": 1, "method": "OpenDoc", "handle": -1, "params": [app]}
        socket.send(json.dumps(request))
        assert json.loads(socket.recv())["result"]["qReturn"]["qGenericId"] == app
    with connect(address) as socket:
        turned_away = json.loads(socket.recv())
    assert turned_away["method"] == "OnAuthenticationInformation"
    assert turned_away["params"]["mustAuthenticate"] is True
    assert "/jwt/internal_forms_authentication/" in turned_away["params"]["loginUri"]


def test_over_https_the_cookie_is_secure_and_a_restart_keeps_the_credentials(tmp_path: Any) -> None:
    with Simulator(tmp_path / "state", https=True) as started:
        before = started.description
        trust = ssl.create_default_context(cafile=before["site"]["certificate"]["ca"])
        url, token = before["site"]["jwt"]["url"], before["site"]["jwt"]["token"]
        with httpx.Client(verify=trust, headers={"X-Qlik-Xrfkey": KEY}, trust_env=False) as client:
            assert (
                about(client, url, Authorization=f"Bearer {token}").headers["set-cookie"].endswith("; Secure")
            )
    with Simulator(tmp_path / "state") as again:
        assert again.description == before
        with httpx.Client(verify=trust, headers={"X-Qlik-Xrfkey": KEY}, trust_env=False) as client:
            assert about(client, url, Authorization=f"Bearer {token}").status_code == 200
