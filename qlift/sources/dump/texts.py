"""Files as other programs write them: UTF-8 with or without a mark, UTF-16 of PowerShell, wrapped arrays."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path) -> str:
    """Raises `ValueError`, which says what is wrong with the file."""
    data = path.read_bytes()
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if encoding is None and b"\0" in data[:4]:
        encoding = "utf-16-be" if data.startswith(b"\0") else "utf-16-le"
    try:
        return data.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        raise ValueError("neither UTF-8 nor UTF-16; write it in one of them") from None


def read_json(path: Path) -> Any:
    """Raises `ValueError`, which says what is wrong with the file."""
    text = read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        page = "; it is a web page, such as a login form" if text.lstrip().startswith("<") else ""
        raise ValueError(f"not JSON (line {error.lineno}: {error.msg}){page}") from None


def entities(content: Any) -> list[dict[str, Any]] | None:
    """The objects of an array, of `{"value": [...]}`, or a single one; None when it is none of them."""
    if isinstance(content, dict):
        # PowerShell wraps arrays, and writes an array of one as that one.
        content = content["value"] if isinstance(content.get("value"), list) else [content]
    if isinstance(content, list) and all(isinstance(entry, dict) for entry in content):
        return content
    return None
