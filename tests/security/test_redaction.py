"""What a bundle never keeps, in the forms that people and programs write it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qlift.bundle import Writer
from qlift.bundle.redact import redact_entity, redact_script, redact_text

X = "x7Hq-Planted.Secret"
BODY = "MIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQC7"
KEY = f"-----BEGIN {{0}}PRIVATE KEY-----\n{BODY}\n-----END {{0}}PRIVATE KEY-----"
FORMS = (
    f"password is {X}",
    f"The password is: {X}, ask Anna",
    f"das Passwort ist {X}",
    f'"password":"{X}"',
    f'{{"user": "a", "password" : "{X}"}}',
    rf"{{\"password\":\"{X}\"}}",
    f"'apiKey': '{X}'",
    f"password: {X}",
    f"Authorization: Bearer {X}",
    f"authorization: Basic {X}",
    f'HTTPHEADER "Authorization" "Bearer {X}"',
    f"'Authorization': 'Bearer {X}'",
    f"sent with Bearer {X} each time",
    f"X-Api-Key: {X}",
    f"AccessKey={X}",
    f"Access Key = {X}",
    f"aws_secret_access_key={X}",
    f"AWS_SECRET_ACCESS_KEY = {X}",
    f"DefaultEndpointsProtocol=https;AccountName=n;AccountKey={X}==;EndpointSuffix=core.windows.net",
    f"Endpoint=sb://n.example/;SharedAccessKeyName=root;SharedAccessKey={X}=",
    f"curl -u user:{X} https://host/x",
    f"curl -uuser:{X} https://host/x",
    f'curl --user "user:{X}" https://host/x',
    f"curl -s -U proxy:{X} https://host/x",
    f"https://n.blob.example/c?sv=2022-11-02&se=2027&sig={X}%3D",
    f"SharedAccessSignature=sv=2022-11-02&sig={X}%3D",
    f"BlobEndpoint=https://n.example;SharedAccessSignature=sv=1&ss=b&sig={X}",
    f'Driver=x;Password="a;{X};b";Server=y',
    f'Driver=x;Password="a"";{X}";Server=y',
    f"Driver=x;Pwd='a;{X}';Server=y",
    f"Driver=x;Pwd='a'';{X}';Server=y",
    f"Driver=x;PWD={{a;{X};b}};Server=y",
    f"Driver=x;PWD={{a}}}};{X}}};Server=y",
    f'Driver=x;Password="a;b"{X};Server=y',
    rf"Driver=x;Password=\"a;{X}\";Server=y",
    f'Driver=x;Password="{X}',
    f"postgres://user:{X}@host/db",
    f"ftp://user:p@{X}@host/x",
    f"redis://:{X}@host",
    f"client_secret={X}&grant_type=client_credentials",
    f"LET vToken='{X}';",
    f"passphrase={X}",
    f"ODBC CONNECT TO dsn (XUserId is sa, XPassword is {X})",
    f"aws_secret_key={X}",
    f'HTTPHEADER "X-API-KEY" "{X}"',
    f"https://host/f?code={X}",
    f"https://host/f?a=1&key={X}&b=2",
    f"LET vPass = '{X}';",
    f"LET vPW='{X}';",
    f"User Id=x;Pw={X}",
    f"credential={X}",
    f"Set vBearer = {X};",
    f"password := '{X}'",
    f"EXECUTE cmd.exe /c tool.exe --password {X};",
    f"tool --api-key={X}",
)  # fmt: skip
HARMLESS = (
    "The password is required, and never stored",
    "ask for the token in room 4",
    "Token: LOAD * INLINE [Token];",
    "SharedAccessKeyName=root",
    "robocopy -u D:\\archive",
    "Server=y;User=anna;Database=pwd",
    "config=1&design=blue",
    "the basic consumer; the bearer of this",
    "lib://Secrets of Finance/x.qvd",
    "LET vKey = 'CustomerId';",
    "Bypass=1; Compass = 'north'",
    "https://host/products?keyword=x&codec=y",
    "12:30:00 and https://host:443/x",
)


@pytest.mark.parametrize("text", FORMS)
def test_a_form_that_holds_a_credential(text: str) -> None:
    clean = redact_text(text)
    assert X not in clean and "(redacted)" in clean
    assert redact_text(clean) == clean
    _, found = redact_entity("dataconnection", {"id": "1", "name": "n", "description": text})
    assert [r.field for r in found] == ["description"]


@pytest.mark.parametrize("text", HARMLESS)
def test_a_text_that_holds_none(text: str) -> None:
    assert redact_text(text) == text


def test_what_stands_beside_a_credential_stays() -> None:
    assert redact_text('Driver=x;Password="a;b";Server=y') == "Driver=x;Password=(redacted);Server=y"
    text = json.dumps({"user": "anna", "password": 'a"b;c', "port": 1})
    assert json.loads(redact_text(text)) == {"user": "anna", "password": "(redacted)", "port": 1}


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "ENCRYPTED ", "OPENSSH "])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_private_key_keeps_its_lines_only(kind: str, line_end: str) -> None:
    script = f"SET A=1;\n/* {KEY.format(kind)} */\nLOAD 1;".replace("\n", line_end)
    clean, found = redact_script("a1", "Sales", script)
    assert "MIIE" not in clean and "EFAA" not in clean
    assert clean.count(line_end) == script.count(line_end) and clean.endswith("LOAD 1;")
    assert [r.field for r in found] == ["line 3", "line 4"]
    assert "MIIE" not in redact_text(json.dumps(KEY.format(kind)))
    assert "MIIE" not in redact_text(KEY.format(kind).partition("-----END")[0])


def test_names_migrate_as_they_are() -> None:
    named = {"id": "1", "name": "Secret: Project X", "owner": {"name": "Token: a"}}
    assert redact_entity("app", named) == (named, [])


def test_objects_of_apps_are_looked_through(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.begin()
    objects = [
        {"id": "o1", "name": "Sheet", "description": f"password is {X}"},
        {"id": "o2", "name": "Sheet", "description": "key figures"},
    ]
    _, found = writer.objects("a1", objects)
    text = (writer.unfinished / "app-object" / "a1.json").read_text()
    assert X not in text and "key figures" in text
    assert [(r.kind, r.id, r.field) for r in found] == [("app-object", "o1", "description")]
    assert writer.redactions == tuple(found)


def test_a_credential_on_the_next_line_of_a_script_and_a_token_by_its_shape() -> None:
    script = f"LET vPassword =\n  '{X}';\nLET v = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';\n"
    clean, found = redact_script("app", "Ledger", script)
    assert X not in clean and "eyJ" not in clean and clean.count("\n") == script.count("\n")
    assert [f.field for f in found] == ["line 2", "line 3"]
