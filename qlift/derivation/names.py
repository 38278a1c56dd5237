"""Logical names: what an object is called in Pulumi's state. They cannot change after a release."""

from __future__ import annotations

import re
import unicodedata

from qlift.bundle import Bundle

SHORT = 12


def short(source_id: str) -> str:
    return source_id.replace("-", "").lower()[:SHORT]


def slug(text: str) -> str:
    """Letters, digits and `-`; blanks and `*` would break URNs on a command line."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "x"


def logical(name: str, site: str, source_id: str) -> str:
    """`<name>.<site>.<12 hex of the source id>`: ids repeat across cloned sites."""
    return f"{slug(name)}.{site}.{short(source_id)}"


def stable(bundle: Bundle, kind: str, source_id: str, name: str) -> str:
    """As `logical`, of the oldest known name: it survives renames of what many other names are made of."""
    rename = bundle.renames.get((kind, source_id))
    return logical(rename.former_names[0] if rename else name, bundle.site, source_id)


def former(bundle: Bundle, kind: str, source_id: str, name: str) -> tuple[str, ...]:
    """Logical names before renames, oldest first."""
    rename = bundle.renames.get((kind, source_id))
    current = logical(name, bundle.site, source_id)
    names = [logical(n, bundle.site, source_id) for n in rename.former_names] if rename else []
    return tuple(dict.fromkeys(n for n in names if n != current))
