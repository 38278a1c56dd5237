"""`qlift assess`: what of a site moves, what changes, what cannot, how long."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from qlift.bundle import load_bundle
from qlift.cli.progress import shown
from qlift.cloud.limits import RateLimits
from qlift.cloud.uploads import CHUNK
from qlift.derivation.assessment import Assessment, TenantFacts
from qlift.derivation.assessment import assess as assess_bundle
from qlift.derivation.assessment.model import IMPORT_BUDGETS
from qlift.reports.assessment import write_assessment

GIB = 1024**3


class Tier(StrEnum):
    STARTER = "starter"
    STANDARD = "standard"
    PREMIUM = "premium"
    ENTERPRISE = "enterprise"


def assess(
    site: Annotated[str, typer.Argument(help="Name of the site: its bundle is in exports/<site>.")],
    bundle: Annotated[Path | None, typer.Option(help="The bundle's folder [exports/<site>].")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the reports [reports/<site>].")] = None,
    tier: Annotated[
        Tier,
        typer.Option(help="Subscription of the tenant: it takes 300, 300, 2,000 or 10,000 imports a day."),
    ] = Tier.STANDARD,
    app_quota: Annotated[
        float, typer.Option(min=0.1, help="Largest app in memory that the tenant allows, GiB.")
    ] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object: the assessment.")] = False,
) -> None:
    """Say what of a site moves, what changes, what cannot, how long, and what need not move at all.

    Writes assessment.html, .md and .json. Asks neither the site nor the tenant.

    Example: qlift assess qs-prod --tier premium

    Exit code 0: written.
    """
    limits = RateLimits()
    facts = TenantFacts(
        imports_per_day=IMPORT_BUDGETS[tier],
        app_quota=int(app_quota * GIB),
        writes_per_minute=limits.writes,
        uploads_per_minute=limits.uploads,
        window_seconds=int(limits.window_seconds),
        upload_chunk=CHUNK,
    )
    with shown(sys.stderr) as progress:
        progress("reading the bundle")
        read = load_bundle(bundle or Path("exports") / site)
        progress("assessing")
        found = assess_bundle(read, facts, datetime.now(UTC).date())
        progress("writing the reports")
        paths = write_assessment(found, out or Path("reports") / site)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        _print(found, paths)


def _print(found: Assessment, paths: tuple[Path, ...]) -> None:
    typer.echo(found.headline)
    for level, count in found.readiness.items():
        typer.echo(f"  {count:>6,}  {level}")
    for path in paths:
        typer.echo(str(path))
