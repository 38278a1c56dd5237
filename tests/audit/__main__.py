"""`make audit`: asks OSV (osv.dev) whether a locked package has a known vulnerability.

Sends names and versions of requirements.lock, nothing else. Exit code 0: none is known. 1: some are. 2:
nothing was audited, because the database cannot be reached or answers oddly.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import httpx
import typer

LOCK = Path(__file__).parents[2] / "requirements.lock"
OSV = "https://api.osv.dev"
SECONDS = 30.0


def locked(lock: Path) -> dict[str, str]:
    """Version by package."""
    return dict(re.findall(r"(?m)^([A-Za-z0-9._-]+)==(\S+)", lock.read_text(encoding="utf-8")))


def audit(lock: Path, url: str = OSV) -> int:
    """Returns the exit code."""
    packages = locked(lock)
    queries = [
        {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
        for name, version in packages.items()
    ]
    try:
        answer = httpx.post(f"{url}/v1/querybatch", json={"queries": queries}, timeout=SECONDS)
        answer.raise_for_status()
        results = answer.json()["results"]
        found = [[str(v["id"]) for v in (result or {}).get("vulns", [])] for result in results]
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
        typer.echo(f"Nothing was audited: {url} cannot be asked ({str(error) or type(error).__name__}).")
        typer.echo(
            "Run `make audit` where it can be reached; nothing is known about the packages until then."
        )
        return 2
    if len(found) != len(packages):
        typer.echo(f"Nothing was audited: {url} answered {len(found)} of {len(packages)} questions.")
        return 2
    known = {name: ids for name, ids in zip(packages, found, strict=True) if ids}
    for name, ids in known.items():
        typer.echo(f"{name} {packages[name]}: {', '.join(sorted(ids))}; see https://osv.dev")
    typer.echo(f"{len(packages)} packages of {lock.name}: {len(known)} with known vulnerabilities.")
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(audit(LOCK))
