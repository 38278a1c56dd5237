"""The site in numbers, as bars of charts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date

from qlift.derivation.assessment.frequency import LABELS
from qlift.derivation.assessment.ground import Ground
from qlift.derivation.assessment.model import AppRow, Count, Inventory, Reason, ReasonCount
from qlift.derivation.assessment.phases import parts
from qlift.derivation.assessment.reasons import REASONS

MIB = 1024**2
SIZES = (
    (1 * MIB, "under 1 MiB"),
    (10 * MIB, "1 to 10 MiB"),
    (100 * MIB, "10 to 100 MiB"),
    (1024 * MIB, "100 MiB to 1 GiB"),
    (5 * 1024 * MIB, "1 to 5 GiB"),
)
LARGEST, UNKNOWN_SIZE = "over 5 GiB", "not known"
AGES = ((7, "last 7 days"), (30, "last 30 days"), (90, "last 3 months"), (365, "last year"))
OLDER, NEVER = "longer ago", "never"
PERSONAL = "(personal apps)"


def inventory(ground: Ground, rows: tuple[AppRow, ...]) -> Inventory:
    bundle = ground.bundle
    objects = sum(len(bundle.objects(a.id)) for a in bundle.apps)
    return Inventory(
        counts={
            "apps": len(rows),
            "published apps": sum(1 for r in rows if r.stream),
            "personal apps": sum(1 for r in rows if not r.stream),
            "streams": len(bundle.streams),
            "app objects": objects,
            "people": len(ground.site.active_users),
            "reload tasks": len(bundle.reload_tasks),
            "triggers": len(bundle.schema_events) + len(bundle.composite_events),
            "data connections": len(bundle.data_connections),
            "extensions": len(bundle.extensions),
            "custom rules": sum(r.type == "Custom" for r in bundle.system_rules),
        },
        by_stream=_most(rows, lambda r: r.stream or PERSONAL),
        by_size=_fixed(rows, _size_label, [label for _, label in SIZES] + [LARGEST, UNKNOWN_SIZE]),
        by_last_reload=_fixed(rows, lambda r: _age(ground.as_of, r.last_reload), _ages()),
        by_last_change=_fixed(rows, lambda r: _age(ground.as_of, r.last_change), _ages()),
        by_owner=_most(rows, lambda r: r.owner),
        by_frequency=_fixed(rows, lambda r: r.frequency, LABELS),
    )


def _most(rows: Iterable[AppRow], label: Callable[[AppRow], str]) -> tuple[Count, ...]:
    grouped: dict[str, list[AppRow]] = defaultdict(list)
    for row in rows:
        grouped[label(row)].append(row)
    counts = [_count(name, found) for name, found in grouped.items()]
    return tuple(sorted(counts, key=lambda c: (-c.count, c.label)))


def _fixed(
    rows: Iterable[AppRow], label: Callable[[AppRow], str], labels: Iterable[str]
) -> tuple[Count, ...]:
    grouped: dict[str, list[AppRow]] = {name: [] for name in labels}
    for row in rows:
        grouped[label(row)].append(row)
    return tuple(_count(name, found) for name, found in grouped.items())


def _count(name: str, rows: list[AppRow]) -> Count:
    return Count(
        label=name,
        count=len(rows),
        bytes=sum(r.size or 0 for r in rows),
        parts=parts([r.readiness for r in rows]),
    )


def _size_label(row: AppRow) -> str:
    if row.size is None:
        return UNKNOWN_SIZE
    return next((label for most, label in SIZES if row.size < most), LARGEST)


def _ages() -> list[str]:
    return [label for _, label in AGES] + [OLDER, NEVER]


def _age(as_of: date, day: str) -> str:
    if not day:
        return NEVER
    days = (as_of - date.fromisoformat(day)).days
    return next((label for most, label in AGES if days <= most), OLDER)


def reason_counts(rows: Iterable[AppRow]) -> tuple[ReasonCount, ...]:
    """The most frequent first. An app has a reason once."""
    samples: dict[str, Reason] = {}
    counts: Counter[str] = Counter()
    for row in rows:
        for reason in row.reasons:
            samples.setdefault(reason.code, reason)
            counts[reason.code] += 1
    found = [
        ReasonCount(
            code=code,
            title=REASONS[code].title,
            readiness=samples[code].readiness,
            count=count,
            remedy=samples[code].remedy,
        )
        for code, count in counts.items()
    ]
    return tuple(sorted(found, key=lambda c: (-c.count, c.code)))
