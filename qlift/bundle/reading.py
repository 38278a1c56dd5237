"""Files of a bundle's folder: only those inside it, as they were exported, as the models say."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json

T = TypeVar("T")
REMEDY = "export again, or restore the file from git"
SHOWN = 20
"""Problems of one file that are told; the others are counted."""
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class Reader:
    """Collects the problems of every file that it reads; its caller raises them at once."""

    def __init__(self, path: Path, remedy: str = REMEDY) -> None:
        self.path = path
        self.remedy = remedy
        self.problems: list[str] = []
        self.hashes: dict[str, str] = {}
        """What the manifest says, by name."""

    def problem(self, name: str, what: str, remedy: str | None = None) -> None:
        self.problems.append(f"{self.path / name}: {what}; {remedy or self.remedy}")

    def folder_problem(self) -> str | None:
        """Why the folder cannot be read; None when it can."""
        try:
            if self.path.is_dir():
                return None
            return "is not a folder" if self.path.exists() else "does not exist"
        except (OSError, ValueError) as error:  # A name too long, a NUL in it.
            return f"has no usable path ({error.strerror if isinstance(error, OSError) else error})"

    def read(self, name: str) -> bytes | None:
        """None without a problem: there is no such file. `name` comes from us or has a safe pattern."""
        file = self.regular_file(name)
        try:
            return file.read_bytes() if file else None
        except OSError as error:
            self._unreadable(name, error)
            return None

    def regular_file(self, name: str) -> Path | None:
        """As `read`: a file inside the bundle, no link out of it and no pipe."""
        file = self.path / name
        try:
            if not self._is_inside(file):
                self.problem(name, "a link that leads out of the bundle", "put the file itself there")
            elif file.exists() and not file.is_file():
                self.problem(name, "not a file")
            elif file.exists():
                return file
        except OSError as error:
            self._unreadable(name, error)
        return None

    def _unreadable(self, name: str, error: OSError) -> None:
        self.problem(name, f"not readable ({error.strerror})", "give yourself the right to read it")

    def verified(self, name: str) -> bytes | None:
        """As `read`, of a file whose hash the manifest lists."""
        before = len(self.problems)
        data, wanted = self.read(name), self.hashes.get(name)
        if len(self.problems) > before:
            return None
        if data is None:
            if wanted is not None:
                self.problem(name, "missing")
            return None
        if wanted is None:
            self.problem(name, "the manifest does not list it", "export again, or remove the file")
        elif hashlib.sha256(data).hexdigest() != wanted:
            if hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest() == wanted:
                self.problem(
                    name,
                    "its line ends were changed (sha256 differs)",
                    "keep git from it: `exports/** -text` in .gitattributes, then restore the file",
                )
            else:
                self.problem(name, "not as it was exported (sha256 differs)")
        return data

    def parsed(self, name: str, data: bytes | None, adapter: TypeAdapter[T], default: T) -> T:
        """JSON of a file, types exactly as the service sends them. `default` with problems."""
        if data is None:
            return default
        if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
            self.problem(
                name, "begins with a byte order mark", "save it as UTF-8 without one, or export again"
            )
            return default
        # The plain search goes first: it is sixty times faster, and nearly always the last.
        if b"\\u0000" in data and _NUL.search(data):
            self.problem(name, "holds a NUL character (\\u0000), which no site has")
        try:
            return adapter.validate_json(data, strict=True)
        except ValidationError as error:
            self._explain(name, data, error.errors(include_url=False, include_context=False))
            return default

    def unique(self, name: str, keys: Iterable[str]) -> None:
        twice = sorted(key for key, count in Counter(keys).items() if count > 1)
        for key in twice[:SHOWN]:
            self.problem(name, f"{key} stands there twice")
        if len(twice) > SHOWN:
            self.problem(name, f"{len(twice) - SHOWN} more stand there twice")

    def _is_inside(self, file: Path) -> bool:
        if not file.is_symlink() and not (file.parent != self.path and file.parent.is_symlink()):
            return True
        try:
            return file.resolve().is_relative_to(self.path.resolve())
        except RuntimeError:  # A circle of links.
            return False

    def _explain(self, name: str, data: bytes, errors: list[ErrorDetails]) -> None:
        if errors[0]["type"] == "json_invalid":
            self.problems.append(f"{self.path / name}{_not_json(data, errors[0]['msg'])}; {self.remedy}")
            return
        raw = from_json(data)
        for error in errors[:SHOWN]:
            where, what = _place(raw, error["loc"]), error["msg"].removeprefix("Value error, ")
            if not error["loc"] and "array" in what:
                what = "expected a list"
            self.problem(name, f"{where}: {what}" if where else what)
        if len(errors) > SHOWN:
            self.problem(name, f"{len(errors) - SHOWN} more problems like these")


def _not_json(data: bytes, message: str) -> str:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return ": not UTF-8"
    found = re.search(r"^Invalid JSON: (.*?)(?: at line (\d+) column \d+)?$", message)
    reason, line = found.groups() if found else (message, None)
    return f":{line or 1}: not JSON ({reason})"


def _place(raw: Any, loc: tuple[int | str, ...]) -> str:
    """`<id of the entry>: <field>`: people find an id, not the number of an entry."""
    if not loc or not isinstance(raw, list) or not isinstance(loc[0], int):
        return ".".join(map(str, loc))
    entry = raw[loc[0]]
    known = (entry.get("id") or entry.get("ID")) if isinstance(entry, dict) else None
    label = known[:100] if isinstance(known, str) and known else f"entry {loc[0]}"
    return ": ".join(filter(None, [label, ".".join(map(str, loc[1:]))]))
