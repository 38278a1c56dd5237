"""Refusals, each in the shape of the service that refuses (section 1.4 of the reference).

The published types disagree from service to service; a client that only knows one shape fails here as it
would fail there.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

_SERVICES = (
    ("/api/v1/spaces", "spaces"),
    ("/api/v1/users", "users"),
    ("/api/v1/groups", "groups"),
    ("/api/v1/roles", "roles"),
    ("/api/v1/tenants", "tenants"),
    ("/api/v1/items", "items"),
    ("/api/v1/apps", "apps"),
    ("/api/analytics/apps", "apps"),
    ("/api/v1/temp-contents", "temp-contents"),
    ("/api/v1/quotas", "quotas"),
    ("/api/scheduling/tasks", "scheduling"),
    ("/oauth", "oauth"),
)
_CODES = {
    "spaces": "SPACES",
    "users": "USERS",
    "groups": "GROUPS",
    "roles": "IDENTITIES",
    "tenants": "TENANTS",
    "items": "ITEMS",
    "apps": "APPS",
    "temp-contents": "TEMPCONTENTS",
    "quotas": "QUOTAS",
    "oauth": "OAUTH",
}
_KNOWN_CODES = {
    ("users", 404): "USERS-7",
    ("groups", 404): "GROUPS-7",
    ("roles", 404): "IDENTITIES-10402",
    ("tenants", 404): "TENANTS-8",
    ("scheduling", 400): "CHO-001",
    ("scheduling", 403): "CHO-003",
}


class Refusal(Exception):
    """What the service does not do. `code` None: the service's usual one for this status."""

    def __init__(
        self,
        status: int,
        title: str,
        *,
        code: str | None = None,
        detail: str | None = None,
        pointer: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.code = code
        self.detail = detail
        self.pointer = pointer
        self.headers = headers


def service_of(path: str) -> str:
    """The service that answers this path; `gateway` when none does."""
    return next(
        (name for start, name in _SERVICES if path == start or path.startswith(start + "/")), "gateway"
    )


def answer(request: Request, refusal: Refusal, *, app_body: str, now: datetime) -> Response:
    """`app_body` is the switch `app_error_body`: the apps service publishes no schema."""
    service = service_of(request.url.path)
    if service == "apps" and refusal.status != 401 and app_body != "errors":
        if app_body == "empty":
            return Response(status_code=refusal.status, headers=refusal.headers)
        return PlainTextResponse(refusal.title, refusal.status, refusal.headers)
    return JSONResponse(_body(service, refusal, now), refusal.status, refusal.headers)


def unauthorised() -> JSONResponse:
    error = {"code": "HTTP-401", "title": "Unauthorized", "detail": "Invalid or missing credentials"}
    return JSONResponse({"errors": [error], "traceId": _trace()}, 401)


def limited(seconds: int) -> JSONResponse:
    """The limiter's answer, the same for every service."""
    error = {
        "code": "HTTP-429",
        "title": "API rate limit reached.",
        "detail": f"You need to wait {seconds} seconds until limit is lifted.",
    }
    return JSONResponse({"errors": [error]}, 429, {"Retry-After": str(seconds)})


def _trace() -> str:
    return secrets.token_hex(16)


def _body(service: str, refusal: Refusal, now: datetime) -> dict[str, Any]:
    code = refusal.code or _KNOWN_CODES.get((service, refusal.status))
    if code is None:
        code = f"{_CODES.get(service, 'HTTP')}-{refusal.status}"
    error: dict[str, Any] = {"code": code, "title": refusal.title}
    if service == "scheduling":
        stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        error |= {"context": refusal.detail or "", "timestamp": stamp}
        return {"errors": [error], "traceId": _trace()}
    if refusal.detail is not None:
        error["detail"] = refusal.detail
    source = {"pointer": refusal.pointer} if refusal.pointer else {}
    if service == "spaces":
        place = {"source": source} if source else {}
        old = {"code": code, "title": refusal.title, "detail": refusal.detail or ""}
        return {**old, "errors": [error | {"meta": place}], "traceId": _trace()}
    if service in ("users", "groups"):
        more = {"source": source} if source else {}
        return {"errors": [error | {"status": refusal.status} | more], "traceId": _trace()}
    if service == "tenants":
        return {"errors": [error | {"status": str(refusal.status)}], "traceId": _trace()}
    if service == "items":
        meta: dict[str, Any] = {
            "explain": None,
            "fault": refusal.status >= 500,
            "temporary": False,
            "timeout": False,
        }
        return {"errors": [error | {"meta": meta}]}
    if service == "temp-contents":
        meta = {"errorType": "Error", "locale": "en-US", "sourceErrors": []}
        return {"errors": [error | {"meta": meta}], "traceId": _trace()}
    if service == "oauth":
        return {"errors": [error | {"meta": {}, "status": refusal.status}]}
    return {"errors": [error], "traceId": _trace()}
