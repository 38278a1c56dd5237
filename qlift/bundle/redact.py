"""Takes credentials out of what a bundle keeps."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from qlift.bundle.models import Raw, Redaction

REDACTED = "(redacted)"
_NAMES = r"pwd|password|passwd|passphrase|token|access_?token|secret|client_?secret|api_?key|accountkey|sig"
_VALUE = r"\"[^\"]*\"|'[^']*'|{[^}]*}|[^;\r\n]+"
"""Unquoted, a value ends with the part of the connection string: it may hold blanks, quotes and `&`."""
_PAIR = re.compile(rf"(?i)(?P<key>(?:{_NAMES})\s*=\s*)(?P<value>{_VALUE})")
_URL = re.compile(r"(?P<head>[a-zA-Z][\w+.-]*://[^/\s:@]+:)(?P<value>[^/\s@]+)(?=@)")
_FIELD = re.compile(rf"(?i)(?:{_NAMES}|secretvalue)$")
"""Fields, and names of settings whose `value` is a credential even where the site does not call it secret:
they end with such a word (`LDAP Password`, `dbPassword`)."""
_OPTION = re.compile(
    rf"(?i)(?P<key>(?<!\S)[-/]{{1,2}}[\w-]*(?:{_NAMES})(?:\s+|[:=]))(?P<value>\"[^\"]*\"|'[^']*'|\S+)"
)
"""An option on a command line: `--password x`, `/token:x`."""
_COMMAND_LINES = frozenset({"parameters"})


def redact_text(text: str) -> str:
    """Without the values of `password=...` and the like, and without the password of an address."""

    def hide(match: re.Match[str]) -> str:
        return match["key"] + REDACTED

    # Most of the millions of texts of a large site have neither sign.
    if "=" in text:
        text = _PAIR.sub(hide, text)
    if "://" in text:
        text = _URL.sub(lambda m: m["head"] + REDACTED, text)
    return text


def redact_entity(kind: str, entity: Raw) -> tuple[Raw, list[Redaction]]:
    """The entity without credentials, and where they were. Nested values are looked through too."""
    found: list[str] = []
    clean = _clean(entity, "", found)
    name = str(entity.get("name", ""))
    return clean, [Redaction(kind=kind, id=str(entity["id"]), name=name, field=f) for f in sorted(set(found))]


def redact_script(app_id: str, app_name: str, script: str) -> tuple[str, list[Redaction]]:
    """A load script without credentials, and where they were (`line 12`, counted from 1)."""
    lines, found = [], []
    for number, line in enumerate(script.split("\n"), 1):
        clean = redact_text(line)
        if clean != line:
            found.append(Redaction(kind="script", id=app_id, name=app_name, field=f"line {number}"))
        lines.append(clean)
    return "\n".join(lines), found


def _clean(value: Any, where: str, found: list[str]) -> Any:
    if isinstance(value, dict):
        hidden = _hidden(value)
        return {
            k: _field(k, v, f"{where}.{k}" if where else k, found, secret=k in hidden)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [_clean(v, where, found) for v in value]
    if isinstance(value, str):
        clean = redact_text(value)
        if clean != value:
            found.append(where)
        return clean
    return value


def _hidden(entity: Raw) -> frozenset[str]:
    """Fields that are secret because of what stands beside them: those of a setting of a user directory."""
    if "value" not in entity and "secretValue" not in entity:
        return frozenset()
    if entity.get("secret") is True or _FIELD.search(str(entity.get("name") or "")):
        return frozenset({"value", "secretValue"} & entity.keys())
    return frozenset()


@cache
def _is_secret(field: str) -> bool:
    """There are few fields, and millions of values."""
    return _FIELD.search(field) is not None


def _field(key: str, value: Any, where: str, found: list[str], *, secret: bool) -> Any:
    if isinstance(value, str) and value and value != REDACTED:
        if secret or _is_secret(key):
            found.append(where)
            return REDACTED
        if key in _COMMAND_LINES:
            clean = _OPTION.sub(lambda match: match["key"] + REDACTED, redact_text(value))
            if clean != value:
                found.append(where)
            return clean
    return _clean(value, where, found)
