"""JSON as bundles hold it: stable, readable in a pull request, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from qlift.bundle.errors import BundleError


def dump(value: Any) -> str:
    """Two-space indent, keys in the order of the source, UTF-8, a final newline."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def write_text(path: Path, text: str) -> str:
    """Write a file whole (an unchanged one is left alone). Returns the sha256 of its bytes."""
    data = text.encode("utf-8")
    digest = hashlib.sha256(data).hexdigest()
    if path.exists() and path.read_bytes() == data:
        return digest
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    # A link in its place would be followed, and a clone of somebody's repository may bring one.
    part.unlink(missing_ok=True)
    with part.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return digest


def read_list(path: Path) -> list[dict[str, Any]]:
    """Objects of an earlier export; empty without the file. Raises `BundleError`."""
    if not path.exists():
        return []
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(e, dict) and "id" in e for e in found):
        raise BundleError([f"{path}: not as an earlier export wrote it; restore it from git"])
    return found


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
