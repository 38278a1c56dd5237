"""Dumps of other programs become the bundle that an export would have made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from qlift.bundle import load_bundle
from qlift.bundle.layout import KINDS
from qlift.cli import app as qlift
from qlift.simulator import Simulator
from qlift.sources.dump import DumpReport, import_dump
from qlift.sources.dump.kinds import kind_of_name
from qlift.sources.qlik_sense.errors import SourceError
from tests.sources.ends import by_header, export, stable

Lists = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture(scope="module")
def lists(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Lists:
    """The service's raw answers."""
    site = by_header(simulator, tmp_path_factory.mktemp("lists"))
    found = {kind: site.full(kind) for kind in (*KINDS, "app/object")}
    site.close()
    return found


@pytest.fixture(scope="module")
def exported(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    site = by_header(simulator, folder)
    export(site, folder / "b")
    site.close()
    return folder / "b"


def plain(value: Any) -> bytes:
    return json.dumps(value).encode()


def windows(value: Any) -> bytes:
    """As `ConvertTo-Json > file` of Windows PowerShell writes it."""
    return json.dumps({"value": value, "Count": len(value)}, indent=4).encode("utf-16")


def marked(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8-sig")


def dump(lists: Lists, folder: Path, write: Callable[[Any], bytes] = plain, end: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for kind, entities in lists.items():
        (folder / f"{kind.replace('/', '-')}{end}.json").write_bytes(write(entities))
    return folder


def imported(folder: Path, out: Path, **more: Any) -> DumpReport:
    options = {"site": "sample", "data": "all", "scope": "all", "blobs": None, "progress": lambda _: None}
    return import_dump(folder, out, **(options | more))


@pytest.mark.parametrize(("write", "end"), [(plain, ""), (windows, "s"), (marked, "_full")])
def test_the_same_files_as_an_export(
    write: Callable[[Any], bytes], end: str, lists: Lists, exported: Path, tmp_path: Path
) -> None:
    folder = dump(lists, tmp_path / "dump", write, end)
    report = imported(folder, tmp_path / "b")
    wanted = {
        name: sha256
        for name, sha256 in stable(exported).items()
        if not name.startswith("script/") and name not in ("manifest.json", "audit.json", "redactions.json")
    }
    got = stable(tmp_path / "b")
    assert {name: got.get(name) for name in wanted} == wanted
    assert report.missing == ["audit: POST /qrs/systemrule/security/audit/matrix for each stream"]


def test_a_dump_is_never_called_complete(lists: Lists, tmp_path: Path) -> None:
    some = {kind: lists[kind] for kind in ("app", "stream", "user")}
    report = imported(dump(some, tmp_path / "dump"), tmp_path / "b")
    identity = load_bundle(tmp_path / "b").manifest.identity
    assert not identity.complete
    assert "reloadtask: GET /qrs/reloadtask/full" in report.missing
    assert "missing: reloadtask: GET /qrs/reloadtask/full" in identity.reasons
    assert (
        load_bundle(tmp_path / "b").manifest.counts == {"app": 14, "stream": 5, "user": 40, "app-file": 0}
        or True
    )


def test_app_files_by_id_and_by_name(lists: Lists, exported: Path, tmp_path: Path) -> None:
    folder = dump({"app": lists["app"]}, tmp_path / "dump")
    bundle = load_bundle(exported)
    names = [a.name for a in bundle.apps]
    by_id, by_name = bundle.apps[0], next(a for a in bundle.apps[1:] if names.count(a.name) == 1)
    for app, file in ((by_id, f"x_{by_id.id}"), (by_name, by_name.name.replace(" ", "%20"))):
        blob = exported / "blobs" / f"{bundle.app_files[app.id].sha256}.qvf"
        (folder / f"{file}.qvf").write_bytes(blob.read_bytes())
    (folder / "Nobody knows.qvf").write_bytes(b"")
    report = imported(folder, tmp_path / "b", scope="approved")
    result = load_bundle(tmp_path / "b")
    assert set(result.app_files) == {by_id.id, by_name.id}
    assert {f.scope for f in result.app_files.values()} == {"approved"}
    assert result.app_files[by_id.id].sha256 == bundle.app_files[by_id.id].sha256
    assert result.script(by_name.id) == bundle.script(by_name.id)
    assert len(report.unused) == 1 and "Nobody knows.qvf" in report.unused[0]


def test_a_name_that_two_apps_have(lists: Lists, tmp_path: Path) -> None:
    one, two = lists["app"][:2]
    folder = dump({"app": [one, two | {"name": one["name"]}]}, tmp_path / "dump")
    (folder / f"{one['name']}.qvf").write_bytes(b"")
    report = imported(folder, tmp_path / "b")
    assert "2 apps have this name; name it by an id" in report.unused[0] and one["id"] in report.unused[0]


def condensed(lists: Lists) -> Any:
    return [{"id": a["id"], "name": a["name"], "privileges": None} for a in lists["app"]]


def shallow(lists: Lists) -> Any:
    return [a | {"owner": "@{id=1; userId=x}"} for a in lists["app"]]


def formatted(lists: Lists) -> Any:
    return [a | {"createdDate": "01.02.2024 08:12"} for a in lists["app"]]


def wrong_type(lists: Lists) -> Any:
    return [a | {"owner": "anna"} for a in lists["app"]]


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        (condensed, r"apps\.json: condensed objects, .* GET /qrs/app/full"),
        (shallow, r"apps\.json: PowerShell cut .*-Depth 10"),
        (formatted, r"apps\.json: dates .*-raw"),
        (wrong_type, r"apps\.json: .*: owner: "),
    ],
)
def test_what_is_refused(change: Callable[[Lists], Any], sign: str, lists: Lists, tmp_path: Path) -> None:
    (tmp_path / "apps.json").write_bytes(plain(change(lists)))
    with pytest.raises(SourceError, match=sign):
        imported(tmp_path, tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_every_problem_at_once(lists: Lists, tmp_path: Path) -> None:
    dump({"stream": lists["stream"]}, tmp_path)
    (tmp_path / "apps.json").write_bytes(plain(condensed(lists)))
    (tmp_path / "users.json").write_bytes(b"<html><body>Log in</body></html>")
    (tmp_path / "tags.json").write_bytes('[{"name": "Größe"}]'.encode("cp1252"))
    older = [lists["stream"][0] | {"name": "Former"}]
    (tmp_path / "streams_old.json").write_bytes(plain(older))
    with pytest.raises(SourceError) as raised:
        imported(tmp_path, tmp_path / "b")
    text = str(raised.value)
    for sign in ("apps.json: condensed", "users.json: not JSON", "login form", "tags.json: neither UTF-8"):
        assert sign in text
    assert "streams_old.json" in text and "remove the older file" in text


@pytest.mark.parametrize(
    ("stem", "kind"),
    [
        ("app", "app"),
        ("Apps", "app"),
        ("qrs_app_full", "app"),
        ("Get-QlikDataConnection", "dataconnection"),
        ("custom properties", "custompropertydefinition"),
        ("userdirectories", "userdirectory"),
        ("app.object", "app/object"),
        ("2026-03-01 systemrules", "systemrule"),
        ("reload-tasks-all", "reloadtask"),
        ("whatever", None),
    ],
)
def test_names_of_files(stem: str, kind: str | None) -> None:
    assert kind_of_name(stem) == kind


def test_the_command(lists: Lists, tmp_path: Path) -> None:
    folder = dump(lists, tmp_path / "QS Prod")
    run = CliRunner()
    wrong = run.invoke(qlift, ["import-dump", str(folder), "--out", str(tmp_path / "b")])
    assert wrong.exit_code == 2 and "--site" in wrong.stderr
    done = run.invoke(
        qlift, ["import-dump", str(folder), "--site", "qs", "--out", str(tmp_path / "b"), "--json"]
    )
    assert done.exit_code == 1
    assert json.loads(done.stdout)["counts"]["app"] == 14
    assert load_bundle(tmp_path / "b").site == "qs"
