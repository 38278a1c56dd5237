"""HTTP to the Repository Service (QRS): identity, retries of questions, errors with names."""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from qlift.bundle.arrays import read_array
from qlift.sources.qlik_sense.connection import Connection
from qlift.sources.qlik_sense.errors import Absent, NotAllowed, SourceError, TargetUnwritable, Unreachable
from qlift.sources.qlik_sense.transport import http_client, said_by

ATTEMPTS = 5
CANCEL_SECONDS = 3.0
LONGEST_WAIT = 60.0
"""Seconds; a site that wants to be left alone for longer is one that cannot be reached."""
_IN_MEMORY = 1024 * 1024
T = TypeVar("T")


class _Passing(Exception):
    """Worth another try. `error` is what to raise when that does not help."""

    error: type[SourceError] = SourceError
    after: float | None = None
    """Seconds, if the site said so."""


class _Lost(_Passing):
    """No answer: whether the request took effect is not known."""

    error = Unreachable


class _Busy(_Passing):
    """429: the site did nothing, and wants to be left alone for a while."""


class SiteClient:
    """Used by several threads at once. Raises `SourceError` and nothing else."""

    def __init__(
        self,
        connection: Connection,
        *,
        sleep: Callable[[float], None] = time.sleep,
        env: Mapping[str, str] = os.environ,
    ) -> None:
        self.connection = connection
        self.site = connection.where()
        self.entrance = connection.enter(self.site, env)
        self.sleep = sleep
        self._url = self.site.url
        self._http = http_client(self.entrance.tls, self.site)

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **params: str) -> Any:
        return self._again(lambda: self._json("GET", path, params))

    def count(self, kind: str) -> int:
        answer = self.get(f"{kind}/count")
        if not isinstance(answer, dict) or not isinstance(answer.get("value"), int):
            raise SourceError(f"{kind}/count: the site answered something that is not a count")
        return int(answer["value"])

    def each(self, kind: str, **params: str) -> Iterator[dict[str, Any]]:
        """A full list, object by object; the answer waits in a temporary file."""
        path = f"{kind}/full"
        with self._again(lambda: self._saved(path, params)) as file:
            try:
                yield from read_array(io.TextIOWrapper(file, "utf-8"))
            except ValueError:
                raise SourceError(f"{path}: the site answered something that is not a list") from None

    def full(self, kind: str, **params: str) -> list[dict[str, Any]]:
        return list(self.each(kind, **params))

    def ask(self, path: str, body: Any) -> Any:
        """A POST that changes nothing (audit), so it may be repeated."""
        return self._again(lambda: self._json("POST", path, {}, json=body))

    def post(self, path: str, **params: str) -> Any:
        """Sent once, unless the site says that it did nothing (429)."""
        return self._again(lambda: self._json("POST", path, params), _Busy)

    def cancel(self, path: str) -> None:
        """A best effort to end what runs in the site; whether it worked is not told."""
        with suppress(SourceError, httpx.HTTPError):
            self._http.delete(
                f"{self._url}/qrs/{path}", headers=self.entrance.headers(), timeout=CANCEL_SECONDS
            )

    @contextmanager
    def download(self, path: str) -> Iterator[Iterator[bytes]]:
        """The bytes behind a `downloadPath`, which the site serves once. The path is taken as it is.

        Behind a virtual proxy it comes without the prefix (documented) or with it (a published client relies
        on that).
        """
        if not path.startswith("/"):
            # `@elsewhere/x` after an address would be another host.
            raise SourceError("the site gave a download path that is none")
        prefix = urlsplit(self._url).path
        base = self._url.removesuffix(prefix) if prefix and path.startswith(f"{prefix}/") else self._url
        address = f"{base}{path}{'&' if '?' in path else '?'}xrfkey={self.site.key}"
        try:
            response = self._opened(self._http.build_request("GET", address))
            try:
                if response.status_code != httpx.codes.OK or _is_page(response):
                    raise SourceError(f"the site answered {response.status_code} instead of the file")
                yield response.iter_bytes()
            finally:
                response.close()
        except httpx.TransportError as error:
            raise SourceError(f"the download broke off ({_reason(error)})") from None

    def _opened(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body not read yet. Gets in again once when the site forgot who we are."""
        used = self.entrance.headers()
        request.headers.update(used)
        response = self._http.send(request, stream=True)
        if not _is_refusal(response) or not self.entrance.renew(used):
            return response
        response.close()
        request.headers.update(self.entrance.headers())
        return self._http.send(request, stream=True)

    @contextmanager
    def _answered(
        self, method: str, path: str, params: Mapping[str, str], **more: Any
    ) -> Iterator[httpx.Response]:
        """A good answer. Raises `_Passing` and `SourceError`."""
        request = self._http.build_request(method, f"{self._url}/qrs/{path}", params=dict(params), **more)
        try:
            response = self._opened(request)
            try:
                if response.status_code >= 400:
                    response.read()
                self._judge(response, path)
                yield response
            finally:
                response.close()
        except httpx.TransportError as error:
            raise _Lost(
                f"the site {self._url} cannot be reached ({_reason(error)}); check the address, the port "
                "and the certificates"
            ) from None

    def _json(self, method: str, path: str, params: Mapping[str, str], **more: Any) -> Any:
        with self._answered(method, path, params, **more) as response:
            response.read()
            try:
                return response.json()
            except ValueError:
                raise SourceError(f"{path}: the site answered something that is not JSON") from None

    def _saved(self, path: str, params: Mapping[str, str]) -> IO[bytes]:
        with self._answered("GET", path, params) as response:
            try:
                file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller closes it
                for chunk in response.iter_bytes():
                    file.write(chunk)
            except OSError as error:
                where = tempfile.gettempdir()
                raise TargetUnwritable(
                    f"the temporary folder {where} cannot be written ({error.strerror or error}); "
                    "free some space or name another one in TMPDIR"
                ) from None
            file.seek(0)
            return file

    def _again(self, ask: Callable[[], T], worth: type[_Passing] = _Passing) -> T:
        retrying = Retrying(
            retry=retry_if_exception_type(worth),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return retrying(ask)
        except _Passing as problem:
            raise problem.error(str(problem)) from None

    def _judge(self, response: httpx.Response, what: str) -> None:
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
            busy = status == httpx.codes.TOO_MANY_REQUESTS
            problem = (_Busy if busy else _Passing)(f"the site {self._url} answered {status} to {what}")
            problem.after = _seconds(response.headers.get("retry-after"))
            raise problem
        if response.is_redirect or _is_page(response):
            raise SourceError(
                f"the site {self._url} sends us to a login page: it does not know the identity that was "
                "given; check the way in, and the virtual proxy's prefix in the url"
            )
        if status in (401, 403):
            raise NotAllowed(
                f"{what}: the site refuses this identity ({status}: {said_by(response)}); it needs the role "
                "RootAdmin to export everything"
            )
        if status == httpx.codes.NOT_FOUND:
            raise Absent(f"{what}: the site does not have it ({said_by(response)})")
        if status >= 400:
            raise SourceError(f"{what}: the site answered {status}: {said_by(response)}")


def _wait(state: RetryCallState) -> float:
    problem = state.outcome.exception() if state.outcome else None
    after = problem.after if isinstance(problem, _Passing) else None
    return min(after, LONGEST_WAIT) if after is not None else wait_exponential(multiplier=0.25, max=8)(state)


def _seconds(value: str | None) -> float | None:
    return float(value) if value and value.isdecimal() else None


def _is_refusal(response: httpx.Response) -> bool:
    return response.is_redirect or response.status_code == httpx.codes.UNAUTHORIZED or _is_page(response)


def _is_page(response: httpx.Response) -> bool:
    return "text/html" in response.headers.get("content-type", "")


def _reason(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
