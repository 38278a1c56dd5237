"""Killed anywhere, an export ends, when run again, with the bundle of an undisturbed one."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qlift.bundle import load_bundle
from qlift.bundle.staging import Staging
from qlift.simulator import Fault, Simulator
from qlift.simulator.site.changes import edit_script, edit_sheet, rename_stream
from qlift.sources.qlik_sense.client import SiteClient
from tests.sources.ends import USER, by_header, export, source_file, stable

ROOT = Path(__file__).parents[2]
KILLS = 8


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture(scope="module")
def first(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished export, after which the site changed: the killed ones go over a bundle with other names."""
    folder = tmp_path_factory.mktemp("first")
    site = by_header(simulator, folder)
    export(site, folder / "b")
    site.close()
    stream = next(s for s in simulator.store.all("site/stream") if s["name"] == "HR")
    rename_stream(simulator.store, stream["id"], "People")
    for app in simulator.store.all("site/app")[:6]:
        edit_sheet(simulator.store, app["id"])
        edit_script(simulator.store, app["id"])
    return folder / "b"


@pytest.fixture(scope="module")
def undisturbed(
    simulator: Simulator, first: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(first, folder / "b")
    simulator.faults.clear_requests()
    again(simulator, folder)
    assert load_bundle(folder / "b").renames
    return everything(folder / "b")


def again(simulator: Simulator, folder: Path) -> None:
    site = by_header(simulator, folder)
    report = export(site, folder / "b")
    site.close()
    assert (report.failed, report.incomplete) == ([], [])


def everything(folder: Path) -> dict[str, str]:
    """Stable files, the table of app files and the files themselves, and nothing else."""
    blobs = {f"blobs/{p.name}": p.name for p in (folder / "blobs").iterdir()}
    return stable(folder) | blobs | {"app-file.json": (folder / "app-file.json").read_text()}


def killed(
    simulator: Simulator,
    folder: Path,
    fault: Fault | None = None,
    *,
    nth: int = 1,
    options: tuple[str, ...] = (),
) -> None:
    """Runs the real command, which is killed at its n-th request to the site (or where `fault` says)."""
    header = simulator.description["site"]["header"]
    source_file(folder, header["url"], {"header": {"name": header["name"], "value_env": USER}})
    command = [sys.executable, "-m", "qlift.cli", "export", "sample", "--source", "site.yaml", "--out", "b"]
    command += options
    # The process waits until the fault with its number is set.
    process = subprocess.Popen(
        ["/bin/sh", "-c", 'read go && exec "$@"', "sh", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), USER: header["value"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    kill = f"kill:{process.pid}"
    simulator.faults.add(
        fault.model_copy(update={"action": kill}) if fault else Fault(side="site", nth=nth, action=kill)
    )
    process.communicate(b"go\n")
    simulator.faults.clear()
    assert process.returncode == -9


def test_killed_at_random_requests(
    simulator: Simulator, first: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    requests = len(simulator.faults.requests())
    chosen = random.Random(7).sample(range(1, requests), KILLS)
    for nth in sorted(chosen):
        folder = tmp_path / str(nth)
        folder.mkdir()
        shutil.copytree(first, folder / "b")
        before = everything(folder / "b")
        killed(simulator, folder, nth=nth)
        left = everything(folder / "b")
        assert {k: left.get(k) for k in before} == before, f"killed at {nth}: the former bundle is not whole"
        again(simulator, folder)
        assert everything(folder / "b") == undisturbed, f"killed at request {nth} of {requests}"


def test_killed_again_and_again_it_gets_on(
    simulator: Simulator, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    """What is there is not fetched again: each run gets some files further."""
    fifth = Fault(side="site", path="/tempcontent/", nth=5, action="drop")
    for _ in range(2):
        killed(simulator, tmp_path, fifth, options=("--parallel", "1"))
    assert not (tmp_path / "b" / "manifest.json").exists()
    simulator.faults.clear_requests()
    again(simulator, tmp_path)
    fetched = [r for r in simulator.faults.requests() if r["path"].startswith("/tempcontent/")]
    files = json.loads(undisturbed["app-file.json"])
    total = len(files) + sum(f["public"] is not None for f in files)
    # The fourth download of a run may have arrived unnoted, and be the first of an app's two.
    assert total - 2 * 4 <= len(fetched) <= total - 2 * 2
    wanted = {name: digest for name, digest in undisturbed.items() if name != "renames.json"}
    got = everything(tmp_path / "b")
    differing = {name for name in wanted if got.get(name) != wanted[name]}
    # Without the former bundle it knows of no rename.
    assert differing == {"manifest.json"} | {n for n in wanted if n.startswith("blobs/") and n not in got}


class Killed(BaseException):
    pass


def test_killed_while_the_files_are_put_in_place(
    simulator: Simulator, first: Path, undisturbed: dict[str, str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """At every second move. The recovery alone, without another export, has to give the whole bundle."""
    real = Staging._move
    moves = 0

    def counted(self: Staging, name: str) -> None:
        nonlocal moves
        moves += 1
        if moves == deadly:
            raise Killed
        real(self, name)

    deadly = 1
    while True:
        folder = tmp_path / str(deadly)
        folder.mkdir()
        shutil.copytree(first, folder / "b")
        moves = 0
        site: SiteClient = by_header(simulator, folder)
        with monkeypatch.context() as patch:
            patch.setattr(Staging, "_move", counted)
            try:
                export(site, folder / "b")
            except Killed:
                pass
            else:
                break
            finally:
                site.close()
        Staging(folder / "b").open()
        shutil.rmtree(folder / "b" / ".unfinished")
        assert everything(folder / "b") == undisturbed
        deadly += 9
    assert deadly > 20
