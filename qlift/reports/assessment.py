"""An assessment as one HTML file, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Sized
from pathlib import Path
from typing import Any

from markupsafe import Markup

from qlift.bundle.files import write_text
from qlift.derivation.assessment.model import AppRow, Assessment, Readiness
from qlift.reports.rendering import environment, page

CLASSES = {
    Readiness.READY: "ready",
    Readiness.CHANGES: "changes",
    Readiness.WORK: "work",
    Readiness.CANNOT: "cannot",
}
CAPS = {
    "apps": 3_000,
    "schedules": 500,
    "permissions": 500,
    "connections": 200,
    "people": 100,
    "leave": 100,
    "duplicates": 100,
    "list": 20,
}
"""Rows of a table in the HTML file; the JSON file has all of them."""
OUTCOMES = ("by hand", "check first", "migrates", "nothing to do")
"""Schedules in this order: what needs a person first."""
MARKDOWN_CAP = 40
"""Rows of a table in the Markdown file."""
FILES = ("assessment.html", "assessment.md", "assessment.json")


def write_assessment(found: Assessment, folder: Path) -> tuple[Path, ...]:
    """All three files. Returns their paths, in the order of `FILES`."""
    texts = (html(found), markdown(found), found.model_dump_json(indent=2) + "\n")
    paths = tuple(folder / name for name in FILES)
    for path, text in zip(paths, texts, strict=True):
        write_text(path, text)
    return paths


def html(found: Assessment) -> str:
    return page("assessment.html.j2", {**_context(found), "caps": CAPS})


def markdown(found: Assessment) -> str:
    return (
        environment(False)
        .get_template("assessment.md.j2")
        .render(_context(found), cap=MARKDOWN_CAP, rest=_rest)
    )


def _rest(rows: Sized) -> Markup:
    """What stands below a table that was cut, and the empty line that ends every table."""
    more = len(rows) - MARKDOWN_CAP
    return Markup(f"\n{more:,} more are in assessment.json.\n" if more > 0 else "")


def _context(found: Assessment) -> dict[str, Any]:
    """The reports say the worst first."""
    levels = list(Readiness)
    apps = sorted(found.apps, key=lambda a: (-levels.index(a.readiness), a.name.casefold(), a.id))
    biggest = sorted(found.apps, key=_weight, reverse=True)[: CAPS["list"]]
    return {
        "a": found,
        "levels": levels,
        "classes": CLASSES,
        "apps": apps,
        "schedules": sorted(found.schedules, key=lambda s: OUTCOMES.index(s.outcome)),
        "permissions": sorted(found.permissions, key=lambda p: p.kind != "nobody"),
        "outcomes": OUTCOMES,
        "biggest": [b for b in biggest if _weight(b)],
        "total": len(found.apps),
        "streams": sorted({r.stream for r in found.apps if r.stream}, key=lambda s: (s.casefold(), s)),
        "titles": {p.key: p.title for p in found.phases},
    }


def _weight(app: AppRow) -> int:
    return max(app.memory or 0, app.size or 0)
