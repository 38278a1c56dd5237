"""QlikView bundles: the example is one, and whatever is wrong with one is named at once."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from qlift.bundle import BundleError, load_bundle
from qlift.bundle.qlikview import load_qlikview, models, tasks
from qlift.bundle.qlikview.site import FILES
from qlift.bundle.qvf import SIGNATURE
from qlift.cli import app
from qlift.derivation.phase import load_bundles
from qlift.derivation.plan import Plan
from tests.derivation.site import small_site
from tests.mutations.of_bundles import BYTES

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "qlikview"
APP_FILE = SIGNATURE + bytes(12)
"""What the example's `converted.json` lists."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "qv"
    shutil.copytree(EXAMPLE, copy)
    (copy / "converted").mkdir()
    (copy / "converted" / "Sales.qvf").write_bytes(APP_FILE)
    return copy


def change(file: Path, how: Callable[[Any], object]) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    how(content)
    file.write_text(json.dumps(content), encoding="utf-8")


def problems(folder: Path) -> list[str]:
    with pytest.raises(BundleError) as raised:
        load_qlikview(folder)
    found = [p.removeprefix(f"{folder}/") for p in raised.value.problems]
    assert all(": " in p and "; " in p for p in found), found
    return found


def test_the_example_is_a_bundle_and_keeps_what_it_does_not_know(folder: Path) -> None:
    bundle = load_qlikview(folder)
    assert (bundle.manifest.site, bundle.manifest.time_zone) == ("qv-prod", "Europe/Berlin")
    assert len(bundle.documents) == 4 and len(bundle.tasks) == 5
    kinds = {t.type for task in bundle.tasks for t in task.triggering.triggers}
    union, _ = get_args(tasks.Trigger)
    every = {a for m in get_args(union) for a in get_args(m.model_fields["type"].annotation)}
    assert kinds == every - {"ContinuousTrigger"}
    server = bundle.metadata[0].meta.model_extra
    assert server is not None and server["Server"]["Access"]["Methods"] == ["ZeroFootprintClient"]


def test_the_example_has_something_of_everything() -> None:
    for name in FILES:
        assert json.loads((EXAMPLE / name).read_text(encoding="utf-8")), f"{name} is empty"


def test_the_description_names_every_file_and_field() -> None:
    text = (ROOT / "docs" / "qlikview.md").read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", text))))
    assert {name.removesuffix(".json") for name in FILES} <= set(re.findall(r"[\w-]+", text))
    every = [m for room in (models, tasks) for m in vars(room).values() if isinstance(m, type)]
    fields = {f.alias or n for m in every if issubclass(m, BaseModel) for n, f in m.model_fields.items()}
    assert fields - {"TaskCount"} <= words, sorted(fields - words)


