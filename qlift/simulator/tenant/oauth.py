"""`/oauth/token` and `/oauth/revoke` (section 2.2)."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from qlift.simulator.tenant.errors import Refusal, limited
from qlift.simulator.tenant.limits import Limits
from qlift.simulator.tenant.tokens import ACCESS_TOKEN_SECONDS, new_access_token, revoke
from qlift.simulator.tenant.world import CLIENT, USER, Document, World, stamp

router = APIRouter(prefix="/oauth")

CLIENT_CREDENTIALS = "client_credentials"
IMPERSONATION = "urn:qlik:oauth:user-impersonation"


@router.post("/token")
async def token(request: Request) -> Response:
    world: World = request.app.state.world
    limits: Limits = request.app.state.limits
    body = await _body(request)
    client = _client(world, request, body)
    seconds = limits.wait(world.switches, client["userId"], "POST", "/oauth/token", world.seconds())
    if seconds is not None:
        return limited(seconds)
    grant = body.get("grant_type")
    if grant not in (CLIENT_CREDENTIALS, IMPERSONATION):
        raise Refusal(400, "Invalid grant type", detail=f"unsupported grant_type {grant!r}")
    if grant not in client["allowedGrantTypes"]:
        raise Refusal(403, "Grant type not allowed for this client")
    scopes = _scopes(client, body.get("scope"))
    user_id = client["userId"] if grant == CLIENT_CREDENTIALS else _impersonated(world, body)
    access_token, expires = new_access_token(world, user_id, scopes)
    return JSONResponse(
        {
            "access_token": access_token,
            "token_type": "bearer",
            "scope": " ".join(scopes),
            "expires_at": stamp(datetime.fromtimestamp(expires, UTC)),
            "expires_in": ACCESS_TOKEN_SECONDS,
        }
    )


@router.post("/revoke")
async def revoke_token(request: Request) -> Response:
    body = await _body(request)
    value = body.get("token")
    if not isinstance(value, str):
        raise Refusal(400, "Missing token")
    revoke(request.app.state.world, value)
    return Response(status_code=200)


async def _body(request: Request) -> Document:
    raw = await request.body()
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(raw.decode("utf-8", "replace")))
    try:
        body = json.loads(raw or b"{}")
    except ValueError as error:
        raise Refusal(400, "Invalid request body") from error
    if not isinstance(body, dict):
        raise Refusal(400, "Invalid request body")
    return body


def _client(world: World, request: Request, body: Document) -> Document:
    id_, secret = body.get("client_id"), body.get("client_secret")
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            id_, _, secret = base64.b64decode(value).decode().partition(":")
        except ValueError as error:
            raise Refusal(401, "Invalid client") from error
    client = world.store.get(CLIENT, id_) if isinstance(id_, str) else None
    if client is None or not isinstance(secret, str):
        raise Refusal(401, "Invalid client", detail="unknown client or missing secret")
    if not hmac.compare_digest(secret.encode(), client["clientSecret"].encode()):
        raise Refusal(401, "Invalid client", detail="unknown client or missing secret")
    return client


def _scopes(client: Document, asked: Any) -> list[str]:
    allowed: list[str] = client["allowedScopes"]
    if not asked:
        return allowed
    wanted = str(asked).split()
    if unknown := [scope for scope in wanted if scope not in allowed]:
        raise Refusal(400, "Invalid scope", detail=f"not allowed for this client: {' '.join(unknown)}")
    return wanted


def _impersonated(world: World, body: Document) -> str:
    lookup = body.get("user_lookup")
    if not isinstance(lookup, dict) or lookup.get("field") not in ("subject", "userId"):
        raise Refusal(400, "Invalid user_lookup")
    field = "id" if lookup["field"] == "userId" else "subject"
    for user in world.store.all(USER):
        if user[field] == lookup.get("value") and user["status"] == "active":
            return str(user["id"])
    raise Refusal(400, "Invalid user_lookup", detail="no such active user")
