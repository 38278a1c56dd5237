"""Files nobody here wrote: app files and reload tasks of real sites.

They are not part of the project: `QLIFT_REAL_DATA` names their folder (default `../shared/data`).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from qlift.simulator.site import seed_real_qvf, tasks_from_ctrl_q
from tests.support.phase import Phase
from tests.support.project import ROOT

pytestmark = pytest.mark.engine

REAL_DATA = Path(os.environ.get("QLIFT_REAL_DATA") or ROOT.parent / "shared" / "data")


def real(folder: str) -> Path:
    found = REAL_DATA / folder
    if not found.is_dir():
        pytest.skip(f"there is no folder {folder} in the real data (QLIFT_REAL_DATA)")
    return found


def test_real_app_files_arrive_as_they_left(engine: Engine, tmp_path: Path) -> None:
    files = {hashlib.sha256(p.read_bytes()).hexdigest() for p in real("qvf").glob("*.qvf")}
    assert files
    with Simulator() as simulator:
        apps = {a["id"]: a["name"] for a in seed_real_qvf(simulator.store, real("qvf"))}
        phase = Phase(engine, simulator, tmp_path)
        assert phase.export().failed == []
        bundle = phase.bundle()
        assert {bundle.app_files[a].sha256 for a in apps} == files
        blobs = phase.folder / "exports" / "sample" / "blobs"
        stored = {f: hashlib.sha256((blobs / f"{f}.qvf").read_bytes()).hexdigest() for f in files}
        assert all(name == found for name, found in stored.items())

        phase.plan["select"] = {"streams": "all", "apps": {"ids": sorted(apps)}}
        up = phase.up("--skip-preview")
        assert up.ok, up.output
        published = [a for a in phase.tenant()["apps"] if a["published"] and a["name"] in apps.values()]
        assert {a["sha256"] for a in published} == files and len(published) == len(files)
        assert phase.preview(expect_no_changes=True).ok
        assert phase.destroy().ok


def test_real_reload_tasks_derive_or_are_reported(engine: Engine, tmp_path: Path) -> None:
    with Simulator() as simulator:
        tasks_from_ctrl_q(simulator.store, real("qseow"))
        phase = Phase(engine, simulator, tmp_path)
        phase.export()
        up = phase.up("--skip-preview")
        # Findings of severity error would have stopped it, each with its reason.
        assert up.ok, up.output
        bundle = phase.bundle()
        made = set(phase.ids("ReloadSchedule"))
        findings = phase.findings()
        reported = {f["object"] for f in findings}
        tasks = {t.id: t for t in bundle.reload_tasks}
        counted = sum(f["code"] == "TASKS-OF-OTHER-APPS" for f in findings)
        selected = {a["source"]["id"] for a in phase.shown()["apps"]}
        events = [(e.id, e.name, e.reload_task) for e in bundle.schema_events]
        events += [(e.id, e.name, e.reload_task) for e in bundle.composite_events]
        for event_id, event_name, reference in events:
            if event_id in made:
                continue
            task = tasks.get(reference.id) if reference else None
            if task is not None and task.app.id not in selected:
                assert counted
                continue
            names = {f"{task.name} / {event_name}", task.name} if task else {event_name}
            assert names & reported, names
        assert len(made) > 9, "the sample alone has nine"
        assert phase.preview(expect_no_changes=True).ok
