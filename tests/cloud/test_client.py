from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import ExitStack
from itertools import pairwise

import pytest
from pydantic import SecretStr

from qlift.cloud import client as client_module
from qlift.cloud.auth import OAuthClient
from qlift.cloud.client import ATTEMPTS, DOWN_SECONDS, PATIENCE_SECONDS, Client, origin_of
from qlift.cloud.errors import (
    Ambiguous,
    CloudError,
    Conflict,
    Failed,
    Forbidden,
    NotFound,
    RateLimited,
    Unauthorised,
    Unreachable,
)
from qlift.simulator import Simulator
from qlift.simulator.site import SampleOptions
from tests.cloud.conftest import KEY, Break, Connect, Requests
from tests.cloud.servers import Asked, Odd, Reply, Time, odd_server

SPACES = "/api/v1/spaces"


def _make_space(client: Client, name: str) -> str:
    answer = client.post(SPACES, subject=f'space "{name}"', json={"name": name, "type": "shared"})
    assert answer.status == 201
    return str(answer.data["id"])


def _names(client: Client) -> list[str]:
    return [s["name"] for s in client.pages(SPACES, subject="spaces", params={"limit": 100})]


# Who am I, and where.


def test_me_follows_the_redirect_and_asks_once(
    client: Client, simulator: Simulator, requests: Requests
) -> None:
    user_id = simulator.description["tenant"]["user_id"]
    assert client.me().id == client.me().id == user_id
    assert [status for _, status in requests("GET", "/users/")] == [301, 200]


def test_tenant_follows_the_redirect(client: Client) -> None:
    assert client.tenant().name == "Simulated tenant"


def test_a_redirect_that_carries_a_page_is_still_a_redirect(connect: Connect) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/api/v1/users/me":
            return Reply(301, b"<a href='x'>Moved</a>", {"Content-Type": "text/html", "Location": "/u/1"})
        return Reply(body=b'{"id": "1"}')

    with odd_server(answer) as server:
        assert connect(server.url).me().id == "1"


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://t.eu.qlikcloud.com", "https://t.eu.qlikcloud.com"),
        (" HTTPS://T.EU.QlikCloud.com:443/console?x=1 ", "https://t.eu.qlikcloud.com"),
        ("https://t.example:8443/", "https://t.example:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:9000/x", "http://[::1]:9000"),
    ],
)
def test_an_address_is_spelt_as_links_spell_it(given: str, origin: str) -> None:
    assert origin_of(given) == origin


