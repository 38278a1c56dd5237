"""`qlift adopt`: finds what people have, writes it down once, and touches nothing in the tenant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from qlift.cli import app
from qlift.derivation.former import ADOPTED, NEW, load_adopted
from tests.support.people_first import EVERYTHING, JANE, TARGET, World, adoptable, export_once


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_once(tmp_path_factory.mktemp("exported"))


@pytest.fixture
def world(tmp_path: Path, exported: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path, exported)
    tenant = made.simulator.description["tenant"]
    targets = tmp_path / "stacks" / "targets"
    targets.mkdir(parents=True)
    (targets / f"{TARGET}.yaml").write_text(f"url: {tenant['url']}\n", encoding="utf-8")
    stack = {"config": {"qlift:target": TARGET, "qlift:phase": "demo"}}
    (tmp_path / "stacks" / "Pulumi.demo.yaml").write_text(yaml.safe_dump(stack), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QLIFT_CLIENT_ID", tenant["client_id"])
    monkeypatch.setenv("QLIFT_CLIENT_SECRET", tenant["client_secret"])
    made.plan["adopt"] = dict(EVERYTHING)
    made.derived(with_errors=True)
    yield made
    made.simulator.stop()


def adopt(*args: str) -> Result:
    return CliRunner().invoke(app, ["adopt", "demo", *args])


def test_it_writes_what_people_have_once_and_nothing_to_the_tenant(world: World) -> None:
    ids = world.people_first()
    world.simulator.clock.advance(300)
    before = world.dump()
    done = adopt("--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert world.dump() == before
    found = load_adopted(world.phase / ADOPTED).of(TARGET)
    assert said["adopted"] == found.model_dump(mode="json") and said["target"] == TARGET
    app_, schedule = adoptable(world.derived())
    finance, ledger, task = found.spaces["finance"], found.apps[app_.key], found.schedules[schedule.key]
    assert finance != NEW and ledger != NEW and task != NEW
    assert (finance.id, finance.description) == (ids["finance"], "Ours since 2019\nsecond line")
    assert (ledger.id, ledger.owner.subject, task.id) == (ids["app"], JANE, ids["task"])
    assert found.spaces["sales-lab-staging"] == NEW and found.assignments["sales-lab.self"] == NEW
    # The tool had a role there, of another kind than its work needs.
    assert found.assignments["finance.self"].model_dump()["roles"] == ("facilitator",)  # type: ignore[union-attr]

    text = (world.phase / ADOPTED).read_bytes()
    again = adopt("--json")
    assert again.exit_code == 0 and not any(json.loads(again.stdout)["added"].values())
    assert (world.phase / ADOPTED).read_bytes() == text
    # After the adoption the tenant holds the tool's own values: they must not become former ones.
    world.up()
    assert adopt().exit_code == 0
    assert (world.phase / ADOPTED).read_bytes() == text


def test_a_removed_entry_is_looked_at_anew(world: World) -> None:
    ids = world.people_first()
    adopt()
    world.people.change_space(ids["finance"], description="Newer words")
    assert adopt().exit_code == 0
    file = load_adopted(world.phase / ADOPTED)
    assert "Newer words" not in file.text
    found = file.of(TARGET)
    world.write(file.replaced(TARGET, found.model_copy(update={"spaces": {}})))
    assert adopt().exit_code == 0
    assert "Newer words" in load_adopted(world.phase / ADOPTED).text


def other_type(world: World) -> list[str]:
    world.people.space("Finance", "managed", "")
    return ["space finance: ", "is a managed space, the plan wants a shared one"]


def another_stacks(world: World) -> list[str]:
    world.people.space("Finance", "shared", "[qlift cloned/0123456789ab hr-prod -]")
    return ["space finance: the stack hr-prod manages it already"]


def two_apps(world: World) -> list[str]:
    ids = world.people_first()
    name = adoptable(world.derived(with_errors=True))[0].name
    world.people.app(name, ids["finance"], "The other one")
    return [f'2 apps of its space are called "{name}"']


def tasks_that_are_not_told_apart(world: World) -> list[str]:
    ids = world.people_first()
    world.people.api("DELETE", f"/api/scheduling/tasks/{ids['task']}")
    for name in ("One", "Two"):
        world.people.task(ids["app"], name)
    return ["which of its tasks (One, Two) to adopt is not clear"]


CASES = [other_type, another_stacks, two_apps, tasks_that_are_not_told_apart]


@pytest.mark.parametrize("case", CASES, ids=[c.__name__ for c in CASES])
def test_what_is_not_clear_is_for_people_and_the_rest_is_written(world: World, case: Any) -> None:
    signs = case(world)
    world.simulator.clock.advance(300)
    done = adopt()
    assert done.exit_code == 1
    flat = " ".join(done.output.split())
    assert all(sign in flat for sign in signs), flat
    assert load_adopted(world.phase / ADOPTED).of(TARGET).spaces["sales-lab-staging"] == NEW
    # And the preview stops for want of that entry.
    assert {f.code for f in world.derived(with_errors=True).errors} == {"ADOPTED-MISSING"}


def test_new_that_is_not_new_any_more(world: World) -> None:
    assert adopt().exit_code == 0
    world.people.space("Finance", "shared", "Meanwhile")
    done = adopt()
    assert done.exit_code == 1 and "adopted.yaml says `new`" in " ".join(done.output.split())


def test_tasks_that_stay_beside_are_spoken_of(world: World) -> None:
    world.plan["adopt"] = {"spaces": True, "apps": True}
    world.people_first()
    world.simulator.clock.advance(300)
    assert "has tasks of its own in the tenant (Reload General Ledger)" in " ".join(adopt().output.split())


def test_an_unknown_stack(world: World) -> None:
    done = CliRunner().invoke(app, ["adopt", "nothing"])
    assert done.exit_code != 0 and "there is no such stack" in str(done.exception)
