"""HTTP to the Repository Service (QRS): xrfkey, identity, retries of questions, errors with names."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from qlift.sources.qlik_sense.connection import Connection
from qlift.sources.qlik_sense.errors import NotAllowed, SourceError

ATTEMPTS = 5
CONNECT_SECONDS, READ_SECONDS = 30.0, 1800.0
"""An export's POST blocks until the file exists."""
_ALPHABET = string.ascii_letters + string.digits
_BODY_SHOWN = 200


class _Passing(Exception):
    """A connection error, 429 or 5xx: worth another try."""


class SiteClient:
    """Raises `SourceError` and nothing else."""

    def __init__(self, connection: Connection, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.connection = connection
        self._sleep = sleep
        # Any 16 characters; the service wants the same in the query and in the header.
        self._key = "".join(secrets.choice(_ALPHABET) for _ in range(16))
        self._url = connection.url.rstrip("/")
        self._http = httpx.Client(
            verify=connection.ssl_context(),
            headers={
                **connection.identity_header(),
                "X-Qlik-Xrfkey": self._key,
                "Accept": "application/json",
            },
            timeout=httpx.Timeout(CONNECT_SECONDS, read=READ_SECONDS),
            follow_redirects=False,
        )

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **params: str) -> Any:
        return self._json(self._asked(lambda: self._send("GET", f"/qrs/{path}", params)), path)

    def count(self, kind: str) -> int:
        return int(self.get(f"{kind}/count")["value"])

    def full(self, kind: str, **params: str) -> list[dict[str, Any]]:
        listed = self.get(f"{kind}/full", **params)
        if not isinstance(listed, list):
            raise SourceError(f"{kind}: the site answered something that is not a list")
        return listed

    def ask(self, path: str, body: Any) -> Any:
        """A POST that changes nothing (audit), so it may be repeated."""
        return self._json(self._asked(lambda: self._send("POST", f"/qrs/{path}", {}, json=body)), path)

    def post(self, path: str, **params: str) -> Any:
        """Sent once."""
        try:
            response = self._send("POST", f"/qrs/{path}", params)
        except _Passing as error:
            raise SourceError(f"{path}: {error}") from None
        return self._json(response, path)

    @contextmanager
    def download(self, path: str) -> Iterator[Iterator[bytes]]:
        """The bytes behind a `downloadPath`, which the site serves once. The path is taken as it is."""
        address = f"{self._url}{path}{'&' if '?' in path else '?'}xrfkey={self._key}"
        try:
            with self._http.stream("GET", address) as response:
                if response.status_code != httpx.codes.OK or _is_page(response):
                    raise SourceError(f"the site answered {response.status_code} instead of the file")
                yield response.iter_bytes()
        except httpx.TransportError as error:
            raise SourceError(f"the download broke off ({_reason(error)})") from None

    def _asked(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        retrying = Retrying(
            retry=retry_if_exception_type(_Passing),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(multiplier=0.25, max=8),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(ask)
        except _Passing as error:
            raise SourceError(str(error)) from None

    def _send(self, method: str, path: str, params: dict[str, str], **request: Any) -> httpx.Response:
        try:
            response = self._http.request(
                method, f"{self._url}{path}", params={**params, "xrfkey": self._key}, **request
            )
        except httpx.TransportError as error:
            raise _Passing(
                f"the site {self._url} cannot be reached ({_reason(error)}); check the address, the port "
                "and the certificates"
            ) from None
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.status_code >= 500:
            raise _Passing(f"the site {self._url} answered {response.status_code} to {path}")
        return response

    def _json(self, response: httpx.Response, what: str) -> Any:
        status = response.status_code
        if response.is_redirect or _is_page(response):
            raise SourceError(
                f"the site {self._url} sends us to a login page: it does not know the identity that was "
                "given; check the header's name and value, and the virtual proxy's prefix in the url"
            )
        if status in (401, 403):
            raise NotAllowed(
                f"{what}: the site refuses this identity ({status}: {_shown(response)}); it needs the role "
                "RootAdmin to export everything"
            )
        if status >= 400:
            raise SourceError(f"{what}: the site answered {status}: {_shown(response)}")
        try:
            return response.json()
        except ValueError:
            raise SourceError(f"{what}: the site answered something that is not JSON") from None


def _is_page(response: httpx.Response) -> bool:
    return "text/html" in response.headers.get("content-type", "")


def _shown(response: httpx.Response) -> str:
    return " ".join(response.text.split())[:_BODY_SHOWN]


def _reason(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
