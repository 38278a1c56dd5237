"""Collects every conflict of a preview instead of stopping at the first: what `qlift review` reads.

The engine ends a preview at the first `check` that fails. With `QLIFT_CONFLICTS` set to a file, checks note
what they found there, a JSON object a line, and pass. A process that passes its checks must never write, so
every write of such a process is refused: that is also why a review cannot change the tenant.
"""

from __future__ import annotations

import json
import logging
import os

log = logging.getLogger(__name__)

VARIABLE = "QLIFT_CONFLICTS"


def are_collected() -> bool:
    return bool(os.environ.get(VARIABLE))


def note(kind: str, key: str, field: str, reason: str) -> None:
    _append({"kind": kind, "object": key, "field": field, "reason": reason})


def warn(text: str) -> None:
    """What stops nothing, and what people should know who decide: in a review, and in a run's own output."""
    if are_collected():
        _append({"warning": text})
    else:
        log.warning("%s", text)


def _append(noted: dict[str, str]) -> None:
    """In one go: four calls run at once, and append to the same file."""
    line = json.dumps(noted, ensure_ascii=False)
    descriptor = os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode() + b"\n")
    finally:
        os.close(descriptor)


def refusal_of_write() -> str | None:
    if not are_collected():
        return None
    return f"this run only collects conflicts, because {VARIABLE} is set; it changes nothing: unset it"
