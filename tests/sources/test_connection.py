"""stacks/sources/<site>.yaml: every mistake is told with what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qlift.sources.qlik_sense.connection import load_connection
from qlift.sources.qlik_sense.errors import ConnectionSettings

GOOD = "site: qs\nkind: qlik-sense\nurl: https://qs\nway: {header: {name: X, value_env: QLIFT_X}}\n"


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        (GOOD + "urll: x\n", "unknown key `urll`; did you mean `url`"),
        (GOOD.replace("header: {name: X, value_env: QLIFT_X}", ""), "exactly one way in"),
        (GOOD.replace("site: qs\n", ""), "site: Field required"),
        (GOOD.replace("value_env: QLIFT_X", "value: secret"), "unknown key `way.header.value`"),
        ("- a\n", "expected keys and values"),
        ("a: [\n", "not readable as YAML"),
        (GOOD.replace("https://qs", "qs:4242"), "url: expected an address that begins with https://"),
        (GOOD.replace("https://qs", "https://anna:hush@qs"), "an address holds no user"),
        (GOOD.replace("{name: X, value_env: QLIFT_X}", "{name: X}"), "way.header.value_env: Field required"),
        (GOOD.replace("header: {name: X, value_env: QLIFT_X}", "jwt: {}"), "`token_env` or `key_env`"),
        (
            GOOD.replace("header: {name: X, value_env: QLIFT_X}", "certificate: {folder: c, ca: d}"),
            "either `folder`, or `ca`, `certificate` and `key`",
        ),
        (
            GOOD.replace("header: {name: X, value_env: QLIFT_X}", "ntlm: {user_env: A, pasword_env: B}"),
            "unknown key `way.ntlm.pasword_env`; did you mean `password_env`",
        ),
    ],
)
def test_mistakes(tmp_path: Path, text: str, sign: str) -> None:
    path = tmp_path / "qs.yaml"
    path.write_text(text)
    with pytest.raises(ConnectionSettings) as raised:
        load_connection(path)
    assert sign in str(raised.value) and str(path) in str(raised.value)
    assert "hush" not in str(raised.value)


def test_the_examples_of_the_documentation(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
    examples = [e for e in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "way:" in e]
    assert len(examples) == 5
    path = tmp_path / "qs.yaml"
    seen = set()
    for example in examples:
        missing = "" if "site:" in example else "site: qs\nkind: qlik-sense\n"
        path.write_text(missing + example, encoding="utf-8")
        seen |= load_connection(path).way.model_fields_set
    assert seen == {"certificate", "header", "jwt", "ticket", "ntlm"}


def test_a_missing_file_and_a_missing_variable(tmp_path: Path) -> None:
    with pytest.raises(ConnectionSettings, match="no such file"):
        load_connection(tmp_path / "none.yaml")
    path = tmp_path / "qs.yaml"
    path.write_text(GOOD)
    connection = load_connection(path)
    with pytest.raises(ConnectionSettings, match="QLIFT_X is not set"):
        connection.enter(connection.where(), {})
    entrance = connection.enter(connection.where(), {"QLIFT_X": "A\\b"})
    assert entrance.headers() == {"X": "A\\b"} and entrance.login == "A\\b"


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "qs.yaml"
    way = "way: {certificate: {ca: ca.pem, certificate: c.pem, key: k.pem}}\n"
    path.write_text("site: qs\nkind: qlik-sense\nurl: https://qs:4242\n" + way)
    connection = load_connection(path)
    with pytest.raises(ConnectionSettings, match="missing or not PEM"):
        connection.enter(connection.where(), {})
