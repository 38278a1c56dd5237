"""The simulator's certificate authority, and what it signs: one server's and one client's certificate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme

from qlift.simulator.store import Store

_SETTING = "certificates"
CLIENT_NAME = "QlikClient"


@dataclass(frozen=True)
class Certificates:
    """PEM files in the state's folder, readable by their owner alone."""

    ca: Path
    server: Path
    client: Path
    client_key: Path


def certificates(store: Store) -> Certificates:
    """Made once and kept with the state, so that clients may go on trusting after a restart."""
    texts: dict[str, str] | None = store.get_setting(_SETTING)
    if texts is None:
        texts = _made()
        store.put_setting(_SETTING, texts)
    folder = store.folder / "certificates"
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, text in texts.items():
        file = folder / name
        file.touch(mode=0o600)
        file.write_text(text, encoding="ascii")
    return Certificates(
        ca=folder / "root.pem",
        server=folder / "server.pem",
        client=folder / "client.pem",
        client_key=folder / "client_key.pem",
    )


def _made() -> dict[str, str]:
    authority = trustme.CA(organization_name="qlift simulator")
    server = authority.issue_cert("localhost", "127.0.0.1", common_name="localhost")
    # The Repository Service's own client certificates carry this common name.
    client = authority.issue_cert("client.localhost", common_name=CLIENT_NAME)
    return {
        "root.pem": authority.cert_pem.bytes().decode(),
        "server.pem": server.private_key_and_cert_chain_pem.bytes().decode(),
        "client.pem": "".join(pem.bytes().decode() for pem in client.cert_chain_pems),
        "client_key.pem": client.private_key_pem.bytes().decode(),
    }
