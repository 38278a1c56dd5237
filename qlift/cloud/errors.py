"""What can go wrong between qlift and a tenant.

CloudError
├── Unreachable       no connection, or no answer to a question (a GET)
├── Unauthorised      401: key or client refused
├── Forbidden         403
├── NotFound          404; often "not found or no access"
├── Conflict          409
├── Precondition      412
├── RateLimited       429 for longer than we are willing to wait
├── Refused           any other 4xx
├── Failed            5xx, or an answer that is not what the service documents
└── Ambiguous         a write whose fate is unknown: timeout, reset, 502, 503, 504, an HTML page
"""

from __future__ import annotations

import re
from typing import Any

_SECRET = re.compile(
    r"(?i)(bearer\s+[\w\-.~+/]+=*|eyJ[\w-]{8,}\.[\w-]+\.[\w-]+|"
    r"(?:client_secret|password|pwd|api[_-]?key|access_token|token)[\"']?\s*[:=]\s*[\"']?[^\s\"',;}]+)"
)


def scrub(text: str) -> str:
    """Without what looks like a credential."""
    return _SECRET.sub("(secret)", text)


class CloudError(Exception):
    """`subject` is the object it is about, in people's words; `trace_id` is what the vendor's support asks for."""

    def __init__(
        self,
        message: str,
        *,
        subject: str,
        status: int | None = None,
        trace_id: str | None = None,
        code: str | None = None,
    ) -> None:
        self.message, self.subject, self.status = message, subject, status
        self.trace_id, self.code = trace_id, code
        super().__init__(str(self))

    def __str__(self) -> str:
        details = [
            f"HTTP {self.status}" if self.status else "",
            self.code or "",
            f"trace {self.trace_id}" if self.trace_id else "",
        ]
        tail = ", ".join(d for d in details if d)
        return f"{self.subject}: {self.message}" + (f" ({tail})" if tail else "")


class Unreachable(CloudError):
    pass


class Unauthorised(CloudError):
    pass


class Forbidden(CloudError):
    pass


class NotFound(CloudError):
    pass


class Conflict(CloudError):
    pass


class Precondition(CloudError):
    pass


class RateLimited(CloudError):
    pass


class Refused(CloudError):
    pass


class Failed(CloudError):
    pass


class Ambiguous(CloudError):
    pass


_BY_STATUS: dict[int, type[CloudError]] = {
    401: Unauthorised,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: Precondition,
    429: RateLimited,
}
_REMEDY: dict[int, str] = {
    401: "the tenant refuses the key or client; check qlift:apiKey, or qlift:clientId and qlift:clientSecret",
    403: "the identity of the key or client may not do this; `qlift connect` shows what it may",
}


def error_for(status: int, body: Any, *, subject: str) -> CloudError:
    """From any of the services' error shapes: a list under `errors`, or one object, or no JSON at all."""
    text, code, trace_id = describe(body)
    remedy = _REMEDY.get(status)
    message = "; ".join(part for part in (text or f"the tenant answered {status}", remedy) if part)
    kind = _BY_STATUS.get(status, Refused if 400 <= status < 500 else Failed)
    return kind(message, subject=subject, status=status, trace_id=trace_id, code=code)


def describe(body: Any) -> tuple[str, str | None, str | None]:
    """Text, code and trace id of an error body."""
    if not isinstance(body, dict):
        return "", None, None
    listed = body.get("errors")
    errors = [e for e in listed if isinstance(e, dict)] if isinstance(listed, list) else [body]
    texts, code = [], None
    for error in errors:
        title, detail = str(error.get("title") or ""), str(error.get("detail") or "")
        text = f"{title}: {detail}" if title and detail and detail != title else title or detail
        if text:
            texts.append(scrub(text))
        code = code or (str(error["code"]) if error.get("code") is not None else None)
    trace_id = body.get("traceId")
    return "; ".join(texts), code, str(trace_id) if trace_id else None
