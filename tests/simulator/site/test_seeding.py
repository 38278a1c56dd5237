"""Sites from bundles and from data that nobody here wrote; pretend and real app files."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from qlift.bundle import models
from qlift.simulator import qvf
from qlift.simulator.site import (
    SeedError,
    appfile,
    changes,
    seed_from_bundle,
    seed_real_qvf,
    seed_sample,
    tasks_from_ctrl_q,
)
from qlift.simulator.site.kinds import (
    APP,
    APP_OBJECT,
    COMPOSITE_EVENT,
    CUSTOM_PROPERTY,
    EXTERNAL_TASK,
    KINDS,
    RELOAD_TASK,
    SCHEMA_EVENT,
    TAG,
    TASK_KINDS,
    USER,
    full,
)
from qlift.simulator.site.schedule import next_execution
from qlift.simulator.store import Store


@pytest.fixture
def empty() -> Iterator[Store]:
    store = Store(None)
    yield store
    store.close()


def _write_bundle(store: Store, path: Path) -> None:
    """The layout of a bundle by hand: lists, volatile fields beside them, objects by app, blobs."""

    def write(name: str, content: object) -> None:
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")

    for kind in KINDS:
        if kind is APP_OBJECT:
            continue
        stable, runtime = [], {}
        for item in store.all(kind.stored):
            document = full(item)
            volatile = {"operational", "lastReloadTime", "fileSize", "staticByteSize"} & set(document)
            runtime[item["id"]] = {name: document.pop(name) for name in sorted(volatile)}
            stable.append(document)
        write(f"{kind.path}.json", sorted(stable, key=lambda document: document["id"]))
        write(f"{kind.path}.runtime.json", runtime)
    files = []
    for app in store.all(APP.stored):
        objects = [full(item) for item in store.all(APP_OBJECT.stored) if item["app"]["id"] == app["id"]]
        write(f"app-object/{app['id']}.json", objects)
        blob = path / "blobs" / f"{app['_file']}.qvf"
        blob.parent.mkdir(exist_ok=True)
        blob.write_bytes(b"".join(appfile.body(store, app).chunks()))
        files.append({"app": app["id"], "sha256": app["_file"], "size": app["fileSize"], "modified_date": ""})
    write("app-file.json", files)


def test_a_site_from_a_bundle_is_the_site_that_was_exported(
    store: Store, empty: Store, tmp_path: Path
) -> None:
    _write_bundle(store, tmp_path)
    seed_from_bundle(empty, tmp_path)
    for kind in KINDS:
        assert {item["id"]: full(item) for item in empty.all(kind.stored)} == {
            item["id"]: full(item) for item in store.all(kind.stored)
        }
    for app in empty.all(APP.stored):
        original = store.get(APP.stored, app["id"])
        assert original is not None
        content = b"".join(appfile.body(empty, app).chunks())
        assert content == b"".join(appfile.body(store, original).chunks())


def test_a_bundle_without_files_gives_their_sizes_and_scripts(
    store: Store, empty: Store, tmp_path: Path
) -> None:
    _write_bundle(store, tmp_path)
    shutil.rmtree(tmp_path / "blobs")
    script = tmp_path / "script" / f"{store.all(APP.stored)[0]['id']}.qvs"
    script.parent.mkdir()
    script.write_bytes("LOAD 1 AS ü;\r\n".encode())
    seed_from_bundle(empty, tmp_path)
    for app in store.all(APP.stored):
        seeded = empty.get(APP.stored, app["id"])
        assert seeded is not None and seeded["fileSize"] == app["fileSize"]
    first = empty.get(APP.stored, script.stem)
    assert first is not None
    assert (qvf.read_header(empty.blob_path(first["_file"])) or {})["qScript"] == "LOAD 1 AS ü;\r\n"


def test_a_bundle_assembled_from_dumps_gets_files_and_accounts(empty: Store, tmp_path: Path) -> None:
    owner = {"id": "u", "userId": "anna", "userDirectory": "ACME", "name": "Anna"}
    app = {"id": "a", "name": "Sales", "owner": owner, "published": False, "stream": None}
    (tmp_path / "app.json").write_text(json.dumps([app]))
    (tmp_path / "user.json").write_text(json.dumps([owner | {"roles": [], "attributes": []}]))
    seed_from_bundle(empty, tmp_path)
    stored = empty.get(APP.stored, "a")
    assert stored is not None
    header = qvf.read_header(empty.blob_path(stored["_file"]))
    assert header is not None
    assert header["qTitle"] == "Sales"
    changes.nightly_reload(empty, "a")
    changes.rename_app(empty, "a", "Sales 2")
    assert (empty.get(APP.stored, "a") or {})["name"] == "Sales 2"
    logins = {item["userId"] for item in empty.all(USER.stored)}
    assert {"anna", "sa_repository", "sa_api"} <= logins


def test_a_bundle_that_cannot_be_read_says_everything_at_once(empty: Store, tmp_path: Path) -> None:
    (tmp_path / "app.json").write_text("[{")
    (tmp_path / "user.json").write_text('{"id": "u"}')
    (tmp_path / "stream.json").write_text('[{"name": "no id"}]')
    with pytest.raises(SeedError) as problem:
        seed_from_bundle(empty, tmp_path)
    for file in ("app.json", "user.json", "stream.json"):
        assert file in str(problem.value)
    assert not any(empty.all(kind.stored) for kind in KINDS)
    with pytest.raises(SeedError, match="is not a folder"):
        seed_from_bundle(empty, tmp_path / "missing")


def test_a_pretend_file_is_read_back_and_has_its_size(store: Store, tmp_path: Path) -> None:
    header = {"qTitle": "Umsätze", "qScript": "LOAD 1 AS a AUTOGENERATE 1;", "simulatorObjects": []}
    app = store.all(APP.stored)[0]
    appfile.put(store, app, header, 200_000_000)
    stored = store.get(APP.stored, app["id"])
    assert stored is not None and stored["fileSize"] == 200_000_000
    assert store.blob_path(stored["_file"]).stat().st_size < 1_000
    path = tmp_path / "x.qvf"
    sizes = []
    with path.open("wb") as file:
        for chunk in appfile.body(store, stored).chunks():
            sizes.append(len(chunk))
            file.truncate(file.tell())
            file.seek(len(chunk), 1) if not chunk.strip(b"\0") else file.write(chunk)
        file.truncate(sum(sizes))
    assert (path.stat().st_size, max(sizes)) == (200_000_000, 1024 * 1024)
    assert qvf.read_header(path) == header
    assert qvf.read_header(qvf.encode(header) + bytes(5_000_000)) == header


def test_a_script_lies_in_a_block_of_its_own_as_in_real_files() -> None:
    content = qvf.encode({"qTitle": "Sales", "qScript": "LOAD 1;", "simulatorObjects": []})
    blocks, rest = [], content[len(qvf.SIGNATURE) :]
    while rest:
        unpacker = zlib.decompressobj()
        blocks.append(json.loads(unpacker.decompress(rest).rstrip(b"\0")))
        rest = unpacker.unused_data
    assert blocks == [{"qTitle": "Sales", "simulatorObjects": []}, {"qScript": "LOAD 1;"}]


@pytest.mark.parametrize(
    "content", [b"", b"<html>log in</html>", qvf.SIGNATURE, qvf.SIGNATURE + b"\x78\x9c" + b"rubbish" * 50]
)
def test_what_is_no_app_has_no_header(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.qvf").write_bytes(content)
    assert qvf.read_header(content) is None
    assert qvf.read_header(tmp_path / "x.qvf") is None


def test_real_files_become_apps(store: Store, real_data: Path) -> None:
    files = sorted((real_data / "qvf").glob("*.qvf"))
    made = seed_real_qvf(store, real_data / "qvf")
    assert len(made) == len(files) > 0
    for app, file in zip(made, files, strict=True):
        header = qvf.read_header(file)
        assert header is not None
        assert app["name"] == header["qTitle"] != ""
        assert header["qScript"]
        assert store.blob_path(app["_file"]).read_bytes() == file.read_bytes()
        models.App.model_validate(full(app))


def test_real_tasks_become_a_site_s(store: Store, real_data: Path) -> None:
    before = {kind: store.count(kind.stored) for kind in KINDS}
    tasks_from_ctrl_q(store, real_data / "qseow")
    added = {kind: store.all(kind.stored)[before[kind] :] for kind in KINDS}
    assert {"New reload task 1", "Reload task of Lab 1_1"} <= {item["name"] for item in added[RELOAD_TASK]}
    assert "Ext task 1" in {item["name"] for item in added[EXTERNAL_TASK]}
    custom = next(item for item in added[SCHEMA_EVENT] if item["name"] == "Custom cron")
    assert (custom["incrementOption"], custom["incrementDescription"]) == (5, "1 2 3 4")
    assert (custom["enabled"], custom["timeZone"]) == (False, "Europe/Paris")
    lab = next(item for item in added[RELOAD_TASK] if item["name"] == "Reload task of Lab 1_1")
    assert (lab["maxRetries"], [value["value"] for value in lab["customProperties"]]) == (
        3,
        ["Finance", "Sales"],
    )
    assert [item["name"] for item in lab["tags"]] == ["api1"]
    [joined] = [item for item in added[COMPOSITE_EVENT] if (item["reloadTask"] or {}).get("id") == lab["id"]]
    assert [rule["ruleState"] for rule in joined["compositeRules"]] == [1, 2, 1, 1, 1]
    assert joined["compositeRules"][4]["externalProgramTask"]["name"].startswith("[ctrl-q task chain 4]")
    known = {item["id"] for kind in (RELOAD_TASK, EXTERNAL_TASK) for item in store.all(kind.stored)}
    for event in added[COMPOSITE_EVENT]:
        for rule in event["compositeRules"]:
            named = [rule[slot]["id"] for slot in ("reloadTask", "externalProgramTask") if rule[slot]]
            assert len(named) == 1
            assert set(named) <= known
    now = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
    for event in added[SCHEMA_EVENT]:
        models.SchemaEvent.model_validate(full(event))
    due = [next_execution(event, now) for event in added[SCHEMA_EVENT] if event["enabled"]]
    assert due
    assert min(due) > "2026-03-10T12"
    assert len({item["name"] for item in store.all(TAG.stored)}) == store.count(TAG.stored)
    assert "TaskPriority" in {item["name"] for item in added[CUSTOM_PROPERTY]}


def test_real_tasks_are_served(store: Store, admin: httpx.Client, real_data: Path) -> None:
    tasks_from_ctrl_q(store, real_data / "qseow")
    found = admin.get("/qrs/schemaevent/full", params={"filter": "timeZone eq 'europe/paris'"}).json()
    assert len(found) > 5
    tasks = sum(store.count(kind.stored) for kind in TASK_KINDS)
    assert len(admin.get("/qrs/task/full").json()) == tasks


def test_apps_need_a_site_first(empty: Store, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stream first"):
        seed_real_qvf(empty, tmp_path)
    seed_sample(empty)
    assert seed_real_qvf(empty, tmp_path) == []
