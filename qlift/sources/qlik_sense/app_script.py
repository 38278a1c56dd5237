"""The load script in an app file, where the engine cannot be asked.

What is known of the format comes from the bytes of six public files (engines 12.387 to 12.1934): blocks lie
in the file as zlib streams, a block of JSON ends with a NUL byte, one of them has the key `qScript`. Nothing
depends on it: what is not found is reported.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import BinaryIO

CHUNK = 1024 * 1024
LARGEST = 16 * 1024 * 1024
"""Bytes of an unpacked block; a script is a text that people wrote."""
_START = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_PROBE = 1024
"""Packed bytes after which a block shows its first byte (the table of its code comes first)."""


def find_script(file: BinaryIO) -> str | None:
    """Reads the file once, holding two pieces of it at most."""
    window, base = file.read(CHUNK), 0
    while window:
        following = file.read(CHUNK)
        both = window + following
        for match in _START.finditer(both, 0, len(window) + 1):
            at = match.start()
            if not _begins_json(both[at : at + _PROBE]):
                continue
            script = _script_at(file, both, at)
            if script is not None:
                return script
            file.seek(base + len(both))
        base += len(window)
        window = following
    return None


def _begins_json(packed: bytes) -> bool:
    try:
        return zlib.decompressobj().decompress(packed, 1) == b"{"
    except zlib.error:
        return False


def _script_at(file: BinaryIO, known: bytes, at: int) -> str | None:
    """The script of the block at this place of `known`, which `file` goes on after."""
    unpack = zlib.decompressobj()
    text, packed = b"", known[at:]
    try:
        while packed and not unpack.eof:
            text += unpack.decompress(packed, LARGEST + 1 - len(text))
            if len(text) > LARGEST:
                return None
            packed = unpack.unconsumed_tail or file.read(CHUNK)
        block = json.loads(text.rstrip(b"\0")) if b'"qScript"' in text else None
    except (zlib.error, ValueError):
        return None
    script = block.get("qScript") if isinstance(block, dict) else None
    return script if isinstance(script, str) else None
