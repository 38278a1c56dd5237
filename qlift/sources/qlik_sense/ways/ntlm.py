"""Windows authentication (NTLM) at the proxy; needs the extra `qlift[ntlm]`.

The proxy authenticates a connection, not a request: the handshake runs over one connection of its own, and
ends with the cookie of a session.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from qlift.sources.qlik_sense.errors import ConnectionSettings, SourceError
from qlift.sources.qlik_sense.transport import http_client
from qlift.sources.qlik_sense.ways.common import Entrance, Settings, Site, tls
from qlift.sources.qlik_sense.ways.session import Session

USER_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) qlift"
"""Others are sent to a form (a published client's finding)."""
_REDIRECTS = 10


class Ntlm(Settings):
    """`user_env` and `password_env` name environment variables; the user is `DOMAIN\\user`."""

    user_env: str
    password_env: str
    ca: Path | None = None

    def enter(self, site: Site, env: Mapping[str, str]) -> Entrance:
        try:
            import spnego
        except ImportError:
            raise ConnectionSettings(
                f"{site.file}: the way `ntlm` needs the extra: pip install 'qlift[ntlm]'"
            ) from None
        user = site.secret(self.user_env, env, "the user, DOMAIN\\user")
        password = site.secret(self.password_env, env, "the password")
        context = tls(site, self.ca)

        def log_in() -> httpx.Cookies:
            return _log_in(site, context, NtlmAuth(spnego, user, password))

        return Session(user, context, log_in, {"User-Agent": USER_AGENT})


@dataclass(frozen=True)
class NtlmAuth(httpx.Auth):
    """The three messages of the handshake (MS-NTHT), for a client with one connection."""

    spnego: Any
    user: str
    password: str = field(repr=False)

    requires_response_body = True

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        response = yield request
        scheme = next((s for s in _offered(response) if s in ("NTLM", "Negotiate")), None)
        if response.status_code != httpx.codes.UNAUTHORIZED or scheme is None:
            return
        context = self.spnego.client(
            self.user, self.password, hostname=request.url.host, service="HTTP", protocol="ntlm"
        )
        token = context.step()
        while token:
            request.headers["Authorization"] = f"{scheme} {base64.b64encode(token).decode()}"
            response = yield request
            if response.status_code != httpx.codes.UNAUTHORIZED or context.complete:
                break
            token = context.step(_challenge(response, scheme))
        request.headers.pop("Authorization", None)


def _offered(response: httpx.Response) -> list[str]:
    return [
        v.split()[0] for v in response.headers.get_list("www-authenticate", split_commas=True) if v.split()
    ]


def _challenge(response: httpx.Response, scheme: str) -> bytes:
    for value in response.headers.get_list("www-authenticate", split_commas=True):
        name, _, token = value.strip().partition(" ")
        if name == scheme and token:
            return base64.b64decode(token)
    raise SourceError("the site broke off the Windows authentication")


def _log_in(site: Site, context: ssl.SSLContext, auth: NtlmAuth) -> httpx.Cookies:
    url, options = f"{site.url}/qrs/about", {"limits": httpx.Limits(max_connections=1), "auth": auth}
    try:
        with http_client(context, site, **options) as client:
            client.headers["User-Agent"] = USER_AGENT
            for _ in range(_REDIRECTS):
                answer = client.get(url)
                if not answer.is_redirect:
                    break
                url = _within(site, str(answer.url.join(answer.headers["location"])))
            cookies = client.cookies
    except httpx.TransportError as error:
        raise SourceError(
            f"the site {site.url} cannot be reached ({error or type(error).__name__})"
        ) from None
    if answer.status_code != httpx.codes.OK or not cookies:
        raise SourceError(
            f"the site {site.url} did not accept the Windows user {auth.user} ({answer.status_code}); check "
            "user, password and domain, and that the virtual proxy allows Windows authentication"
        )
    return cookies


def _within(site: Site, url: str) -> str:
    """The handshake's proof is for the site alone, wherever a redirect may point."""
    if urlsplit(url)[:2] != urlsplit(site.url)[:2]:
        raise SourceError(
            f"the site {site.url} sends us elsewhere for the login: {'://'.join(urlsplit(url)[:2])}"
        )
    return url
