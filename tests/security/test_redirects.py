"""Credentials go to the host that they are for, wherever an answer points."""

from __future__ import annotations

import io
import json
from pathlib import Path

import jwt
import pytest
from pydantic import SecretStr

from qlift.cloud.auth import OAuthClient
from qlift.cloud.errors import CloudError
from qlift.cloud.uploads import upload_file
from qlift.sources.qlik_sense.engine import Engine
from qlift.sources.qlik_sense.errors import SourceError, Unreachable
from tests.cloud.servers import Asked, Odd, Reply, odd_server
from tests.security.conftest import KEY, Certificates, Connect
from tests.sources.ends import SECRET, USER, client_of, source_file

STATUSES = pytest.mark.parametrize("status", [301, 302, 303, 307, 308])


def moved(status: int, to: str) -> Reply:
    return Reply(status, b"", {"Location": to})


@STATUSES
@pytest.mark.parametrize("method", ["get", "put", "post", "patch", "delete"])
def test_a_tenant_redirects_elsewhere(connect: Connect, status: int, method: str) -> None:
    with (
        odd_server(lambda asked: Reply()) as elsewhere,
        odd_server(lambda asked: moved(status, f"{elsewhere.url}/x")) as server,
    ):
        with pytest.raises(CloudError):
            getattr(connect(server.url), method)("/x", subject="x")
        assert elsewhere.asked == []


@STATUSES
def test_a_tenant_redirects_from_https_to_http(
    certificates: Certificates, connect: Connect, status: int
) -> None:
    with odd_server(lambda asked: Reply()) as plain:
        answer = moved(status, f"{plain.url}/x")
        with odd_server(lambda asked: answer, tls=certificates.server()) as server:
            client = connect(server.url, verify=certificates.trusting())
            with pytest.raises(CloudError):
                client.get("/x", subject="x")
            with pytest.raises(CloudError):
                client.put("/x", subject="x", json={})
            # To the same port, only without encryption.
            answer = moved(status, server.url.replace("https", "http"))
            with pytest.raises(CloudError, match="another address"):
                client.get("/x", subject="x")
        assert plain.asked == []


@STATUSES
def test_a_sign_in_is_redirected(connect: Connect, status: int) -> None:
    with (
        odd_server(lambda asked: Reply()) as elsewhere,
        odd_server(lambda asked: moved(status, f"{elsewhere.url}/oauth/token")) as server,
    ):
        with pytest.raises(CloudError) as caught:
            connect(server.url, OAuthClient("id", SecretStr(KEY))).me()
        assert elsewhere.asked == [] and KEY not in str(caught.value)


def test_an_upload_is_sent_elsewhere(connect: Connect) -> None:
    with (
        odd_server(lambda asked: Reply()) as elsewhere,
        odd_server(lambda asked: moved(201, f"{elsewhere.url}/files/1")) as server,
    ):
        with pytest.raises(CloudError, match="another address"):
            upload_file(connect(server.url), lambda: io.BytesIO(b"x"), 1, "a.qvf", subject="app")
        assert elsewhere.asked == []


def site_get(server: Odd, folder: Path, path: str = "about") -> str:
    """Asks the site with a token. Returns the token."""
    token = jwt.encode({"userId": "jane", "userDirectory": "CORP"}, "k" * 32, "HS256")
    client = client_of(source_file(folder, server.url, {"jwt": {"token_env": SECRET}}), {SECRET: token})
    try:
        with pytest.raises(SourceError) as caught:
            client.get(path)
        assert token not in str(caught.value)
        with pytest.raises(SourceError):
            client.post(path)
        with pytest.raises(SourceError), client.download("/tempcontent/x") as chunks:
            list(chunks)
    finally:
        client.close()
    return token


@STATUSES
def test_a_site_redirects_elsewhere(tmp_path: Path, status: int) -> None:
    with (
        odd_server(lambda asked: Reply()) as elsewhere,
        odd_server(lambda asked: moved(status, f"{elsewhere.url}/x")) as server,
    ):
        site_get(server, tmp_path)
        assert server.asked and elsewhere.asked == []


@STATUSES
def test_an_engine_redirects_elsewhere(tmp_path: Path, status: int) -> None:
    """The identity is in a header whose name the site chose."""
    with (
        odd_server(lambda asked: Reply()) as elsewhere,
        odd_server(lambda asked: moved(status, f"{elsewhere.url.replace('http', 'ws')}/x")) as server,
    ):
        way = {"header": {"name": "X-Any-Name", "value_env": USER}}
        engine = server.url.replace("http", "ws")
        client = client_of(source_file(tmp_path, server.url, way, engine=engine), {USER: "CORP\\jane"})
        with pytest.raises(Unreachable, match=str(status)):
            Engine(client).script("1" * 36)
        client.close()
        assert len(server.asked) == 1 and elsewhere.asked == []


