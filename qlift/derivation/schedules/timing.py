"""When a task of Qlik Cloud runs, and what people should know about how it came to that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

from qlift.derivation.desired import Severity
from qlift.derivation.schedules import zones
from qlift.derivation.schedules.recurrence import Rule

AROUND_A_CLOCK_CHANGE = timedelta(hours=2)
YEARS_SHOWN = 5


@dataclass(frozen=True)
class Note:
    """A finding whose object is not named yet."""

    code: str
    severity: Severity
    message: str
    remedy: str

    @classmethod
    def error(cls, code: str, message: str, remedy: str) -> Note:
        return cls(code, Severity.ERROR, message, remedy)

    @classmethod
    def warning(cls, code: str, message: str, remedy: str) -> Note:
        return cls(code, Severity.WARNING, message, remedy)

    @classmethod
    def info(cls, code: str, message: str, remedy: str) -> Note:
        return cls(code, Severity.INFO, message, remedy)


@dataclass(frozen=True)
class Timing:
    """`start` (the first run) and `end` are local times in `zone`, an IANA name."""

    rule: Rule
    zone: str
    start: datetime
    end: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Whether this instant (UTC) is one of its runs, to the minute."""
        zone = zones.zone(self.zone)
        wanted = moment.replace(second=0, microsecond=0)
        local = wanted.astimezone(zone).replace(tzinfo=None)
        if self.end is not None and local > self.end:
            return False
        if any(self.rule.runs(self.start, local, local)):
            return True
        # A run in the hour that a clock change skips or repeats has other local times in the source.
        begin, end = local - AROUND_A_CLOCK_CHANGE, local + AROUND_A_CLOCK_CHANGE
        if begin.replace(tzinfo=zone).utcoffset() == end.replace(tzinfo=zone).utcoffset():
            return False
        return any(
            when.replace(tzinfo=zone, fold=fold).astimezone(UTC) == wanted
            for when in self.rule.runs(self.start, begin, end)
            for fold in (0, 1)
        )

    def next_runs(self, since: date, count: int) -> tuple[datetime, ...]:
        """Local times from that day on; fewer when it ends, or runs less often than that in five years."""
        begin = datetime.combine(since, time())
        until = begin + timedelta(days=366 * YEARS_SHOWN)
        if self.end is not None:
            until = min(until, self.end)
        return tuple(islice(self.rule.runs(self.start, begin, until), count))
