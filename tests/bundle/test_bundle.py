"""Bundles: what is written is read back, what is spoilt is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlift.bundle import BlobError, BlobStore, BundleError, Writer, load_bundle
from qlift.bundle.models import Identity, StreamAccess
from qlift.bundle.redact import redact_entity, redact_text

NEWER = ("externalprogramtask", "usersynctask", "contentlibrary", "userdirectory")


def write(folder: Path, **entities: list[dict[str, Any]]) -> Path:
    writer = Writer(folder)
    writer.begin()
    for kind in ("app", "stream", "user", "reloadtask", "schemaevent", "compositeevent", "systemrule"):
        writer.entities(kind, entities.get(kind, []))
    for kind in ("dataconnection", "tag", "custompropertydefinition", "extension"):
        writer.entities(kind, entities.get(kind, []))
    for kind in NEWER:
        # Bundles of older versions lack these.
        if kind in entities:
            writer.entities(kind, entities[kind])
    writer.app_files([])
    writer.access([StreamAccess(stream="s", users={"u2": 2, "u1": 34})])
    finish(writer)
    return folder


def finish(writer: Writer) -> None:
    identity = Identity(user="A\\b", complete=True)
    writer.finish(site="qs", product_version="1", identity=identity, data="all", scope="all", runtime={})


def test_unknown_fields_are_kept_and_volatile_ones_go_aside(tmp_path: Path) -> None:
    stream = {"id": "1", "name": "¤ Größe", "later": {"x": [1]}, "modifiedDate": "2026-01-01T00:00:00.000Z"}
    write(tmp_path, stream=[stream])
    text = (tmp_path / "stream.json").read_text(encoding="utf-8")
    assert "¤ Größe" in text and '"later"' in text and "modifiedDate" not in text
    runtime = json.loads((tmp_path / "stream.runtime.json").read_text(encoding="utf-8"))
    assert runtime == {"1": {"modifiedDate": "2026-01-01T00:00:00.000Z"}}
    bundle = load_bundle(tmp_path)
    assert bundle.streams[0].name == "¤ Größe" and bundle.access["s"].users == {"u1": 34, "u2": 2}


def test_the_order_of_the_site_does_not_matter(tmp_path: Path) -> None:
    streams = [{"id": str(n), "name": f"s{n}"} for n in range(5)]
    one = write(tmp_path / "one", stream=streams)
    two = write(tmp_path / "two", stream=streams[::-1])
    assert load_bundle(one).digest == load_bundle(two).digest


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    write(tmp_path, stream=[{"id": "1", "name": "a"}, {"id": "2", "name": "b"}])
    (tmp_path / "stream.json").write_text("[{]")
    (tmp_path / "user.json").unlink()
    (tmp_path / "app.json").write_text('[{"id": "1"}]')
    with pytest.raises(BundleError) as raised:
        load_bundle(tmp_path)
    text = str(raised.value)
    for sign in ("stream.json:1: not JSON", "user.json: missing", "app.json: 1: name: Field required"):
        assert sign in text
    assert text.count("export again, or restore the file from git") >= 3


def test_an_unfinished_bundle_and_none_at_all(tmp_path: Path) -> None:
    write(tmp_path / "b")
    (tmp_path / "b" / "manifest.json").unlink()
    with pytest.raises(BundleError, match="no bundle"):
        load_bundle(tmp_path / "b")
    (tmp_path / "b" / ".unfinished").mkdir(exist_ok=True)
    with pytest.raises(BundleError, match="unfinished"):
        load_bundle(tmp_path / "b")
    with pytest.raises(BundleError, match="does not exist"):
        load_bundle(tmp_path / "none")


def test_doubled_ids(tmp_path: Path) -> None:
    write(tmp_path, tag=[{"id": "1", "name": "a"}, {"id": "1", "name": "b"}])
    with pytest.raises(BundleError, match="stands there twice"):
        load_bundle(tmp_path)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Driver=x;Password=a b'c&d;Server=y", "Driver=x;Password=(redacted);Server=y"),
        ('PWD="a;b";x=1', "PWD=(redacted);x=1"),
        ("pwd={a;b};x=1", "pwd=(redacted);x=1"),
        ("https://user:s3cret@host/x", "https://user:(redacted)@host/x"),
        ("Server=y;User=anna;Database=pwd", "Server=y;User=anna;Database=pwd"),
        ('((user.group="Readers"))', '((user.group="Readers"))'),
        ("OAuth Access Token=abc;x=1", "OAuth Access Token=(redacted);x=1"),
    ],
)
def test_redaction(text: str, clean: str) -> None:
    assert redact_text(text) == clean


def test_kinds_that_older_bundles_lack(tmp_path: Path) -> None:
    old = load_bundle(write(tmp_path / "old"))
    assert (old.external_tasks, old.user_sync_tasks, old.content_libraries, old.user_directories) == ((),) * 4
    directory = {"id": "d", "name": "ACME", "userDirectoryName": "ACME", "type": "LDAP", "syncStatus": 3}
    new = load_bundle(
        write(
            tmp_path / "new",
            externalprogramtask=[{"id": "x", "name": "Fetch", "path": "a.exe", "parameters": "-f"}],
            usersynctask=[{"id": "s", "name": "Sync", "userDirectory": {"id": "d", "name": "ACME"}}],
            contentlibrary=[{"id": "l", "name": "Default", "references": [{"logicalPath": "/a.png"}]}],
            userdirectory=[directory],
        )
    )
    assert [t.path for t in new.external_tasks] == ["a.exe"]
    assert [t.user_directory.name for t in new.user_sync_tasks if t.user_directory] == ["ACME"]
    assert new.content_libraries[0].references[0].logical_path == "/a.png"
    assert new.user_directories[0].user_directory_name == "ACME"
    assert new.runtime["userdirectory"]["d"] == {"syncStatus": 3}
    (tmp_path / "new" / "usersynctask.json").unlink()
    with pytest.raises(BundleError, match=r"usersynctask\.json: missing"):
        load_bundle(tmp_path / "new")


@pytest.mark.parametrize(
    ("setting", "fields"),
    [
        ({"name": "Path", "secret": False, "value": "LDAP://x", "secretValue": ""}, set()),
        (
            {"name": "Whatever", "secret": True, "value": "x", "secretValue": "y"},
            {"settings.value", "settings.secretValue"},
        ),
        ({"name": "Whatever", "secret": True, "value": "", "secretValue": "y"}, {"settings.secretValue"}),
        ({"name": "Whatever", "secret": False, "value": "x", "secretValue": "y"}, {"settings.secretValue"}),
        ({"name": "LDAP Password", "secret": False, "value": "x"}, {"settings.value"}),
        ({"name": "Query", "secret": False, "value": "Driver=a;Pwd=x y;"}, {"settings.value"}),
    ],
)
def test_settings_of_a_user_directory(setting: dict[str, Any], fields: set[str]) -> None:
    clean, found = redact_entity("userdirectory", {"id": "1", "name": "ACME", "settings": [setting]})
    assert {r.field for r in found} == fields
    for name, value in clean["settings"][0].items():
        changed = f"settings.{name}" in fields
        assert ("(redacted)" in str(value)) == changed and (changed or value == setting[name])


@pytest.mark.parametrize(
    ("parameters", "clean"),
    [
        ("-u me --password x-1 -f a.txt", "-u me --password (redacted) -f a.txt"),
        ("/client-secret:'a b' /q", "/client-secret:(redacted) /q"),
        ("-File C:\\token\\a.ps1 --design blue", "-File C:\\token\\a.ps1 --design blue"),
        ("--dsn pwd=x;y=1", "--dsn pwd=(redacted);y=1"),
    ],
)
def test_parameters_of_an_external_program(parameters: str, clean: str) -> None:
    entity, found = redact_entity("externalprogramtask", {"id": "1", "name": "n", "parameters": parameters})
    assert entity["parameters"] == clean
    assert [r.field for r in found] == ([] if clean == parameters else ["parameters"])


def test_redaction_of_extensions_and_libraries() -> None:
    settings = [
        {"name": "apiKey", "value": "x"},
        {"name": "dbPassword", "value": "y"},
        {"name": "color", "value": "red"},
    ]
    entity = {
        "id": "1",
        "name": "n",
        "settings": settings,
        "proxy": {"userToken": "z", "url": "https://a:b@c/d"},
    }
    clean, found = redact_entity("extension", entity)
    hidden = "(redacted)"
    assert [s["value"] for s in clean["settings"]] == [hidden, hidden, "red"]
    assert clean["proxy"] == {"userToken": hidden, "url": f"https://a:{hidden}@c/d"}
    assert [r.field for r in found] == ["proxy.url", "proxy.userToken", "settings.value"]


def test_redaction_looks_into_settings() -> None:
    entity = {"id": "1", "name": "n", "password": "x", "settings": [{"name": "a", "secretValue": "b"}]}
    clean, found = redact_entity("userdirectory", entity)
    assert clean["password"] == clean["settings"][0]["secretValue"] == "(redacted)"
    assert [r.field for r in found] == ["password", "settings.secretValue"]


@given(st.lists(st.binary(max_size=2000), max_size=5))
def test_blobs_are_what_their_name_says(chunks: list[bytes]) -> None:
    store = BlobStore(f"memory://blobs-{len(chunks)}")
    sha256, size = store.put(chunks)
    assert store.size(sha256) == size == sum(map(len, chunks))
    assert store.verify(sha256)
    with store.open(sha256) as file:
        assert file.read() == b"".join(chunks)


def test_a_broken_stream_leaves_nothing(tmp_path: Path) -> None:
    def breaks() -> Any:
        yield b"half"
        raise ValueError("gone")

    store = BlobStore(str(tmp_path))
    with pytest.raises(ValueError, match="gone"):
        store.put(breaks())
    assert list(tmp_path.iterdir()) == []


def test_scripts_are_kept_as_text_without_credentials(tmp_path: Path) -> None:
    script = "SET A=1;\r\nLIB CONNECT TO 'x';\r\nLET vPassword='geheim';\r\nLOAD ü;"
    writer = Writer(tmp_path)
    writer.begin()
    writer.script("a1", "Sales", script)
    writer.script("a2", "Old", "LOAD 1;")
    writer.keep_scripts(["a1"])
    finish(writer)
    clean = (tmp_path / "script" / "a1.qvs").read_bytes().decode("utf-8")
    assert clean.startswith("SET A=1;\r\n") and clean.endswith("LOAD ü;") and "geheim" not in clean
    assert [(r.kind, r.id, r.name, r.field) for r in writer.redactions] == [
        ("script", "a1", "Sales", "line 3")
    ]
    assert not (tmp_path / "script" / "a2.qvs").exists()


def test_the_order_of_what_an_object_refers_to_does_not_matter(tmp_path: Path) -> None:
    tags = [{"id": str(n), "name": f"t{n}"} for n in range(4)]
    values = [{"id": str(n), "value": f"v{n}", "definition": {"id": "d", "name": "D"}} for n in range(4)]
    attributes = [{"id": str(n), "attributeType": "group", "attributeValue": f"g{n}"} for n in range(4)]
    user: dict[str, Any] = {
        "id": "u",
        "userId": "u",
        "userDirectory": "A",
        "roles": ["B", "A"],
        "attributes": attributes,
    }
    app: dict[str, Any] = {"id": "a", "name": "A", "owner": user, "tags": tags, "customProperties": values}
    turned: dict[str, Any] = {
        **app,
        "tags": tags[::-1],
        "customProperties": values[::-1],
        "owner": user | {"roles": ["A", "B"], "attributes": attributes[::-1]},
    }
    one = write(tmp_path / "one", app=[app], user=[user])
    two = write(tmp_path / "two", app=[turned], user=[turned["owner"]])
    assert load_bundle(one).digest == load_bundle(two).digest
    # The order of trigger filters may mean something.
    event = {"id": "e", "name": "E", "startDate": "", "schemaFilterDescription": ["b", "a"]}
    write(tmp_path / "one", schemaevent=[event])
    assert load_bundle(tmp_path / "one").schema_events[0].schema_filter_description == ("b", "a")


def test_the_former_bundle_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    write(tmp_path, stream=[{"id": "1", "name": "a"}])
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    writer = Writer(tmp_path)
    writer.begin()
    writer.entities("stream", [{"id": "1", "name": "b"}])
    writer.script("a1", "A", "LOAD 1;")
    assert {p: p.read_bytes() for p in before} == before
    assert load_bundle(tmp_path).streams[0].name == "a"
    # Nobody goes on with it; the next export is not disturbed by what it left.
    write(tmp_path, stream=[{"id": "1", "name": "c"}])
    bundle = load_bundle(tmp_path)
    assert bundle.renames["stream", "1"].former_names == ("a",) and bundle.script("a1") is None


def test_a_kind_that_the_next_export_lacks_is_gone(tmp_path: Path) -> None:
    write(tmp_path, contentlibrary=[{"id": "l", "name": "L"}])
    write(tmp_path)
    assert load_bundle(tmp_path).content_libraries == ()
    assert not list(tmp_path.glob("contentlibrary.*"))


def test_an_interrupted_export_is_not_committed_to_git(tmp_path: Path) -> None:
    Writer(tmp_path).begin()
    assert (tmp_path / ".unfinished" / ".gitignore").read_text() == "*\n"


def test_a_store_that_loses_bytes_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = BlobStore(str(tmp_path))
    monkeypatch.setattr(store._fs, "size", lambda _: 3)
    with pytest.raises(BlobError, match="less than was written"):
        store.put([b"four"])
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_in_the_store(tmp_path: Path) -> None:
    for name in ("a1.part", "other.part"):
        (tmp_path / name).write_bytes(b"half")
    store = BlobStore(str(tmp_path))
    store.put([b"whole"], "a1")
    store.drop_parts({"a1", "a2"})
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".part", ".qvf"]
    BlobStore(str(tmp_path / "none")).drop_parts({"a1"})


def test_a_store_of_a_kind_that_nobody_knows() -> None:
    with pytest.raises(BlobError, match="nowhere://x cannot be used"):
        BlobStore("nowhere://x")