Change = Callable[[Any], object]
CASES: dict[str, tuple[str, Change, str]] = {
    "no zone": ("manifest.json", lambda c: c.pop("time_zone"), "manifest.json: time_zone: Field required"),
    "zone of Windows": ("manifest.json", lambda c: c.update(time_zone="W. Europe Standard Time"), "IANA"),
    "zone that is a path": ("manifest.json", lambda c: c.update(time_zone="../../etc/passwd"), "IANA"),
    "format 2": ("manifest.json", lambda c: c.update(format=2), "format"),
    "unknown field of ours": ("users.json", lambda c: c[0].update(mail="x"), "mail: Extra inputs"),
    "enumeration by number": (
        "documents.json",
        lambda c: c[0].update(Type=1),
        "Type: Input should be 'User'",
    ),
    "date of PowerShell": (
        "tasks.json",
        lambda c: trigger(c, 2)[0].update(StartAt="/Date(1)/"),
        "a local time",
    ),
    "time with a zone": (
        "tasks.json",
        lambda c: trigger(c, 2)[0].update(StartAt="2026-01-05T06:00:00Z"),
        "the zone",
    ),
    "unknown trigger": ("tasks.json", lambda c: trigger(c, 0)[0].update(Type="DawnTrigger"), "DawnTrigger"),
    "daily without its days": (
        "tasks.json",
        lambda c: trigger(c, 2)[0].pop("Daily"),
        "Daily: Field required",
    ),
    "password of a trigger": (
        "tasks.json",
        lambda c: trigger(c, 0)[1].update(Password="hunter2"),
        "Triggering.Triggers.Password: holds a credential; put (redacted)",
    ),
    "password in a description": (
        "groups.json",
        lambda c: c[0].update(description="pwd=hunter2"),
        "description: holds a credential",
    ),
    "password in section access": ("section-access.json", lambda c: with_password(c[0]), "holds a password"),
    "document in no folder": ("documents.json", lambda c: c[0].update(FolderID="gone"), "no folder gone"),
    "document in another's folder": (
        "documents.json",
        lambda c: c[0].update(Type="User"),
        "in a folder of Source",
    ),
    "mount of nothing": ("mounts.json", lambda c: c[0].update(FolderID="gone"), "no folder gone"),
    "mount of sources": (
        "folders.json",
        lambda c: c[1]["General"].update(Type="Source"),
        "holds source documents",
    ),
    "metadata of nothing": ("metadata.json", lambda c: c[0].update(document="gone"), "no document gone"),
    "metadata missing": ("metadata.json", lambda c: c.pop(), "no metadata"),
    "unknown category": (
        "metadata.json",
        lambda c: c[0]["meta"]["DocumentInfo"].update(Category="HR"),
        "no category HR",
    ),
    "access of nobody known": (
        "metadata.json",
        lambda c: access(c).update(UserName="ACME\\ghost"),
        "has ACME\\ghost",
    ),
    "access of nobody": (
        "metadata.json",
        lambda c: access(c).update(UserName=""),
        "an access entry for nobody",
    ),
    "task of no document": ("tasks.json", lambda c: c[0]["Document"].update(ID="gone"), "no document gone"),
    "task without document": ("tasks.json", lambda c: c[0].pop("Document"), "a DocumentTask without"),
    "trigger of no task": ("tasks.json", lambda c: trigger(c, 1)[0].update(TaskID="gone"), "the task gone"),
    "inner trigger of no task": (
        "tasks.json",
        lambda c: trigger(c, 3)[0]["SubTriggers"][1].update(TaskID="gone"),
        "the task gone",
    ),
    "dependency on no task": (
        "tasks.json",
        lambda c: c[4]["Triggering"]["TaskDependencies"][0].update(ID="gone"),
        "the task gone",
    ),
    "unknown recipient": (
        "tasks.json",
        lambda c: sent(c)["Recipients"][0].update(Name="X\\y"),
        "recipient X\\y",
    ),
    "unknown mount": (
        "tasks.json",
        lambda c: sent(c)["Destination"]["QlikViewServer"].update(Mount="HR"),
        "no mount HR",
    ),
    "user in no group": ("users.json", lambda c: c[0].update(groups=["ACME\\None"]), "no group ACME\\None"),
    "user without directory": ("users.json", lambda c: c[0].update(name="anna"), "name: String should match"),
    "CAL of nobody": ("cals.json", lambda c: c[0].update(user="ACME\\ghost"), "no user ACME\\ghost"),
    "CAL of no document": ("cals.json", lambda c: c[1].update(document="gone"), "no document gone"),
    "named CAL without user": ("cals.json", lambda c: c[0].pop("user"), "a named CAL without"),
    "session CAL with document": (
        "cals.json",
        lambda c: c[2].update(document=c[1]["document"]),
        "to no other",
    ),
    "cells and columns": ("section-access.json", lambda c: c[0]["Columns"].pop(), "3 cells under 2 columns"),
    "right on nothing": ("acl.json", lambda c: c[0].pop("folder"), "either a document or a folder"),
    "right on no folder": ("acl.json", lambda c: c[0].update(folder="gone"), "no folder gone"),
    "right of nobody": ("acl.json", lambda c: c[0].update(identity="X\\y"), "has X\\y"),
    "conversion of nothing": ("converted.json", lambda c: c[0].update(document="gone"), "no document gone"),
    "path out of the folder": (
        "converted.json",
        lambda c: c[0].update(file="converted/../../x.qvf"),
        "file:",
    ),
    "absolute path": ("converted.json", lambda c: c[0].update(file="/etc/x.qvf"), "file:"),
    "size below zero": ("converted.json", lambda c: c[0].update(size=-1), "size:"),
    "other size": ("converted.json", lambda c: c[0].update(size=31), "has 32 bytes, converted.json says 31"),
    "other hash": ("converted.json", lambda c: c[0].update(sha256="0" * 64), "sha256 differs"),
    "a user twice": ("users.json", lambda c: c.append({"name": "acme\\ANNA"}), "stands there twice"),
    "a document twice": ("documents.json", lambda c: c.append(c[0]), "stands there twice"),
    "a mapping for a list": ("mounts.json", lambda c: c[0].update(Name=None), "Name: Input should be"),
}


def trigger(content: Any, task: int) -> Any:
    return content[task]["Triggering"]["Triggers"]


def access(content: Any) -> Any:
    return content[0]["meta"]["Authorization"]["Access"][0]


def sent(content: Any) -> Any:
    return content[3]["Distribute"]["Static"]["DistributionEntries"][0]


def with_password(table: Any) -> None:
    table["Columns"][2]["Name"] = "Password"


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_what_is_wrong_is_named(case: tuple[str, Change, str], folder: Path) -> None:
    file, how, words = case
    change(folder / file, how)
    found = problems(folder)
    assert any(words in p for p in found), found
    assert not any("hunter2" in p for p in found)


