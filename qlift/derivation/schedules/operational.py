"""What an export says of its moment: the next run of a trigger, the last run of a task.

These fields are volatile and not validated; what cannot be read counts as not said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from qlift.bundle import Bundle

NEVER, ABSENT = 9999, 1753
"""Years by which the Repository Service says "never" and "no date"."""
FINISHED_SUCCESS = 7
"""Execution status of the Repository Service."""
MILLISECONDS_A_MINUTE = 60_000


@dataclass(frozen=True)
class Announced:
    """The next run that the source itself says (UTC). `known` without a moment: it says that none is due."""

    known: bool = False
    moment: datetime | None = None

    def __str__(self) -> str:
        if self.moment is None:
            return "no next run" if self.known else "nothing about its next run"
        return f"its next run for {self.moment:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class LastRun:
    succeeded: bool
    ended: datetime | None
    """UTC."""
    minutes: int
    """Whole ones."""


def announced(bundle: Bundle, event_id: str) -> Announced:
    """Of a schema event."""
    moment = _utc(_operational(bundle, "schemaevent", event_id).get("nextExecution"))
    if moment is None:
        return Announced()
    return Announced(True, None if moment.year in (ABSENT, NEVER) else moment)


def last_run(bundle: Bundle, task_id: str, kind: str = "reloadtask") -> LastRun | None:
    """None: the export says nothing about it."""
    result = _operational(bundle, kind, task_id).get("lastExecutionResult")
    if not isinstance(result, dict):
        return None
    ended, milliseconds = _utc(result.get("stopTime")), result.get("duration")
    # What is no duration, or one of over thirty years, counts as none.
    if not isinstance(milliseconds, int) or not 0 <= milliseconds < 10**12:
        milliseconds = 0
    return LastRun(
        succeeded=result.get("status") == FINISHED_SUCCESS,
        ended=ended if ended and ended.year > ABSENT else None,
        minutes=milliseconds // MILLISECONDS_A_MINUTE,
    )


def _operational(bundle: Bundle, kind: str, id_: str) -> dict[str, object]:
    found: object = bundle.runtime
    for key in (kind, id_, "operational"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _utc(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        if moment is None:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
