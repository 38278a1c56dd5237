"""This client's own secrets, in any form that an answer may repeat them in."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "(secret)"


def forms(secret: str) -> tuple[str, ...]:
    """The secret itself, encoded for addresses, JSON and headers; longest first."""
    escaped = json.dumps(secret)[1:-1]
    plain = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), escaped}
    plain |= {text.replace("/", "\\/") for text in (secret, escaped)}
    return tuple(sorted({*plain, *_base64(secret.encode())}, key=len, reverse=True))


def without(value: Any, secrets: Iterable[str]) -> Any:
    """A text, or the texts of a JSON value, keys included."""
    found = [form for secret in secrets if secret for form in forms(secret)]
    return _without(value, found)


def _without(value: Any, found: list[str]) -> Any:
    if isinstance(value, str):
        for form in found:
            value = value.replace(form, HIDDEN)
        return value
    if isinstance(value, dict):
        return {_without(k, found): _without(v, found) for k, v in value.items()}
    if isinstance(value, list):
        return [_without(v, found) for v in value]
    return value


def _base64(plain: bytes) -> set[str]:
    """As it stands alone, and what is always the same of it within something longer (`id:secret`)."""
    made = set()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        made.add(encode(plain).decode().rstrip("="))
        for before in range(3):
            text = encode(b"\0" * before + plain).decode().rstrip("=")
            # The first letters hold bits of what stands before, the last one of what follows.
            made.add(text[(0, 2, 3)[before] : len(text) - (0 if (before + len(plain)) % 3 == 0 else 1)])
    return {text for text in made if len(text) >= 8}
