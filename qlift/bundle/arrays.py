"""Large JSON arrays, one element at a time: a site has up to a million objects."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

CHUNK = 1024 * 1024
_BLANK = " \t\r\n"


def read_array(file: TextIO) -> Iterator[dict[str, Any]]:
    """The objects of a JSON array. Holds the text of one of them at a time.

    Raises `ValueError` for anything else than an array of objects, at the latest where it begins to differ.
    """
    decoder = json.JSONDecoder()
    text, at, first = file.read(CHUNK), 0, True
    at = _skip(text, at, _BLANK)
    if text[at : at + 1] != "[":
        raise ValueError("not a list")
    at += 1
    while True:
        at = _skip(text, at, _BLANK)
        if at >= len(text):
            text, at = _more(file, ""), 0
            continue
        if text[at] == "]":
            return
        if not first and text[at] == ",":
            at += 1
            first = True
            continue
        if not first or text[at] != "{":
            raise ValueError("not a list of objects")
        try:
            found, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            # The object goes on in the next piece of the file, or the file is broken.
            text, at = _more(file, text[at:]), 0
            continue
        first = False
        yield found


def read_file(path: Path) -> Iterator[dict[str, Any]]:
    """As `read_array`, of a file; a missing one is empty."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        yield from read_array(file)


def write_array(path: Path, elements: Iterable[str]) -> tuple[str, int]:
    """Write JSON texts of two-space indent as one array, byte for byte as `files.dump` would.

    The file gets its name when it is whole. Returns the sha256 of its bytes and the number of elements.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    digest, count = hashlib.sha256(), 0
    # As in `write_text`: a link in its place would be followed.
    part.unlink(missing_ok=True)
    with part.open("xb") as file:

        def put(text: str) -> None:
            data = text.encode("utf-8")
            digest.update(data)
            file.write(data)

        for element in elements:
            put(("[\n  " if count == 0 else ",\n  ") + element.replace("\n", "\n  "))
            count += 1
        put("\n]\n" if count else "[]\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return digest.hexdigest(), count


def _skip(text: str, at: int, characters: str) -> int:
    while at < len(text) and text[at] in characters:
        at += 1
    return at


def _more(file: TextIO, rest: str) -> str:
    # As much again as there is: an object of any size is tried a few times only.
    read = file.read(max(CHUNK, len(rest)))
    if not read:
        raise ValueError("the list breaks off")
    return rest + read
