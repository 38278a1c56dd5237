"""Connections to the simulated site by each way in, and what a review sees of a bundle."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import yaml

from qlift.simulator import Simulator
from qlift.sources.qlik_sense.client import SiteClient
from qlift.sources.qlik_sense.connection import load_connection
from qlift.sources.qlik_sense.export import ExportReport, export_site

USER = "QLIFT_TEST_USER"
SECRET = "QLIFT_TEST_SECRET"


def source_file(folder: Path, url: str, way: dict[str, Any], **more: Any) -> Path:
    path = folder / "site.yaml"
    content = {"site": "sample", "kind": "qlik-sense", "url": url, "way": way, **more}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def client_of(path: Path, env: dict[str, str]) -> SiteClient:
    return SiteClient(load_connection(path), sleep=lambda _: None, env=env)


def by_header(simulator: Simulator, folder: Path, user: str | None = None) -> SiteClient:
    header = simulator.description["site"]["header"]
    path = source_file(folder, header["url"], {"header": {"name": header["name"], "value_env": USER}})
    return client_of(path, {USER: user or header["value"]})


def by_certificate(simulator: Simulator, folder: Path) -> SiteClient:
    given = simulator.description["site"]["certificate"]
    way = {
        "ca": given["ca"],
        "certificate": given["cert"],
        "key": given["key"],
        "user_directory": given["user_directory"],
        "user_id": given["user_id"],
    }
    return client_of(source_file(folder, given["url"], {"certificate": way}), {})


def export(site: SiteClient, folder: Path, **more: Any) -> ExportReport:
    options = {"data": "all", "scope": "all", "blobs": None, "progress": lambda _: None} | more
    return export_site(site, folder, **options)


def stable(folder: Path) -> dict[str, str]:
    """Hashes of what a review sees."""
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and ".runtime." not in p.name and p.name != "app-file.json" and "blobs" not in p.parts
    }
