"""`qlift check`: whether a bundle can be used, and what it holds."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import from_json

from qlift.bundle import BlobStore, Bundle, BundleError, load_bundle
from qlift.bundle.errors import for_people
from qlift.bundle.kinds import QLIK_SENSE, QLIKVIEW, kind_of
from qlift.bundle.layout import APP_FILES, BLOBS, KINDS, OBJECTS, SCRIPTS
from qlift.bundle.qlikview import load_qlikview
from qlift.bundle.qlikview.site import FILES
from qlift.bundle.reading import Reader
from qlift.derivation.context import Site
from qlift.derivation.references import NEEDED, broken_references

_TITLES = {QLIK_SENSE: "Qlik Sense", QLIKVIEW: "QlikView"}


@dataclass
class Checked:
    """What a check found. Warnings are about the site; problems make the bundle unusable."""

    kind: str
    site: str = ""
    holds: dict[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check(
    folder: Annotated[Path, typer.Argument(help="Of the bundle, such as exports/qs-prod.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a bundle of Qlik Sense or QlikView: every file, and what they say about one another.

    Asks neither source nor tenant. App files of Qlik Sense are looked for in the bundle's own store and
    compared by size; those beside a QlikView bundle are read and compared by hash.

    Example: qlift check exports/qv-prod

    Exit code 0: it can be used (warnings are about the site). 1: it cannot.
    """
    kind = kind_of(folder)
    found = _qlikview(folder) if kind == QLIKVIEW else _qlik_sense(folder)
    if as_json:
        typer.echo(json.dumps({"folder": str(folder), "ok": not found.problems, **vars(found)}))
    else:
        _print(folder, found)
    raise typer.Exit(1 if found.problems else 0)


def _qlikview(folder: Path) -> Checked:
    found = Checked(QLIKVIEW, holds=_counts(folder, FILES))
    try:
        found.site = load_qlikview(folder).manifest.site
    except BundleError as error:
        found.problems = error.problems
    return found


def _qlik_sense(folder: Path) -> Checked:
    names = [f"{kind}.json" for kind in KINDS]
    found = Checked(QLIK_SENSE, holds=_counts(folder, [*names, APP_FILES]))
    for what, pattern in ((OBJECTS, "*.json"), (SCRIPTS, "*.qvs")):
        found.holds[f"{what} files"] = len(list((folder / what).glob(pattern)))
    try:
        bundle = load_bundle(folder)
    except BundleError as error:
        found.problems = error.problems
        return found
    found.site = bundle.site
    found.problems = tuple(_app_file_problems(folder, bundle))
    broken = broken_references(Site(bundle))
    missing = bundle.without_list((*NEEDED, "dataconnection", "extension"))
    found.warnings = (
        *([f"no list of {', '.join(missing)}: whatever depends on them is missing"] if missing else []),
        *(for_people(f"{name}: {message}") for name, message in broken),
    )
    return found


def _app_file_problems(folder: Path, bundle: Bundle) -> list[str]:
    """A store elsewhere is the plan's to name, so none in the bundle is no problem."""
    if not (folder / BLOBS).is_dir():
        return []
    store = BlobStore(str(folder / BLOBS))
    problems = []
    for listed in bundle.app_files.values():
        path = store.path(listed.sha256)
        if not store.exists(listed.sha256):
            problems.append(f"{path}: missing; run `qlift export` again, it fetches what is missing")
        elif store.size(listed.sha256) != listed.size:
            problems.append(f"{path}: not {listed.size} bytes long; remove it and run `qlift export` again")
    return problems


def _counts(folder: Path, names: dict[str, type] | list[str]) -> dict[str, int]:
    """Entries of each list, as far as it can be read."""
    reader, found = Reader(folder), {}
    for name in names:
        try:
            content = from_json(reader.read(name) or b"[]")
        except ValueError:
            continue
        if isinstance(content, list):
            found[name.removesuffix(".json")] = len(content)
    return found


def _print(folder: Path, found: Checked) -> None:
    site = f" of the site {found.site}" if found.site else ""
    typer.echo(f"{folder}: a bundle of {_TITLES[found.kind]}{site}")
    typer.echo("  " + ", ".join(f"{count} {what}" for what, count in found.holds.items() if count))
    for warning in found.warnings:
        typer.echo(f"warning: {warning}")
    for problem in found.problems:
        typer.echo(f"error: {problem}")
    errors = "1 error" if len(found.problems) == 1 else f"{len(found.problems)} errors"
    typer.echo(f"it cannot be used: {errors}" if found.problems else "it can be used")
