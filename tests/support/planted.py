"""Looks for planted secrets, in every spelling, in files, outputs and the process list."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, quote_plus


def spellings(secret: str) -> set[bytes]:
    """As it is, for addresses, in JSON (once and twice), in hexadecimal, in Base64 at any place of a text."""
    escaped = json.dumps(secret)[1:-1]
    plain = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), escaped}
    plain |= {json.dumps(escaped)[1:-1], secret.replace("/", "\\/"), secret.encode().hex()}
    found = {text.encode() for text in plain}
    for before in range(3):
        # Whole groups of three bytes look the same wherever they stand.
        inner = secret.encode()[(3 - before) % 3 :]
        inner = inner[: len(inner) // 3 * 3]
        found |= {base64.b64encode(inner), base64.urlsafe_b64encode(inner)}
    return found


def found_in(text: bytes, secrets: dict[str, str]) -> set[str]:
    """The labels of the secrets that stand in it."""
    return {label for label, secret in secrets.items() if any(s in text for s in spellings(secret))}


def found_below(folder: Path, secrets: dict[str, str]) -> list[tuple[str, str]]:
    """Label and file, names of files included."""
    every = {label: spellings(secret) for label, secret in secrets.items()}
    hits = []
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        content += b"\n" + str(path.relative_to(folder)).encode()
        hits += [(label, str(path)) for label, forms in every.items() if any(f in content for f in forms)]
    return hits


@contextmanager
def watched_processes() -> Iterator[set[bytes]]:
    """The command lines of all processes that run meanwhile, as everybody on the machine can read them."""
    seen: set[bytes] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            seen.update(_command_lines())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _command_lines() -> Iterable[bytes]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            yield (process / "cmdline").read_bytes()
        except OSError:  # gone meanwhile
            continue
