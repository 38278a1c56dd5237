"""Ways in: an API key, or an OAuth client (client credentials)."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True)
class ApiKey:
    """Has the rights of its user; cannot reach the personal spaces of others."""

    key: SecretStr


@dataclass(frozen=True)
class OAuthClient:
    """Acts as a bot user; with the scope `admin.apps` it reaches personal spaces."""

    client_id: str
    client_secret: SecretStr


Credentials = ApiKey | OAuthClient