@pytest.mark.parametrize("path", ["@{}/x", ".{}/x", "http://{}/x", "x@{}", ""])
def test_a_download_path_that_leads_elsewhere(tmp_path: Path, path: str) -> None:
    with odd_server(lambda asked: Reply()) as elsewhere, odd_server(lambda asked: Reply()) as server:
        token = jwt.encode({"userId": "jane", "userDirectory": "CORP"}, "k" * 32, "HS256")
        way = {"jwt": {"token_env": SECRET}}
        client = client_of(source_file(tmp_path, server.url, way), {SECRET: token})
        given = path.format(elsewhere.url.removeprefix("http://"))
        with pytest.raises(SourceError, match="download path"), client.download(given) as chunks:
            list(chunks)
        client.close()
        assert elsewhere.asked == server.asked == []


def test_slashes_do_not_make_another_host(tmp_path: Path) -> None:
    with (
        odd_server(lambda asked: Reply()) as elsewhere,
        odd_server(lambda asked: Reply(body=b"file")) as server,
    ):
        token = jwt.encode({"userId": "jane", "userDirectory": "CORP"}, "k" * 32, "HS256")
        client = client_of(source_file(tmp_path, server.url, {"jwt": {"token_env": SECRET}}), {SECRET: token})
        with client.download(f"//{elsewhere.url.removeprefix('http://')}/x") as chunks:
            assert b"".join(chunks) == b"file"
        client.close()
        assert elsewhere.asked == [] and len(server.asked) == 1


FORMS = pytest.mark.parametrize(
    "form", ["plain", "json", "slashes", "url", "plus", "base64", "basic", "urlsafe"]
)


def spelt(secret: str, form: str) -> str:
    """As an answer may repeat it: written here once more, so that the code's own list is not its judge."""
    from base64 import b64encode, urlsafe_b64encode
    from urllib.parse import quote, quote_plus

    return {
        "plain": secret,
        "json": json.dumps(secret)[1:-1],
        "slashes": secret.replace("/", "\\/"),
        "url": quote(secret, safe=""),
        "plus": quote_plus(secret),
        "base64": b64encode(secret.encode()).decode(),
        "basic": b64encode(f"the-client:{secret}".encode()).decode(),
        "urlsafe": urlsafe_b64encode(f"id:{secret}:more".encode()).decode(),
    }[form]


@FORMS
@pytest.mark.parametrize(
    "secret", [KEY, 'quote"back\\slash/slash', "plain0123456789abcdef", "a+b/c=d&e%f?g~h"]
)
def test_a_tenant_repeats_our_secret(connect: Connect, form: str, secret: str) -> None:
    token = f"tok-{secret}"

    def answer(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            return Reply(body=json.dumps({"access_token": token, "expires_in": 60}).encode())
        said = f"odd: {spelt(secret, form)} {spelt(token, form)}"
        if asked.path == "/text":
            return Reply(400, said.encode(), {"Content-Type": "text/plain"})
        errors = [{"title": said, "detail": said, "code": said, "meta": {"message": said}}]
        return Reply(400, json.dumps({"errors": errors, "traceId": said}).encode())

    with odd_server(answer) as server:
        client = connect(server.url, OAuthClient("the-client", SecretStr(secret)))
        for path in ("/text", "/json"):
            for call in (client.get, client.post):
                with pytest.raises(CloudError, match="odd") as caught:
                    call(path, subject="x")
                seen = f"{caught.value} {caught.value!r} {vars(caught.value)}"
                for hidden in (secret, token):
                    assert hidden not in seen and spelt(hidden, form) not in seen
                # Base64 in the middle of something longer: no run of it is left that could be decoded.
                assert spelt(secret, form)[14:30] not in seen or form not in ("basic", "urlsafe")


def test_a_tenant_repeats_an_earlier_token(connect: Connect) -> None:
    """Of a request that was on its way when another thread had a new one already."""
    tokens = ["opaque-first-0123456789", "opaque-second-0123456789"]
    first, left = tokens[0], list(tokens)

    def answer(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            return Reply(body=json.dumps({"access_token": left.pop(0), "expires_in": 3600}).encode())
        if first in asked.headers.get("Authorization", asked.headers.get("authorization", "")):
            return Reply(401)
        return Reply(400, json.dumps({"errors": [{"title": f"odd: {first}"}]}).encode())

    with odd_server(answer) as server:
        client = connect(server.url, OAuthClient("the-client", SecretStr(KEY)))
        with pytest.raises(CloudError, match="odd") as caught:
            client.get("/json", subject="x")
        assert not left and first not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_a_site_repeats_what_it_was_sent(tmp_path: Path, status: int) -> None:
    def answer(asked: Asked) -> Reply:
        said = f"odd header {asked.headers['authorization']}, password=s3cr3t-Planted"
        return Reply(status, said.encode(), {"Content-Type": "text/plain"})

    with odd_server(answer) as server:
        site_get(server, tmp_path)
    with odd_server(answer) as server:
        token = jwt.encode({"userId": "jane", "userDirectory": "CORP"}, "k" * 32, "HS256")
        client = client_of(source_file(tmp_path, server.url, {"jwt": {"token_env": SECRET}}), {SECRET: token})
        with pytest.raises(SourceError) as caught:
            client.get("about")
        client.close()
        assert "s3cr3t-Planted" not in str(caught.value) and token not in str(caught.value)
