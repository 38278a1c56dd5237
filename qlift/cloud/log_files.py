"""Reads what `qlift.cloud.log` wrote."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from qlift.cloud.log import VARIABLE, DeletedApp, LogError, stack_folder

log = logging.getLogger(__name__)
_BAD_REQUEST = 400


class Line(BaseModel):
    """One line; of an `app deleted` only what all lines have."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    time: datetime
    event: str = ""
    stack: str = ""
    job: str = ""
    step: str = ""
    object: str = ""
    source_id: str = ""
    cloud_id: str = ""
    method: str = ""
    path: str = ""
    subject: str = ""
    status: int | None = None
    trace_id: str | None = None
    milliseconds: int | None = None
    why: str = ""

    @property
    def failed(self) -> bool:
        if self.event:
            return self.event == "failed"
        return self.status is None or self.status >= _BAD_REQUEST

    def tells_of(self, text: str) -> bool:
        """Whether a name or id of its object contains the text, whatever its case."""
        names = (self.step, self.object, self.subject, self.source_id, self.cloud_id, self.path)
        return text.casefold() in "\n".join(names).casefold()


def log_files(root: Path, stack: str) -> list[Path]:
    """Of a stack, oldest first: the one that QLIFT_LOG names, and those of the default place."""
    named = os.environ.get(VARIABLE)
    files = sorted(stack_folder(root, stack).glob("*.jsonl"))
    if named and Path(named).exists() and Path(named).resolve() not in [f.resolve() for f in files]:
        files.insert(0, Path(named))
    return files


def read_lines(files: Iterable[Path], stack: str) -> list[Line]:
    """Of this stack, oldest first. Raises `LogError`."""
    found = [line for file in files for text in _texts(file) if (line := parsed(text, stack, file))]
    return sorted(found, key=lambda line: line.time)


def follow(root: Path, stack: str, pause: Callable[[], None] | None) -> Iterator[Line]:
    """Oldest first; then, if there is a `pause`, what is written after each. Raises `LogError`."""
    seen: dict[Path, int] = {}
    while True:
        new = []
        for file in log_files(root, stack):
            texts = _texts(file)
            new += [x for text in texts[seen.get(file, 0) :] if (x := parsed(text, stack, file))]
            seen[file] = len(texts)
        yield from sorted(new, key=lambda line: line.time)
        if pause is None:
            return
        pause()


def parsed(text: str, stack: str, file: Path) -> Line | None:
    """None: of another stack, or a line that a full disk cut off or somebody edited."""
    try:
        line = Line.model_validate_json(text)
    except ValidationError:
        log.warning("a line of %s is not readable: %s", file, text[:80])
        return None
    return line if line.stack in ("", stack.rpartition("/")[2]) else None


def deleted_apps(files: Iterable[Path], stack: str) -> list[DeletedApp]:
    """Of a stack, as its logs tell, the last of each logical name; oldest first. Raises `LogError`."""
    entries: list[DeletedApp] = []
    for file in files:
        for text in _texts(file):
            if '"app deleted"' not in text:
                continue
            try:
                entry = DeletedApp.model_validate_json(text)
            except ValidationError:
                log.warning("a line of %s is not readable: %s", file, text[:80])
                continue
            if entry.stack == stack and not entry.superseded:
                entries.append(entry)
    entries.sort(key=lambda e: e.deleted_at)
    found: dict[tuple[str, str], DeletedApp] = {}
    for entry in entries:
        found.pop((entry.kind, entry.key), None)
        found[entry.kind, entry.key] = entry
    return list(found.values())


def _texts(file: Path) -> list[str]:
    try:
        # Not splitlines(), which ends lines at characters that JSON leaves as they are.
        return [t for t in file.read_text(encoding="utf-8").split("\n") if t]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise LogError(f"the log {file} cannot be read: {reason}") from None
