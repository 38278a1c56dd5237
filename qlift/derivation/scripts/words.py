"""Statements that both readers of scripts look for."""

from __future__ import annotations

import re

CONNECT = re.compile(r"\s*lib\s+connect\s+to\b", re.I)
SELECT = re.compile(r"\s*(?:[^\s:;]+\s*:\s*)?(?:sql|select)\b", re.I)
"""With a label before it or without."""
INCLUDE = re.compile(r"\$\(\s*(?:must_)?include\s*=", re.I)


def included(code: str, at: re.Match[str]) -> str:
    """The path of `$(Include=...)`, up to the closing parenthesis, the line's end or 500 characters."""
    rest = re.compile(r"[^)\n]{0,500}").match(code, at.end())
    text = rest.group() if rest else ""
    return text.strip().strip("[]'\"").strip()


def last_match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = None
    for match in pattern.finditer(text):
        found = match
    return found
