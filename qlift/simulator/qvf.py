"""App files: writes pretend ones and reads the header of pretend and real ones.

What is known of the format (from the bytes of six public files): the first twenty bytes are the same in
all of them, and JSON documents lie in the file as zlib streams whose text ends with a NUL byte; title and
load script are in two different ones. A pretend file is the signature, a stream with the header, one with the
script, and zero bytes up to its size.
"""

from __future__ import annotations

import json
import mmap
import re
import zlib
from pathlib import Path
from typing import Any

from qlift.bundle.qvf import SIGNATURE as SIGNATURE
from qlift.bundle.qvf import is_app_file as is_app_file

Header = dict[str, Any]

_ZLIB_START = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_PROBE_BYTES = 4096
_SCAN_LIMIT = 64 * 1024 * 1024
_BLOCK_LIMIT = 64 * 1024 * 1024


def encode(header: Header) -> bytes:
    """The part of a pretend file that is not padding. The same header gives the same bytes."""
    first = {name: value for name, value in header.items() if name != "qScript"}
    blocks = [first, {"qScript": header["qScript"]}] if "qScript" in header else [first]
    return SIGNATURE + b"".join(_block(block) for block in blocks)


def _block(content: Header) -> bytes:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return zlib.compress(text.encode() + b"\0", 6)


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
    if ours is not None and "qTitle" in ours[0]:
        header, end = ours
        script = _stream_at(data, end, length)
        return header if script is None else header | script[0]
    return _searched(data, length)


def _searched(data: bytes | mmap.mmap, length: int) -> Header | None:
    title: Header | None = None
    script: str | None = None
    position = len(SIGNATURE)
    limit = min(length, _SCAN_LIMIT)
    while position < limit and (title is None or script is None):
        found = _ZLIB_START.search(data, position, limit)
        if found is None:
            break
        stream = _stream_at(data, found.start(), length)
        if stream is None:
            position = found.start() + 1
            continue
        block, position = stream
        if title is None and "qTitle" in block:
            title = block
        if script is None and isinstance(block.get("qScript"), str):
            script = block["qScript"]
    if title is not None and script is not None:
        title.setdefault("qScript", script)
    return title


def _stream_at(data: bytes | mmap.mmap, start: int, length: int) -> tuple[Header, int] | None:
    """The JSON object that a zlib stream at `start` holds, if there is one, and where the stream ends."""
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
            chunk = data[position : position + 65536]
            parts.append(unpacker.decompress(chunk))
            size += len(parts[-1])
            position += len(chunk)
        value = json.loads(b"".join(parts).rstrip(b"\0"))
    except (zlib.error, ValueError, UnicodeDecodeError):
        return None
    if not isinstance(value, dict):
        return None
    return value, position - len(unpacker.unused_data)
