"""Texts with `*`, as `like` and resource filters have them."""

from __future__ import annotations

from collections.abc import Callable


def wildcard(pattern: str) -> Callable[[str], bool]:
    """Without case, `*` for any characters. However many stars there are, it takes no longer."""
    first, *rest = pattern.lower().split("*")
    if not rest:
        return lambda value: value.lower() == first
    *middle, last = rest

    def fits(value: str) -> bool:
        text = value.lower()
        if not text.startswith(first) or not text.endswith(last):
            return False
        position, end = len(first), len(text) - len(last)
        for part in middle:
            found = text.find(part, position, end)
            if found < 0:
                return False
            position = found + len(part)
        return position <= end

    return fits
