"""What every way in needs, and what it gives."""

from __future__ import annotations

import re
import secrets
import ssl
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from qlift.sources.qlik_sense.errors import ConnectionSettings

_ALPHABET = string.ascii_letters + string.digits
EXPORT_THEM = (
    "export them in the QMC (Certificates, platform independent PEM format: root.pem, client.pem, "
    "client_key.pem)"
)


class Settings(BaseModel):
    """Part of a connection file: an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


LOOPBACK = ("127.0.0.1", "localhost", "::1")


def address(value: str, secure: str, plain: str) -> str:
    """An address that credentials may be sent to, without a final slash: encrypted, or on this machine.

    Raises `ValueError`.
    """
    try:
        url = urlsplit(value)
        host = url.hostname
        url.port  # noqa: B018 - raises for what is no port
    except ValueError:
        raise ValueError(f"expected an address that begins with {secure}://") from None
    if url.scheme not in (secure, plain) or not host:
        raise ValueError(f"expected an address that begins with {secure}://")
    if url.username or url.password:
        raise ValueError("an address holds no user and no password; see `way`")
    if url.scheme == plain and host not in LOOPBACK:
        raise ValueError(
            f"{plain}:// would send credentials and everything that is exported in the clear; "
            f"it has to begin with {secure}://"
        )
    return value.rstrip("/")


def yaml_problem(error: Exception) -> str:
    """Line and problem, never what stands there: it may be a secret in the wrong place."""
    mark = getattr(error, "problem_mark", None)
    what = re.sub(r"'[^']{2,}'", "...", str(getattr(error, "problem", None) or "not UTF-8"))
    return f"not readable as YAML{f', line {mark.line + 1}' if mark else ''}: {what}"


def new_key() -> str:
    """Any 16 letters and digits; the service wants the same in the query and in a header."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(16))


@dataclass(frozen=True)
class Site:
    """Where the way leads, and where it is described."""

    url: str
    """With the virtual proxy's prefix, without a final slash."""
    file: Path
    """The connection file: relative paths begin beside it, messages name it."""
    server_name: str | None = None
    key: str = field(default_factory=new_key)
    """The xrfkey of all requests."""

    def beside(self, path: Path) -> Path:
        return self.file.parent / path

    def secret(self, variable: str, env: Mapping[str, str], what: str) -> str:
        """The value of an environment variable. Raises `ConnectionSettings`."""
        value = env.get(variable, "")
        if not value:
            raise ConnectionSettings(
                f"{self.file}: the environment variable {variable} is not set; it holds {what}"
            )
        return value


class Entrance(Protocol):
    """One way in, opened. Used by several threads at once."""

    @property
    def login(self) -> str:
        """Who that is, as far as the settings say: `DIRECTORY\\user`, or the user alone."""

    @property
    def tls(self) -> ssl.SSLContext:
        """Always verifies the server."""

    def headers(self) -> dict[str, str]:
        """Of a request that is sent now, xrfkey apart. May log in. Raises `SourceError`."""

    def renew(self, used: Mapping[str, str]) -> bool:
        """The site did not know us by these headers. Whether another try has other ones."""


def tls(site: Site, ca: Path | None, also: Path | None = None) -> ssl.SSLContext:
    """Trusts the root certificate that is given, else those of the machine and `also`.

    Raises `ConnectionSettings` for a file that is missing or no PEM.
    """
    context = ssl.create_default_context() if ca is None else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    own = ca or also
    if own is None:
        return context
    try:
        context.load_verify_locations(str(site.beside(own)))
    except (OSError, ssl.SSLError) as error:
        raise broken(site, error) from None
    # From Python 3.13 on, authorities without a key identifier are refused by default. The roots that sites
    # make for themselves may be such; chain, dates and host name are verified as ever.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def broken(site: Site, error: Exception) -> ConnectionSettings:
    return ConnectionSettings(
        f"{site.file}: a certificate file is missing or not PEM ({error}); {EXPORT_THEM}"
    )


@dataclass(frozen=True)
class Plain:
    """An entrance whose headers never change."""

    login: str
    tls: ssl.SSLContext
    fixed: Mapping[str, str] = field(repr=False)

    def headers(self) -> dict[str, str]:
        return dict(self.fixed)

    def renew(self, used: Mapping[str, str]) -> bool:  # noqa: ARG002
        return False
