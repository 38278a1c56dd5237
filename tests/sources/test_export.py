"""Exports over real HTTP from the simulated site, by both ways in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from qlift.bundle import load_bundle
from qlift.simulator import Fault, Simulator
from qlift.simulator.sample import SAMPLE_PASSWORDS, SCRIPT_PASSWORD
from qlift.simulator.site.changes import add_private_sheet, nightly_reload, nightly_sync, rename_stream
from qlift.sources.qlik_sense.errors import SourceError
from tests.sources.ends import by_certificate, by_header, export, stable


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.mark.parametrize("way", [by_header, by_certificate])
def test_twice_the_same_bytes_by_each_way(way: object, simulator: Simulator, tmp_path: Path) -> None:
    site = way(simulator, tmp_path)  # type: ignore[operator]
    first = export(site, tmp_path / "one")
    assert (first.apps, first.fetched, first.failed, first.incomplete) == (14, 14, [], [])
    export(site, tmp_path / "two")
    assert stable(tmp_path / "one") == stable(tmp_path / "two")
    again = export(site, tmp_path / "one")
    site.close()
    assert (again.fetched, again.unchanged) == (0, 14)
    assert stable(tmp_path / "one") == stable(tmp_path / "two")
    bundle = load_bundle(tmp_path / "one")
    assert bundle.manifest.identity.complete
    assert len(bundle.apps) == 14 and all(a.id in bundle.app_files for a in bundle.apps)


def test_no_credential_of_a_connection_is_in_the_bundle(simulator: Simulator, tmp_path: Path) -> None:
    site = by_header(simulator, tmp_path)
    report = export(site, tmp_path / "bundle")
    site.close()
    assert report.redactions >= len(SAMPLE_PASSWORDS)
    bundle = tmp_path / "bundle"
    text = b"".join(p.read_bytes() for p in bundle.rglob("*") if p.is_file() and p.suffix != ".qvf")
    assert b"Finance DWH" in text
    assert not [p for p in (*SAMPLE_PASSWORDS, SCRIPT_PASSWORD) if p.encode() in text]


def test_a_nightly_reload_changes_nothing_that_is_reviewed(simulator: Simulator, tmp_path: Path) -> None:
    site = by_header(simulator, tmp_path)
    export(site, tmp_path / "bundle")
    before = stable(tmp_path / "bundle")
    app = load_bundle(tmp_path / "bundle").apps[0]
    nightly_reload(simulator.store, app.id)
    for directory in simulator.store.all("site/userdirectory"):
        nightly_sync(simulator.store, directory["id"])
    report = export(site, tmp_path / "bundle")
    site.close()
    assert report.fetched == 1 and stable(tmp_path / "bundle") == before


def test_a_rename_is_noted(simulator: Simulator, tmp_path: Path) -> None:
    site = by_header(simulator, tmp_path)
    export(site, tmp_path / "bundle")
    stream = next(s for s in load_bundle(tmp_path / "bundle").streams if s.name == "HR")
    for name in ("People", "Humans"):
        rename_stream(simulator.store, stream.id, name)
        export(site, tmp_path / "bundle")
    site.close()
    assert load_bundle(tmp_path / "bundle").renames["stream", stream.id].former_names == ("HR", "People")


@pytest.mark.parametrize("action", ["drop", "html", "status:404", "cut:5000"])
def test_a_download_that_breaks_is_tried_again_at_the_end(
    simulator: Simulator, tmp_path: Path, action: str
) -> None:
    simulator.faults.add(Fault(side="site", method="GET", path="/tempcontent/", nth=3, action=action))
    site = by_header(simulator, tmp_path)
    report = export(site, tmp_path / "bundle")
    site.close()
    assert (report.fetched, report.failed) == (14, [])


def test_a_download_that_stays_broken_leaves_no_half_file_and_is_made_up_for(
    simulator: Simulator, tmp_path: Path
) -> None:
    app = simulator.store.all("site/app")[3]
    path = f"app/{app['id']}/export/"
    simulator.faults.add(Fault(side="site", method="POST", path=path, times=3, action="status:500"))
    site = by_header(simulator, tmp_path)
    report = export(site, tmp_path / "bundle", scope="published")
    assert report.fetched == 13 and len(report.failed) == 1
    assert app["name"] in report.failed[0] and "run `qlift export` again" in report.failed[0]
    blobs = list((tmp_path / "bundle" / "blobs").iterdir())
    assert len(blobs) == 13
    assert all(hashlib.sha256(b.read_bytes()).hexdigest() == b.stem for b in blobs)
    again = export(site, tmp_path / "bundle", scope="published")
    site.close()
    assert (again.fetched, again.unchanged, again.failed) == (1, 13, [])


def test_an_interruption_keeps_what_is_done(simulator: Simulator, tmp_path: Path) -> None:
    site = by_header(simulator, tmp_path)

    def interrupt(text: str) -> None:
        if text.startswith("app files: 6"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(site, tmp_path / "b", progress=interrupt, parallel=1)
    assert not (tmp_path / "b" / "manifest.json").exists()
    report = export(site, tmp_path / "b")
    site.close()
    assert report.fetched + report.unchanged == 14 and report.unchanged >= 5


def test_an_identity_that_does_not_see_everything_is_told(simulator: Simulator, tmp_path: Path) -> None:
    admin = next(u for u in simulator.store.all("site/user") if "ContentAdmin" in u["roles"])
    site = by_header(simulator, tmp_path, f"{admin['userDirectory']}\\{admin['userId']}")
    report = export(site, tmp_path / "bundle")
    site.close()
    assert any("not RootAdmin" in reason for reason in report.incomplete)
    assert not load_bundle(tmp_path / "bundle").manifest.identity.complete


def test_an_unknown_user_is_told_about_the_login_page(simulator: Simulator, tmp_path: Path) -> None:
    site = by_header(simulator, tmp_path, "NOBODY\\nobody")
    with pytest.raises(SourceError, match="login page"):
        export(site, tmp_path / "bundle")
    site.close()


def test_a_dead_site_is_named(simulator: Simulator, tmp_path: Path) -> None:
    site = by_header(simulator, tmp_path)
    simulator.stop()
    with pytest.raises(SourceError, match=r"cannot be reached .* check the address"):
        export(site, tmp_path / "bundle")
    site.close()


def test_private_sheets_are_in_the_file(simulator: Simulator, tmp_path: Path) -> None:
    app = next(a for a in simulator.store.all("site/app") if a["published"])
    user = next(u for u in simulator.store.all("site/user") if u["userDirectory"] == "ACME")
    add_private_sheet(simulator.store, app["id"], user["id"], "Only mine")
    site = by_header(simulator, tmp_path)
    export(site, tmp_path / "bundle")
    site.close()
    names = {o.name for o in load_bundle(tmp_path / "bundle").objects(app["id"])}
    assert "Only mine" in names
