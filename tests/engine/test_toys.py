"""The base provider on the real engine, with two toy kinds. Asserted is what is left in the target folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from qlift.pulumi_cli import Engine
from tests.support.project import Project

pytestmark = pytest.mark.engine

HERE = Path(__file__).parent
BOTH_MODES = pytest.mark.parametrize("checkpoints", [True, False], ids=["checkpoints", "skip-checkpoints"])


class Toys:
    """A stack of toys and the folder that is its tenant."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        shutil.copytree(HERE / "toys", folder / "program")
        self.target = folder / "target"
        self.program = folder / "program"
        self.project = Project(engine, self.program, env={"TOY_TARGET": str(self.target)})
        self.project.init("dev")

    def want(self, boxes: list[dict[str, Any]], labels: list[dict[str, Any]] | None = None) -> None:
        (self.program / "toys.json").write_text(json.dumps({"boxes": boxes, "labels": labels or []}))

    def boxes(self) -> dict[str, dict[str, Any]]:
        return {p.stem: json.loads(p.read_text()) for p in (self.target / "box").glob("*.json")}

    def labels(self) -> dict[str, dict[str, Any]]:
        return {p.stem: json.loads(p.read_text()) for p in (self.target / "label").glob("*.json")}

    def names(self) -> list[str]:
        return sorted(b["name"] for b in self.boxes().values())

    def id_of(self, name: str) -> str:
        return next(i for i, b in self.boxes().items() if b["name"] == name)


@pytest.fixture
def toys(engine: Engine, tmp_path: Path) -> Toys:
    return Toys(engine, tmp_path)


def box(key: str, name: str = "", content: str = "1", source: str = "", **more: str) -> dict[str, Any]:
    return {"key": key, "source": source or key, "name": name or key, "content": content, **more}


def many(count: int) -> list[dict[str, Any]]:
    return [box(f"b{i:04}") for i in range(count)]


def test_up_no_op_drift_and_rename(toys: Toys) -> None:
    toys.want([box("a", "Ann"), box("b", "Bob")], [{"key": "la", "box": "a", "size": 5}])
    preview = toys.project.preview()
    assert preview.ok and not toys.boxes()
    assert toys.project.up().ok
    ann = toys.id_of("Ann")
    assert toys.names() == ["Ann", "Bob"] and toys.labels() == {f"on-{ann}": {"size": 5}}
    assert toys.project.preview(expect_no_changes=True).ok

    # Somebody renames one by hand and deletes the other: seen, mended.
    (toys.target / "box" / f"{ann}.json").write_text(json.dumps({**toys.boxes()[ann], "name": "Eve"}))
    (toys.target / "box" / f"{toys.id_of('Bob')}.json").unlink()
    assert not toys.project.preview(expect_no_changes=True).ok
    assert toys.project.up().ok
    assert toys.names() == ["Ann", "Bob"]

    # A rename is an update: same box, same label.
    toys.want([box("a", "Anna"), box("b", "Bob")], [{"key": "la", "box": "a", "size": 5}])
    up = toys.project.up()
    assert up.ok and "replaced" not in up.output
    assert toys.id_of("Anna") == ann and list(toys.labels()) == [f"on-{ann}"]
    assert toys.project.preview(expect_no_changes=True).ok


def test_replacement_makes_the_new_one_and_deletes_the_old_one(toys: Toys) -> None:
    toys.want([box("a")], [{"key": "la", "box": "a", "size": 5}])
    assert toys.project.up().ok
    old = toys.id_of("a")
    toys.want([box("a", content="2")], [{"key": "la", "box": "a", "size": 5}])
    assert toys.project.up().ok
    new = toys.id_of("a")
    assert new != old and len(toys.boxes()) == 1 and list(toys.labels()) == [f"on-{new}"]


def test_an_object_that_two_entries_of_the_state_name_is_not_deleted(toys: Toys) -> None:
    """The create of `new` recognises the box of `old`, which the engine deletes afterwards."""
    toys.want([box("old", "Ann", source="S")])
    assert toys.project.up().ok
    ann = toys.id_of("Ann")
    toys.want([box("new", "Ann", source="S")])
    assert toys.project.up().ok
    assert list(toys.boxes()) == [ann]
    assert toys.project.preview(expect_no_changes=True).ok
    assert toys.project.destroy().ok and not toys.boxes()


def test_an_alias_renames_the_entry_only(toys: Toys) -> None:
    toys.want([box("old", "Ann", source="S")])
    assert toys.project.up().ok
    ann = toys.id_of("Ann")
    toys.want([box("new", "Ann", source="S", former="old")])
    assert toys.project.up().ok
    assert list(toys.boxes()) == [ann] and toys.project.preview(expect_no_changes=True).ok


