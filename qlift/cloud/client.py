"""HTTP to one tenant: sign-in, limits, retries of what may be repeated, paging, errors with names.

A GET is repeated after lost connections and 5xx. A write is repeated only when it was certainly not done
(429, or a connection that was never made); otherwise the caller gets `Ambiguous` and looks.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from qlift.cloud.auth import ApiKey, Credentials
from qlift.cloud.errors import (
    Ambiguous,
    CloudError,
    Failed,
    RateLimited,
    Unreachable,
    describe,
    error_for,
)
from qlift.cloud.limits import READS, UPLOADS, WRITES, Limiter
from qlift.cloud.log import RequestLog
from qlift.cloud.models import TenantInfo, User

CONNECT_SECONDS = 10.0
READ_SECONDS = 1800.0
"""An import answers when it is done; large files make a long request."""
ATTEMPTS = 5
PATIENCE_SECONDS = 900.0
"""With 429s, for one request. The window of the limits is five minutes."""
REDIRECTS = 3
TOKEN_MARGIN_SECONDS = 300.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class _Lost(Exception):
    """No answer. `sent`: the request may have reached the tenant."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        self.reason, self.sent = reason, sent
        super().__init__(reason)


class _Unsettled(Exception):
    """An answer that says nothing about the request: 502, 503, 504, or a page of a proxy."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        super().__init__(str(response.status_code))


@dataclass(frozen=True)
class Answer:
    """`data` is the JSON body, None where there is none."""

    status: int
    data: Any
    headers: httpx.Headers


class Client:
    """Thread-safe. Raises the tree of `qlift.cloud.errors` and nothing else."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        log: RequestLog | None = None,
        share: float = 1.0,
        verify: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise Unreachable("the address has to begin with https://", subject=f"tenant {url}")
        self.url = f"{parts.scheme}://{parts.netloc}"
        self.credentials = credentials
        self.now, self.sleep = now, sleep
        self._log = log or RequestLog(None)
        self._limiter = Limiter(share=share, now=now, sleep=sleep)
        self._http = httpx.Client(
            base_url=self.url,
            verify=verify if verify is not None else True,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,
            limits=httpx.Limits(max_connections=8),
        )
        self._token: tuple[str, float] | None = None
        self._lock = threading.RLock()
        self._me: User | None = None

    def close(self) -> None:
        self._http.close()

    # Questions.

    def get(self, path: str, *, subject: str, params: dict[str, Any] | None = None) -> Any:
        """The JSON of an object; redirects within the tenant are followed (users/me, tenants/me)."""
        for _ in range(REDIRECTS + 1):
            response = self._question(path, subject=subject, params=params)
            if not response.has_redirect_location:
                return self._json(response, subject)
            path, params = self.own_path(response.headers["location"], subject), None
        raise Failed("the tenant redirects in circles", subject=subject)

    def find(self, path: str, *, subject: str) -> Any | None:
        """As `get`; None for a 404."""
        try:
            return self.get(path, subject=subject)
        except CloudError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def pages(
        self, path: str, *, subject: str, params: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Every element of a list; `links.next.href` is followed as it is, within the tenant."""
        while True:
            body = self.get(path, subject=subject, params=params)
            if not isinstance(body, dict) or not isinstance(body.get("data"), list):
                raise Failed("the tenant answered something that is not a list", subject=subject)
            yield from body["data"]
            following = ((body.get("links") or {}).get("next") or {}).get("href")
            if not following:
                return
            path, params = self.own_path(following, subject), None

    def head(self, path: str, *, subject: str, headers: dict[str, str]) -> Answer:
        response = self._repeated(
            lambda: self._once("HEAD", path, subject, tier=READS, headers=headers), subject
        )
        return self._answer(response, subject)

    # Changes.

    def post(self, path: str, *, subject: str, **request: Any) -> Answer:
        return self._write("POST", path, subject, **request)

    def put(self, path: str, *, subject: str, **request: Any) -> Answer:
        return self._write("PUT", path, subject, **request)

    def patch(self, path: str, *, subject: str, **request: Any) -> Answer:
        return self._write("PATCH", path, subject, **request)

    def delete(self, path: str, *, subject: str) -> Answer:
        """Repeating a delete is harmless, so an ambiguous one is repeated; a 404 is the caller's."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._write("DELETE", path, subject)
            except Ambiguous:
                if attempt == ATTEMPTS:
                    raise
                self.sleep(min(2.0**attempt, 8.0))
        raise AssertionError("unreachable")

    # Who am I.

    def me(self) -> User:
        with self._lock:
            if self._me is None:
                self._me = User.model_validate(self.get("/api/v1/users/me", subject="own identity"))
            return self._me

    def tenant(self) -> TenantInfo:
        return TenantInfo.model_validate(self.get("/api/v1/tenants/me", subject=f"tenant {self.url}"))

    # Inside.

    def _question(self, path: str, *, subject: str, params: dict[str, Any] | None) -> httpx.Response:
        response = self._repeated(
            lambda: self._once("GET", path, subject, tier=READS, params=params), subject
        )
        if response.status_code >= httpx.codes.BAD_REQUEST:
            raise error_for(response.status_code, _body(response), subject=subject)
        return response

    def _repeated(self, ask: Callable[[], httpx.Response], subject: str) -> httpx.Response:
        retrying = Retrying(
            retry=retry_if_exception_type((_Lost, _Unsettled)),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(multiplier=0.25, max=8),
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return retrying(ask)
        except _Lost as lost:
            raise Unreachable(
                f"the tenant {self.url} cannot be reached: {lost.reason}", subject=subject
            ) from None
        except _Unsettled as unsettled:
            raise _failure(unsettled.response, subject) from None

    def _write(self, method: str, path: str, subject: str, *, tier: str = WRITES, **request: Any) -> Answer:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = self._once(method, path, subject, tier=tier, **request)
                break
            except _Lost as lost:
                if lost.sent:
                    raise Ambiguous(f"no answer: {lost.reason}", subject=subject) from None
                if attempt == ATTEMPTS:
                    text = f"the tenant {self.url} cannot be reached: {lost.reason}"
                    raise Unreachable(text, subject=subject) from None
                self.sleep(min(0.25 * 2**attempt, 8.0))
            except _Unsettled as unsettled:
                status = unsettled.response.status_code
                text = "the tenant's answer does not say whether it was done"
                raise Ambiguous(text, subject=subject, status=status) from None
        return self._answer(response, subject)

    def _answer(self, response: httpx.Response, subject: str) -> Answer:
        if response.status_code >= httpx.codes.BAD_REQUEST:
            raise error_for(response.status_code, _body(response), subject=subject)
        data = self._json(response, subject) if response.content else None
        return Answer(response.status_code, data, response.headers)

    def _once(self, method: str, path: str, subject: str, *, tier: str, **request: Any) -> httpx.Response:
        """One request, sent again after 429 and, with OAuth, once after a 401 with a new token."""
        end, renewed = self.now() + PATIENCE_SECONDS, False
        headers = request.pop("headers", None) or {}
        while True:
            self._limiter.acquire(tier)
            started = self.now()
            token = self._bearer()
            try:
                response = self._http.request(
                    method, path, headers={**headers, "Authorization": f"Bearer {token}"}, **request
                )
            except httpx.TransportError as error:
                if method != "GET":
                    self._note(method, path, subject, None, started)
                sent = not isinstance(error, NOT_SENT)
                raise _Lost(str(error) or type(error).__name__, sent=sent) from None
            if method not in ("GET", "HEAD"):
                self._note(method, path, subject, response, started)
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                pause = _retry_after(response)
                if self.now() + pause > end:
                    text, _, trace_id = describe(_body(response))
                    raise RateLimited(
                        text or "too many requests", subject=subject, status=429, trace_id=trace_id
                    )
                self._limiter.stop(tier, pause)
                continue
            if response.status_code == httpx.codes.UNAUTHORIZED and not renewed and self._forget(token):
                renewed = True
                continue
            if response.status_code in (502, 503, 504) or _is_page(response):
                raise _Unsettled(response)
            return response

    def _note(
        self, method: str, path: str, subject: str, response: httpx.Response | None, started: float
    ) -> None:
        self._log.note(
            method=method,
            path=path,
            subject=subject,
            status=response.status_code if response is not None else None,
            trace_id=describe(_body(response))[2] if response is not None else None,
            seconds=self.now() - started,
        )

    def _bearer(self) -> str:
        credentials = self.credentials
        if isinstance(credentials, ApiKey):
            return credentials.key.get_secret_value()
        with self._lock:
            if self._token is None or self._token[1] - TOKEN_MARGIN_SECONDS < self.now():
                self._token = self._fetch_token()
            return self._token[0]

    def _forget(self, token: str) -> bool:
        """True when another token may be had."""
        if isinstance(self.credentials, ApiKey):
            return False
        with self._lock:
            if self._token is not None and self._token[0] == token:
                self._token = None
        return True

    def _fetch_token(self) -> tuple[str, float]:
        credentials = self.credentials
        assert not isinstance(credentials, ApiKey)
        subject = "OAuth client"

        def ask() -> httpx.Response:
            self._limiter.acquire(WRITES)
            try:
                response = self._http.post(
                    "/oauth/token",
                    json={
                        "grant_type": "client_credentials",
                        "client_id": credentials.client_id,
                        "client_secret": credentials.client_secret.get_secret_value(),
                    },
                )
            except httpx.TransportError as error:
                raise _Lost(str(error) or type(error).__name__, sent=True) from None
            if response.status_code in (502, 503, 504) or _is_page(response):
                raise _Unsettled(response)
            return response

        response = self._repeated(ask, subject)
        if response.status_code >= httpx.codes.BAD_REQUEST:
            raise error_for(
                401 if response.status_code in (400, 401, 403) else response.status_code,
                _body(response),
                subject=subject,
            )
        body = self._json(response, subject)
        return str(body["access_token"]), self.now() + float(body.get("expires_in", 3600))

    def own_path(self, href: str, subject: str) -> str:
        """The path of a link, if it leads to this tenant: the credentials go nowhere else."""
        absolute = urljoin(self.url, href)
        parts = urlsplit(absolute)
        if f"{parts.scheme}://{parts.netloc}" != self.url:
            raise Failed(f"the tenant refers to another address ({parts.netloc})", subject=subject)
        return absolute[len(self.url) :]

    def _json(self, response: httpx.Response, subject: str) -> Any:
        try:
            return response.json()
        except ValueError:
            raise Failed("the tenant answered something that is not JSON", subject=subject) from None


def _body(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _failure(response: httpx.Response, subject: str) -> CloudError:
    if _is_page(response):
        text = "the tenant's address answered with a web page; a proxy, or a wrong address?"
        return Failed(text, subject=subject, status=response.status_code)
    return error_for(response.status_code, _body(response), subject=subject)


def _is_page(response: httpx.Response) -> bool:
    return "text/html" in response.headers.get("content-type", "")


def _retry_after(response: httpx.Response) -> float:
    try:
        return max(1.0, float(response.headers.get("retry-after", "5")))
    except ValueError:
        return 5.0


__all__ = ["UPLOADS", "Answer", "Client"]
