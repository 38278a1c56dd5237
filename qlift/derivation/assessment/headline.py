"""The one sentence that a manager needs."""

from __future__ import annotations

from qlift.derivation.assessment.effort import DAY_SECONDS
from qlift.derivation.assessment.model import Effort, Leave, Readiness, TenantFacts

MANY = 0.1
"""Share of apps without a known script from which the headline has to say so."""


def headline(
    site: str,
    counts: dict[Readiness, int],
    left: tuple[Leave, ...],
    effort: Effort,
    tenant: TenantFacts,
    silent: int,
    not_listed: tuple[str, ...],
) -> str:
    """`silent`: apps whose load script is not known. `not_listed`: kinds of objects the export leaves out."""
    total = sum(counts.values())
    if not total:
        return f"{site} has no apps in this export."
    ready = counts[Readiness.READY] + counts[Readiness.CHANGES]
    parts = [f"{_apps(ready)} of {total:,} can move to Qlik Cloud now or with known changes"]
    if counts[Readiness.WORK]:
        parts.append(f"{counts[Readiness.WORK]:,} need work first")
    if counts[Readiness.CANNOT]:
        parts.append(f"{counts[Readiness.CANNOT]:,} cannot move")
    text = f"{_joined(parts)}."
    unused = next((x for x in left if x.kind == "unused"), None)
    if unused:
        verb = "looks" if len(unused.apps) == 1 else "look"
        text += f" {len(unused.apps):,} {verb} unused and may simply stay behind."
    if silent >= MANY * total:
        text += (
            f" This leaves out what the load scripts of {_apps(silent)} need, which the export does not hold."
        )
    if not_listed:
        text += f" The export holds no list of {', '.join(not_listed)}: what depends on it is missing here."
    return f"{text} {_time(effort, tenant)}"


def _apps(number: int) -> str:
    return "1 app" if number == 1 else f"{number:,} apps"


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _time(effort: Effort, tenant: TenantFacts) -> str:
    if effort.import_days > 1:
        return (
            f"At {tenant.imports_per_day:,} app imports a day, the move takes at least "
            f"{effort.import_days} days."
        )
    return (
        f"The tenant's limits let everything move within a day ({in_words(effort.floor_seconds)} at least)."
    )


def in_words(seconds: int) -> str:
    """A floor: rounded down to what people say."""
    if seconds < 60:
        return "minutes"
    if seconds < 2 * 3600:
        return f"{seconds // 60} minutes"
    if seconds < 2 * DAY_SECONDS:
        return f"{seconds // 3600} hours"
    return f"{seconds // DAY_SECONDS} days"
