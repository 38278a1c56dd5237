"""A virtual proxy that takes a signed token (JWT) in the header `Authorization`."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from pydantic import model_validator

from qlift.sources.qlik_sense.errors import ConnectionSettings
from qlift.sources.qlik_sense.ways.common import Entrance, Plain, Settings, Site, tls

LIFE_SECONDS = 900
"""Of the tokens that we sign."""


class Jwt(Settings):
    """A ready-made token, or the key that signs tokens: exports last longer than many tokens.

    `token_env` names the environment variable with the token, `key_env` the one with the path of the private
    key (PEM) whose certificate the virtual proxy knows. The claims are named as in the virtual proxy.
    """

    token_env: str | None = None
    key_env: str | None = None
    user_directory: str | None = None
    user_id: str | None = None
    user_directory_claim: str = "userDirectory"
    user_id_claim: str = "userId"
    algorithm: str = "RS256"
    ca: Path | None = None

    @model_validator(mode="after")
    def _complete(self) -> Jwt:
        if (self.token_env is None) == (self.key_env is None):
            raise ValueError("give either `token_env` or `key_env`")
        if self.key_env and not (self.user_directory and self.user_id):
            raise ValueError("with `key_env`, `user_directory` and `user_id` say whom the tokens name")
        return self

    def enter(self, site: Site, env: Mapping[str, str]) -> Entrance:
        context = tls(site, self.ca)
        if self.token_env:
            token = site.secret(self.token_env, env, "the token").strip()
            return Plain(self._named_in(token, site), context, {"Authorization": f"Bearer {token}"})
        path = Path(site.secret(self.key_env or "", env, "the path of the private key (PEM)"))
        claims = {self.user_id_claim: self.user_id, self.user_directory_claim: self.user_directory}
        signed = _Signed(f"{self.user_directory}\\{self.user_id}", context, path, self.algorithm, claims)
        try:
            signed.headers()
        except (OSError, ValueError, jwt.PyJWTError) as error:
            raise ConnectionSettings(
                f"{site.file}: the key that {self.key_env} names cannot sign tokens ({error})"
            ) from None
        return signed

    def _named_in(self, token: str, site: Site) -> str:
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            raise ConnectionSettings(
                f"{site.file}: the environment variable {self.token_env} holds no token (JWT)"
            ) from None
        user = str(claims.get(self.user_id_claim, self.user_id or ""))
        directory = str(claims.get(self.user_directory_claim, self.user_directory or ""))
        if not user:
            raise ConnectionSettings(
                f"{site.file}: the token has no claim `{self.user_id_claim}`; say in `user_id_claim` which "
                "claim the virtual proxy takes the user from"
            )
        return f"{directory}\\{user}" if directory else user


@dataclass(frozen=True)
class _Signed:
    """Tokens of our own, a fresh one for each request."""

    login: str
    tls: ssl.SSLContext
    key: Path
    algorithm: str
    claims: Mapping[str, Any]
    now: Callable[[], float] = time.time

    def headers(self) -> dict[str, str]:
        issued = int(self.now())
        claims = {**self.claims, "iat": issued, "exp": issued + LIFE_SECONDS}
        token = jwt.encode(claims, self.key.read_text(encoding="ascii"), self.algorithm)
        return {"Authorization": f"Bearer {token}"}

    def renew(self, used: Mapping[str, str]) -> bool:  # noqa: ARG002
        return False
