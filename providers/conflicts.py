"""Collects every conflict of a preview instead of stopping at the first: what `qlift review` reads.

The engine ends a preview at the first `check` that fails. With `QLIFT_CONFLICTS` set to a file, checks note
what they found there, a JSON object a line, and pass. A process that passes its checks must never write, so
every write of such a process is refused: that is also why a review cannot change the tenant.
"""

from __future__ import annotations

import json
import os

VARIABLE = "QLIFT_CONFLICTS"


def are_collected() -> bool:
    return bool(os.environ.get(VARIABLE))


def note(kind: str, key: str, field: str, reason: str) -> None:
    """In one go: four calls run at once, and append to the same file."""
    line = json.dumps({"kind": kind, "object": key, "field": field, "reason": reason}, ensure_ascii=False)
    descriptor = os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode() + b"\n")
    finally:
        os.close(descriptor)


def refusal_of_write() -> str | None:
    if not are_collected():
        return None
    return f"this run only collects conflicts, because {VARIABLE} is set; it changes nothing: unset it"