def test_rights_on_files_stand_for_themselves(folder: Path) -> None:
    change(folder / "manifest.json", lambda c: c.update(authorization="ntfs"))
    change(folder / "metadata.json", lambda c: c.clear())
    load_qlikview(folder)
    (folder / "acl.json").write_text("[]")
    assert problems(folder) == [
        "acl.json: empty, and the manifest puts authorisation there (ntfs); add what is missing to its file, "
        "or correct the reference"
    ]


def test_every_problem_at_once(folder: Path) -> None:
    (folder / "tasks.json").write_bytes(b"\xff")
    (folder / "users.json").unlink()
    (folder / "mounts.json").write_text("{}")
    (folder / "converted" / "Sales.qvf").write_bytes(b"<html>sign in</html>")
    (folder / "converted" / "Other.qvf").write_bytes(APP_FILE)
    change(folder / "manifest.json", lambda c: c.pop("time_zone"))
    text = "\n".join(problems(folder))
    for sign in (
        "manifest.json: time_zone", "tasks.json: not UTF-8", "users.json: missing", "mounts.json: ",
        "Sales.qvf: not an app file", "Sales.qvf: has 20 bytes", "Other.qvf: converted.json does not list it",
    ):  # fmt: skip
        assert sign in text, text


@pytest.mark.parametrize("file", [*FILES, "manifest.json"])
def test_spoilt_bytes_are_a_clear_error(file: str, folder: Path) -> None:
    kept = (folder / file).read_bytes()
    for name, (spoil, _) in BYTES.items():
        (folder / file).write_bytes(spoil(kept))
        found = problems(folder)
        assert found[0].startswith(file), f"{name}: {found}"


def test_a_missing_app_file_and_a_link_to_one(folder: Path, tmp_path: Path) -> None:
    file = folder / "converted" / "Sales.qvf"
    file.unlink()
    assert "converted/Sales.qvf: missing" in problems(folder)[0]
    (tmp_path / "outside.qvf").write_bytes(APP_FILE)
    file.symlink_to(tmp_path / "outside.qvf")
    assert "a link that leads out of the bundle" in problems(folder)[0]


def test_nothing_is_derived_from_one_yet(folder: Path) -> None:
    with pytest.raises(BundleError, match="a QlikView bundle; it can be checked"):
        load_bundle(folder)
    source = {"site": "qv-prod", "bundle": folder.name}
    plan = Plan.model_validate({"version": 1, "phase": "x", "sources": [source]})
    with pytest.raises(BundleError, match="nothing can be derived from it yet"):
        load_bundles(folder.parent, plan)


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["check", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.output


def test_check_says_what_a_bundle_holds_and_every_problem(folder: Path) -> None:
    code, text = run(str(folder))
    assert code == 0 and "QlikView of the site qv-prod" in text and "4 documents" in text
    (folder / "users.json").unlink()
    change(folder / "documents.json", lambda c: c[0].update(Type=1))
    code, text = run(str(folder))
    assert code == 1 and "error: " in text and "users.json: missing" in text and "4 documents" in text
    code, text = run(str(folder), "--json")
    found = json.loads(text)
    assert code == 1 and not found["ok"] and len(found["problems"]) == 2 and found["holds"]["tasks"] == 5


def test_check_knows_a_bundle_of_qlik_sense(tmp_path: Path) -> None:
    site, _, _, ledger = small_site()
    task = site.task(ledger)
    bundle = site.write(tmp_path)
    (tmp_path / "blobs").mkdir()
    blob = tmp_path / "blobs" / f"{bundle.app_files[ledger['id']].sha256}.qvf"
    code, text = run(str(tmp_path))
    assert code == 1 and f"{blob}: missing; run `qlift export` again" in text
    blob.write_bytes(b"x" * 9)
    assert "not 10 bytes long" in run(str(tmp_path))[1]
    blob.write_bytes(b"x" * 10)
    code, text = run(str(tmp_path), "--json")
    found = json.loads(text)
    assert code == 0 and found["kind"] == "qlik-sense" and found["site"] == "prod" and not found["warnings"]
    assert found["holds"]["app"] == 1 and found["holds"]["app-object files"] == 1
    task["app"] = {"id": "gone", "name": "Gone"}
    site.write(tmp_path)
    code, text = run(str(tmp_path))
    assert code == 0 and 'warning: Reload: the task reloads the app "Gone" (gone)' in text
    (tmp_path / "app.json").write_text("[]")
    code, text = run(str(tmp_path))
    assert code == 1 and "sha256 differs" in text


def test_check_of_nothing(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none", "does not exist"), (tmp_path, "no manifest.json")):
        code, text = run(str(path))
        assert code == 1 and words in text
