"""Nothing is sent to a server that is not proven to be the right one, and no setting turns that off."""

from __future__ import annotations

import ast
import ssl
from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml

from qlift.cloud.errors import Unreachable
from qlift.cloud.settings import SettingsError, load_target
from qlift.sources.qlik_sense.client import SiteClient
from qlift.sources.qlik_sense.connection import load_connection
from qlift.sources.qlik_sense.engine import Engine
from qlift.sources.qlik_sense.errors import ConnectionSettings, SourceError
from tests.cloud.servers import Asked, Reply, odd_server
from tests.security.conftest import KEY, Certificates, Connect
from tests.sources.ends import SECRET, USER, client_of, source_file

ROOT = Path(__file__).parents[2]
WRONG = pytest.mark.parametrize("wrong", ["authority", "name", "date"])
OFF = {
    "PYTHONHTTPSVERIFY": "0",
    "CURL_CA_BUNDLE": "",
    "REQUESTS_CA_BUNDLE": "",
    "SSL_CERT_FILE": "",
    "SSL_CERT_DIR": "",
    "NODE_TLS_REJECT_UNAUTHORIZED": "0",
    "GIT_SSL_NO_VERIFY": "1",
    "HTTPX_VERIFY": "0",
}
"""What turns verification off elsewhere, or an empty value that could be taken for it."""


def answer(asked: Asked) -> Reply:
    return Reply(body=b'{"id": "1"}')


def site(folder: Path, url: str, ca: Path | None, **more: Any) -> SiteClient:
    way = {"token_env": SECRET, **({"ca": str(ca)} if ca else {})}
    token = jwt.encode({"userId": "jane", "userDirectory": "CORP"}, "k" * 32, "HS256")
    return client_of(source_file(folder, url, {"jwt": way}, **more), {SECRET: token})


@WRONG
def test_a_tenant_that_is_not_proven(certificates: Certificates, connect: Connect, wrong: str) -> None:
    with odd_server(answer, tls=certificates.server(wrong)) as server:
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            connect(server.url, verify=certificates.trusting()).me()
        assert server.asked == []


@WRONG
def test_a_site_that_is_not_proven(certificates: Certificates, tmp_path: Path, wrong: str) -> None:
    with odd_server(answer, tls=certificates.server(wrong)) as server:
        client = site(tmp_path, server.url, certificates.ca)
        with pytest.raises(SourceError, match="CERTIFICATE_VERIFY_FAILED"):
            client.get("about")
        with pytest.raises(SourceError, match="CERTIFICATE_VERIFY_FAILED"):
            Engine(client).script("a1")
        client.close()
        assert server.asked == []


def test_what_is_proven_is_asked(certificates: Certificates, connect: Connect, tmp_path: Path) -> None:
    """Else the tests above would prove nothing."""
    with odd_server(answer, tls=certificates.server()) as server:
        assert connect(server.url, verify=certificates.trusting()).me().id == "1"
        client = site(tmp_path, server.url, certificates.ca)
        assert client.get("about") == {"id": "1"}
        client.close()


def test_another_name_is_verified_too(certificates: Certificates, tmp_path: Path) -> None:
    with odd_server(answer, tls=certificates.server("name")) as server:
        named = site(tmp_path, server.url, certificates.ca, server_name="elsewhere.test")
        assert named.get("about") == {"id": "1"}
        other = site(tmp_path, server.url, certificates.ca, server_name="qs")
        with pytest.raises(SourceError, match="CERTIFICATE_VERIFY_FAILED"):
            other.get("about")
        named.close()
        other.close()


@pytest.mark.usefixtures("names_lead_here")
def test_the_environment_turns_nothing_off(
    certificates: Certificates, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in OFF.items():
        monkeypatch.setenv(name, value)
    with odd_server(answer, tls=certificates.server()) as server:
        url = server.url.replace("127.0.0.1", "tenant.example")
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            connect(url).me()
        client = site(tmp_path, url, None)
        with pytest.raises(SourceError, match="CERTIFICATE_VERIFY_FAILED"):
            client.get("about")
        client.close()
        # SSL_CERT_FILE changes who is trusted, as everywhere; what it does not name is still refused.
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.other_ca))
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            connect(url).me()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))
        assert connect(url).me().id == "1"


