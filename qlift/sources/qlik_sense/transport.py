"""An HTTP client that carries the xrfkey and checks the certificate against the name that is given."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

from qlift.sources.qlik_sense.ways.common import Site

CONNECT_SECONDS, READ_SECONDS = 30.0, 1800.0
"""An export's POST blocks until the file exists."""


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
        event_hooks={"request": hooks},
        **options,
    )
