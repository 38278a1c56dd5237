"""App files: settings of single apps, busy and vanished ones, full disks, constant memory."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from qlift.bundle import load_bundle
from qlift.simulator import Fault, Simulator
from qlift.simulator.site.changes import delete_app, nightly_reload, resize_file
from qlift.sources.qlik_sense.app_settings import options_of, read_settings
from qlift.sources.qlik_sense.errors import ConnectionSettings, TargetUnwritable, Unreachable
from tests.sources.ends import USER, by_header, export, source_file

ROOT = Path(__file__).parents[2]
MB = 1024 * 1024


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


def apps_of(simulator: Simulator) -> list[dict[str, Any]]:
    """In the order in which they are exported."""
    return sorted(simulator.store.all("site/app"), key=lambda a: str(a["id"]))


def downloads(simulator: Simulator) -> list[str]:
    return [r["path"] for r in simulator.faults.requests() if r["path"].startswith("/tempcontent/")]


def exports(simulator: Simulator) -> list[str]:
    return [r["path"] for r in simulator.faults.requests() if "/export/" in r["path"]]


def test_single_apps_are_exported_otherwise(simulator: Simulator, tmp_path: Path) -> None:
    one, two, three = apps_of(simulator)[:3]
    settings = tmp_path / "site.apps.csv"
    # As a German spreadsheet saves it.
    settings.write_text(
        f"\ufeffapp;data;scope;skip\r\n{one['id']};none;;\r\n{two['id']};;approved;\r\n{three['id']};;;x\r\n"
        "Gone since;;;yes\r\n",
        encoding="utf-8",
    )
    site = by_header(simulator, tmp_path)
    report = export(site, tmp_path / "b")
    assert (report.fetched, report.skipped, report.failed) == (13, 1, [])
    assert report.notes == [f"{settings}:5: the site has no app Gone since"]
    files = load_bundle(tmp_path / "b").app_files
    assert (files[one["id"]].data, files[one["id"]].scope) == ("none", "all")
    assert (files[two["id"]].data, files[two["id"]].scope) == ("all", "approved")
    assert three["id"] not in files
    asked = {a["id"]: next(p for p in exports(simulator) if a["id"] in p) for a in (one, two)}
    assert "skipData=true" in asked[one["id"]] and "exportScope=all" in asked[one["id"]]
    assert "skipData=false" in asked[two["id"]] and "exportScope=approved" in asked[two["id"]]
    # What is wanted otherwise now is fetched again, the rest is not.
    settings.write_text(f"app,data,scope,skip\n{three['id']},,,\n", encoding="utf-8")
    again = export(site, tmp_path / "b")
    site.close()
    assert (again.fetched, again.unchanged, again.skipped) == (3, 11, 0)


def test_every_mistake_of_the_settings_is_named(tmp_path: Path) -> None:
    path = tmp_path / "qs.apps.csv"
    path.write_text("app,data,scope,skip\na,some,,\n,,approved,\nb,,hidden,perhaps\n\n,,,\n")
    with pytest.raises(ConnectionSettings) as raised:
        read_settings(path)
    assert str(raised.value).splitlines() == [
        f"{path}:2: `data` is 'some'; expected all or none",
        f"{path}:3: `app` is empty",
        f"{path}:4: `scope` is 'hidden'; expected all or published or approved",
        f"{path}:4: `skip` is 'perhaps'; expected yes, or nothing",
    ]
    path.write_text("application,data\n")
    with pytest.raises(ConnectionSettings, match="expected the columns app,data,scope,skip"):
        read_settings(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_settings_that_a_spreadsheet_saved(tmp_path: Path, encoding: str, separator: str) -> None:
    path = tmp_path / "qs.apps.csv"
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator).writerows(
        [
            ("App", "data", "scope", "skip"),
            ('Two\nlines, "x"', "None", "", ""),
            ("'007", "", "", "YES"),
            [""] * 6,
        ]
    )
    path.write_bytes(out.getvalue().encode(encoding))
    assert [(r.app, r.data, r.skip) for r in read_settings(path)] == [
        ('Two\nlines, "x"', "none", False),
        ("007", "", True),
    ]
    path.write_bytes("app,data,scope,skip\nÜbersicht,,,\n".encode("cp1252"))
    with pytest.raises(ConnectionSettings, match=r'not UTF-8.*"CSV UTF-8"'):
        read_settings(path)


def test_a_name_that_two_apps_have_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "qs.apps.csv"
    path.write_text("app,data,scope,skip\nSales,,,yes\n")
    apps = [{"id": "1", "name": "Sales"}, {"id": "2", "name": "Sales"}]
    with pytest.raises(ConnectionSettings, match="2 apps are called Sales; give an id: 1, 2"):
        options_of(apps, read_settings(path), path, data="all", scope="all")


def test_a_busy_app_is_tried_again_at_the_end(simulator: Simulator, tmp_path: Path) -> None:
    app = apps_of(simulator)[0]
    busy = Fault(side="site", method="POST", path=f"{app['id']}/export", times=2, action="status:503")
    simulator.faults.add(busy)
    site = by_header(simulator, tmp_path)
    # In this scope no app is exported twice.
    report = export(site, tmp_path / "b", scope="published")
    site.close()
    assert (report.fetched, report.failed) == (14, [])
    tries = [number for number, path in enumerate(exports(simulator)) if app["id"] in path]
    # First, and twice after all others.
    assert len(tries) == 3 and tries[1:] == [14, 15]


def test_too_many_requests_are_waited_for(simulator: Simulator, tmp_path: Path) -> None:
    simulator.faults.add(Fault(side="site", method="POST", path="/export/", times=3, action="status:429"))
    waited: list[float] = []
    site = by_header(simulator, tmp_path)
    site.sleep = waited.append
    report = export(site, tmp_path / "b")
    site.close()
    assert (report.fetched, report.failed) == (14, [])
    # As long as the site says.
    assert waited == [1.0, 1.0, 1.0]


def test_an_app_that_vanishes_is_told_and_the_rest_goes_on(simulator: Simulator, tmp_path: Path) -> None:
    last = apps_of(simulator)[-1]
    site = by_header(simulator, tmp_path)

    def vanish(text: str) -> None:
        if text.startswith("app files: 1 ") and any(a["id"] == last["id"] for a in apps_of(simulator)):
            delete_app(simulator.store, last["id"])

    report = export(site, tmp_path / "b", progress=vanish, parallel=1)
    site.close()
    assert report.fetched == 13
    assert len(report.failed) == 1
    assert last["name"] in report.failed[0] and "no longer on the site" in report.failed[0]
    assert len([p for p in exports(simulator) if last["id"] in p]) == 1


def test_a_site_that_dies_is_told_once_and_what_is_done_is_kept(simulator: Simulator, tmp_path: Path) -> None:
    for number in range(60):
        copy = simulator.store.all("site/app")[0]
        simulator.store.put("site/app", f"{number:08d}-0000-0000-0000-000000000000", copy | {
            "id": f"{number:08d}-0000-0000-0000-000000000000"})  # fmt: skip
    simulator.faults.add(Fault(side="site", path="/export/", nth=6, times=1000, action="drop"))
    site = by_header(simulator, tmp_path)
    with pytest.raises(Unreachable, match="run the same command again, it goes on from here"):
        export(site, tmp_path / "b")
    assert len(exports(simulator)) < 74
    simulator.faults.clear()
    report = export(site, tmp_path / "b")
    site.close()
    # The fifth may have been on its way when all was given up.
    assert report.unchanged in (4, 5) and report.unchanged + report.fetched == 74 and not report.failed


def test_an_app_that_changes_meanwhile_is_stale_and_fetched_again(
    simulator: Simulator, tmp_path: Path
) -> None:
    app = apps_of(simulator)[0]
    site = by_header(simulator, tmp_path)
    reloaded = False

    def reload(text: str) -> None:
        nonlocal reloaded
        if text.startswith("app files: 0 of 14, ") and "0 B" not in text and not reloaded:
            reloaded = True
            nightly_reload(simulator.store, app["id"])

    export(site, tmp_path / "b", progress=reload, parallel=1)
    assert load_bundle(tmp_path / "b").app_files[app["id"]].stale
    again = export(site, tmp_path / "b")
    site.close()
    assert again.fetched == 1 and not load_bundle(tmp_path / "b").app_files[app["id"]].stale


def test_a_store_that_cannot_be_written(simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    site = by_header(simulator, tmp_path)
    with pytest.raises(TargetUnwritable, match="--blobs, and run the same command again"):
        export(site, tmp_path / "b", blobs=str(tmp_path / "file" / "blobs"))
    with pytest.raises(TargetUnwritable, match="--out"):
        export(site, tmp_path / "file" / "b")
    site.close()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """A disk that takes no larger file; what is over it fails as on a full one, in the middle of a write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_one_clear_message(simulator: Simulator, tmp_path: Path) -> None:
    app = apps_of(simulator)[4]
    resize_file(simulator.store, app["id"], 5 * MB)
    site = by_header(simulator, tmp_path)
    with largest_file(3 * MB), pytest.raises(TargetUnwritable) as raised:
        export(site, tmp_path / "b", parallel=1, scope="published")
    assert "File too large" in str(raised.value) and "free some space" in str(raised.value)
    kept = list((tmp_path / "b" / "blobs").iterdir())
    assert len(kept) == 4 and all(hashlib.sha256(b.read_bytes()).hexdigest() == b.stem for b in kept)
    report = export(site, tmp_path / "b", scope="published")
    site.close()
    assert (report.unchanged, report.fetched, report.failed) == (4, 10, [])


def test_memory_does_not_grow_with_the_file(simulator: Simulator, tmp_path: Path) -> None:
    small, large = (peak(simulator, tmp_path / str(size), size * MB) for size in (1, 300))
    assert large - small < 40 * MB, f"{small // MB} MB with a small file, {large // MB} MB with one of 300 MB"


def peak(simulator: Simulator, folder: Path, size: int) -> int:
    """Bytes of memory that the real command took at most, with one app of this size."""
    folder.mkdir()
    app = apps_of(simulator)[0]
    resize_file(simulator.store, app["id"], size)
    header = simulator.description["site"]["header"]
    source_file(folder, header["url"], {"header": {"name": header["name"], "value_env": USER}})
    command = [sys.executable, "-m", "qlift.cli", "export", "sample", "--source", "site.yaml", "--out", "b"]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), USER: header["value"]},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert max(p.stat().st_size for p in (folder / "b" / "blobs").iterdir()) >= size
    return usage.ru_maxrss * 1024
