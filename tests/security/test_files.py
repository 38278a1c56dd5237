"""Other people's files run nothing and lead nowhere; what is written stays in its folder."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from qlift.bundle import Writer
from qlift.bundle.errors import BundleError
from qlift.bundle.files import write_text
from qlift.cloud.settings import SettingsError, load_target
from qlift.derivation.phase import PeopleFiles, derive_phase
from qlift.derivation.plan_file import PlanError
from qlift.simulator import Simulator
from qlift.sources.dump.importer import import_dump
from qlift.sources.qlik_sense.connection import load_connection
from qlift.sources.qlik_sense.errors import ConnectionSettings, SourceError
from tests.cloud.servers import Asked, Reply, odd_server
from tests.derivation.site import TODAY
from tests.security.conftest import KEY
from tests.sources.ends import USER, client_of, export, source_file
from tests.support.export import demo_repository

ROOT = Path(__file__).parents[2]
ESCAPES = ("../../outside", "/tmp/outside", "..", "a/b", "a\\b", "a\0b", "", "a.b", "x" * 65, "a\n")


# Ids that a site names become names of files.


@pytest.mark.parametrize("id_", ESCAPES)
def test_an_id_that_is_a_path_is_written_nowhere(tmp_path: Path, id_: str) -> None:
    writer = Writer(tmp_path / "exports" / "prod")
    writer.begin()
    for write in (
        lambda: writer.entities("app", [{"id": id_, "name": "n"}]),
        lambda: writer.entities("stream", [{"id": id_, "name": "n"}]),
        lambda: writer.objects(id_, [{"id": "o"}]),
        lambda: writer.script(id_, "n", "LOAD 1;"),
    ):
        with pytest.raises(BundleError, match="letters, digits"):
            write()
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [".gitignore"]


class _Elsewhere:
    """The real site behind a server that renames an app, as an attacker's would."""

    def __init__(self, url: str, name: str, value: str) -> None:
        import httpx

        self._site = httpx.Client(base_url=url, headers={name: value}, timeout=60, trust_env=False)
        self.id = ""

    def answer(self, asked: Asked) -> Reply:
        headers = {
            k: v for k, v in asked.headers.items() if k not in ("host", "connection", "content-length")
        }
        got = self._site.request(asked.method, asked.path, content=asked.body, headers=headers)
        body = got.content
        if asked.path.startswith("/qrs/app/full"):
            apps = json.loads(body)
            self.id = self.id or apps[0]["id"]
            body = body.replace(self.id.encode(), b"../../../../escaped")
        kept = {k: v for k, v in got.headers.items() if k in ("content-type", "location")}
        return Reply(got.status_code, body, kept)

    def close(self) -> None:
        self._site.close()


def test_a_whole_export_of_a_site_that_lies(tmp_path: Path) -> None:
    with Simulator() as simulator:
        header = simulator.description["site"]["header"]
        site = _Elsewhere(header["url"], header["name"], header["value"])
        with odd_server(site.answer) as server:
            way = {"header": {"name": header["name"], "value_env": USER}}
            client = client_of(source_file(tmp_path, server.url, way), {USER: header["value"]})
            with pytest.raises(BundleError, match="letters, digits"):
                export(client, tmp_path / "a" / "b" / "c" / "exports")
            client.close()
        site.close()
    assert [p for p in tmp_path.rglob("*") if "escaped" in p.name] == []


def import_app_of_id(id_: str, folder: Path) -> None:
    dump = folder / "dump"
    dump.mkdir()
    owner = {"id": "0" * 8, "userId": "jane", "userDirectory": "CORP", "name": "Jane"}
    app = {"id": id_, "name": "x", "createdDate": "2026-01-01T00:00:00Z", "schemaPath": "App", "owner": owner}
    (dump / "app.json").write_text(json.dumps([app]))
    (dump / "x.qvs").write_text("LOAD 1;")
    options: dict[str, Any] = {"data": "all", "scope": "all", "blobs": None, "progress": lambda _: None}
    import_dump(dump, folder / "exports" / "prod", site="prod", **options)


def test_a_dump_whose_ids_are_paths(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="id: String should match"):
        import_app_of_id("../../escaped", tmp_path)
    assert not (tmp_path / "exports").exists()
    # All else of it is well.
    (good := tmp_path / "good").mkdir()
    import_app_of_id("f" * 8, good)
    assert (good / "exports" / "prod").is_dir()


# Links that a clone of a repository brings.


