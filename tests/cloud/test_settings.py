from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from qlift.cloud.auth import ApiKey, OAuthClient
from qlift.cloud.settings import SettingsError, Target, connect_target, credentials_from, load_target
from qlift.simulator import Simulator
from qlift.simulator.site import SampleOptions
from tests.cloud.conftest import KEY

URL = "https://t.eu.qlikcloud.com"


def _write(root: Path, text: str, name: str = "prod") -> Path:
    path = root / "stacks" / "targets" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def target(tmp_path: Path) -> Target:
    _write(tmp_path, f"url: {URL}")
    return load_target("prod", tmp_path)


def test_an_address_is_enough(tmp_path: Path) -> None:
    path = _write(tmp_path, f"url: {URL}/console/\n")
    target = load_target("prod", tmp_path)
    assert target.url == URL
    assert target.share == 1.0
    assert target.users_file == path.parent / "prod.users.csv"
    assert target.groups_file == path.parent / "prod.groups.csv"


def test_a_path_is_one_too(tmp_path: Path) -> None:
    path = _write(tmp_path, f"url: {URL}\nusers: who.csv\nshare: 0.5\n")
    for given in ("stacks/targets/prod.yaml", str(path)):
        target = load_target(given, tmp_path)
        assert (target.users_file, target.share) == (path.parent / "who.csv", 0.5)


def test_all_problems_at_once_with_the_nearest_key(tmp_path: Path) -> None:
    path = _write(tmp_path, "ulr: x\nshare: 7\napi_key: abc\npath: y\n3: z\n")
    with pytest.raises(SettingsError) as caught:
        load_target("prod", tmp_path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    assert len(lines) == 6
    text = str(caught.value)
    assert "`ulr`; did you mean `url`?" in text
    assert "`api_key`; did you mean `api_key_env`?" in text
    assert "`path`" in text
    assert "url: Field required" in text
    assert "share: " in text
    assert "abc" not in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("url: http://t.eu.qlikcloud.com", "https://"),
        ("url: t.eu.qlikcloud.com", "https://"),
        ("url: https://me:s3cr3t@t.eu.qlikcloud.com", "user or password"),
        ("- a\n- b", "keys and values"),
        ("url: [", "not readable as YAML"),
        ("", "url"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_target("prod", tmp_path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_a_missing_target(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such target"):
        load_target("prod", tmp_path)


def test_the_stack_goes_before_the_environment(target: Target) -> None:
    env = {"QLIFT_API_KEY": KEY}
    assert credentials_from(target, {}, env) == ApiKey(SecretStr(KEY))
    config = {"clientId": "id", "clientSecret": "secret"}
    assert credentials_from(target, config, env) == OAuthClient("id", SecretStr("secret"))
    assert credentials_from(target, {"apiKey": "k"}, env) == ApiKey(SecretStr("k"))


def test_a_target_may_name_its_variables(tmp_path: Path) -> None:
    _write(tmp_path, f"url: {URL}\nclient_id_env: PROD_ID\nclient_secret_env: PROD_SECRET\n")
    target = load_target("prod", tmp_path)
    found = credentials_from(target, {}, {"PROD_ID": "id", "PROD_SECRET": "secret", "QLIFT_CLIENT_ID": "no"})
    assert found == OAuthClient("id", SecretStr("secret"))


def test_what_a_file_leaves_behind_a_key_is_taken_off(target: Target) -> None:
    assert credentials_from(target, {}, {"QLIFT_API_KEY": f" {KEY}\n"}) == ApiKey(SecretStr(KEY))


@pytest.mark.parametrize(
    ("config", "env", "said"),
    [
        ({}, {}, "qlift:apiKey"),
        ({}, {}, "QLIFT_CLIENT_ID"),
        ({"apiKey": KEY, "clientId": "id", "clientSecret": KEY}, {}, "keep one"),
        ({}, {"QLIFT_API_KEY": KEY, "QLIFT_CLIENT_SECRET": KEY}, "keep one"),
        ({"clientId": "id"}, {}, "clientSecret is missing"),
        ({}, {"QLIFT_CLIENT_SECRET": KEY}, "QLIFT_CLIENT_ID is missing"),
        ({"apiKey": f"{KEY} {KEY}"}, {}, "apiKey holds characters"),
        ({"apiKey": f"{KEY}é"}, {}, "apiKey holds characters"),
        ({}, {"QLIFT_API_KEY": f"{KEY}\n{KEY}"}, "QLIFT_API_KEY holds characters"),
        ({"apiKey": "   "}, {}, "missing or empty"),
    ],
)
def test_credentials_that_do_not_do(
    target: Target, config: dict[str, str], env: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        credentials_from(target, config, env)
    assert KEY not in str(caught.value)


def test_credentials_do_not_show_themselves(target: Target) -> None:
    found = credentials_from(target, {"clientId": "id", "clientSecret": KEY}, {})
    assert KEY not in f"{found!r} {found}"


def test_a_target_with_an_authority_of_its_own(tmp_path: Path) -> None:
    with Simulator(sample=SampleOptions(apps=2, users=10), https=True) as simulator:
        tenant = simulator.description["tenant"]
        _write(tmp_path, f"url: {tenant['url']}\nca: {simulator.description['site']['certificate']['ca']}\n")
        target = load_target("prod", tmp_path)
        client = connect_target(target, credentials_from(target, {"apiKey": tenant["api_key"]}, {}))
        assert client.me().id == tenant["user_id"]
        client.close()


@pytest.mark.parametrize("content", [None, b"not a certificate"])
def test_an_authority_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = _write(tmp_path, f"url: {URL}\nca: own.pem\n")
    if content is not None:
        (path.parent / "own.pem").write_bytes(content)
    with pytest.raises(SettingsError, match=r"own\.pem"):
        connect_target(load_target("prod", tmp_path), ApiKey(SecretStr(KEY)))
