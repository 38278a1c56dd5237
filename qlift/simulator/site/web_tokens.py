"""The JSON web tokens of a virtual proxy: signed by a key pair that the simulator makes."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from qlift.simulator.clock import Clock
from qlift.simulator.site.identity import find_user
from qlift.simulator.site.kinds import Document
from qlift.simulator.store import Store

_SETTING = "site jwt"
_LIFE = timedelta(days=3650)


class WebTokens:
    """RS256; the claims `userId` and `userDirectory` name the user, as in the vendor's examples."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        kept: dict[str, str] | None = store.get_setting(_SETTING)
        if kept is None:
            kept = {"private": _new_key()}
            store.put_setting(_SETTING, kept)
        self._key = _loaded(kept["private"])

    def issue(self, directory: str, user_id: str, expires: datetime | None = None) -> str:
        claims = {"userDirectory": directory, "userId": user_id}
        until = expires or self._clock.now() + _LIFE
        return jwt.encode({**claims, "exp": int(until.timestamp())}, self._key, algorithm="RS256")

    def user_of(self, token: str) -> Document | None:
        """Expiry goes by the simulator's clock."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token, self._key.public_key(), algorithms=["RS256"], options={"verify_exp": False}
            )
        except jwt.InvalidTokenError:
            return None
        if int(claims.get("exp") or 0) <= self._clock.now().timestamp():
            return None
        return find_user(self._store, str(claims.get("userDirectory", "")), str(claims.get("userId", "")))


@cache
def _loaded(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@cache
def _new_key() -> str:
    """One for each process: making and checking it takes longer than everything else of a start."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
