"""Everything but app files: lists in bulk, who may do what, and whether this identity saw it all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qlift.bundle import Writer
from qlift.bundle.layout import KINDS
from qlift.bundle.models import Identity, Raw, StreamAccess
from qlift.sources.qlik_sense.client import SiteClient
from qlift.sources.qlik_sense.errors import NotAllowed

Progress = Callable[[str], None]

AUDIT_ACTIONS = 8191
"""All bits of the action mask."""
AUDIT_LIMIT = 100_000
"""Rows of one answer; a full page is a truncated one."""


@dataclass(frozen=True)
class SourceCheck:
    """Who we are in the site, and what it holds."""

    product_version: str
    identity: Identity
    counts: dict[str, int]
    reasons: tuple[str, ...]
    """Why the identity does not see everything; empty when it does."""


def check_source(client: SiteClient) -> SourceCheck:
    about = client.get("about")
    counts = {kind: client.count(kind) for kind in KINDS}
    user, roles = _who(client)
    reasons = () if "RootAdmin" in roles else (_not_root(user, roles),)
    identity = Identity(user=user, roles=roles, complete=not reasons)
    return SourceCheck(str(about.get("buildVersion", "")), identity, counts, reasons)


def read_inventory(
    client: SiteClient, writer: Writer, progress: Progress
) -> tuple[dict[str, list[Raw]], list[str]]:
    """Write all kinds. Returns the raw entities, and where lists were shorter than their counts."""
    entities: dict[str, list[Raw]] = {}
    short = []
    for kind in KINDS:
        progress(f"reading {kind}")
        entities[kind] = client.full(kind)
        counted = client.count(kind)
        if len(entities[kind]) < counted:
            short.append(f"{kind}: {len(entities[kind])} of {counted} objects were visible")
        writer.entities(kind, entities[kind])
    return entities, short


def read_objects(client: SiteClient, writer: Writer, apps: list[Raw], progress: Progress) -> None:
    """App by app: a large site has up to a million objects."""
    for number, app in enumerate(sorted(apps, key=lambda a: str(a["id"])), 1):
        progress(f"reading objects of app {number} of {len(apps)}")
        writer.objects(str(app["id"]), client.full("app/object", filter=f"app.id eq {app['id']}"))
    writer.keep_objects(str(a["id"]) for a in apps)


def read_access(client: SiteClient, writer: Writer, streams: list[Raw], progress: Progress) -> list[str]:
    """The audit matrix, stream by stream: who may do what by the site's own rules, in the hub.

    Returns the streams whose answer was cut off.
    """
    found, truncated = [], []
    for number, stream in enumerate(sorted(streams, key=lambda s: str(s["id"])), 1):
        progress(f"asking who may use stream {number} of {len(streams)}")
        body = {
            "resourceType": "Stream",
            "resourceRef": {"resourceFilter": f"id eq {stream['id']}"},
            "subjectRef": {"resourceFilter": ""},
            "actions": AUDIT_ACTIONS,
            # Without it, rules that count in the QMC only would become roles in spaces.
            "environmentAttributes": "context=AppAccess;",
            "resourceProperties": ["name"],
            "subjectProperties": ["id", "name", "userId", "userDirectory"],
            "auditLimit": AUDIT_LIMIT,
            "outputObjectsPrivileges": 0,
        }
        try:
            answer = client.ask("systemrule/security/audit/matrix", body)
        except NotAllowed as error:
            truncated.append(f"nobody was asked who may use the streams: {error}")
            break
        rows: list[dict[str, Any]] = answer.get("matrix", [])
        if len(rows) >= AUDIT_LIMIT:
            truncated.append(f"stream {stream.get('name')}: the audit has more than {AUDIT_LIMIT} rows")
        users = {str(r["subjectId"]): int(r["audit"]["access"]) for r in rows if r["audit"].get("access")}
        found.append(StreamAccess(stream=str(stream["id"]), users=users))
    writer.access(found)
    return truncated


def _who(client: SiteClient) -> tuple[str, tuple[str, ...]]:
    certificate, header = client.connection.way.certificate, client.connection.way.header
    if certificate:
        directory, user_id = certificate.user_directory, certificate.user_id
    else:
        assert header is not None
        value = client.connection.identity_header()[header.name]
        directory, _, user_id = value.rpartition("\\")
    quoted = user_id.replace("'", "''")
    found = [
        u
        for u in client.full("user", filter=f"userId eq '{quoted}'")
        if not directory or str(u["userDirectory"]).casefold() == directory.casefold()
    ]
    name = f"{found[0]['userDirectory']}\\{found[0]['userId']}" if found else user_id
    roles = tuple(sorted(found[0].get("roles") or ())) if found else ()
    return name, roles


def _not_root(user: str, roles: tuple[str, ...]) -> str:
    return (
        f"{user} has the roles {', '.join(roles) or 'none'}, not RootAdmin: rules may hide objects in silence"
    )
