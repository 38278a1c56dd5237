"""App files of a dump: which app each is, by the id or the name in the file's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from qlift.bundle.models import Raw
from qlift.sources.qlik_sense.app_files import SIGNATURE

CHUNK = 1024 * 1024
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LOST = re.compile(r'[<>:"/\\|?*_\s]+')
"""What programs leave out of file names, or write otherwise."""


def match(files: list[Path], apps: list[Raw]) -> tuple[dict[str, Path], list[str]]:
    """The file of each app, by id, and what is wrong with the others."""
    ids = {str(a["id"]) for a in apps}
    by_name: dict[str, list[str]] = {}
    for app in apps:
        by_name.setdefault(_key(str(app.get("name", ""))), []).append(str(app["id"]))
    found: dict[str, Path] = {}
    problems = []
    for file in files:
        named = [i for i in _ID.findall(file.stem.lower()) if i in ids] or by_name.get(
            _key(unquote(file.stem)), []
        )
        if not named:
            problems.append(f"{file}: no app of the dump has this id or name")
        elif len(named) > 1:
            problems.append(
                f"{file}: {len(named)} apps have this name; name it by an id: {', '.join(sorted(named))}"
            )
        elif named[0] in found:
            problems.append(f"{file}: {found[named[0]]} is of the same app; remove one")
        else:
            found[named[0]] = file
    return found, problems


def chunks(file: Path) -> Iterator[bytes]:
    """Raises `ValueError` for what is no app file."""
    with file.open("rb") as content:
        head = content.read(CHUNK)
        if not head.startswith(SIGNATURE):
            raise ValueError(f"{file}: no app file (QVF)")
        while head:
            yield head
            head = content.read(CHUNK)


def _key(name: str) -> str:
    return _LOST.sub("", name.casefold())
