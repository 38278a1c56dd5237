"""Security rules of streams → roles in spaces, and where these differ from the source's own audit."""

from __future__ import annotations

from collections.abc import Iterator

from qlift.bundle.models import Stream
from qlift.derivation.assessment.ground import Ground
from qlift.derivation.assessment.model import AccessDifference, PermissionRow
from qlift.derivation.permissions import Rules, differences, table
from qlift.derivation.permissions.names import logins
from qlift.derivation.permissions.rules import Unread

TYPE = "managed"
EXAMPLES = 5


def permission_rows(ground: Ground) -> tuple[PermissionRow, ...]:
    """Sorted by stream; what is not translated stands after what is."""
    found: list[PermissionRow] = []
    for stream in _streams(ground):
        found += _granted(ground.rules, stream)
        found += _not_translated(ground.rules, stream)
    return tuple(found)


def _streams(ground: Ground) -> list[Stream]:
    wanted = [s for s in ground.bundle.streams if s.id not in ground.monitoring]
    return sorted(wanted, key=lambda s: (s.name.casefold(), s.name, s.id))


def _granted(rules: Rules, stream: Stream) -> Iterator[PermissionRow]:
    for row in table(rules, stream, TYPE):
        yield PermissionRow(
            stream_id=stream.id,
            stream=stream.name,
            rules=row.rules,
            assignee=row.assignee or "everybody",
            kind=row.kind,
            roles=row.roles,
            people=row.members,
            note="" if row.named else "comes under the rule as the site is now; no rule names it",
        )


def _not_translated(rules: Rules, stream: Stream) -> Iterator[PermissionRow]:
    """Rules that cannot be read, and people who are not signed in."""
    for reading in rules.of_stream(stream):
        if isinstance(reading, Unread):
            note = f"{reading.why}: {reading.rule.rule}"
        elif reading.anonymous:
            note = "it lets in people who are not signed in; no role of a space does"
        else:
            continue
        yield PermissionRow(
            stream_id=stream.id,
            stream=stream.name,
            rules=(reading.rule.name,),
            assignee="",
            kind="nobody",
            roles=(),
            people=0,
            note=note,
        )


def access_differences(ground: Ground) -> tuple[AccessDifference, ...]:
    """Where roles by rules and the audit do not say the same; those that widen first."""
    found = []
    for stream in _streams(ground):
        for difference in differences(ground.rules, stream, TYPE):
            narrower = {u for u in difference.narrower if "RootAdmin" not in ground.site.users[u].roles}
            if difference.wider or narrower:
                more, less = (logins(ground.site, users) for users in (difference.wider, narrower))
                found.append(
                    AccessDifference(
                        stream_id=stream.id,
                        stream=stream.name,
                        right=difference.word,
                        wider=len(difference.wider),
                        narrower=len(narrower),
                        people=tuple((more or less)[:EXAMPLES]),
                        wider_people=tuple(more),
                        narrower_people=tuple(less),
                    )
                )
    return tuple(sorted(found, key=lambda d: (-d.wider, -d.narrower, d.stream.casefold(), d.right)))
