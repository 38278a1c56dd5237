"""HTTP to one tenant: sign-in, limits, retries of what may be repeated, paging, errors with names.

A GET is repeated after lost connections and 5xx. A write is repeated only when it was certainly not done
(429, or a connection that was never made); otherwise the caller gets `Ambiguous` and looks.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypedDict
from urllib.parse import urljoin, urlsplit

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential
from typing_extensions import Unpack

from qlift.cloud.auth import ApiKey, Credentials
from qlift.cloud.errors import (
    Ambiguous,
    CloudError,
    Failed,
    NotFound,
    Unreachable,
    describe,
    error_for,
    scrub,
)
from qlift.cloud.limits import READS, UPLOADS, WRITES, Limiter, RateLimits, Waiting
from qlift.cloud.log import RequestLog
from qlift.cloud.models import TenantInfo, User, parsed
from qlift.cloud.recovery import http_time, tenant_time
from qlift.cloud.secrets import without

CONNECT_SECONDS = 10.0
READ_SECONDS = 120.0
"""For the answer to a question."""
WRITE_SECONDS = 1800.0
"""An import answers when it is done; large files make a long request."""
IDLE_SECONDS = 4.0
"""A kept connection is not used after so long: servers close theirs (uvicorn after 5 s), and a write that
meets the closing is an ambiguous one."""
ATTEMPTS = 6
DOWN_SECONDS = 60.0
"""A tenant that could not be reached in all attempts is not tried again for so long: a stack of a thousand
objects would wait for each of them in vain."""
PATIENCE_SECONDS = 900.0
"""With 429s, for one request: refused again after so long, it is given up. The window of the limits is five
minutes; a single wait that the tenant asks for may be of any length."""
REDIRECTS = 3
TOKEN_MARGIN_SECONDS = 300.0
TOKENS_REMEMBERED = 8
PIECE = 256 * 1024
"""Bytes."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
GATEWAY = (502, 503, 504)
ASKING = ("GET", "HEAD")


class _Lost(Exception):
    """No answer. `sent`: the request may have reached the tenant. `final`: not even tried again."""

    def __init__(self, reason: str, *, sent: bool, final: bool = False) -> None:
        self.reason, self.sent, self.final = reason, sent, final
        super().__init__(reason)


class _Unsettled(Exception):
    """An answer that says nothing about the request: 502, 503, 504, or a page of a proxy."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        super().__init__(str(response.status_code))


class _InPieces:
    """Content that costs no more memory than itself, and that only while it is sent.

    The transport copies, at each step, all that it has not sent yet of what it was given at once; and an
    httpx response is part of a reference cycle that keeps its request until the next garbage collection.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._content), PIECE):
            yield self._content[start : start + PIECE]

    def let_go(self) -> None:
        self._content = b""


class Parts(TypedDict, total=False):
    """Of a request that changes something. `tier`: one of `qlift.cloud.limits`, default writes."""

    json: Any
    params: dict[str, Any] | None
    content: bytes
    headers: dict[str, str]
    tier: str


@dataclass(frozen=True)
class Answer:
    """`data` is the JSON body, None where there is none."""

    status: int
    data: Any
    headers: httpx.Headers


