"""Every way in, against the site's real servers: lists, audit, load scripts and app files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qlift.bundle import load_bundle
from qlift.simulator import Simulator
from qlift.sources.qlik_sense.client import SiteClient
from qlift.sources.qlik_sense.connection import load_connection
from qlift.sources.qlik_sense.errors import ConnectionSettings, SourceError, Unreachable
from tests.sources.ends import SECRET, USER, by_header, client_of, export, source_file, stable

Ends = dict[str, Any]
Opened = tuple[str, dict[str, Any], dict[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture(scope="module")
def wanted(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What an export by the header shows, apart from the manifest, which names the identity."""
    folder = tmp_path_factory.mktemp("wanted")
    site = by_header(simulator, folder)
    export(site, folder / "b")
    site.close()
    return content(folder / "b")


def content(folder: Path) -> dict[str, str]:
    return {name: sha256 for name, sha256 in stable(folder).items() if name != "manifest.json"}


def certificate_folder(site: Ends) -> Opened:
    """As the QMC exports it: root.pem, client.pem, client_key.pem."""
    given = site["certificate"]
    way = {"folder": str(Path(given["ca"]).parent)}
    return given["url"], {"certificate": way}, {}, {"engine": given["engine_url"], "server_name": "localhost"}


def jwt(site: Ends) -> Opened:
    return site["jwt"]["url"], {"jwt": {"token_env": SECRET}}, {SECRET: site["jwt"]["token"]}, {}


def ticket(site: Ends) -> Opened:
    given = site["ticket"]
    files = {"ca": given["ca"], "certificate": given["cert"], "key": given["key"]}
    way = {k: given[k] for k in ("qps_url", "prefix", "user_directory", "user_id")} | {"certificate": files}
    return given["url"], {"ticket": way}, {}, {}


def ntlm(site: Ends) -> Opened:
    given = site["ntlm"]
    env = {USER: given["user"], SECRET: given["password"]}
    return given["url"], {"ntlm": {"user_env": USER, "password_env": SECRET}}, env, {}


def prefixed_header(site: Ends) -> Opened:
    given = site["prefixed_header"]
    way = {"header": {"name": given["name"], "value_env": USER}}
    return given["url"], way, {USER: given["value"]}, {}


WAYS = [certificate_folder, jwt, ticket, ntlm, prefixed_header]


def opened(way: Callable[[Ends], Opened], simulator: Simulator, folder: Path, **changes: Any) -> SiteClient:
    url, settings, env, more = way(dict(simulator.description["site"]))
    return client_of(source_file(folder, url, settings, **(more | changes)), env)


@pytest.mark.parametrize("way", WAYS)
def test_each_way_sees_the_same(
    way: Callable[[Ends], Opened], simulator: Simulator, tmp_path: Path, wanted: dict[str, str]
) -> None:
    site = opened(way, simulator, tmp_path)
    report = export(site, tmp_path / "b")
    site.close()
    assert (report.fetched, report.failed, report.incomplete, report.notes) == (14, [], [], [])
    assert (report.scripts, report.scripts_from_files) == (14, 0)
    assert content(tmp_path / "b") == wanted
    assert load_bundle(tmp_path / "b").manifest.identity.complete


@pytest.mark.parametrize("way", [ticket, ntlm])
def test_a_session_that_the_site_forgot_is_opened_again(
    way: Callable[[Ends], Opened], tmp_path: Path
) -> None:
    with Simulator() as simulator:
        site = opened(way, simulator, tmp_path)
        forgotten = False

        def half_an_hour_passes(text: str) -> None:
            nonlocal forgotten
            if text.startswith("app files: 5") and not forgotten:
                forgotten = True
                simulator.clock.advance(31 * 60)

        report = export(site, tmp_path / "b", progress=half_an_hour_passes)
        site.close()
    assert forgotten and (report.fetched, report.failed) == (14, [])


def test_tokens_signed_by_us_name_the_user_and_expire(simulator: Simulator, tmp_path: Path) -> None:
    import jwt as web_tokens

    key = tmp_path / "key.pem"
    key.write_text(simulator.store.get_setting("site jwt")["private"], encoding="ascii")
    way = {"jwt": {"key_env": SECRET, "user_directory": "ACME", "user_id": "qlik.admin"}}
    url = simulator.description["site"]["jwt"]["url"]
    site = client_of(source_file(tmp_path, url, way), {SECRET: str(key)})
    assert site.get("about")["buildVersion"]
    token = site.entrance.headers()["Authorization"].removeprefix("Bearer ")
    claims = web_tokens.decode(token, options={"verify_signature": False})
    site.close()
    assert (claims["userDirectory"], claims["userId"]) == ("ACME", "qlik.admin")
    assert claims["exp"] - claims["iat"] == 900