@pytest.mark.usefixtures("names_lead_here")
def test_a_file_of_authorities_that_is_not_there_is_told(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    with pytest.raises(Unreachable, match="SSL_CERT_FILE"):
        connect("https://tenant.example")


@pytest.mark.usefixtures("names_lead_here")
def test_a_proxy_of_the_environment_sees_no_credentials(
    certificates: Certificates, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for a tunnel; what goes through that is encrypted for the other end."""
    with odd_server(lambda asked: Reply(502)) as proxy:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(Unreachable):
            connect("https://tenant.example").me()
        client = site(tmp_path, "https://qs.example", certificates.ca)
        with pytest.raises(SourceError):
            client.get("about")
        token = client.entrance.headers()["Authorization"].split()[1]
        client.close()
        assert {a.method for a in proxy.asked} == {"CONNECT"}
        assert {a.path for a in proxy.asked} == {"tenant.example:443", "qs.example:443"}
        seen = repr([(a.headers, a.body) for a in proxy.asked])
        assert KEY not in seen and token not in seen and "authorization" not in seen


def test_no_proxy_is_asked_for_a_site_on_this_machine(
    certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with odd_server(lambda asked: Reply(502)) as proxy, odd_server(answer) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        client = site(tmp_path, server.url, None)
        assert client.get("about") == {"id": "1"}
        client.close()
        assert proxy.asked == []


@pytest.mark.parametrize(
    "url", ["http://qs.corp.example", "http://127.0.0.1.evil.example", "http://10.0.0.1"]
)
def test_http_is_for_this_machine_only(tmp_path: Path, url: str) -> None:
    header = {"header": {"name": "hdr", "value_env": USER}}
    with pytest.raises(ConnectionSettings, match="in the clear"):
        load_connection(source_file(tmp_path, url, header))
    with pytest.raises(ConnectionSettings, match="in the clear"):
        engine = url.replace("http", "ws")
        load_connection(source_file(tmp_path, "https://qs.corp.example", header, engine=engine))
    ticket = {"qps_url": url, "certificate": {"folder": "c"}, "user_directory": "C", "user_id": "u"}
    with pytest.raises(ConnectionSettings, match="in the clear"):
        load_connection(source_file(tmp_path, "https://qs.corp.example", {"ticket": ticket}))
    target = tmp_path / "target.yaml"
    target.write_text(yaml.safe_dump({"url": url}))
    with pytest.raises(SettingsError, match="in the clear"):
        load_target(str(target), tmp_path)


@pytest.mark.parametrize(
    "key", ["verify", "insecure", "verify_ssl", "tls", "skip_tls_verify", "check_hostname"]
)
@pytest.mark.parametrize("value", [False, "false", True])
def test_no_key_of_a_file_turns_it_off(tmp_path: Path, key: str, value: Any) -> None:
    target = tmp_path / "target.yaml"
    target.write_text(yaml.safe_dump({"url": "https://t.example", key: value}))
    with pytest.raises(SettingsError, match="unknown key"):
        load_target(str(target), tmp_path)
    way = {"header": {"name": "hdr", "value_env": USER}}
    with pytest.raises(ConnectionSettings, match="unknown key"):
        load_connection(source_file(tmp_path, "https://qs.example", way, **{key: value}))
    with pytest.raises(ConnectionSettings, match="unknown key"):
        inside = {"header": {"name": "hdr", "value_env": USER, key: value}}
        load_connection(source_file(tmp_path, "https://qs.example", inside))


def test_no_line_of_ours_turns_it_off() -> None:
    files = [f for room in ("qlift", "providers") for f in (ROOT / room).rglob("*.py")]
    assert len(files) > 200
    found = [f"{f.relative_to(ROOT)}:{line}" for f in files for line in _unverified(f)]
    assert found == []


def _unverified(file: Path) -> list[int]:
    lines = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        off = name in ("CERT_NONE", "CERT_OPTIONAL", "_create_unverified_context")
        if isinstance(node, ast.keyword) and node.arg in ("verify", "check_hostname", "verify_ssl"):
            off = isinstance(node.value, ast.Constant) and not node.value.value
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            off = off or (
                node.targets[0].attr in ("check_hostname", "verify_mode")
                and isinstance(node.value, ast.Constant)
                and not node.value.value
            )
        if off:
            lines.append(getattr(node, "lineno", 0))
    return lines


WAYS: dict[str, dict[str, Any]] = {
    "certificate": {"folder": "certs"},
    "header": {"name": "hdr", "value_env": USER},
    "jwt": {"token_env": SECRET},
    "ticket": {
        "qps_url": "https://qs.example:4243",
        "certificate": {"folder": "certs"},
        "user_directory": "CORP",
        "user_id": "jane",
    },
    "ntlm": {"user_env": USER, "password_env": SECRET},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("own", [True, False])
def test_every_way_in_verifies(certificates: Certificates, tmp_path: Path, way: str, own: bool) -> None:
    certificates.write_client(tmp_path / "certs")
    settings = WAYS[way] | ({"ca": str(certificates.ca)} if own and way != "certificate" else {})
    token = jwt.encode({"userId": "jane", "userDirectory": "CORP"}, "k" * 32, "HS256")
    with odd_server(answer, tls=certificates.server("authority")) as server:
        if way == "ticket":
            settings |= {"qps_url": server.url}
        path = source_file(tmp_path, server.url, {way: settings})
        client = client_of(path, {USER: "CORP\\jane", SECRET: token})
        context = client.entrance.tls
        assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname
        with pytest.raises(SourceError, match="CERTIFICATE_VERIFY_FAILED"):
            client.get("about")
        client.close()
        # Neither the ticket service, nor the site that a session is opened with.
        assert server.asked == []
