"""`provenance: none`: descriptions without qlift's line, for good or from the start. In process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pytest

from qlift.derivation.plan_file import load_plan
from qlift.program.phase import refuse_without_checkpoints
from qlift.simulator.site.changes import edit_sheet
from qlift.simulator.tenant.dump import dump
from tests.program.test_changes import LEDGER, World, world

__all__ = ["world"]


def descriptions(world: World) -> list[str]:
    seen = dump(world.simulator.world)
    return [str(thing.get("description") or "") for kind in ("spaces", "apps") for thing in seen[kind]]


def without_runs(world: World) -> dict[str, Any]:
    return {k: v for k, v in dump(world.simulator.world).items() if k != "runs"}


def test_the_line_can_be_taken_away_and_put_back(world: World) -> None:
    """The reference product's "Reset App Descriptions"."""
    before = without_runs(world)
    world.up()
    ids = {k: e.id for k, e in world.run.state.items()}
    assert any("[qlift " in d for d in descriptions(world))
    world.run.provenance = "none"
    ran = world.run.up(world.derived())
    assert ran.updated and not (ran.created or ran.replaced or ran.deleted)
    assert not any("[qlift " in d for d in descriptions(world))
    assert not world.up()
    world.run.provenance = "description"
    assert world.up()
    assert any("[qlift " in d for d in descriptions(world))
    assert {k: e.id for k, e in world.run.state.items()} == ids
    assert not world.up()
    world.run.destroy()
    assert without_runs(world) == before


@pytest.mark.parametrize("from_the_start", [True, False])
def test_everything_works_without_the_line(world: World, from_the_start: bool) -> None:
    before = without_runs(world)
    if from_the_start:
        world.run.provenance = "none"
    world.up()
    world.run.provenance = "none"
    world.up()
    published = world.id_of("AppPublication", "general-ledger")
    edit_sheet(world.simulator.store, world.source_app(LEDGER))
    world.export()
    assert world.up()
    assert world.id_of("AppPublication", "general-ledger") == published
    assert len(world.apps(LEDGER)) == 2
    assert not any("[qlift " in d for d in descriptions(world))
    assert not world.up()
    world.run.destroy()
    assert without_runs(world) == before


@pytest.mark.parametrize("value", ["true", "1", "TRUE"])
def test_checkpoints_are_not_skipped_without_the_line(tmp_path: Path, value: str) -> None:
    plan = load_plan(Path("stacks/demo/plan.yaml"))
    skipping = {"PULUMI_SKIP_CHECKPOINTS": value}
    refuse_without_checkpoints(plan, skipping)
    without = plan.model_copy(update={"provenance": "none"})
    refuse_without_checkpoints(without, {})
    with pytest.raises(pulumi.RunError, match="run it without PULUMI_SKIP_CHECKPOINTS"):
        refuse_without_checkpoints(without, skipping)
