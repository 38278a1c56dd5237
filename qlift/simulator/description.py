"""What `qlift simulate` prints: how to reach everything.

Holds secrets; certificates are named by path, in PEM.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from qlift.simulator.tenant import Credentials


class HeaderAccess(TypedDict):
    """The default virtual proxy; websockets of the engine at the same address."""

    url: str
    name: str
    value: str


class CertificateFiles(TypedDict):
    ca: str
    cert: str
    key: str


class CertificateAccess(CertificateFiles):
    url: str
    engine_url: str
    """The engine has a port of its own; behind a proxy it has the proxy's address."""
    user_directory: str
    user_id: str


class JwtAccess(TypedDict):
    """Sent as `Authorization: Bearer <token>`."""

    url: str
    token: str


class TicketAccess(CertificateFiles):
    """A ticket comes from `POST <qps_url>/qps/<prefix>/ticket`, with the client certificate."""

    url: str
    qps_url: str
    prefix: str
    user_directory: str
    user_id: str


class NtlmAccess(TypedDict):
    """`user` is `DIRECTORY\\user`."""

    url: str
    user: str
    password: str


class SiteAccess(TypedDict):
    header: HeaderAccess
    prefixed_header: HeaderAccess
    """The same behind a virtual proxy with a prefix, which is part of the address."""
    certificate: CertificateAccess
    jwt: JwtAccess
    ticket: TicketAccess
    ntlm: NotRequired[NtlmAccess]
    """With pyspnego (extra `ntlm`) alone."""


class TenantAccess(Credentials):
    url: str


class Control(TypedDict):
    url: str


class Description(TypedDict):
    tenant: TenantAccess
    site: SiteAccess
    control: Control
