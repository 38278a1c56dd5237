"""The log of every request that changed something: one JSON object a line, without bodies.

It is `logs/<stack>/<time>.jsonl` in the project's folder, one file for each process that wrote something, or
the file that QLIFT_LOG names. Lines are of three sorts, told apart by `event`: none for a request, two about
the delete of an app (`app to be deleted` before it, `app deleted` after it), and one for the end of each
object's create, update or delete (`created`, `updated`, `deleted`, `failed`).
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

log = logging.getLogger(__name__)

VARIABLE = "QLIFT_LOG"
FOLDER = "logs"
_STACK = re.compile(r"\w[\w.-]*")
ANNOUNCED: Literal["app to be deleted"] = "app to be deleted"
DELETED: Literal["app deleted"] = "app deleted"
ABOUT_DELETES = (ANNOUNCED, DELETED)
End = Literal["created", "updated", "deleted", "failed"]


@dataclass(frozen=True)
class Work:
    """What a request is for."""

    stack: str
    job: str
    step: str
    """The kind of resource."""
    object: str
    """Logical name."""
    source_id: str = ""
    cloud_id: str = ""
    """Empty for what is being created."""


_current: ContextVar[Work | None] = ContextVar("work", default=None)


@contextmanager
def working_on(work: Work) -> Iterator[None]:
    """What is noted inside is for this."""
    token = _current.set(work)
    try:
        yield
    finally:
        _current.reset(token)


def stack_folder(root: Path, stack: str) -> Path:
    """Where a stack's logs are. A state is no place to name folders elsewhere."""
    short = stack.rpartition("/")[2]
    return root / FOLDER / (short if _STACK.fullmatch(short) else "unknown")


def default_path(root: Path, stack: str, now: datetime) -> Path:
    return stack_folder(root, stack) / f"{now:%Y-%m-%dT%H-%M-%S}.jsonl"


class DeletedApp(BaseModel):
    """An app that a run deleted, or was about to."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    event: Literal["app to be deleted", "app deleted"] = DELETED
    stack: str
    kind: Literal["App", "AppPublication"]
    key: str
    """Logical name."""
    app: str
    """Its id."""
    name: str
    superseded: bool
    """Newer content took its place: not what an undo would bring back."""
    changes: tuple[str, ...]
    """What people had done to it, when the run was allowed to delete it all the same."""
    deleted_at: AwareDatetime
    """By the tenant's clock, as far as it has told."""
    recoverable_until: AwareDatetime | None
    """None: it was too young to be kept. Of an announced one: at best."""

    @property
    def announced(self) -> bool:
        """Whether it came to the delete is not known: only the tenant can say."""
        return self.event == ANNOUNCED


class LogError(Exception):
    """The log cannot be written or read."""


class RequestLog:
    """Appends to a file that only its owner can read. Without a path it writes nothing; with a project's
    folder (`root`) to the default file of the stack that the first line is about.

    Raises:
        LogError: at the start, for a path. Later, a full disk must not make a change look as if it had
            failed, so the process's own log gets the word instead.
    """

    def __init__(self, path: Path | None, root: Path | None = None) -> None:
        self._path, self._root = path, root
        self._lock = threading.Lock()
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._append(b"")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise LogError(f"the log {path} cannot be written: {reason}; correct {VARIABLE}") from None

    @classmethod
    def from_environment(cls, root: Path | None = None) -> RequestLog:
        """Where QLIFT_LOG names no file: the default of the project in `root`, or nothing."""
        value = os.environ.get(VARIABLE)
        return cls(Path(value)) if value else cls(None, root)

    def note(
        self,
        *,
        method: str,
        path: str,
        subject: str,
        status: int | None,
        trace_id: str | None,
        seconds: float,
        made: str = "",
    ) -> None:
        """`path` is noted without its query; `status` None means that no answer came. `made`: the id of what
        a create made.
        """
        work = _current.get()
        if work is not None and not work.cloud_id:
            work = replace(work, cloud_id=made)
        self._note(
            f"{method} {subject}",
            {
                **(asdict(work) if work else {}),
                "method": method,
                "path": path.partition("?")[0],
                "subject": subject,
                "status": status,
                "trace_id": trace_id,
                "milliseconds": round(seconds * 1000),
            },
        )

    def note_end(self, work: Work, event: End, why: str = "") -> None:
        """Of the create, update or delete of an object. `why`: of a failure, one line."""
        entry = {"event": event, **asdict(work), **({"why": why} if why else {})}
        self._note(f"the end of {work.step} {work.object}", entry)

    def note_deleted_app(self, app: DeletedApp) -> None:
        """What `qlift restore` reads. On the disk when this returns."""
        self._note(f"the delete of app {app.app}", app.model_dump(mode="json"), durable=True)

    def _note(self, what: str, entry: dict[str, Any], *, durable: bool = False) -> None:
        now = datetime.now(UTC)
        try:
            if not self._is_open(str(entry.get("stack", "")), now):
                return
            entry = {"time": now.isoformat(timespec="milliseconds"), **entry}
            self._append(json.dumps(entry, ensure_ascii=False).encode() + b"\n", durable=durable)
        except OSError as error:
            where = self._path or f"{FOLDER}/ of the project"
            log.warning("%s is missing in the log %s: %s", what, where, error.strerror)

    def _is_open(self, stack: str, now: datetime) -> bool:
        with self._lock:
            if self._path is None and self._root is not None:
                path = default_path(self._root, stack, now)
                path.parent.mkdir(parents=True, exist_ok=True)
                self._path = path
            return self._path is not None

    def _append(self, line: bytes, *, durable: bool = False) -> None:
        """In one go where the disk lets it: other processes of the run append to the same file."""
        assert self._path is not None
        with self._lock:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                if line and _is_cut(descriptor):
                    line = b"\n" + line
                while line:
                    line = line[os.write(descriptor, line) :]
                if durable:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _is_cut(descriptor: int) -> bool:
    """Whether the file's last line has no end: a full disk or a kill cut it off."""
    if os.fstat(descriptor).st_size == 0:
        return False
    os.lseek(descriptor, -1, os.SEEK_END)
    return os.read(descriptor, 1) != b"\n"
