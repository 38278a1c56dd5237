"""A ticket of the Proxy Service (QPS, port 4243), asked for with the client certificate.

It is good for one request of one user; the answer to that carries the cookie of a session.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from pydantic import field_validator

from qlift.sources.qlik_sense.errors import SourceError
from qlift.sources.qlik_sense.transport import http_client, said_by
from qlift.sources.qlik_sense.ways.certificate import Files
from qlift.sources.qlik_sense.ways.common import Entrance, Settings, Site, address, tls
from qlift.sources.qlik_sense.ways.session import Session


class Ticket(Settings):
    """`prefix` is the virtual proxy's; it is part of the connection's url too."""

    qps_url: str
    """Such as `https://qs.corp.example:4243`."""
    prefix: str = ""
    certificate: Files
    user_directory: str
    user_id: str
    ca: Path | None = None
    """Root certificate of the url, if it is neither the exported one nor one that the machine knows."""

    @field_validator("qps_url")
    @classmethod
    def _web(cls, value: str) -> str:
        return address(value, "https", "http")

    def enter(self, site: Site, env: Mapping[str, str]) -> Entrance:
        context = tls(site, self.ca, also=self.certificate.root)
        to_qps = self.certificate.context(site, env)

        def log_in() -> httpx.Cookies:
            return self._cookies(site, context, self._ticket(site, to_qps))

        return Session(f"{self.user_directory}\\{self.user_id}", context, log_in)

    def _ticket(self, site: Site, context: ssl.SSLContext) -> str:
        parts = [
            self.qps_url.rstrip("/"),
            "qps",
            *([self.prefix.strip("/")] if self.prefix else []),
            "ticket",
        ]
        body = {"UserDirectory": self.user_directory, "UserId": self.user_id, "Attributes": []}
        with http_client(context, site) as client:
            answer = _answered(client.post, "/".join(parts), json=body)
        try:
            ticket = answer.json()["Ticket"]
        except (ValueError, KeyError, TypeError):
            raise SourceError(
                f"{self.qps_url}: no ticket ({answer.status_code}: {said_by(answer)}); "
                "check `prefix`, user_directory and user_id"
            ) from None
        return str(ticket)

    def _cookies(self, site: Site, context: ssl.SSLContext, ticket: str) -> httpx.Cookies:
        with http_client(context, site) as client:
            answer = _answered(client.get, f"{site.url}/qrs/about", params={"qlikTicket": ticket})
        if not answer.cookies:
            raise SourceError(
                f"the site {site.url} gave no session for the ticket ({answer.status_code}); check that the "
                "url ends with the virtual proxy's prefix"
            )
        return answer.cookies


def _answered(call: Any, url: str, **request: Any) -> httpx.Response:
    try:
        answer: httpx.Response = call(url, **request)
    except httpx.TransportError as error:
        raise SourceError(
            f"{url.split('?')[0]} cannot be reached ({error or type(error).__name__})"
        ) from None
    return answer
