"""`qlift check` and an assessment of bundles that hold only a part of a site."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from qlift.bundle import load_bundle
from qlift.cli import app
from qlift.derivation.assessment import Assessment, assess
from qlift.reports.assessment import html, markdown
from tests.derivation.assessed import FACTS
from tests.derivation.site import small_site

LEFT_OUT = ("schemaevent", "compositeevent", "dataconnection", "extension")


def partial(folder: Path) -> Path:
    """As an import of dumps of a few kinds leaves it."""
    site, *_ = small_site()
    site.write(folder)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for kind in LEFT_OUT:
        (folder / f"{kind}.json").unlink()
        del manifest["sha256"][f"{kind}.json"], manifest["counts"][kind]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def test_check_names_the_lists_that_are_missing(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["check", str(partial(tmp_path / "b")), "--json"])
    assert done.exit_code == 0
    [warning] = [w for w in json.loads(done.stdout)["warnings"] if w.startswith("no list of ")]
    assert all(kind in warning for kind in LEFT_OUT)


def test_check_notices_that_the_list_of_app_files_is_gone(tmp_path: Path) -> None:
    site, *_ = small_site()
    site.write(tmp_path / "b")
    (tmp_path / "b" / "app-file.json").unlink()
    done = CliRunner().invoke(app, ["check", str(tmp_path / "b")])
    assert done.exit_code == 1 and "app-file.json: holds 0 files, manifest.json says 1" in done.stdout


@pytest.mark.parametrize("write", [html, markdown])
def test_an_assessment_does_not_call_missing_lists_empty(
    tmp_path: Path, write: Callable[[Assessment], str]
) -> None:
    found = assess(load_bundle(partial(tmp_path / "b")), FACTS, date(2026, 11, 25))
    assert set(found.not_listed) == set(LEFT_OUT)
    assert "holds no list of schemaevent" in found.headline
    text = write(found)
    assert "there may be some" in text
    assert (
        "The site has no data connections" not in text and "\nNone.\n" not in text.split("## Data conn")[-1]
    )
