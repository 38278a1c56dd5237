"""`qlift connect`: both ends, and what each identity may do."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from qlift.cloud.auth import OAuthClient
from qlift.cloud.errors import CloudError
from qlift.cloud.settings import SettingsError, connect_target, credentials_from, load_target
from qlift.sources.qlik_sense.client import SiteClient
from qlift.sources.qlik_sense.connection import load_connection
from qlift.sources.qlik_sense.errors import SourceError
from qlift.sources.qlik_sense.inventory import check_source


def connect(
    source: Annotated[list[str] | None, typer.Option(help="A site, or the file that describes it.")] = None,
    target: Annotated[list[str] | None, typer.Option(help="A tenant, or the file that describes it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check the connections and say what each identity may do. Without options: all that are described.

    Example: qlift connect --source qs-prod --target prod

    Exit code 0: all work. 1: one does not, or does not see everything.
    """
    folder = Path("stacks")
    sources = _chosen(source, target, folder / "sources")
    targets = _chosen(target, source, folder / "targets")
    if not sources and not targets:
        typer.echo(
            "Nothing to check: describe a site in stacks/sources, a tenant in stacks/targets.", err=True
        )
        raise typer.Exit(2)
    results = [_source(s) for s in sources] + [_target(t) for t in targets]
    if as_json:
        typer.echo(json.dumps(results))
    else:
        for result in results:
            _print(result)
    raise typer.Exit(0 if all(r["ok"] for r in results) else 1)


def _chosen(given: list[str] | None, other: list[str] | None, folder: Path) -> list[str]:
    if given or other:
        return given or []
    return [p.stem for p in sorted(folder.glob("*.yaml"))]


def _source(name: str) -> dict[str, Any]:
    path = Path(name) if name.endswith((".yaml", ".yml")) else Path("stacks/sources") / f"{name}.yaml"
    try:
        client = SiteClient(load_connection(path))
        try:
            check = check_source(client)
        finally:
            client.close()
    except SourceError as error:
        return {"end": f"source {name}", "ok": False, "problems": str(error).splitlines()}
    return {
        "end": f"source {name}",
        "ok": not check.reasons,
        "identity": check.identity.user,
        "roles": list(check.identity.roles),
        "version": check.product_version,
        "counts": check.counts,
        "problems": list(check.reasons),
    }


def _target(name: str) -> dict[str, Any]:
    try:
        settings = load_target(name, Path.cwd())
        client = connect_target(settings, credentials_from(settings, {}, os.environ))
        try:
            me, tenant = client.me(), client.tenant()
        finally:
            client.close()
    except (SettingsError, CloudError) as error:
        return {"end": f"target {name}", "ok": False, "problems": str(error).splitlines()}
    roles = sorted(r.name for r in me.assigned_roles)
    oauth = isinstance(client.credentials, OAuthClient)
    problems = []
    if "TenantAdmin" not in roles:
        problems.append("the identity is no tenant admin: it cannot make spaces for others or change owners")
    if not oauth:
        problems.append("an API key does not reach personal spaces of others; an OAuth client does")
    return {
        "end": f"target {name}",
        "ok": "TenantAdmin" in roles,
        "identity": me.subject or me.name,
        "roles": roles,
        "tenant": tenant.name or settings.url,
        "way": "OAuth client" if oauth else "API key",
        "problems": problems,
    }


def _print(result: dict[str, Any]) -> None:
    typer.echo(f"{result['end']}: {'ok' if result['ok'] else 'NOT ok'}")
    for key in ("tenant", "version", "way", "identity"):
        if result.get(key):
            typer.echo(f"  {key}: {result[key]}")
    if result.get("roles"):
        typer.echo(f"  roles: {', '.join(result['roles'])}")
    if result.get("counts"):
        typer.echo("  " + ", ".join(f"{n} {kind}" for kind, n in result["counts"].items()))
    for problem in result["problems"]:
        typer.echo(f"  {problem}")
