"""What an interrupted export read counts, as long as it still holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qlift.bundle import load_bundle
from qlift.simulator import Simulator
from qlift.simulator.site.changes import edit_sheet
from qlift.sources.journal import Journal
from tests.sources.ends import by_header, export

MORNING = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)


@pytest.fixture
def interrupted(tmp_path: Path) -> Iterator[Simulator]:
    """An export of nine o'clock that ended with the first app file."""
    with Simulator() as simulator:
        site = by_header(simulator, tmp_path)

        def interrupt(text: str) -> None:
            if text.startswith("app files: 1 "):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            export(site, tmp_path / "b", progress=interrupt, parallel=1, now=lambda: MORNING)
        site.close()
        simulator.faults.clear_requests()
        yield simulator


def resumed(simulator: Simulator, folder: Path, hours: float = 1) -> Counter[str]:
    """What is asked again, so many hours later."""
    site = by_header(simulator, folder)
    report = export(site, folder / "b", now=lambda: MORNING + timedelta(hours=hours))
    site.close()
    assert (report.failed, report.incomplete) == ([], [])
    # The former bundle's hashes have to be those of its files.
    load_bundle(folder / "b")
    paths = [r["path"] for r in simulator.faults.requests()]
    kinds = {"objects": "/app/object/", "scripts": "/app/", "audits": "audit"}
    found = Counter({what: sum(sign in p and (what != "scripts" or p.startswith(sign)) for p in paths)
                     for what, sign in kinds.items()})  # fmt: skip
    found["audits"] -= 15
    return found


def test_nothing_is_asked_again(interrupted: Simulator, tmp_path: Path) -> None:
    assert resumed(interrupted, tmp_path) == Counter(objects=0, scripts=0, audits=0)


def test_after_a_day_everything_is_asked_again(interrupted: Simulator, tmp_path: Path) -> None:
    assert resumed(interrupted, tmp_path, hours=25) == Counter(objects=14, scripts=14, audits=5)


def test_a_changed_app_is_asked_again(interrupted: Simulator, tmp_path: Path) -> None:
    edit_sheet(interrupted.store, interrupted.store.all("site/app")[0]["id"])
    assert resumed(interrupted, tmp_path) == Counter(objects=1, scripts=1, audits=0)


def test_other_rules_ask_who_may_use_the_streams_again(interrupted: Simulator, tmp_path: Path) -> None:
    rule = next(r for r in interrupted.store.all("site/systemrule") if r["name"] == "Finance readers")
    interrupted.store.put("site/systemrule", rule["id"], rule | {"disabled": True})
    assert resumed(interrupted, tmp_path) == Counter(objects=0, scripts=0, audits=5)


def test_a_file_that_a_crash_of_the_machine_tore_is_read_again(
    interrupted: Simulator, tmp_path: Path
) -> None:
    unfinished = tmp_path / "b" / ".unfinished"
    torn = [*sorted(unfinished.glob("app-object/*"))[:2], *sorted(unfinished.glob("script/*"))[:3]]
    for path in torn:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for path in sorted(unfinished.glob("access/*"))[:1]:
        path.write_bytes(b"{")
    journal = unfinished / "journal.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"what": "objects", "id": "')
    assert resumed(interrupted, tmp_path) == Counter(objects=2, scripts=3, audits=1)


def test_a_line_that_a_kill_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal(path, lambda: MORNING)
    journal.note("file", "a", size=1)
    journal.close()
    path.write_bytes(path.read_bytes() + '{"what": "file", "id": "ü'.encode()[:-1])
    journal = Journal(path, lambda: MORNING)
    journal.note("file", "b", size=2)
    journal.close()
    journal = Journal(path, lambda: MORNING)
    assert [(line["id"], line["size"]) for line in journal.all("file")] == [("a", 1), ("b", 2)]
    assert journal.fresh("file", "a", size=1) and not journal.fresh("file", "a", size=2)
    assert not journal.fresh("file", "c")
    journal.close()