@pytest.mark.parametrize("place", [".unfinished", "app-object", "script", ".unfinished/script"])
def test_a_folder_that_leads_out_gets_no_files(tmp_path: Path, place: str) -> None:
    bundle, outside = tmp_path / "exports" / "prod", tmp_path / "outside"
    outside.mkdir()
    (bundle / place).parent.mkdir(parents=True)
    (bundle / place).symlink_to(outside)
    with pytest.raises(BundleError, match="a link"):
        Writer(bundle).begin()
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("name", ["app.json", "app.json.part"])
def test_a_file_that_leads_out_is_not_written_to(tmp_path: Path, name: str) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "bundle"
    outside.write_text("theirs")
    folder.mkdir()
    (folder / name).symlink_to(outside)
    write_text(folder / "app.json", "ours")
    assert outside.read_text() == "theirs" and (folder / "app.json").read_text() == "ours"
    assert not (folder / "app.json").is_symlink()


# YAML that wants to run something, and YAML that holds a secret where none belongs.

TAGS = pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system [\"touch {}\"]",
        "!!python/object/new:os.system [\"touch {}\"]",
        "!!python/object:os.system {{a: '{}'}}",
        "!!python/name:os.system ''",
        "!!python/module:os ''",
        "!<tag:yaml.org,2002:python/object/apply:os.system> [\"touch {}\"]",
        "!Ref x",
    ],
)  # fmt: skip


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_repository(tmp_path_factory.mktemp("repository"))


@TAGS
def test_tags_run_nothing(tmp_path: Path, repository: Path, tag: str) -> None:
    made = tmp_path / "made"
    text = tag.format(made)
    target, source = tmp_path / "t.yaml", tmp_path / "s.yaml"
    for content in (f"url: {text}\n", f"{text}\n", f"url: https://t.example\nshare: {text}\n"):
        target.write_text(content)
        with pytest.raises(SettingsError):
            load_target(str(target), tmp_path)
    for content in (f"site: {text}\n", f"site: a\nkind: qlik-sense\nurl: https://x\nway: {text}\n"):
        source.write_text(content)
        with pytest.raises(ConnectionSettings):
            load_connection(source)
    nobody = PeopleFiles(users=tmp_path / "u.csv", groups=tmp_path / "g.csv")
    for name, line in (("plan.yaml", f"phase: {text}\n"), ("waivers.yaml", f"- {text}\n")):
        file = repository / "stacks" / "demo" / name
        before = file.read_text()
        file.write_text(before + line)
        try:
            with pytest.raises(PlanError):
                derive_phase(repository, "demo", nobody, TODAY)
        finally:
            file.write_text(before)
    assert not made.exists()


@pytest.mark.parametrize(
    "text", [f'api_key: "{KEY}', f"a: *{KEY[:12]}", f"a: [{KEY}\nb", f"a: !{KEY} x", f"{KEY}: {KEY}: x"]
)
def test_yaml_that_cannot_be_read_is_not_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(f"url: https://t.example\n{text}\n")
    for load, kind in (
        (lambda: load_target(str(file), tmp_path), SettingsError),
        (lambda: load_connection(file), ConnectionSettings),
    ):
        with pytest.raises(kind) as caught:
            load()
        assert KEY[:12] not in str(caught.value) and "not readable as YAML, line" in str(caught.value)


# Nothing of ours opens archives, or runs what it reads.

FORBIDDEN_MODULES = {"zipfile", "tarfile", "pickle", "shelve", "marshal", "dill", "xml", "zipimport", "py7zr"}
FORBIDDEN_CALLS = {
    "unpack_archive",
    "extractall",
    "eval",
    "exec",
    "unsafe_load",
    "full_load",
    "system",
    "popen2",
}


def test_no_archive_is_opened_and_nothing_read_is_run() -> None:
    """Whoever needs an archive has to look at zip slip first, and at this test."""
    found = []
    for file in (f for room in ("qlift", "providers") for f in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            if isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
            used = node.func if isinstance(node, ast.Call) else None
            call = (
                used.attr
                if isinstance(used, ast.Attribute)
                else used.id
                if isinstance(used, ast.Name)
                else ""
            )
            loads = call == "load" and isinstance(used, ast.Attribute) and ast.unparse(used.value) == "yaml"
            if {n.split(".")[0] for n in names} & FORBIDDEN_MODULES or call in FORBIDDEN_CALLS or loads:
                found.append(f"{file.relative_to(ROOT)}:{node.lineno}")  # type: ignore[attr-defined]
            if isinstance(node, ast.keyword) and node.arg == "shell" and ast.unparse(node.value) != "False":
                found.append(f"{file.relative_to(ROOT)}:{node.value.lineno}")
    assert found == []
