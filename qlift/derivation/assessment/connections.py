"""What each data connection becomes, and who uses it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from qlift.bundle.models import DataConnection
from qlift.derivation.assessment.ground import Ground
from qlift.derivation.assessment.model import ConnectionKind, ConnectionRow

Becomes = Literal["data files", "gateway", "native", "review"]


@dataclass(frozen=True)
class Fate:
    becomes: Becomes
    how: str
    basis: Literal["reference", "judgement"]


_DATABASE = Fate(
    "gateway",
    "Data Gateway - Direct Access in your network; a native connector if the cloud reaches the database",
    "judgement",
)
_CLOUD_SERVICE = Fate("native", "the connector of the same service in Qlik Cloud", "judgement")
FATES: dict[str, Fate] = {
    "folder": Fate("data files", "data files of a space, or a connection to a storage provider", "reference"),
    "odbc": _DATABASE,
    "oledb": Fate(
        "gateway", "Data Gateway - Direct Access, with an ODBC driver in place of the OLE DB one", "judgement"
    ),
    "internet": Fate("native", "a web file connection", "judgement"),
    "qvrestconnector.exe": Fate("native", "the REST connector", "judgement"),
    "qvodbcconnectorpackage.exe": _DATABASE,
    "qvwebconnectorpackage.exe": _CLOUD_SERVICE,
    "qvwebstorageproviderconnectorpackage.exe": _CLOUD_SERVICE,
    "qvsalesforceconnector.exe": _CLOUD_SERVICE,
}
"""By type in small letters.

That folders become data files or a storage provider, and that what stands behind a firewall needs the
gateway, is in Qlik's migration help ("Connecting data", "Create data connections"). That a database stands
behind one, and what the other types become, is our judgement.
"""
UNKNOWN = Fate("review", "somebody has to find out what can take its place in Qlik Cloud", "judgement")


def fate(connection: DataConnection) -> Fate:
    return FATES.get(connection.type.casefold(), UNKNOWN)


def connection_rows(ground: Ground) -> tuple[ConnectionRow, ...]:
    """Sorted: the most used first."""
    redacted = {r.id for r in ground.bundle.redactions if r.kind == "dataconnection"}
    rows = []
    for connection in ground.bundle.data_connections:
        apps = ground.users_of_connection.get(connection.id, [])
        rows.append(
            ConnectionRow(
                id=connection.id,
                name=connection.name,
                type=connection.type,
                owner=connection.owner.login if connection.owner else "",
                becomes=fate(connection).becomes,
                apps=tuple(sorted(a.name for a in apps)),
                streams=tuple(sorted({ground.stream_name(a) for a in apps if a.stream})),
                credential=connection.id in redacted or _has_login(connection),
            )
        )
    return tuple(sorted(rows, key=lambda r: (-len(r.apps), r.name, r.id)))


def _has_login(connection: DataConnection) -> bool:
    return bool((connection.model_extra or {}).get("username"))


def connection_kinds(ground: Ground) -> tuple[ConnectionKind, ...]:
    """Sorted: the most frequent type first."""
    counts = Counter(c.type for c in ground.bundle.data_connections)
    using: dict[str, set[str]] = {type_: set() for type_ in counts}
    samples = {c.type: c for c in ground.bundle.data_connections}
    for connection in ground.bundle.data_connections:
        using[connection.type] |= {a.id for a in ground.users_of_connection.get(connection.id, [])}
    rows = []
    for type_, count in counts.items():
        known = fate(samples[type_])
        rows.append(
            ConnectionKind(
                type=type_,
                becomes=known.becomes,
                how=known.how,
                basis=known.basis,
                count=count,
                apps=len(using[type_]),
            )
        )
    return tuple(sorted(rows, key=lambda r: (-r.count, r.type)))
