"""Sentences that every form of a review has in common. Plain text: each form escapes it in its own way."""

from __future__ import annotations

from collections import Counter

from qlift.derivation.desired import Severity
from qlift.reports import formats
from qlift.reports.review.model import OPS, Access, Op, Review, Who

KINDS = {
    "Space": ("space", "spaces"),
    "SpaceOwner": ("owner of a space", "owners of spaces"),
    "SpaceAssignment": ("role assignment", "role assignments"),
    "App": ("app", "apps"),
    "AppOwner": ("owner of an app", "owners of apps"),
    "AppPublication": ("publication", "publications"),
    "ReloadSchedule": ("schedule", "schedules"),
}
TO_DO: dict[Op, str] = {op: f"to {op}" for op in OPS}


def kinds(counts: Counter[str]) -> str:
    """`2 apps, 1 space`, the most first."""
    found = sorted(counts.items(), key=lambda x: (-x[1], x[0]))
    return ", ".join(formats.plural(n, *KINDS.get(kind, (kind, kind))) for kind, n in found)


def of(review: Review, op: Op) -> str:
    return kinds(Counter(c.kind for c in review.changes if c.op == op))


def verdict(review: Review) -> str:
    if not review.applicable:
        return "cannot be applied"
    return "can be applied" if review.changes else "nothing to do"


def deletes(review: Review) -> str:
    """Empty: neither deletes nor replaces."""
    found = []
    if n := review.count("delete"):
        found.append(f"Deletes {formats.plural(n, 'object')}: {of(review, 'delete')}.")
    if n := review.count("replace"):
        objects = formats.plural(n, "object")
        found.append(f"Replaces {objects} (made anew, the old one deleted): {of(review, 'replace')}.")
    return " ".join(found)


def widens(access: Access) -> str:
    """Empty: nobody sees more than before."""
    who = _who(access.sees, access.groups_see)
    if not who:
        return ""
    apps = [a for s in access.spaces for a in s.apps] + list(access.personal)
    count = sum(bool(a.sees or a.unknown_groups) for a in apps)
    spaces = sum(bool(s.gain or s.sees) for s in access.spaces)
    return f"{who} will see what they could not see before{_where(spaces, count)}."


def narrows(access: Access) -> str:
    who = _who(access.loses, access.groups_lose)
    if not who:
        return ""
    count = sum(bool(a.loses) for s in access.spaces for a in s.apps) + sum(
        bool(a.loses) for a in access.personal
    )
    return (
        f"{who} lose what they see now{_where(sum(bool(s.lose or s.loses) for s in access.spaces), count)}."
    )


def _who(people: int, groups: tuple[str, ...]) -> str:
    parts = [formats.plural(people, "person", "people")] if people else []
    if groups:
        parts.append(f"{formats.plural(len(groups), 'group')} whose members are not known")
    return " and ".join(parts)


def _where(spaces: int, apps: int) -> str:
    parts = [formats.plural(n, word) for n, word in ((spaces, "space"), (apps, "app")) if n]
    return f" ({', '.join(parts)})" if parts else ""


def roles(who: Who) -> str:
    before, after = ", ".join(who.before) or "none", ", ".join(who.after) or "none"
    return f"{before} → {after}"


def people(who: Who) -> str:
    if who.type == "user":
        return "1"
    return "not known" if who.people is None else f"{who.people:,}"


def in_the_way(review: Review) -> str:
    """`1 error and 2 conflicts`; empty: nothing."""
    found = ((len(review.errors), "error"), (len(review.conflicts), "conflict"))
    return " and ".join(formats.plural(n, word) for n, word in found if n)


def counts(review: Review) -> str:
    always = ("create", "update", "replace", "delete")
    found = [(op, review.count(op)) for op in reversed(OPS)]
    parts = [f"{n:,} {TO_DO[op]}" for op, n in found if n or op in always]
    return f"{', '.join(parts)}, {formats.count(review.unchanged)} unchanged"


def time_needed(review: Review) -> str:
    effort = review.effort
    imports = ""
    if effort.imports:
        days = formats.plural(effort.import_days, "day")
        imports = (
            f"{formats.plural(effort.imports, 'app import')} ({days} of the tenant's "
            f"{review.imports_per_day:,} a day), {formats.size(effort.bytes)} to upload, "
        )
    writes = f"{imports}at least {formats.plural(effort.writes, 'write')}"
    if effort.floor_seconds < 60:
        return writes
    return f"{writes}; the tenant's limits make it last {formats.duration(effort.floor_seconds)} or more"


def drift(review: Review) -> str:
    """Empty: nobody changed anything."""
    count = len(review.drift)
    were = "was" if count == 1 else "were"
    return f"{formats.plural(count, 'object')} {were} changed by others in the tenant" if count else ""


def promoted(review: Review) -> str:
    """After the digest. Empty: not asked, or not so."""
    return f", the one that {review.promoted_from} was last run with" if review.promoted_from else ""


def findings(review: Review) -> str:
    found = Counter(f.severity for f in review.findings)
    parts = [
        formats.plural(found[s], word)
        for s, word in ((Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "note"))
        if found[s]
    ]
    if review.waivers:
        parts.append(formats.plural(len(review.waivers), "waiver"))
    return ", ".join(parts) or "none"


def shown(value: object) -> str:
    """A field's value: lists in a line, nothing as `–`."""
    if value is None or value == "" or value == []:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(shown(v) for v in value)
    if isinstance(value, dict):
        return " ".join(f"{k}={shown(v)}" for k, v in value.items())
    return str(value)
