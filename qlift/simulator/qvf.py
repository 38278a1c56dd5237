"""App files: writes pretend ones and reads the header of pretend and real ones.

What is known of the format (from the bytes of six public files): the first twenty bytes are the same in
all of them, and JSON documents lie in the file as zlib streams whose text ends with a NUL byte. A pretend
file is the signature, one such stream with the header, and zero bytes up to its size.
"""

from __future__ import annotations

import json
import mmap
import re
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from qlift.bundle.qvf import SIGNATURE as SIGNATURE
from qlift.bundle.qvf import is_app_file as is_app_file

Header = dict[str, Any]

_ZLIB_START = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_PROBE_BYTES = 4096
_SCAN_LIMIT = 64 * 1024 * 1024
_BLOCK_LIMIT = 64 * 1024 * 1024
_CHUNK = b"\0" * (1024 * 1024)


def encode(header: Header) -> bytes:
    """The part of a pretend file that is not padding. The same header gives the same bytes."""
    text = json.dumps(header, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return SIGNATURE + zlib.compress(text.encode() + b"\0", 6)


def write(target: BinaryIO, header: Header, size: int = 0) -> int:
    """Writes a pretend app file of at least `size` bytes and returns its size in bytes."""
    start = encode(header)
    target.write(start)
    left = size - len(start)
    while left > 0:
        left -= target.write(_CHUNK[: min(left, len(_CHUNK))])
    return max(size, len(start))


def write_sparse(path: Path, header: Header, size: int = 0) -> int:
    """Like `write`, to a file whose padding takes no room on the disk."""
    start = encode(header)
    length = max(size, len(start))
    with path.open("wb") as target:
        target.write(start)
        target.truncate(length)
    return length


def read_header(source: Path | bytes) -> Header | None:
    """The header of an app file, with its load script as `qScript` where one is found.

    None when it is no app file or holds no readable header. Real files keep title and script in separate
    streams somewhere in the first part of the file, so they are searched for, as far as 64 MB.
    """
    if isinstance(source, bytes):
        return _read(source, len(source))
    with source.open("rb") as file:
        if not is_app_file(file.read(len(SIGNATURE))):
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return _read(mapped, len(mapped))


def _read(data: bytes | mmap.mmap, length: int) -> Header | None:
    if not is_app_file(data[: len(SIGNATURE)]):
        return None
    ours = _stream_at(data, len(SIGNATURE), length)
    if ours is not None and "qTitle" in ours:
        return ours
    title: Header | None = None
    script: str | None = None
    position = len(SIGNATURE)
    end = min(length, _SCAN_LIMIT)
    while position < end and (title is None or script is None):
        found = _ZLIB_START.search(data, position, end)
        if found is None:
            break
        block = _stream_at(data, found.start(), length)
        if block is not None and title is None and "qTitle" in block:
            title = block
        if block is not None and script is None and isinstance(block.get("qScript"), str):
            script = block["qScript"]
        position = found.start() + 1
    if title is not None and script is not None:
        title.setdefault("qScript", script)
    return title


def _stream_at(data: bytes | mmap.mmap, start: int, length: int) -> Header | None:
    """The JSON object that a zlib stream at `start` holds, if there is one."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(data[start : start + _PROBE_BYTES], 16)
        if not text.startswith(b"{"):
            return None
        unpacker = zlib.decompressobj()
        parts: list[bytes] = []
        size = 0
        position = start
        while not unpacker.eof and position < length and size < _BLOCK_LIMIT:
            parts.append(unpacker.decompress(data[position : position + 65536]))
            size += len(parts[-1])
            position += 65536
        value = json.loads(b"".join(parts).rstrip(b"\0"))
    except (zlib.error, ValueError, UnicodeDecodeError):
        return None
    return value if isinstance(value, dict) else None
