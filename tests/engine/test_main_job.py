"""The main job, from a site to a tenant and back, on the real engine. Asserted is the tenant's dump."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from tests.support.phase import Phase

pytestmark = pytest.mark.engine


@pytest.fixture
def phase(engine: Engine, tmp_path: Path) -> Iterator[Phase]:
    with Simulator() as simulator:
        made = Phase(engine, simulator, tmp_path)
        made.export()
        yield made


def test_preview_up_no_op_destroy(phase: Phase) -> None:
    before = phase.tenant()
    preview = phase.preview()
    assert preview.ok, preview.output
    assert phase.tenant() == before
    up = phase.up()
    assert up.ok, up.output
    assert phase.preview(expect_no_changes=True).ok
    destroy = phase.destroy()
    assert destroy.ok, destroy.output
    assert phase.tenant() == before
