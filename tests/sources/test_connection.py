"""stacks/sources/<site>.yaml: every mistake is told with what to do."""

from __future__ import annotations

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
    ],
)
def test_mistakes(tmp_path: Path, text: str, sign: str) -> None:
    path = tmp_path / "qs.yaml"
    path.write_text(text)
    with pytest.raises(ConnectionSettings) as raised:
        load_connection(path)
    assert sign in str(raised.value) and str(path) in str(raised.value)


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
