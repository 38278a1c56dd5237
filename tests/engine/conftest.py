"""A phase of the sample on simulated ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from tests.support.phase import Phase


@pytest.fixture
def phase(engine: Engine, tmp_path: Path) -> Iterator[Phase]:
    """Exported, nothing migrated yet."""
    with Simulator() as simulator:
        made = Phase(engine, simulator, tmp_path)
        made.export()
        yield made
