"""Lists that are behind: what was deleted a moment ago is not taken for our own work."""

from __future__ import annotations

import datetime
from pathlib import Path

from qlift.bundle import BlobStore
from qlift.derivation import PeopleFiles, derive_phase
from qlift.simulator import Simulator, Switches
from qlift.simulator.tenant.dump import dump
from tests.support.export import demo_repository
from tests.support.in_process import InProcess


def test_up_at_once_after_a_destroy(tmp_path: Path) -> None:
    repository = demo_repository(tmp_path)
    nobody = PeopleFiles(users=tmp_path / "none.csv", groups=tmp_path / "none.csv")
    _, desired = derive_phase(repository, "demo", nobody, datetime.date(2026, 1, 1))
    with Simulator(switches=Switches(item_lag=120)) as simulator:
        run = InProcess(simulator, BlobStore(str(repository / "exports" / "sample" / "blobs")))
        run.up(desired)
        simulator.clock.advance(200)
        wanted = dump(simulator.world)
        run.destroy()
        run.up(desired)
        simulator.clock.advance(200)
        assert dump(simulator.world) == wanted
        assert not run.up(desired).changes
