"""What the live resources of this provider process hold, and what is doomed.

The engine tells a provider little: `check` gets neither id nor URN, `diff` is also called for objects that
are about to be deleted (`refresh: always`), and a replacement deletes the old half last. This module keeps
the few facts that make `delete` safe. It is the memory of one process, so of one preview or one update.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import Any

ALLOW_VARIABLE = "QLIFT_ALLOW_DELETES"
LEAST_LIMIT = 10
SHARE_OF_STATE = 0.3
WITH_SHEETS = ("App", "AppPublication")
UNSEEN = (
    ". Apps that people changed are named first, but a tenant may not show what somebody made only for "
    "themselves, and that goes with the app: ask the users first"
)
"""No REST call lists what an app holds: docs/undo.md."""

Key = tuple[str, str]
"""Kind and logical name."""


@dataclass
class Claims:
    """Thread-safe: four provider calls run at once."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ids: set[Key] = field(default_factory=set)
    _read: set[Key] = field(default_factory=set)
    _read_ids: dict[tuple[str, str], str] = field(default_factory=dict)
    """Kind and id → logical name."""
    _kept: set[Key] = field(default_factory=set)
    _done: set[Key] = field(default_factory=set)
    _handed_over: dict[tuple[str, str], Any] = field(default_factory=dict)
    refreshed: bool = False
    """The objects of the state were read in this run, as in every run without `--refresh=false`."""

    def note_read(self, kind: str, key: str, id_: str) -> None:
        """The state holds this object: a refresh reads each one before anything is deleted."""
        with self._lock:
            self._read.add((kind, key))
            self._read_ids[kind, id_] = key

    def note_handed_over(self, kind: str, id_: str, known: Any) -> None:
        """The state holds it, and it is people's: no delete, so the guard does not count it."""
        with self._lock:
            self._handed_over[kind, id_] = known
            self._read_ids[kind, id_] = known.key

    def is_handed_over(self, kind: str, id_: str) -> bool:
        with self._lock:
            return (kind, id_) in self._handed_over

    def stays_for_others(self, space_id: str) -> bool:
        """This run would end a space in which there is an app that was handed over."""
        with self._lock:
            if ("Space", self._read_ids.get(("Space", space_id), "")) in self._kept:
                return False
            return any(
                getattr(known, "space_id", None) == space_id
                for (kind, _), known in self._handed_over.items()
                if kind in ("App", "AppPublication")
            )

    def is_ours(self, kind: str, id_: str) -> bool:
        """The state holds an object of this id, under whatever logical name."""
        with self._lock:
            return (kind, id_) in self._read_ids

    def note_checked(self, kind: str, key: str, former_key: str | None) -> None:
        """The program declares this object. `former_key` is its logical name in the state (aliases)."""
        with self._lock:
            self._kept.add((kind, key))
            if former_key is not None:
                self._kept.add((kind, former_key))

    def is_kept(self, kind: str, key: str) -> bool:
        with self._lock:
            return (kind, key) in self._kept

    def claim(self, kind: str, id_: str) -> None:
        """A live resource of this process holds this id."""
        with self._lock:
            self._ids.add((kind, id_))

    def is_claimed(self, kind: str, id_: str) -> bool:
        with self._lock:
            return (kind, id_) in self._ids

    def progress(self) -> tuple[int, int]:
        """How many objects this process has brought in order, and how many it was told of so far."""
        with self._lock:
            return len(self._done), len(self._kept)

    def is_done(self, kind: str, key: str) -> bool:
        with self._lock:
            return (kind, key) in self._done

    def note_done(self, kind: str, key: str) -> None:
        with self._lock:
            self._done.add((kind, key))

    def refusal(self) -> str | None:
        """Why the deletes that this run would do are refused; None when they are allowed.

        Counted are the objects that the state holds and the program does not declare. Limit: the larger
        of 10 and 30 % of the state. The one-shot word is QLIFT_ALLOW_DELETES=<that very number>.
        """
        with self._lock:
            going = self._read - self._kept
            total = len(self._read)
        doomed = len(going)
        limit = max(LEAST_LIMIT, int(SHARE_OF_STATE * total))
        if doomed <= limit or os.environ.get(ALLOW_VARIABLE) == str(doomed):
            return None
        said = os.environ.get(ALLOW_VARIABLE)
        return (
            f"this would delete {doomed} of {total} objects, the limit is {limit}"
            + (f" ({ALLOW_VARIABLE} is {said}, not {doomed})" if said else "")
            + f"; if that is what you want, run it once with {ALLOW_VARIABLE}={doomed}"
            + (UNSEEN if any(kind in WITH_SHEETS for kind, _ in going) else "")
        )

    def refusal_of_delete(self, kind: str, key: str) -> str | None:
        """The backstop in `delete`, for `destroy` and for runs whose guard was left out.

        An old half of a replacement is declared, so it passes. Without a refresh nothing was counted, and
        nobody knows what in the space of this object was handed over.
        """
        with self._lock:
            if (kind, key) in self._kept:
                return None
            if (kind, key) not in self._read:
                return (
                    "it would be deleted without a refresh, so nobody has counted what goes, nor looked what "
                    "was handed over; run the command without --refresh=false"
                )
        return self.refusal()
