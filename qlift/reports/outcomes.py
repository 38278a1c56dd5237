"""What became of each object, as the logs tell: a list for people who want one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC

from qlift.bundle.sheets import sheet_text
from qlift.cloud.log import ABOUT_DELETES
from qlift.cloud.log_files import Line

HEADER = ("job", "step", "object", "name", "what", "why", "time", "source_id", "cloud_id", "requests")


@dataclass
class Outcome:
    job: str
    step: str
    object: str
    """Logical name."""
    name: str = ""
    """As people know it."""
    what: str = "interrupted"
    """created, updated, deleted or failed; interrupted: there are requests, and no end."""
    why: str = ""
    time: str = ""
    source_id: str = ""
    cloud_id: str = ""
    requests: int = 0

    def take(self, line: Line) -> None:
        if line.event == "deleted" and self.cloud_id and line.cloud_id != self.cloud_id:
            # The old half of a replacement goes last.
            return
        self.job = line.job or self.job
        self.name = line.subject or self.name
        self.source_id = line.source_id or self.source_id
        self.time = line.time.astimezone(UTC).isoformat(timespec="seconds")
        self.requests += bool(line.method)
        if line.event:
            self.what, self.why = line.event, line.why
            self.cloud_id = line.cloud_id or self.cloud_id


def outcomes(lines: Iterable[Line]) -> list[Outcome]:
    """By step and object, in the order of their last lines. `lines`: oldest first."""
    found: dict[tuple[str, str], Outcome] = {}
    for line in lines:
        if not line.object or line.event in ABOUT_DELETES:
            continue
        key = (line.step, line.object)
        outcome = found.pop(key, None) or Outcome(line.job, line.step, line.object)
        outcome.take(line)
        found[key] = outcome
    return list(found.values())


def csv_of(found: Iterable[Outcome]) -> str:
    """For a spreadsheet: no cell of it is taken for a formula."""
    return sheet_text(HEADER, ({k: str(v) for k, v in asdict(o).items()} for o in found))
