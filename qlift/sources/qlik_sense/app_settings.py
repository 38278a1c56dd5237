"""`stacks/sources/<site>.apps.csv`: single apps that are exported otherwise than the rest.

Columns `app,data,scope,skip`; a spreadsheet may edit it. `app` is an id, or a name that one app alone has;
what is left empty is as for all.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from qlift.bundle.models import Raw
from qlift.bundle.sheets import decoded, read_sheet, restored
from qlift.sources.qlik_sense.errors import ConnectionSettings

COLUMNS = ("app", "data", "scope", "skip")
DATA = ("all", "none")
SCOPE = ("all", "published", "approved")
_YES, _NO = ("yes", "true", "1", "x"), ("", "no", "false", "0")


@dataclass(frozen=True)
class Options:
    """How one app is exported."""

    data: str = "all"
    scope: str = "all"
    skip: bool = False


@dataclass(frozen=True)
class Row:
    line: int
    app: str
    data: str
    scope: str
    skip: bool


def settings_file(source: Path) -> Path:
    """Beside the file that describes the site."""
    return source.with_name(source.stem + ".apps.csv")


def read_settings(path: Path) -> list[Row]:
    """Raises `ConnectionSettings` with every problem; a missing file has no rows."""
    if not path.exists():
        return []
    try:
        header, lines = read_sheet(decoded(path.read_bytes()))
    except UnicodeError as error:
        raise ConnectionSettings(f"{path}: {error}") from None
    except csv.Error as error:
        raise ConnectionSettings(f"{path}: not readable as CSV ({error}); save it as such") from None
    columns = [name.strip().lower() for name in header]
    if sorted(columns) != sorted(COLUMNS):
        raise ConnectionSettings(f"{path}: expected the columns {','.join(COLUMNS)}")
    rows, problems = [], []
    for number, raw in lines:
        cells = dict.fromkeys(COLUMNS, "") | {
            name: restored(cell.strip()) for name, cell in zip(columns, raw, strict=False)
        }
        if not any(cells.values()):
            continue
        wrong = _wrong(cells)
        problems += [f"{path}:{number}: {w}" for w in wrong]
        if not wrong:
            skip = cells.get("skip", "").lower() in _YES
            rows.append(Row(number, cells["app"], cells["data"].lower(), cells["scope"].lower(), skip))
    if problems:
        raise ConnectionSettings("\n".join(problems))
    return rows


def options_of(
    apps: list[Raw], rows: list[Row], path: Path, *, data: str, scope: str
) -> tuple[dict[str, Options], list[str]]:
    """How each app is exported, by id, and the rows that no app answers to.

    Raises `ConnectionSettings` for names that several apps have.
    """
    every = Options(data, scope)
    found = {str(a["id"]): every for a in apps}
    problems, unknown = [], []
    for row in rows:
        named = [str(a["id"]) for a in apps if row.app == str(a.get("name", ""))]
        ids = [row.app.lower()] if row.app.lower() in found else named
        if not ids:
            unknown.append(f"{path}:{row.line}: the site has no app {row.app}")
        elif len(ids) > 1:
            problems.append(
                f"{path}:{row.line}: {len(ids)} apps are called {row.app}; give an id: {', '.join(ids)}"
            )
        else:
            found[ids[0]] = Options(row.data or data, row.scope or scope, row.skip)
    if problems:
        raise ConnectionSettings("\n".join(problems))
    return found, unknown


def _wrong(cells: dict[str, str]) -> list[str]:
    wrong = [] if cells.get("app") else ["`app` is empty"]
    for column, values in (("data", ("", *DATA)), ("scope", ("", *SCOPE)), ("skip", (*_YES, *_NO))):
        if cells.get(column, "").lower() not in values:
            known = "yes, or nothing" if column == "skip" else " or ".join(v for v in values if v)
            wrong.append(f"`{column}` is {cells[column]!r}; expected {known}")
    return wrong
