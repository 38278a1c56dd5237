"""App files (`.qvf`) from outside."""

from __future__ import annotations

SIGNATURE = bytes.fromhex("ffff0100c1060000000000000002000001000000")
"""The first bytes of six public files, engine 12.387 to 12.1934: all that is known for sure of the format."""


def is_app_file(start: bytes) -> bool:
    """Whether these first bytes are those of an app file (and not, say, a login page saved as one)."""
    return start[: len(SIGNATURE)] == SIGNATURE