@pytest.mark.parametrize(
    "url",
    [
        "http://t.eu.qlikcloud.com",
        "t.eu.qlikcloud.com",
        "ftp://t.eu.qlikcloud.com",
        "https://",
        "https://user:s3cr3t@t.eu.qlikcloud.com",
        "https://[::1",
        "https://t.example:99999",
        "http://127.0.0.1.evil.example",
        "",
    ],
)
def test_an_address_that_gets_no_credentials(connect: Connect, url: str) -> None:
    with pytest.raises(CloudError) as caught:
        connect(url)
    assert "`url`" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    connect: Connect, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with odd_server(lambda asked: Reply(502)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        tenant = simulator.description["tenant"]
        assert connect(tenant["url"], tenant["api_key"]).me().id == tenant["user_id"]
        assert proxy.asked == []


def test_an_unknown_certificate_names_the_remedy(connect: Connect) -> None:
    with Simulator(sample=SampleOptions(apps=2, users=10), https=True) as simulator:
        tenant = simulator.description["tenant"]
        with pytest.raises(Unreachable, match="`ca`"):
            connect(tenant["url"], tenant["api_key"]).me()
        trusting = ssl.create_default_context(cafile=simulator.description["site"]["certificate"]["ca"])
        known = connect(tenant["url"], tenant["api_key"], verify=trusting)
        assert known.me().id == tenant["user_id"]
        known.close()


# Lists and objects.


@pytest.mark.parametrize("last", ["absent", "null"])
def test_pages_gives_every_element_once(
    client: Client, simulator: Simulator, requests: Requests, last: str
) -> None:
    simulator.switches.last_page_link = last  # type: ignore[assignment]
    made = [_make_space(client, f"{last} {number:02}") for number in range(23)]
    listed = [s["id"] for s in client.pages(SPACES, subject="spaces", params={"limit": 10, "name": last})]
    assert sorted(listed) == sorted(made)
    assert len(requests("GET", SPACES)) == 3


def test_a_list_that_refers_to_itself_ends(connect: Connect) -> None:
    page = json.dumps({"data": [{"id": "1"}], "links": {"next": {"href": "/list?next=x"}}}).encode()
    with odd_server(lambda asked: Reply(body=page)) as server, pytest.raises(Failed, match="twice"):
        list(connect(server.url).pages("/list", subject="list"))


def test_a_next_link_is_followed_verbatim(connect: Connect) -> None:
    following = "/list?next=a%2Bb%20c%2F%3D&limit=7"

    def answer(asked: Asked) -> Reply:
        links = {"next": {"href": f"http://{asked.headers['host']}{following}"}}
        body = {"data": [], "links": links if asked.path == "/list?limit=5" else {}}
        return Reply(body=json.dumps(body).encode())

    with odd_server(answer) as server:
        assert list(connect(server.url).pages("/list", subject="list", params={"limit": 5, "x": None})) == []
        assert [a.path for a in server.asked] == ["/list?limit=5", following]


@pytest.mark.parametrize("body", [b"[]", b'{"data": null}', b"3"])
def test_what_is_no_list_is_said(connect: Connect, body: bytes) -> None:
    with odd_server(lambda asked: Reply(body=body)) as server, pytest.raises(Failed, match="not a list"):
        list(connect(server.url).pages("/list", subject="list"))


def test_find_knows_missing_from_forbidden(client: Client, simulator: Simulator, fault: Break) -> None:
    assert client.find(f"{SPACES}/000000000000000000000000", subject="space x") is None
    fault("status:403", SPACES)
    with pytest.raises(Forbidden):
        client.find(f"{SPACES}/000000000000000000000000", subject="space x")
    fault("status:410", SPACES)
    assert client.find(f"{SPACES}/000000000000000000000000", subject="space x") is None


def test_a_page_with_status_404_is_not_a_missing_object(connect: Connect) -> None:
    page = Reply(404, b"<html>not found</html>", {"Content-Type": "text/html; charset=utf-8"})
    with odd_server(lambda asked: page) as server, pytest.raises(Failed, match="web page"):
        connect(server.url).find("/api/v1/apps/1", subject="app")


@pytest.mark.parametrize("body", ["errors", "empty", "text"])
def test_every_error_of_the_apps_service_names_the_object(
    client: Client, simulator: Simulator, body: str
) -> None:
    simulator.switches.app_error_body = body  # type: ignore[assignment]
    with pytest.raises(NotFound) as caught:
        client.get("/api/v1/apps/11111111-1111-1111-1111-111111111111", subject='app "Sales"')
    assert str(caught.value).startswith('app "Sales": ')


# Questions are repeated.


@pytest.mark.parametrize("action", ["drop", "status:500", "status:502", "status:503", "html", "html:504"])
def test_a_question_is_repeated(client: Client, fault: Break, requests: Requests, action: str) -> None:
    fault(action, SPACES, times=3)
    assert "Board papers" in _names(client)
    assert len(requests("GET", SPACES)) == 4


@pytest.mark.parametrize(
    ("action", "error"),
    [("drop", Unreachable), ("status:500", Failed), ("status:503", Failed), ("html", Failed)],
)
def test_and_given_up_within_bounds(
    client: Client, time: Time, fault: Break, requests: Requests, action: str, error: type[CloudError]
) -> None:
    fault(action, SPACES, times=1000)
    with pytest.raises(error) as caught:
        _names(client)
    assert type(caught.value) is error
    assert len(requests("GET", SPACES)) == ATTEMPTS
    assert 1 < sum(time.slept) < 60


def test_nobody_listens(connect: Connect) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(Unreachable, match="check `url`"):
        connect(url).me()
    with pytest.raises(Unreachable):
        connect(url).post(SPACES, subject="space", json={})


def test_a_dead_tenant_is_not_tried_for_every_object(connect: Connect, time: Time) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = unused.getsockname()
    client = connect(f"http://127.0.0.1:{address[1]}", time=time)
    for _ in range(100):
        with pytest.raises(Unreachable, match="check `url`"):
            client.get("/x", subject="x")
        with pytest.raises(Unreachable):
            client.put("/y", subject="y", json={})
    assert sum(time.slept) < 60
    time.sleep(DOWN_SECONDS)
    with odd_server(lambda _: Reply(body=b"{}"), port=address[1]) as server:
        assert client.get("/x", subject="x") == {}
        assert [a.method for a in server.asked] == ["GET"]


def test_a_server_that_never_answers(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "READ_SECONDS", 0.02)
    monkeypatch.setattr(client_module, "WRITE_SECONDS", 0.02)
    done = threading.Event()

    def answer(asked: Asked) -> Reply:
        done.wait(10)
        return Reply()

    with odd_server(answer) as server:
        client = connect(server.url)
        try:
            with pytest.raises(Unreachable):
                client.get("/x", subject="x")
            with pytest.raises(Ambiguous):
                client.put("/y", subject="y", json={})
            assert [a.method for a in server.asked] == ["GET"] * ATTEMPTS + ["PUT"]
        finally:
            done.set()


# Changes are not.


@pytest.mark.parametrize("action", ["drop", "status:502", "status:503", "status:504", "html", "html:200"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_change_without_a_clear_answer_is_ambiguous_and_sent_once(
    client: Client, fault: Break, requests: Requests, action: str, when: str
) -> None:
    name = f"{action.replace(':', ' ')} {when}"
    fault(action, SPACES, "POST", when=when)
    with pytest.raises(Ambiguous, match=name):
        _make_space(client, name)
    assert len(requests("POST", SPACES)) == 1
    assert (name in _names(client)) == (when == "after")


@pytest.mark.parametrize("body", [b"{", b"done"])
def test_half_an_answer_to_a_change_is_ambiguous(connect: Connect, body: bytes) -> None:
    with odd_server(lambda asked: Reply(200, body)) as server, pytest.raises(Ambiguous):
        connect(server.url).post("/x", subject="x", json={})
    with odd_server(lambda asked: Reply(200, body)) as server, pytest.raises(Failed):
        connect(server.url).get("/x", subject="x")


def test_a_clear_no_is_not_ambiguous(client: Client, fault: Break) -> None:
    _make_space(client, "Once")
    with pytest.raises(Conflict):
        _make_space(client, "Once")
    fault("status:500", SPACES, "POST")
    with pytest.raises(Failed):
        _make_space(client, "Broken")


def test_a_change_that_never_left_is_repeated(connect: Connect) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    started: list[Odd] = []
    with ExitStack() as stack:

        def start(_: float) -> None:
            if not started:
                started.append(stack.enter_context(odd_server(lambda asked: Reply(201), port)))

        time = Time(also=start)
        assert connect(f"http://127.0.0.1:{port}", time=time).post("/x", subject="x").status == 201
        assert len(started[0].asked) == 1


def test_a_redirected_change_is_refused(connect: Connect) -> None:
    moved = Reply(301, b"", {"Location": "https://elsewhere.example/x"})
    with odd_server(lambda asked: moved) as server, pytest.raises(Failed, match="elsewhere"):
        connect(server.url).put("/x", subject="x", json={})


def test_a_delete_is_repeated_until_its_fate_is_known(client: Client, fault: Break) -> None:
    id_ = _make_space(client, "Short-lived")
    fault("drop", id_, "DELETE", when="before")
    assert client.delete(f"{SPACES}/{id_}", subject="space").status == 204
    id_ = _make_space(client, "Short-lived")
    fault("drop", id_, "DELETE", when="after")
    with pytest.raises(NotFound):
        client.delete(f"{SPACES}/{id_}", subject="space")


# Limits.


def test_a_429_waits_as_told_and_the_change_is_done_once(
    client: Client, time: Time, fault: Break, requests: Requests
) -> None:
    fault("status:429", SPACES, "POST", times=2)
    _make_space(client, "Patient")
    assert [status for _, status in requests("POST", SPACES)] == [429, 429, 201]
    assert sum(time.slept) >= 2


def test_more_changes_than_the_tenant_allows(
    client: Client, simulator: Simulator, requests: Requests
) -> None:
    simulator.switches.tier2_per_minute = 2
    names = [f"Slow {number:02}" for number in range(25)]
    for name in names:
        _make_space(client, name)
    assert set(names) <= set(_names(client))
    statuses = [status for _, status in requests("POST", SPACES)]
    assert statuses.count(201) == 25
    assert statuses.count(429) <= 4


LIMITED = b'{"errors":[{"code":"HTTP-429","title":"API rate limit reached."}]}'


@pytest.mark.parametrize(("said", "seconds"), [("60", 60), ("86400", 86_400)])
def test_429s_without_end_are_raised(connect: Connect, said: str, seconds: int) -> None:
    """Each wait is as long as the tenant says, and nobody asks before it is over."""
    reply = Reply(429, LIMITED, {"Retry-After": said, "Content-Type": "application/json"})
    time = Time()
    asked_at: list[float] = []

    def answer(asked: Asked) -> Reply:
        asked_at.append(time.now())
        return reply

    with odd_server(answer) as server:
        client = connect(server.url, time=time)
        for _ in range(2):
            with pytest.raises(RateLimited, match="rate limit reached"):
                client.get("/x", subject="x")
    assert min(b - a for a, b in pairwise(asked_at)) >= seconds
    assert sum(time.slept) <= 2 * (PATIENCE_SECONDS + 2 * seconds)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("Sat, 28 Nov 2026 06:00:40 GMT", 40), ("Sat, 28 Nov 2026 05:00:00 GMT", 1), ("soon", 5), (None, 5)],
)
def test_what_retry_after_says(connect: Connect, said: str | None, seconds: int) -> None:
    """Seconds by Qlik's documentation; a proxy may say a date, by the clock of its own answer."""
    headers = {"Content-Type": "application/json", "Date": "Sat, 28 Nov 2026 06:00:00 GMT"}
    limited = Reply(429, LIMITED, headers | ({"Retry-After": said} if said else {}))
    answers = [limited, Reply(body=b"{}")]
    time = Time()
    with odd_server(lambda asked: answers.pop(0)) as server:
        connect(server.url, time=time).get("/x", subject="x")
    assert sum(time.slept) == seconds


# Sign-in.


def test_one_token_for_all_threads(oauth: Client, simulator: Simulator, requests: Requests) -> None:
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(_names(oauth))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(requests("POST", "/oauth/token")) == 1


def test_a_token_is_renewed_before_it_ends(
    oauth: Client, time: Time, simulator: Simulator, requests: Requests
) -> None:
    for _ in range(3):
        _names(oauth)
        time.sleep(21_600 - 200)
    _names(oauth)
    assert len(requests("POST", "/oauth/token")) == 4
    assert 401 not in [status for _, status in requests("GET")]


def test_a_refused_token_is_renewed_once(oauth: Client, fault: Break, requests: Requests) -> None:
    _names(oauth)
    fault("status:401", SPACES, "POST")
    _make_space(oauth, "After a new token")
    assert len(requests("POST", "/oauth/token")) == 2
    fault("status:401", SPACES, times=10)
    with pytest.raises(Unauthorised):
        _names(oauth)
    assert len(requests("POST", "/oauth/token")) == 3


@pytest.mark.parametrize("action", ["drop", "status:503", "html", "status:429", "status:500"])
def test_the_sign_in_is_repeated(oauth: Client, fault: Break, action: str) -> None:
    fault(action, "/oauth/token", times=2)
    assert "Board papers" in _names(oauth)


def test_a_wrong_key_and_a_wrong_secret(connect: Connect, simulator: Simulator) -> None:
    url = simulator.description["tenant"]["url"]
    with pytest.raises(Unauthorised, match="qlift:apiKey") as caught:
        connect(url).me()
    assert KEY not in str(caught.value)
    client_id = simulator.description["tenant"]["client_id"]
    wrong = connect(url, OAuthClient(client_id, SecretStr(KEY)))
    with pytest.raises(Unauthorised, match=client_id) as caught:
        wrong.me()
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"access_token": "x", "expires_in": "soon"}'])
def test_an_answer_without_a_token(connect: Connect, body: bytes) -> None:
    with odd_server(lambda asked: Reply(200, body)) as server:
        client = connect(server.url, OAuthClient("id", SecretStr(KEY)))
        with pytest.raises(Failed, match="no token"):
            client.me()


