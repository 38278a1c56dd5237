"""Reload tasks of real sites, as ctrl-q writes and reads them (CSV and XLSX): nobody here wrote them.

They are not part of the project. `python -m tests.derivation.ctrl_q` prints the section of docs/schedules.md
that accounts for each of them.
"""

from __future__ import annotations

import csv
import os
import re
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from qlift.derivation.schedules import ScheduleRow, schedule_rows
from qlift.simulator.site.kinds import (
    APP,
    COMPOSITE_EVENT,
    EXTERNAL_TASK,
    RELOAD_TASK,
    SCHEMA_EVENT,
    STREAM,
    USER,
)
from qlift.simulator.site.real import tasks_from_rows
from qlift.simulator.store import Store
from tests.derivation.site import SiteBuilder

REAL = Path(os.environ.get("QLIFT_REAL_DATA", Path(__file__).parents[3] / "shared" / "data")) / "qseow"
AS_OF = date(2026, 11, 24)
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
Rows = list[dict[str, str]]


def tables() -> Iterator[tuple[str, Rows]]:
    """Name and lines of each; empty where the data are absent."""
    for file in sorted(REAL.glob("ctrl-q-tasks-*.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            yield file.name, [_row({k: v or "" for k, v in line.items()}) for line in csv.DictReader(lines)]
    for file in sorted(REAL.glob("ctrl-q-tasks*.xlsx")):
        for name, rows in sheets(file):
            if rows and "Task type" in rows[0]:
                yield f"{file.name}, sheet {name}", [_row(r) for r in rows]


def _row(values: dict[str, str]) -> dict[str, str]:
    """Older tables lack some columns."""
    return defaultdict(str, {k: v.strip() for k, v in values.items()})


def sheets(file: Path) -> Iterator[tuple[str, Rows]]:
    """Of a workbook, the first row of a sheet its header: only what these files need."""
    with zipfile.ZipFile(file) as book:

        def xml(name: str) -> ElementTree.Element:
            return ElementTree.fromstring(book.read(f"xl/{name}"))

        shared = ["".join(t.text or "" for t in s.iter(f"{MAIN}t")) for s in xml("sharedStrings.xml")]
        targets = {r.get("Id"): r.get("Target") for r in xml("_rels/workbook.xml.rels")}
        for sheet in xml("workbook.xml").iter(f"{MAIN}sheet"):
            lines = [
                {_column(c): _cell(c, shared) for c in row}
                for row in xml(str(targets[sheet.get(RELATION)])).iter(f"{MAIN}row")
            ]
            header = lines[0] if lines else {}
            rows = [{header[k]: v for k, v in line.items() if k in header} for line in lines[1:]]
            yield str(sheet.get("name")), [r for r in rows if any(r.values())]


def _column(cell: ElementTree.Element) -> str:
    return re.sub(r"\d", "", cell.get("r", ""))


def _cell(cell: ElementTree.Element, shared: list[str]) -> str:
    value = cell.findtext(f"{MAIN}v") or ""
    return shared[int(value)] if cell.get("t") == "s" else value


def site(name: str, rows: Rows) -> tuple[SiteBuilder, set[str]]:
    """A site that holds the tasks of one table and their apps; ids of the tasks that the table lists."""
    made = SiteBuilder()
    jane = made.user("CORP\\jane")
    stream = made.stream("Finance", jane)
    store = Store(None)
    try:
        store.put(USER.stored, jane["id"], jane)
        store.put(STREAM.stored, stream["id"], stream)
        listed = set(tasks_from_rows(store, name, rows))
        for app in store.all(APP.stored):
            made.app(app["name"], jane, stream, id=app["id"])
        for kind in (RELOAD_TASK, EXTERNAL_TASK, SCHEMA_EVENT, COMPOSITE_EVENT):
            found: list[dict[str, Any]] = store.all(kind.stored)
            # Tasks that only a rule names are not in the table: nothing is known of them.
            tasks = kind in (RELOAD_TASK, EXTERNAL_TASK)
            made.kinds[kind.path] = [d for d in found if not tasks or d["id"] in listed]
    finally:
        store.close()
    return made, listed


def accounted(name: str, rows: Rows, folder: Path) -> tuple[ScheduleRow, ...]:
    made, _ = site(name, rows)
    return schedule_rows(made.write(folder / re.sub(r"\W+", "-", name)), AS_OF)


def section(folder: Path) -> str:
    """In Markdown: every task and trigger of every table."""
    parts = []
    for name, rows in tables():
        parts += [
            f"### {name}",
            "",
            "| task | trigger | says | becomes | rule, or why not |",
            "|" + " --- |" * 5,
        ]
        parts += [_line(row) for row in accounted(name, rows, folder)]
        parts.append("")
    return "\n".join(parts)


def _line(row: ScheduleRow) -> str:
    rules = [f"`{r.removeprefix('RRULE:')}`" if r.startswith("RRULE:") else r for r in row.rules]
    zone = f" in {row.zone}" if row.zone else ""
    what = [f"{rule}{zone}" for rule in rules] + list(row.notes)
    says = row.says if row.enabled else f"{row.says} (disabled)"
    cells = (row.task, row.trigger or "–", says, row.becomes, "; ".join(what) or "–")
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print(section(Path(scratch)))  # noqa: T201