@pytest.mark.parametrize("name", ["other.example", "qs"])
def test_the_server_has_to_be_the_one_that_is_named(name: str, simulator: Simulator, tmp_path: Path) -> None:
    site = opened(certificate_folder, simulator, tmp_path, server_name=name)
    with pytest.raises(Unreachable, match=f"'{name}'"):
        site.get("about")
    site.close()


def test_another_authority_is_not_trusted(simulator: Simulator, tmp_path: Path) -> None:
    from trustme import CA

    given = simulator.description["site"]["certificate"]
    CA().cert_pem.write_to_path(str(tmp_path / "root.pem"))
    way = {"certificate": {"ca": "root.pem", "certificate": given["cert"], "key": given["key"]}}
    site = client_of(source_file(tmp_path, given["url"], way), {})
    with pytest.raises(Unreachable, match="certificate verify failed"):
        site.get("about")
    site.close()


def test_an_encrypted_key_wants_its_password(simulator: Simulator, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as s

    given = simulator.description["site"]["certificate"]
    plain = s.load_pem_private_key(Path(given["key"]).read_bytes(), None)
    locked = plain.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"hush"))
    (tmp_path / "client_key.pem").write_bytes(locked)
    files = {"ca": given["ca"], "certificate": given["cert"], "key": "client_key.pem"}
    path = source_file(tmp_path, given["url"], {"certificate": files})
    with pytest.raises(ConnectionSettings, match="password_env"):
        client_of(path, {})
    path = source_file(tmp_path, given["url"], {"certificate": files | {"password_env": SECRET}})
    site = client_of(path, {SECRET: "hush"})
    assert site.get("about")
    site.close()
    with pytest.raises(ConnectionSettings) as raised:
        client_of(path, {SECRET: "wrong-guess"})
    assert "wrong-guess" not in str(raised.value)


@pytest.mark.parametrize(
    ("way", "secret", "sign"),
    [(ntlm, "not-the-password", "did not accept the Windows user"), (jwt, "x.y.z", "holds no token")],
)
def test_wrong_credentials_are_told_without_showing_them(
    way: Callable[[Ends], Opened], secret: str, sign: str, simulator: Simulator, tmp_path: Path
) -> None:
    url, settings, env, more = way(dict(simulator.description["site"]))
    with pytest.raises(SourceError, match=sign) as raised:
        client_of(source_file(tmp_path, url, settings, **more), env | {SECRET: secret}).get("about")
    assert secret not in str(raised.value)


def test_a_token_that_the_site_does_not_take(simulator: Simulator, tmp_path: Path) -> None:
    url, settings, env, _ = jwt(dict(simulator.description["site"]))
    token = env[SECRET][:-8] + "AAAAAAAA"
    site = client_of(source_file(tmp_path, url, settings), {SECRET: token})
    with pytest.raises(SourceError, match="login page"):
        site.get("about")
    site.close()


def test_a_ticket_for_the_wrong_proxy(simulator: Simulator, tmp_path: Path) -> None:
    url, settings, env, _ = ticket(dict(simulator.description["site"]))
    settings["ticket"]["prefix"] = "nowhere"
    site = client_of(source_file(tmp_path, url, settings), env)
    with pytest.raises(SourceError, match=r"no ticket .*check `prefix`"):
        site.get("about")
    site.close()


def test_without_the_extra_the_message_names_it(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "spnego", None)
    with pytest.raises(ConnectionSettings, match=r"qlift\[ntlm\]"):
        opened(ntlm, simulator, tmp_path)


def test_a_download_path_with_and_without_the_prefix(simulator: Simulator, tmp_path: Path) -> None:
    simulator.site_switches.download_path = "prefixed"
    try:
        site = opened(prefixed_header, simulator, tmp_path)
        report = export(site, tmp_path / "b")
        site.close()
    finally:
        simulator.site_switches.download_path = "bare"
    assert (report.fetched, report.failed) == (14, [])


@pytest.mark.parametrize(
    ("url", "way", "engine"),
    [
        ("https://qs.corp:4242", "certificate: {folder: c}", "wss://qs.corp:4747"),
        ("https://[::1]:4242", "certificate: {folder: c}", "wss://[::1]:4747"),
        ("https://qs.corp/hdr/", "header: {name: X, value_env: Y}", "wss://qs.corp/hdr"),
        ("http://127.0.0.1:80/j", "jwt: {token_env: Y}", "ws://127.0.0.1:80/j"),
    ],
)
def test_where_the_engine_is_expected(url: str, way: str, engine: str, tmp_path: Path) -> None:
    path = tmp_path / "qs.yaml"
    path.write_text(f"site: qs\nkind: qlik-sense\nurl: {url}\nway: {{{way}}}\n")
    assert load_connection(path).engine_url == engine
    path.write_text(path.read_text() + "engine: wss://engine.corp:1234\n")
    assert load_connection(path).engine_url == "wss://engine.corp:1234"