def test_a_short_token_is_used_for_a_while(connect: Connect) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            return Reply(body=b'{"access_token": "short", "expires_in": 60}')
        return Reply(body=b'{"id": "1"}')

    with odd_server(answer) as server:
        client = connect(server.url, OAuthClient("id", SecretStr(KEY)))
        for _ in range(5):
            client.get("/x", subject="x")
        assert [a.path for a in server.asked].count("/oauth/token") == 1


# Secrets go nowhere else.


@pytest.mark.parametrize("way", ["redirect", "link"])
def test_credentials_stay_with_the_tenant(connect: Connect, way: str) -> None:
    with odd_server(lambda asked: Reply(body=b'{"data": []}')) as elsewhere:

        def answer(asked: Asked) -> Reply:
            if way == "redirect":
                return Reply(302, b"", {"Location": f"{elsewhere.url}/x"})
            links = {"next": {"href": f"{elsewhere.url}/x"}}
            return Reply(body=json.dumps({"data": [], "links": links}).encode())

        with odd_server(answer) as server, pytest.raises(Failed, match="another address"):
            list(connect(server.url).pages("/x", subject="x"))
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    "href", ["//evil.example/x", "http://127.0.0.1@evil.example/", "file:///etc", "\\\\evil"]
)
def test_a_crafted_link_leads_nowhere_else(connect: Connect, href: str) -> None:
    page = json.dumps({"data": [], "links": {"next": {"href": href}}}).encode()
    with odd_server(lambda asked: Reply(body=page)) as server, pytest.raises(Failed):
        list(connect(server.url).pages("/x", subject="x"))


def test_a_tenant_that_repeats_what_it_was_sent(connect: Connect) -> None:
    def answer(asked: Asked) -> Reply:
        said = f"bad header {asked.headers['authorization']} {KEY}"
        if asked.method == "GET":
            return Reply(400, said.encode(), {"Content-Type": "text/plain"})
        return Reply(400, json.dumps({"errors": [{"title": said, "detail": KEY}], "traceId": KEY}).encode())

    with odd_server(answer) as server:
        for call in (connect(server.url).get, connect(server.url).delete):
            with pytest.raises(CloudError, match="bad header") as caught:
                call("/x", subject="x")
            assert KEY not in str(caught.value)


def test_a_key_that_cannot_be_sent_is_not_shown(connect: Connect, simulator: Simulator) -> None:
    with pytest.raises(CloudError) as caught:
        connect(simulator.description["tenant"]["url"], f"{KEY}\nx").me()
    assert KEY not in str(caught.value)