def test_a_small_shrink_deletes_and_a_large_one_is_refused_until_allowed(toys: Toys) -> None:
    toys.want(many(20))
    assert toys.project.up().ok
    toys.want(many(18))
    assert toys.project.up().ok and len(toys.boxes()) == 18

    toys.want(many(4))
    for refused in (toys.project.preview(), toys.project.up(), toys.project.up("--skip-preview")):
        assert not refused.ok and "would delete 14 of 18" in refused.output
        assert len(toys.boxes()) == 18
    wrong = toys.project.up(env={"QLIFT_ALLOW_DELETES": "13"})
    assert not wrong.ok and len(toys.boxes()) == 18
    assert toys.project.up(env={"QLIFT_ALLOW_DELETES": "14"}).ok
    assert toys.names() == [b["name"] for b in many(4)]


def test_destroy_is_refused_before_its_first_delete(toys: Toys) -> None:
    toys.want(many(12))
    assert toys.project.up().ok
    refused = toys.project.destroy()
    assert not refused.ok and "would delete 12 of 12" in refused.output and len(toys.boxes()) == 12
    assert toys.project.destroy(env={"QLIFT_ALLOW_DELETES": "12"}).ok
    assert not toys.boxes()


def test_a_destroy_without_a_refresh_deletes_nothing(toys: Toys) -> None:
    toys.want(many(3))
    assert toys.project.up().ok
    refused = toys.project.destroy("--refresh=false")
    assert not refused.ok and "without a refresh" in refused.output
    assert len(toys.boxes()) == 3


def test_one_failure_does_not_stop_the_rest_and_deletes_nothing(toys: Toys) -> None:
    label = {"key": "on b", "box": "b", "size": 1}
    toys.want([box("a"), box("b"), box("gone later")], [label])
    assert toys.project.up().ok
    labels = toys.labels()

    toys.want([box("a"), box("b", "fails", content="2"), *many(9)], [label])
    up = toys.project.up("--continue-on-error", "--skip-preview")
    assert not up.ok and "Box b: the target said no in two lines" in up.output
    assert "2 more resources were left as they are" in up.output
    assert "Traceback" not in up.output
    assert toys.names() == sorted(["a", "b", "gone later", *(b["name"] for b in many(9))])
    assert toys.labels() == labels

    toys.want([box("a"), box("b", content="2"), *many(9)], [label])
    assert toys.project.up().ok
    assert toys.names() == sorted(["a", "b", *(b["name"] for b in many(9))])
    assert list(toys.labels()) == [f"on-{toys.id_of('b')}"]


def test_a_conflict_shows_in_preview(toys: Toys) -> None:
    toys.want([box("a", "forbidden")])
    preview = toys.project.preview()
    assert not preview.ok and "Box a: is not allowed; choose another name" in preview.output


def test_state_holds_no_provider_code_and_what_only_the_state_knows(toys: Toys) -> None:
    toys.want([box("a")])
    assert toys.project.up().ok
    assert toys.project.up().ok
    resources = toys.project.export()["deployment"]["resources"]
    stored = next(r for r in resources if r["type"].endswith(":Box"))
    assert len(stored["outputs"]["__provider"]) < 120
    assert stored["outputs"]["only_in_state"] == "kept"


@BOTH_MODES
@pytest.mark.parametrize("whole_group", [True, False], ids=["group", "engine-alone"])
def test_killed_in_the_middle_then_the_documented_recovery(
    toys: Toys, checkpoints: bool, whole_group: bool
) -> None:
    toys.want(many(24))
    env = {"TOY_DELAY": "0.15"} | ({} if checkpoints else {"PULUMI_SKIP_CHECKPOINTS": "true"})
    running = toys.project.start("up", "--yes", "--skip-preview", env=env)
    deadline = time.monotonic() + 60
    while len(toys.boxes()) < 6:
        assert running.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    if whole_group:
        os.killpg(running.pid, signal.SIGKILL)
    else:
        running.kill()
    running.wait()
    assert running.stdout is not None
    running.stdout.close()

    toys.project.cancel()
    assert toys.project.up(env=env | {"TOY_DELAY": "0"}).ok
    assert toys.project.refresh("--clear-pending-creates").ok
    assert toys.names() == [b["name"] for b in many(24)]
    assert toys.project.preview(expect_no_changes=True).ok


def test_the_provider_ends_with_its_engine(toys: Toys) -> None:
    """Otherwise it finishes what it had begun, and an `up` at once makes everything twice."""
    toys.want(many(8))
    running = toys.project.start("up", "--yes", "--skip-preview", env={"TOY_DELAY": "3"})
    assert running.stdout is not None
    while "Box b0000 creating" not in running.stdout.readline():
        assert running.poll() is None
    running.kill()
    running.wait()
    running.stdout.close()
    deadline = time.monotonic() + 60
    while subprocess.run(
        ["pgrep", "-s", str(running.pid), "-f", "pulumi.dynamic"], capture_output=True
    ).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert toys.boxes() == {}


@BOTH_MODES
def test_twelve_hundred_objects(toys: Toys, checkpoints: bool) -> None:
    """Past the SDK's recursion limit, which a provider with attributes reaches at 980."""
    env = {} if checkpoints else {"PULUMI_SKIP_CHECKPOINTS": "true"}
    toys.want(many(1200))
    assert toys.project.up("--skip-preview", env=env).ok
    assert len(toys.boxes()) == 1200
    assert toys.project.preview(expect_no_changes=True).ok
