"""An HTTP client that carries the xrfkey and checks the certificate against the name that is given."""

from __future__ import annotations

import base64
import json
import ssl
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

import httpx

from qlift.bundle.redact import REDACTED, redact_text
from qlift.sources.qlik_sense.ways.common import LOOPBACK, Site

CONNECT_SECONDS, READ_SECONDS = 30.0, 1800.0
"""An export's POST blocks until the file exists."""
_SAID = 200
_SECRET_HEADERS = ("authorization", "cookie")


def http_client(context: ssl.SSLContext, site: Site, **options: Any) -> httpx.Client:
    """Redirects are not followed: they lead to login pages."""

    def name_server(request: httpx.Request) -> None:
        # Many sites' certificates name the short host name only (RFC 6066: the name is sent, and verified).
        request.extensions = {**request.extensions, "sni_hostname": site.server_name}

    def carry_key(request: httpx.Request) -> None:
        if "xrfkey" not in request.url.params:
            request.url = request.url.copy_merge_params({"xrfkey": site.key})

    hooks = [carry_key, name_server] if site.server_name else [carry_key]
    return httpx.Client(
        verify=context,
        headers={"X-Qlik-Xrfkey": site.key, "Accept": "application/json"},
        timeout=httpx.Timeout(CONNECT_SECONDS, read=READ_SECONDS),
        follow_redirects=False,
        # A proxy of the environment has no business between two ends of one machine.
        trust_env=urlsplit(site.url).hostname not in LOOPBACK,
        event_hooks={"request": hooks},
        **options,
    )


def said_by(response: httpx.Response) -> str:
    """The beginning of an answer's text, for a message: without credentials, those we sent among them."""
    text = response.text
    for name in _SECRET_HEADERS:
        sent = response.request.headers.get(name, "")
        for secret in {sent, *sent.split(), *(p.partition("=")[2] for p in sent.split("; "))}:
            # Words such as `Bearer` are none.
            if len(secret) > 8:
                for form in _forms(secret):
                    text = text.replace(form, REDACTED)
    return redact_text(" ".join(text.split()))[:_SAID]


def _forms(secret: str) -> set[str]:
    plain = secret.encode()
    encoded = {base64.b64encode(plain).decode(), base64.urlsafe_b64encode(plain).decode()}
    return {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]} | encoded
