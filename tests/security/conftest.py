"""Authorities and servers that are not what they should be, and names that lead to this machine."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import SecretStr

from qlift.cloud.auth import ApiKey, Credentials
from qlift.cloud.client import Client

KEY = "planted-Key.of/the+tenant=1"


class Certificates:
    """`good` and `bad` are authorities; `ca` the file of the good one."""

    def __init__(self, folder: Path) -> None:
        self.good, self.bad = trustme.CA(), trustme.CA()
        self.ca, self.other_ca = folder / "ca.pem", folder / "other-ca.pem"
        self.good.cert_pem.write_to_path(str(self.ca))
        self.bad.cert_pem.write_to_path(str(self.other_ca))

    def server(self, wrong: str = "") -> ssl.SSLContext:
        """For this machine, tenant.example and qs.example. `wrong`: authority, name, date or nothing."""
        names = ["elsewhere.test"] if wrong == "name" else ["127.0.0.1", "tenant.example", "qs.example"]
        authority = self.bad if wrong == "authority" else self.good
        end = datetime.now(UTC) - timedelta(days=1) if wrong == "date" else None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names, not_after=end).configure_cert(context)
        return context

    def write_client(self, folder: Path) -> None:
        """As the QMC exports certificates."""
        folder.mkdir()
        client = self.good.issue_cert("client.example")
        self.good.cert_pem.write_to_path(str(folder / "root.pem"))
        client.cert_chain_pems[0].write_to_path(str(folder / "client.pem"))
        client.private_key_pem.write_to_path(str(folder / "client_key.pem"))

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def names_lead_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends with `.example` is this machine: what holds for loopback alone would hide the rest."""
    real = socket.getaddrinfo

    def resolved(host: Any, *args: Any, **more: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith(".example") else host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


Connect = Callable[..., Client]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Clients that never really wait."""
    made: list[Client] = []

    def to(url: str, credentials: Credentials | None = None, **more: Any) -> Client:
        client = Client(url, credentials or ApiKey(SecretStr(KEY)), sleep=lambda _: None, **more)
        made.append(client)
        return client

    yield to
    for client in made:
        client.close()
