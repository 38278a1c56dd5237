"""Reads what `qlift.cloud.log` wrote."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Hashable, Iterable, Iterator
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from qlift.cloud.log import ABOUT_DELETES, VARIABLE, DeletedApp, LogError, stack_folder

log = logging.getLogger(__name__)
_BAD_REQUEST = 400


class Line(BaseModel):
    """One line; of the delete of an app only what all lines have."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    time: AwareDatetime
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
    app: str = ""
    """Of the delete of an app: its id."""

    @property
    def wrote(self) -> str:
        """The path of a request that changed something and left it there; empty: this is none."""
        return self.path if self.method in ("POST", "PUT", "PATCH") and not self.failed else ""

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


def follow(root: Path, stack: str, pause: Callable[[], None]) -> Iterator[list[Line]]:
    """What is there, oldest first; then, after each pause, what was written since. Raises `LogError`."""
    ends: dict[Path, int] = {}
    while True:
        new = []
        for file in log_files(root, stack):
            content = _content(file, ends.get(file, 0))
            # What follows the last end of a line is still being written.
            whole = content[: content.rfind(b"\n") + 1]
            ends[file] = ends.get(file, 0) + len(whole)
            new += [x for text in _split(whole) if (x := parsed(text, stack, file))]
        yield sorted(new, key=lambda line: line.time)
        pause()


def of_object(batches: Iterable[list[Line]], text: str) -> Iterator[list[Line]]:
    """All lines of each object of which one tells of the text: an end has no subject, a create no id.

    Of an object that is known by its later batches only, the lines of earlier ones are missing.
    """
    known: set[tuple[str, str]] = set()
    for batch in batches:
        known.update((x.step, x.object) for x in batch if x.object and x.tells_of(text))
        yield [x for x in batch if (x.step, x.object) in known or x.tells_of(text)]


def parsed(text: bytes, stack: str, file: Path) -> Line | None:
    """None: of another stack, or a line that a full disk cut off or somebody edited."""
    try:
        line = Line.model_validate_json(text)
    except ValidationError:
        _warn(file, text)
        return None
    return line if line.stack in ("", stack.rpartition("/")[2]) else None


class Told(DeletedApp):
    time: AwareDatetime
    """When the line was written."""


def deleted_apps(files: Iterable[Path], stack: str) -> list[Told]:
    """Of a stack, as its logs tell: each app once, by the last line about it. Oldest first.

    Raises `LogError`.
    """
    entries: list[Told] = []
    for file in files:
        for text in _texts(file):
            if not any(f'"{event}"'.encode() in text for event in ABOUT_DELETES):
                continue
            try:
                entry = Told.model_validate_json(text)
            except ValidationError:
                _warn(file, text)
                continue
            if entry.stack == stack:
                entries.append(entry)
    # By when they were written: the two lines about a delete tell the same time of it.
    entries.sort(key=lambda e: e.time)
    return _last_of_each(entries, lambda e: e.app)


def undone_apps(deleted: Iterable[Told]) -> list[Told]:
    """What an undo would bring back: the last of each logical name, without what newer content replaced."""
    return _last_of_each((e for e in deleted if not e.superseded), lambda e: (e.kind, e.key))


def successors(deleted: Iterable[Told], files: Iterable[Path], stack: str) -> dict[str, str]:
    """Ids of the apps that a later run made, or found, in the place of deleted ones, by their ids.

    Raises `LogError`.
    """
    ends = (line for line in read_lines(files, stack) if line.event == "created")
    made = {(line.step, line.object): line for line in ends}
    last = ((entry, made.get((entry.kind, entry.key))) for entry in deleted)
    return {entry.app: line.cloud_id for entry, line in last if line and line.time > entry.time}


def gone_apps(files: Iterable[Path], stack: str) -> set[str]:
    """Ids of apps whose delete is the last that the stack's logs tell of them, if only that it was to come.

    A write since, by a run that gave it to its owner again or by a restore, says that the app lives. Raises
    `LogError`.
    """
    gone: set[str] = set()
    for line in read_lines(files, stack):
        if line.event in ABOUT_DELETES:
            gone.add(line.app)
        elif line.event in ("created", "updated"):
            gone.discard(line.cloud_id)
        elif gone and line.wrote:
            gone.difference_update(line.wrote.split("/"))
    return gone


def _last_of_each(entries: Iterable[Told], key: Callable[[Told], Hashable]) -> list[Told]:
    found: dict[Hashable, Told] = {}
    for entry in entries:
        found.pop(key(entry), None)
        found[key(entry)] = entry
    return list(found.values())


def _warn(file: Path, text: bytes) -> None:
    log.warning("a line of %s is not readable: %s", file, text[:80].decode(errors="replace"))


def _texts(file: Path) -> list[bytes]:
    return _split(_content(file))


def _split(content: bytes) -> list[bytes]:
    # Not splitlines(), which ends lines at a carriage return too. Bytes: a cut may go through a character.
    return [t for t in content.split(b"\n") if t]


def _content(file: Path, start: int = 0) -> bytes:
    try:
        with file.open("rb") as opened:
            opened.seek(start)
            return opened.read()
    except OSError as error:
        raise LogError(f"the log {file} cannot be read: {error.strerror}") from None
