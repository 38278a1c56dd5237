"""What changed since the last export, for its pull request."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qlift.bundle import Writer, load_bundle
from qlift.bundle.change_report import LIMIT, report
from qlift.bundle.changes import Change, compare
from qlift.bundle.models import Identity, Manifest
from qlift.simulator import Simulator
from qlift.simulator.site.changes import (
    add_private_sheet,
    delete_app,
    edit_script,
    nightly_reload,
    rename_app,
    rename_stream,
)
from tests.sources.ends import by_header, export


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


def changed(simulator: Simulator, folder: Path) -> tuple[list[Change], str]:
    """Of one more export."""
    found: list[Change] = []
    told: list[str] = []

    def note(writer: Writer, manifest: Manifest) -> None:
        former = load_bundle(folder / "b").manifest if (folder / "b" / "manifest.json").exists() else None
        found.extend(compare(writer) if former else ())
        told.append(report(former, manifest, found))

    site = by_header(simulator, folder)
    export(site, folder / "b", before_commit=note)
    site.close()
    return found, told[0]


def test_every_kind_of_change(simulator: Simulator, tmp_path: Path) -> None:
    store = simulator.store
    _, first = changed(simulator, tmp_path)
    assert "This is the first export" in first
    apps = sorted(store.all("site/app"), key=lambda a: str(a["id"]))
    users = [u for u in store.all("site/user") if u["userDirectory"] != "INTERNAL"]
    stream = next(s for s in store.all("site/stream") if s["name"] == "HR")
    published = next(a for a in apps[4:] if a["published"])
    rename_stream(store, stream["id"], "People *& [Culture]")
    rename_app(store, apps[0]["id"], "Renamed")
    delete_app(store, apps[1]["id"])
    edit_script(store, apps[2]["id"])
    nightly_reload(store, apps[3]["id"])
    add_private_sheet(store, published["id"], users[0]["id"], "Mine")
    joiner = copy.deepcopy(users[1])
    joiner["attributes"][0]["attributeValue"] += "-2"
    store.put("site/user", joiner["id"], joiner)
    newcomer = copy.deepcopy(users[2]) | {"id": "0" * 8 + users[2]["id"][8:], "userId": "new.comer"}
    store.put("site/user", newcomer["id"], newcomer)
    task = next(t for t in store.all("site/reloadtask") if t["enabled"])
    store.put("site/reloadtask", task["id"], task | {"enabled": False})
    found, text = changed(simulator, tmp_path)

    def one(kind: str, id_: str) -> Change:
        return next(c for c in found if (c.kind, c.id) == (kind, id_))

    assert one("stream", stream["id"]).how == "renamed" and one("stream", stream["id"]).what[0] == "was HR"
    assert (one("app", apps[0]["id"]).how, one("app", apps[0]["id"]).name) == ("renamed", "Renamed")
    # Its name stands in each of its objects and tasks, which are what they were.
    assert not [c for c in found if c.id == apps[0]["id"] and c.kind != "app"]
    assert one("app", apps[1]["id"]).how == "gone"
    assert one("script", apps[2]["id"]).what == ("1 lines new",)
    assert one("app-object", apps[2]["id"]).what == ("1 changed",)
    assert one("app-object", published["id"]).what == ("1 new",)
    assert "enabled: true → false" in one("reloadtask", task["id"]).what
    attribute = one("user", joiner["id"]).what[0]
    assert attribute.startswith("attributes: +") and "-2" in attribute and ", -" in attribute
    assert one("user", newcomer["id"]) == Change("user", "new", newcomer["id"], "ACME\\new.comer")
    assert any(c.kind == "access" and "may use it now (ACME\\new.comer" in " ".join(c.what) for c in found)
    # A reload alone is no change.
    assert not [c for c in found if c.id == apps[3]["id"]]
    assert "**renamed** People \\*&amp; \\[Culture\\] `" in text
    # Who sees what comes first.
    order = ["## Who may use a stream", "## Streams", "## Apps", "## Load scripts", "## Users"]
    places = [text.index(heading) for heading in order]
    assert places == sorted(places)
    assert changed(simulator, tmp_path)[1].endswith("Nothing changed.\n")


def manifest(**more: Any) -> Manifest:
    identity = Identity(user="A\\b", complete=True)
    return Manifest(**({"site": "qs", "identity": identity, "counts": {}, "sha256": {}} | more))


def test_what_is_too_long_is_cut_by_importance_and_counted() -> None:
    changes = [
        *(Change("user", "new", f"{n:08d}-x", f"CORP\\user{n}") for n in range(5000)),
        *(Change("app", "changed", f"{n:08d}-y", f"App {n}", ("description",)) for n in range(900)),
        Change("systemrule", "gone", "r", "Finance readers"),
        Change("tag", "new", "t", "late"),
    ]
    text = report(manifest(), manifest(), changes)
    assert len(text) <= LIMIT and len(text) > LIMIT - 5000
    assert "**gone** Finance readers" in text and "App 899" in text
    shown = text.count("**new** CORP")
    assert 0 < shown < 5000
    assert f"- Users: {5000 - shown:,} more" in text and "- Tags: 1 more" in text
    assert "| Users | 5,000 |" in text


def test_an_endless_name_does_not_break_the_limit() -> None:
    changes = [Change("app", "new", f"{n}", "x*" * 5000, ("y" * 5000,)) for n in range(500)]
    assert len(report(manifest(), manifest(), changes)) <= LIMIT


def test_an_incomplete_export_says_so_first() -> None:
    partial = manifest(identity=Identity(user="A\\b", reasons=("app: 3 of 9 objects are hidden",)))
    text = report(manifest(), partial, [])
    assert text.index("**Not complete.**") < text.index("Nothing changed")
    assert "- app: 3 of 9 objects are hidden" in text