def origin_of(url: str) -> str:
    """Scheme, host and port of a tenant's address, as requests and links spell them.

    Raises:
        ValueError: not an address that credentials may be sent to.
    """
    text = f"{scrub(url)!r} is not a tenant's address"
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{text}; write it as https://<tenant>.<region>.qlikcloud.com") from None
    if parts.username or parts.password:
        raise ValueError("the address of a tenant must not hold a user or password")
    if not host or parts.scheme not in ("https", "http"):
        raise ValueError(f"{text}; write it as https://<tenant>.<region>.qlikcloud.com")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise ValueError(f"{text}: http would send the key in the clear; it has to begin with https://")
    name = f"[{host}]" if ":" in host else host
    usual = port is None or port == {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{name}" + ("" if usual else f":{port}")


class Client:
    """Thread-safe. Raises the tree of `qlift.cloud.errors` and nothing else.

    `now` and `sleep` are in seconds; `share` of the tenant's `limits` (0 to 1); `verify` where the tenant's
    certificate comes from another authority than the usual ones. `params` that are None are left out.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        log: RequestLog | None = None,
        share: float = 1.0,
        limits: RateLimits | None = None,
        waiting: Waiting | None = None,
        verify: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        try:
            self.url = origin_of(url)
        except ValueError as error:
            raise Unreachable(f"{error}; correct `url` of the target", subject="tenant") from None
        self.credentials = credentials
        self.now, self.sleep = now, sleep
        self.log = log or RequestLog(None)
        self._limiter = Limiter(share=share, now=now, sleep=sleep, limits=limits, waiting=waiting)
        try:
            self._http = httpx.Client(
                base_url=self.url,
                verify=verify if verify is not None else True,
                follow_redirects=False,
                limits=httpx.Limits(max_connections=8, keepalive_expiry=IDLE_SECONDS),
                # A proxy of the environment has no business between two ends of one machine.
                trust_env=urlsplit(self.url).hostname not in LOOPBACK,
            )
        except OSError as error:
            raise Unreachable(
                "the authorities that SSL_CERT_FILE or SSL_CERT_DIR name cannot be read "
                f"({error.strerror or error}); correct the variable, or name the file in the target's `ca`",
                subject="tenant",
            ) from None
        self._token: tuple[str, float] | None = None
        """And when to fetch the next one."""
        self._issued: deque[str] = deque(maxlen=TOKENS_REMEMBERED)
        """Answers to requests that were on their way when another came may still repeat an earlier one."""
        self._scopes: frozenset[str] | None = None
        self._lock = threading.RLock()
        self._me: User | None = None
        self._down: tuple[float, str] | None = None
        """Until when the tenant is not tried again, and why."""

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
        raise Failed("the tenant redirects in circles; is its address right?", subject=subject)

    def find(self, path: str, *, subject: str, params: dict[str, Any] | None = None) -> Any | None:
        """As `get`; None for a 404 (or 410). A 403 is raised: out of reach is not gone."""
        try:
            return self.get(path, subject=subject, params=params)
        except NotFound:
            return None

    def pages(
        self, path: str, *, subject: str, params: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Every element of a list; `links.next.href` is followed as it is, within the tenant."""
        followed: set[str] = set()
        while True:
            body = self.get(path, subject=subject, params=params)
            following = _next_page(body, subject)
            yield from body["data"]
            if not following:
                return
            if following in followed:
                raise Failed("the tenant's list refers to a page twice", subject=subject)
            followed.add(following)
            path, params = self.own_path(following, subject), None

    def head(self, path: str, *, subject: str, headers: dict[str, str]) -> Answer:
        response = self._repeated(
            lambda: self._once("HEAD", path, subject, {"tier": READS, "headers": headers}), subject
        )
        return self._answer(response, subject)

    # Changes.

    def post(self, path: str, *, subject: str, **parts: Unpack[Parts]) -> Answer:
        return self._write("POST", path, subject, parts)

    def put(self, path: str, *, subject: str, **parts: Unpack[Parts]) -> Answer:
        return self._write("PUT", path, subject, parts)

    def patch(self, path: str, *, subject: str, **parts: Unpack[Parts]) -> Answer:
        return self._write("PATCH", path, subject, parts)

    def delete(self, path: str, *, subject: str) -> Answer:
        """Repeating a delete is harmless, so an ambiguous one is repeated; a 404 is the caller's."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._write("DELETE", path, subject, {})
            except Ambiguous:
                if attempt == ATTEMPTS:
                    raise
                self.sleep(_pause(attempt))
        raise AssertionError("unreachable")

    # Who am I.

    def me(self) -> User:
        with self._lock:
            if self._me is None:
                subject = "own identity"
                self._me = parsed(User, self.get("/api/v1/users/me", subject=subject), subject)
            return self._me

    def tenant(self) -> TenantInfo:
        subject = f"tenant {self.url}"
        return parsed(TenantInfo, self.get("/api/v1/tenants/me", subject=subject), subject)

    def own_path(self, href: str, subject: str) -> str:
        """The path of a link, if it leads to this tenant: the credentials go nowhere else."""
        absolute = urljoin(f"{self.url}/", href)
        try:
            origin = origin_of(absolute)
        except ValueError:
            origin = None
        if origin != self.url:
            elsewhere = urlsplit(absolute).netloc.rpartition("@")[2]
            raise Failed(
                f"the tenant {self.url} refers to another address ({elsewhere}), to which no credentials are "
                "sent; if that is the tenant's own, write it into `url` of the target",
                subject=subject,
            )
        parts = urlsplit(absolute)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def may(self, scope: str) -> bool:
        """Whether the token was given this scope; a tenant that does not tell is believed to allow it."""
        self._bearer()
        return self._scopes is None or scope in self._scopes

    # Inside.

    def _question(self, path: str, *, subject: str, params: dict[str, Any] | None) -> httpx.Response:
        response = self._repeated(
            lambda: self._once("GET", path, subject, {"tier": READS, "params": params}), subject
        )
        if response.status_code >= httpx.codes.BAD_REQUEST:
            raise self._error(response, subject)
        return response

    def _repeated(self, ask: Callable[[], httpx.Response], subject: str) -> httpx.Response:
        """Of something that may be asked as often as one likes."""

        def settled() -> httpx.Response:
            response = ask()
            if response.is_server_error or (_is_page(response) and not response.is_client_error):
                raise _Unsettled(response)
            return response

        retrying = Retrying(
            retry=retry_if_exception(_may_go_better),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(multiplier=0.25, max=8),
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return retrying(settled)
        except _Lost as lost:
            raise self._unreachable(lost, subject) from None
        except _Unsettled as unsettled:
            raise self._error(unsettled.response, subject) from None

    def _write(self, method: str, path: str, subject: str, parts: Parts) -> Answer:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = self._once(method, path, subject, parts)
                return self._answer(response, subject)
            except _Lost as lost:
                if lost.sent:
                    raise Ambiguous(
                        f"no answer to a change, so it may be done or not ({lost.reason}); run it again",
                        subject=subject,
                    ) from None
                if lost.final or attempt == ATTEMPTS:
                    raise self._unreachable(lost, subject) from None
                self.sleep(_pause(attempt))
            except _Unsettled as unsettled:
                raise self._ambiguous(unsettled.response, subject) from None
        raise AssertionError("unreachable")

    def _answer(self, response: httpx.Response, subject: str) -> Answer:
        if response.status_code >= httpx.codes.BAD_REQUEST:
            raise self._error(response, subject)
        if response.is_redirect:
            where = scrub(self._clean(response.headers.get("location", "nowhere")))
            raise Failed(
                f"a change was redirected to {where}; write the tenant's own address into the target's `url`",
                subject=subject,
                status=response.status_code,
            )
        try:
            data = response.json() if response.content else None
        except ValueError:
            raise self._ambiguous(response, subject) from None
        return Answer(response.status_code, data, response.headers)

    def _once(self, method: str, path: str, subject: str, parts: Parts) -> httpx.Response:
        """One request, sent again after 429 and, with OAuth, once after a 401 with a new token."""
        renewed = False
        asks = method in ASKING
        while True:
            token = self._bearer()
            started = self.now()
            try:
                send = partial(self._send, method, path, token, parts)
                response = self._admitted(parts.get("tier", WRITES), subject, send)
            except _Lost:
                if not asks:
                    self._note(method, path, subject, None, started)
                raise
            if not asks:
                self._note(method, path, subject, response, started)
            if response.status_code == httpx.codes.UNAUTHORIZED and not renewed and self._forget(token):
                renewed = True
                continue
            if asks and response.is_client_error and _is_page(response):
                raise self._error(response, subject)
            if response.status_code in GATEWAY or _is_page(response):
                raise _Unsettled(response)
            return response

    def _send(self, method: str, path: str, token: str, parts: Parts) -> httpx.Response:
        headers = {**parts.get("headers", {}), "Authorization": f"Bearer {token}"}
        content = parts.get("content")
        pieces = None if content is None else _InPieces(content)
        if content is not None:
            headers["Content-Length"] = str(len(content))
        seconds = READ_SECONDS if method in ASKING else WRITE_SECONDS
        try:
            return self._http.request(
                method,
                path,
                json=parts.get("json"),
                params=_given(parts.get("params")),
                content=pieces,
                headers=headers,
                timeout=httpx.Timeout(seconds, connect=CONNECT_SECONDS),
            )
        finally:
            if pieces is not None:
                pieces.let_go()

    def _admitted(self, tier: str, subject: str, send: Callable[[], httpx.Response]) -> httpx.Response:
        """Within the limits; again after each 429, which says that nothing was done."""
        end = self.now() + PATIENCE_SECONDS
        while True:
            down = self._down
            if down is not None and self.now() < down[0]:
                raise _Lost(down[1], sent=False, final=True)
            try:
                with self._limiter.request(tier):
                    response = send()
            except httpx.RequestError as error:
                reason = scrub(self._clean(str(error))) or type(error).__name__
                raise _Lost(reason, sent=not isinstance(error, NOT_SENT)) from None
            if response.status_code != httpx.codes.TOO_MANY_REQUESTS:
                return response
            self._limiter.stop(tier, _retry_after(response))
            if self.now() > end:
                raise self._error(response, subject)

    def _note(
        self, method: str, path: str, subject: str, response: httpx.Response | None, started: float
    ) -> None:
        body = self._body(response) if response is not None else None
        self.log.note(
            method=method,
            path=path,
            subject=subject,
            status=response.status_code if response is not None else None,
            trace_id=describe(body)[2],
            seconds=self.now() - started,
            made=_id_in(body) if method == "POST" else "",
        )

    # Sign-in.

    def _bearer(self) -> str:
        credentials = self.credentials
        if isinstance(credentials, ApiKey):
            return credentials.key.get_secret_value()
        with self._lock:
            if self._token is None or self._token[1] <= self.now():
                self._token = self._fetch_token()
                self._issued.append(self._token[0])
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
        """Without `scope`: everything that the client is allowed."""
        credentials = self.credentials
        assert not isinstance(credentials, ApiKey)
        subject = f"OAuth client {credentials.client_id}"
        form = {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret.get_secret_value(),
        }

        def send() -> httpx.Response:
            timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
            return self._http.post("/oauth/token", json=form, timeout=timeout)

        response = self._repeated(lambda: self._admitted(WRITES, subject, send), subject)
        if response.status_code in (400, 401, 403):
            raise error_for(401, self._body(response), subject=subject)
        if response.status_code >= httpx.codes.BAD_REQUEST:
            raise self._error(response, subject)
        body = self._json(response, subject)
        try:
            token, seconds = str(body["access_token"]), float(body.get("expires_in") or 3600)
            self._scopes = frozenset(str(body["scope"]).split()) if body.get("scope") else None
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Failed("the tenant's answer holds no token", subject=subject) from None
        return token, self.now() + max(seconds - TOKEN_MARGIN_SECONDS, seconds / 2)

    # Answers.

    def _error(self, response: httpx.Response, subject: str) -> CloudError:
        if _is_page(response):
            return Failed(
                f"{self.url} answered with a web page; is the address right, is a proxy in between?",
                subject=subject,
                status=response.status_code,
            )
        return error_for(response.status_code, self._body(response), subject=subject)

    def _ambiguous(self, response: httpx.Response, subject: str) -> Ambiguous:
        text, code, trace_id = (
            ("a web page", None, None) if _is_page(response) else describe(self._body(response))
        )
        return Ambiguous(
            "the answer does not say whether the change was done"
            + (f" ({text})" if text else "")
            + "; run it again",
            subject=subject,
            status=response.status_code,
            code=code,
            trace_id=trace_id,
        )

    def _unreachable(self, lost: _Lost, subject: str) -> Unreachable:
        if not lost.sent and not lost.final:
            self._down = self.now() + DOWN_SECONDS, lost.reason
        remedy = "check `url` of the target, the network and the proxy"
        if "CERTIFICATE_VERIFY_FAILED" in lost.reason:
            remedy = (
                "its certificate is of no authority that is known here; name the authority's file in `ca`"
            )
        return Unreachable(
            f"the tenant {self.url} cannot be reached: {lost.reason}; {remedy}", subject=subject
        )

    def _json(self, response: httpx.Response, subject: str) -> Any:
        try:
            return response.json()
        except ValueError:
            raise Failed(
                "the tenant answered something that is not JSON; is its address right?",
                subject=subject,
                status=response.status_code,
            ) from None

    def _body(self, response: httpx.Response) -> Any:
        """JSON if it is, text otherwise, None when empty; without this client's own secrets."""
        try:
            # Read first: JSON may spell a secret in other letters.
            return without(json.loads(response.text), self._secrets())
        except (ValueError, RecursionError):
            return None if _is_page(response) else self._clean(response.text) or None

    def _clean(self, text: str) -> str:
        """What looks like a secret is scrubbed where the text is used; here, what certainly is one."""
        return str(without(text, self._secrets()))

    def _secrets(self) -> list[str]:
        credentials = self.credentials
        if isinstance(credentials, ApiKey):
            return [credentials.key.get_secret_value()]
        return [credentials.client_secret.get_secret_value(), *self._issued]


def _id_in(body: Any) -> str:
    """Of what an answer describes; apps have it among their attributes."""
    if not isinstance(body, dict):
        return ""
    attributes = body.get("attributes")
    id_ = attributes.get("id") if isinstance(attributes, dict) else body.get("id")
    return id_ if isinstance(id_, str) else ""


def _next_page(body: Any, subject: str) -> str | None:
    """Absent, null, or an object whose `href` is null on the last page."""
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        raise Failed("the tenant answered something that is not a list", subject=subject)
    links = body.get("links")
    following = links.get("next") if isinstance(links, dict) else None
    href = following.get("href") if isinstance(following, dict) else None
    return str(href) if href else None


def _given(params: dict[str, Any] | None) -> dict[str, Any] | None:
    """None rather than nothing: with an empty set httpx would drop the query of a link."""
    return {k: v for k, v in (params or {}).items() if v is not None} or None


def _may_go_better(error: BaseException) -> bool:
    return isinstance(error, _Unsettled) or (isinstance(error, _Lost) and not error.final)


def _pause(attempt: int) -> float:
    return float(min(0.25 * 2**attempt, 8.0))


def _is_page(response: httpx.Response) -> bool:
    """Redirects may carry a line of HTML and mean what they say."""
    return "text/html" in response.headers.get("content-type", "") and not response.is_redirect


def _retry_after(response: httpx.Response) -> float:
    """Whole seconds by the documentation, and a date by HTTP's; 5 where there is neither."""
    said = response.headers.get("retry-after", "")
    with suppress(ValueError):
        return max(1.0, float(said))
    until, answered = http_time(said), tenant_time(response.headers)
    return max(1.0, (until - answered).total_seconds()) if until and answered else 5.0


__all__ = ["UPLOADS", "Answer", "Client", "Parts", "origin_of"]
