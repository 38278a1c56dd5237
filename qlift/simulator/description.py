"""What `qlift simulate` prints: how to reach everything.

Holds secrets; certificates are named by path, in PEM.
"""

from __future__ import annotations

from typing import TypedDict

from qlift.simulator.tenant import Credentials


class HeaderAccess(TypedDict):
    """The default virtual proxy; websockets of the engine at the same address."""

    url: str
    name: str
    value: str


class CertificateAccess(TypedDict):
    url: str
    engine_url: str
    """The engine has a port of its own; behind a proxy it has the proxy's address."""
    ca: str
    cert: str
    key: str
    user_directory: str
    user_id: str


class SiteAccess(TypedDict):
    header: HeaderAccess
    certificate: CertificateAccess


class TenantAccess(Credentials):
    url: str


class Control(TypedDict):
    url: str


class Description(TypedDict):
    tenant: TenantAccess
    site: SiteAccess
    control: Control
