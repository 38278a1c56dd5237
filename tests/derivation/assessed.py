"""Assesses small sites."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from qlift.derivation.assessment import Assessment, TenantFacts, assess
from qlift.derivation.assessment.model import AppRow
from tests.derivation.site import TODAY, Raw, SiteBuilder

GIB = 1024**3
FACTS = TenantFacts(
    imports_per_day=300,
    app_quota=5 * GIB,
    writes_per_minute=100,
    uploads_per_minute=800,
    window_seconds=300,
    upload_chunk=8 * 1024**2,
)


def assessed(site: SiteBuilder, folder: Path, as_of: date = TODAY, **facts: Any) -> Assessment:
    return assess(site.write(folder), FACTS.model_copy(update=facts), as_of)


def row(found: Assessment, app: Raw) -> AppRow:
    return next(a for a in found.apps if a.id == app["id"])


def codes(found: Assessment, app: Raw) -> list[str]:
    return [r.code for r in row(found, app).reasons]


def plain_site() -> tuple[SiteBuilder, Raw, Raw, Raw]:
    """One app that nothing stands in the way of."""
    site = SiteBuilder("prod")
    jane = site.user("CORP\\jane", ("Finance",), "jane@corp.example")
    stream = site.stream("Finance", jane)
    site.rule("Readers", '((user.group="Finance"))', f"Stream_{stream['id']}")
    site.allow(stream, jane)
    app = site.app("Ledger", jane, stream)
    site.script(app, "LOAD 1 AS One AUTOGENERATE 1;")
    return site, jane, stream, app
