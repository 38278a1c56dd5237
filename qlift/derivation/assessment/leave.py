"""What may stay behind, to be decided first: unused apps, duplicates, what people have decided already."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date

from qlift.bundle.models import INTERNAL_TYPES, App
from qlift.derivation.assessment.ground import Ground
from qlift.derivation.assessment.model import (
    DuplicateKind,
    Duplicates,
    Leave,
    LeaveApp,
    LeaveKind,
)
from qlift.derivation.name_checks import KIT_TAG

DECIDED, REMEDIATION = frozenset({"05", "40", "99"}), "20"
"""Numbers of tags of Qlik's older migration kit: done already, or not wanted; needs work first."""
VISIBLE = frozenset({"sheet", "story"})


def leave(ground: Ground, imports: Callable[[App], int]) -> tuple[Leave, ...]:
    """`imports`: of the tenant's budget, by app. Kinds without an app are left out."""
    old = [a for a in ground.bundle.apps if is_unused(ground, a)]
    reloaded = [a for a in ground.bundle.apps if is_only_reloaded(ground, a)]
    decided = [a for a in ground.bundle.apps if is_decided(a)]
    since = f"{ground.year_ago.day} {ground.year_ago:%B %Y}"
    kinds: tuple[tuple[LeaveKind, str, str, list[App]], ...] = (
        (
            "unused",
            "Nothing happened for a year",
            f"Not reloaded, not changed, no object added since {since}. The site does not say who opened "
            "an app: ask its owner, or look into the site's own monitoring apps.",
            old,
        ),
        (
            "only-reloaded",
            "Only reloads for a year",
            f"They still reload, but nobody published or added anything since {since}. Apps that people "
            "only read look like this too: look into the site's own monitoring apps before you decide.",
            reloaded,
        ),
        (
            "decided",
            "Decided already",
            "Tags of Qlik's migration kit say that these are done, or will not migrate.",
            decided,
        ),
    )
    return tuple(
        Leave(
            kind=kind,
            title=title,
            explanation=explanation,
            apps=_rows(ground, apps),
            imports=sum(imports(a) for a in apps),
            bytes=sum(ground.size(a) or 0 for a in apps),
        )
        for kind, title, explanation, apps in kinds
        if apps
    )


def kinds_of(ground: Ground, app: App) -> tuple[str, ...]:
    tests = (
        ("unused", is_unused),
        ("only-reloaded", is_only_reloaded),
        ("decided", lambda _, a: is_decided(a)),
    )
    return tuple(kind for kind, test in tests if test(ground, app))


def is_decided(app: App) -> bool:
    return any(kit_number(t.name) in DECIDED for t in app.tags)


def kit_number(tag: str) -> str:
    """Empty for tags of other people. What follows the number is translated on some sites."""
    found = KIT_TAG.match(tag)
    return found[1] if found else ""


def is_unused(ground: Ground, app: App) -> bool:
    """No sign of anything for a year. An app without any date is not called unused."""
    last = ground.last_sign(app)
    return last is not None and last < ground.year_ago


def is_only_reloaded(ground: Ground, app: App) -> bool:
    reloaded, changed = ground.last_reload(app), ground.last_change(app)
    if reloaded is None or changed is None:
        return False
    return changed < ground.year_ago <= reloaded


def _rows(ground: Ground, apps: Iterable[App]) -> tuple[LeaveApp, ...]:
    """The longest unused first."""
    rows = [leave_app(ground, a) for a in apps]
    return tuple(sorted(rows, key=lambda r: (r.since or "9999", r.name, r.id)))


def leave_app(ground: Ground, app: App) -> LeaveApp:
    last: date | None = ground.last_sign(app)
    return LeaveApp(
        id=app.id,
        name=app.name,
        stream=ground.stream_name(app),
        owner=app.owner.login,
        size=ground.size(app),
        since=last.isoformat() if last else "",
    )


def content(ground: Ground, app: App) -> str | None:
    """A hash of what everybody sees in an app and of its script; None when the bundle does not tell.

    Ids do not count, because a copy may have its own, nor does the state of publishing.
    """
    objects = ground.bundle.objects(app.id)
    public = [o for o in objects if not app.published or o.is_public or o.object_type in INTERNAL_TYPES]
    if not any(o.object_type in VISIBLE and o.content_hash for o in public):
        return None
    state = sorted([o.object_type, o.name, o.content_hash] for o in public)
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()


def duplicates(ground: Ground) -> tuple[Duplicates, ...]:
    """An app stands in one group of each kind at most, and in none of a weaker kind than it needs to."""
    apps = [a for a in ground.bundle.apps if a.stream is None or a.stream.id not in ground.monitoring]
    by_content: dict[str, list[App]] = defaultdict(list)
    for app in apps:
        mark = content(ground, app)
        if mark:
            by_content[mark].append(app)
    found: list[Duplicates] = []
    explained: set[frozenset[str]] = set()
    for alike in by_content.values():
        if len(alike) < 2:
            continue
        kind: DuplicateKind = (
            "same name and content" if len({_folded(a) for a in alike}) == 1 else "same content"
        )
        found.append(_group(ground, kind, alike, saved=len(alike) - 1))
        explained.add(frozenset(a.id for a in alike))
    by_name: dict[str, list[App]] = defaultdict(list)
    for app in apps:
        by_name[_folded(app)].append(app)
    for alike in by_name.values():
        if len(alike) < 2 or frozenset(a.id for a in alike) in explained:
            continue
        if len({a.owner.id for a in alike}) > 1:
            found.append(_group(ground, "same name, other owner", alike, saved=0))
    order = ("same name and content", "same content", "same name, other owner")
    return tuple(
        sorted(found, key=lambda d: (order.index(d.kind), -len(d.apps), d.name.casefold(), d.apps[0].id))
    )


def _folded(app: App) -> str:
    return app.name.strip().casefold()


def _group(ground: Ground, kind: DuplicateKind, apps: list[App], saved: int) -> Duplicates:
    rows = sorted(
        (leave_app(ground, a) for a in apps), key=lambda r: (r.stream == "", r.stream, r.name, r.id)
    )
    return Duplicates(kind=kind, name=rows[0].name, apps=tuple(rows), saved=saved)


def names_twice(ground: Ground) -> set[str]:
    """Ids of published apps that share a name within their stream."""
    seen: dict[tuple[str, str], list[str]] = defaultdict(list)
    for app in ground.bundle.apps:
        if app.stream is not None:
            seen[app.stream.id, _folded(app)].append(app.id)
    return {i for ids in seen.values() if len(ids) > 1 for i in ids}
