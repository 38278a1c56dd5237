"""API keys and access tokens: signed, as the real ones are, and opaque to every client."""

from __future__ import annotations

import functools
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from qlift.simulator.tenant.world import API_KEY, REVOKED, Caller, World

ACCESS_TOKEN_SECONDS = 21_600
API_KEY_SECONDS = 365 * 24 * 3600
_SETTING = "tenant/signing_key"
_AUDIENCE = "qlik.api"
_ALGORITHM = "ES384"


def new_api_key(world: World, user_id: str) -> str:
    """A key of this user. It is shown now and never again by the tenant."""
    id_ = world.new_id("apikey")
    expires = int(world.seconds()) + API_KEY_SECONDS
    world.store.put(API_KEY, id_, {"id": id_, "sub": user_id, "status": "active"})
    claims = {"subType": "user", "tenantId": world.tenant_id, "jti": id_, "aud": _AUDIENCE}
    claims |= {"iss": "qlik.api/api-keys", "sub": user_id}
    return _sign(world, {**claims, "exp": expires})


def new_access_token(world: World, user_id: str, scopes: list[str]) -> tuple[str, int]:
    """The token and the second at which it ends."""
    expires = int(world.seconds()) + ACCESS_TOKEN_SECONDS
    claims = {"subType": "user", "tenantId": world.tenant_id, "jti": world.new_id("token"), "aud": _AUDIENCE}
    claims |= {"iss": "qlik.api", "sub": user_id}
    return _sign(world, {**claims, "scopes": scopes, "exp": expires}), expires


def revoke(world: World, token: str) -> None:
    claims = _read(world, token)
    if claims is not None:
        world.store.put(REVOKED, claims["jti"], {"id": claims["jti"]})


def end_access_tokens(world: World) -> None:
    """All that were given out so far, before their time."""
    for number in range(1, int(world.store.get_setting("counter/token") or 0) + 1):
        id_ = world.id_of("token", number)
        world.store.put(REVOKED, id_, {"id": id_})


def caller_of(world: World, token: str) -> Caller | None:
    """None: no credentials of this tenant, or no longer."""
    claims = _read(world, token)
    if claims is None or claims["exp"] <= world.seconds():
        return None
    if world.store.get(REVOKED, claims["jti"]) is not None:
        return None
    scopes = claims.get("scopes")
    if scopes is None:
        key = world.store.get(API_KEY, claims["jti"])
        if key is None or key["status"] != "active":
            return None
    user = world.live_user(claims["sub"])
    if user is None or user["status"] == "disabled":
        return None
    return Caller(user["id"], None if scopes is None else frozenset(scopes))


_verified: dict[str, tuple[str, dict[str, Any]]] = {}
"""Token → (signing key, claims): checking a signature costs more than most requests."""


def _read(world: World, token: str) -> dict[str, Any] | None:
    key = _signing_key(world)
    known = _verified.get(token)
    if known is not None and known[0] == key:
        return known[1]
    public = _private(key).public_key()
    try:
        # Expiry is checked against the simulator's clock, not here.
        claims = jwt.decode(
            token,
            public,
            [_ALGORITHM],
            audience=_AUDIENCE,
            options={"verify_exp": False, "verify_iat": False},
        )
    except jwt.InvalidTokenError:
        return None
    _verified[token] = (key, claims)
    return claims


def _sign(world: World, claims: dict[str, Any]) -> str:
    key = _signing_key(world)
    token = jwt.encode(claims, _private(key), _ALGORITHM, headers={"kid": "simulator"})
    _verified[token] = (key, claims)
    return token


@functools.cache
def _private(key: str) -> ec.EllipticCurvePrivateKey:
    private = serialization.load_pem_private_key(key.encode(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return private


def _signing_key(world: World) -> str:
    key = world.store.get_setting(_SETTING)
    if key is None:
        made = ec.generate_private_key(ec.SECP384R1())
        key = made.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
        world.store.put_setting(_SETTING, key)
    return str(key)
