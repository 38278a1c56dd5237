"""The permissions of a stream as rows: for reports, before there is any plan."""

from __future__ import annotations

from typing import Literal

from qlift.bundle.models import Stream
from qlift.derivation.desired import Model
from qlift.derivation.permissions.audit import Difference, Holding, compare
from qlift.derivation.permissions.grants import Grant, grants
from qlift.derivation.permissions.roles import roles_for
from qlift.derivation.permissions.rules import Rules
from qlift.derivation.permissions.within import readers_of


class PermissionRow(Model):
    """A group or a person of the source, and the roles that the rules of one stream come to in a space."""

    stream: str
    stream_id: str
    kind: Literal["group", "user", "everyone"]
    assignee: str
    """Group as the directory spells it, login (`DIRECTORY\\user`), or empty for everybody."""
    members: int
    """Active people of the source behind it."""
    roles: tuple[str, ...]
    """Sorted."""
    actions: int
    """Bit mask that the rules grant."""
    rules: tuple[str, ...]
    """Names, sorted."""
    named: bool
    """A rule names the group or person; else people come under it as the site is now."""


def table(rules: Rules, stream: Stream, type_: str) -> tuple[PermissionRow, ...]:
    """What would be granted in a space of this type (`shared` or `managed`), one row for each assignee."""
    found = []
    for grant, roles in _granted(rules, stream, type_):
        name = rules.site.users[grant.name].login if grant.kind == "user" else grant.name
        found.append(
            PermissionRow(
                stream=stream.name,
                stream_id=stream.id,
                kind=grant.kind,
                assignee=name,
                members=len(grant.people),
                roles=roles,
                actions=grant.mask,
                rules=tuple(sorted(grant.masks)),
                named="named" in grant.bases,
            )
        )
    return tuple(sorted(found, key=lambda r: (r.kind, r.assignee)))


def differences(rules: Rules, stream: Stream, type_: str) -> tuple[Difference, ...]:
    """The same against the site's audit; empty when the bundle holds none of this stream."""
    audit = rules.site.bundle.access.get(stream.id)
    if audit is None:
        return ()
    held = [Holding(g.people, roles, g.masks) for g, roles in _granted(rules, stream, type_)]
    return compare(held, audit.users, rules.users.everybody)


def _granted(rules: Rules, stream: Stream, type_: str) -> list[tuple[Grant, tuple[str, ...]]]:
    readers = readers_of(rules.site)
    found = [(g, roles_for(g.mask, type_, readers)) for g in grants(rules.of_stream(stream))]
    return [(grant, roles) for grant, roles in found if roles]
