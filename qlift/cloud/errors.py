"""What can go wrong between qlift and a tenant.

CloudError
├── Unreachable       no connection, or no answer to a question (a GET)
├── Unauthorised      401: key or client refused
├── OverQuota         a refusal that speaks of a quota: imports of the day, spaces, sizes
├── Forbidden         403
├── NotFound          404, often "not found or no access"; 410: it was deleted
├── Conflict          409
├── Precondition      412
├── RateLimited       429 for longer than we are willing to wait
├── Refused           any other 4xx
├── Failed            5xx, or an answer that is not what the service documents
└── Ambiguous         a write whose fate is unknown: timeout, reset, 502, 503, 504, a web page, half an answer
"""

from __future__ import annotations

import re
from typing import Any

LONGEST_TEXT = 500
"""Characters of the tenant's own words in one message."""

_SECRET = re.compile(
    r"(?is)((?:bearer|basic)\s+[\w\-.~+/]{16,}=*|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|"
    r"-----BEGIN [A-Z ]*PRIVATE KEY.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)|"
    r"\b(?:password|passphrase|pwd|client[_-]secret)\s+is:?\s+(?!(?:not?|required|wrong|invalid|incorrect|missing|"
    r"expired|too|empty|the|an?)\b)[^\s\"',;}]+|"
    r"(?<=://)[^\s/@:]*:[^\s/]+(?=@)|"
    r"(?:secret|password|passwd|passphrase|pwd|(?:api|account|access)[_-]?key|(?:access|refresh|id)_token|"
    r"authorization|(?<![a-z])sig)\\?[\"']?\s*[:=]\s*\\?[\"']?(?:(?:bearer|basic)\s+)?[^\s\"',;}]+)"
)


def scrub(text: str) -> str:
    """Without what looks like a credential: in bodies, headers, addresses and other people's messages."""
    return _SECRET.sub("(secret)", text)


class CloudError(Exception):
    """`subject`: the object it is about, in people's words. `trace_id`: for the vendor's support."""

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


class OverQuota(CloudError):
    """Waiting some seconds does not help."""


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
    # An app that was deleted softly may answer so (not documented).
    410: NotFound,
    409: Conflict,
    412: Precondition,
    429: RateLimited,
}
_REMEDY: dict[int, str] = {
    401: "check qlift:apiKey, or qlift:clientId and qlift:clientSecret; it may have expired or been revoked",
    403: "the identity of the key or client may not do this; `qlift connect` shows what it may",
    404: "it does not exist, or this identity may not see it",
    413: "the tenant's quota is smaller than this file; ask for a larger one, or export the app without data",
    429: "wait, run it again, or lower the target's `share` when phases run side by side",
}
_QUOTA = re.compile(r"(?i)\bquota\b")
"""The services that have quotas publish no code for them, so their words have to do."""
_OVER_QUOTA = (
    "imports are counted by the day (300 to 10,000 by subscription): run it again tomorrow, it goes on where "
    "it stopped; for anything else free some of it in the tenant, or ask Qlik for more"
)
_TRY_AGAIN = "try again later; if it stays, give the trace id to Qlik's support"


def error_for(status: int, body: Any, *, subject: str) -> CloudError:
    """From any of the services' error shapes: a list under `errors`, one object, text, or nothing at all."""
    text, code, trace_id = describe(body)
    if status in (400, 403, 413, 422) and _QUOTA.search(text):
        return OverQuota(
            f"{text}; {_OVER_QUOTA}", subject=subject, status=status, trace_id=trace_id, code=code
        )
    remedy = _REMEDY.get(status, _TRY_AGAIN if status >= 500 else "")
    message = "; ".join(part for part in (text or f"the tenant answered {status}", remedy) if part)
    kind = _BY_STATUS.get(status, Refused if 400 <= status < 500 else Failed)
    return kind(message, subject=subject, status=status, trace_id=trace_id, code=code)


def describe(body: Any) -> tuple[str, str | None, str | None]:
    """Text, code and trace id of an error body (shapes: section 1.4 of the interface's reference)."""
    if isinstance(body, str):
        return _shortened(" ".join(body.split())), None, None
    if not isinstance(body, dict):
        return "", None, None
    listed = body.get("errors")
    errors = [e for e in listed if isinstance(e, dict)] if isinstance(listed, list) else []
    errors = errors or [body]
    texts = [text for error in errors if (text := _text(error))]
    code = next((_shortened(str(e["code"])) for e in errors if e.get("code") not in (None, "")), None)
    trace_id = body.get("traceId")
    return _shortened("; ".join(dict.fromkeys(texts))), code, _shortened(str(trace_id)) if trace_id else None


def _text(error: dict[str, Any]) -> str:
    """`title: detail`; schedules say `context`, extensions `meta.message`, others `message`."""
    meta = error.get("meta")
    spoken = [
        error.get("title") or error.get("error"),
        error.get("detail") or error.get("error_description") or error.get("message"),
        error.get("context"),
        meta.get("message") if isinstance(meta, dict) else None,
    ]
    return ": ".join(dict.fromkeys(s for s in spoken if isinstance(s, str) and s))


def _shortened(text: str) -> str:
    text = scrub(text)
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3] + "..."
