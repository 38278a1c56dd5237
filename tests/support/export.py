"""A repository folder with the demo's plan and an exported bundle, without a stack."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from qlift.simulator import Simulator
from qlift.sources.qlik_sense.client import SiteClient
from qlift.sources.qlik_sense.connection import load_connection
from qlift.sources.qlik_sense.export import ExportReport, export_site

ROOT = Path(__file__).parents[2]
USER_VARIABLE = "QLIFT_TEST_USER"


def demo_plan() -> dict[str, Any]:
    """As the demo's, with the bundle at `exports/sample`."""
    plan: dict[str, Any] = yaml.safe_load(
        (ROOT / "stacks" / "demo" / "plan.yaml").read_text(encoding="utf-8")
    )
    return {**plan, "sources": [{"site": "sample", "bundle": "exports/sample"}]}


def export_from(simulator: Simulator, folder: Path, site: str = "sample") -> ExportReport:
    """Into `<folder>/exports/<site>`, by the header way in."""
    header = simulator.description["site"]["header"]
    description = {
        "site": site,
        "kind": "qlik-sense",
        "url": header["url"],
        "way": {"header": {"name": header["name"], "value_env": USER_VARIABLE}},
    }
    path = folder / "source.yaml"
    path.write_text(yaml.safe_dump(description), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(USER_VARIABLE, header["value"])
        client = SiteClient(load_connection(path))
        try:
            return export_site(
                client,
                folder / "exports" / site,
                data="all",
                scope="all",
                blobs=None,
                progress=lambda _: None,
            )
        finally:
            client.close()


def copy_waivers(phase: Path) -> None:
    """Of the demo: what it accepts of the sample's faults."""
    shutil.copy(ROOT / "stacks" / "demo" / "waivers.yaml", phase)


def demo_repository(folder: Path) -> Path:
    with Simulator() as simulator:
        export_from(simulator, folder)
    plan = folder / "stacks" / "demo" / "plan.yaml"
    plan.parent.mkdir(parents=True)
    plan.write_text(yaml.safe_dump(demo_plan(), sort_keys=False), encoding="utf-8")
    copy_waivers(plan.parent)
    return folder
