"""What a mutation is, and the tools to make them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.derivation.site import guid, rehash

Change = Callable[[Path], object]
BUNDLE = "exports/prod"
LEDGER = guid("prod", "app", "Ledger")
SCRIPT = f"script/{LEDGER}.qvs"
Value = Any


@dataclass(frozen=True)
class Mutation:
    """`expected`: `refused` with words on stderr, `found` with a finding's code, or `same` as undisturbed."""

    name: str
    apply: Change
    expected: Literal["refused", "found", "same"]
    words: tuple[str, ...] = ()
    """Each has to stand in the message (refused) or be the code of a finding that was not there (found)."""

    def __str__(self) -> str:
        return self.name


def in_bundle(name: str, change: Change, *, hashed: bool = True) -> Change:
    """Change a file of the bundle; `hashed`: the manifest is made to agree afterwards."""

    def apply(root: Path) -> None:
        change(root / BUNDLE / name)
        if hashed and name != "manifest.json":
            rehash(root / BUNDLE)

    return apply


def json_changed(change: Callable[[Value], object]) -> Change:
    """Change the parsed JSON of a file in place."""

    def apply(file: Path) -> None:
        content = json.loads(file.read_text(encoding="utf-8"))
        change(content)
        file.write_text(json.dumps(content), encoding="utf-8")

    return apply


def text_replaced(old: str, new: str) -> Change:
    def apply(file: Path) -> None:
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{old} is not in {file}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    return apply


def linked(target: Path | str) -> Change:
    """Put a link in the place of the file or folder."""

    def apply(file: Path) -> None:
        if file.is_dir():
            file.rename(file.parents[3] / "outside" / file.name)
        else:
            file.unlink()
        file.symlink_to(target)

    return apply


Step = str | int


def leaves(value: Value, path: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], Value]]:
    """Every value inside, with its path; lists and mappings themselves too."""
    if path:
        yield path, value
    items: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for step, inside in items:
        yield from leaves(inside, (*path, step))


def put(value: Value, path: tuple[Step, ...], new: Value) -> None:
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = new


def wrong_for(value: Value) -> list[Value]:
    """Values of other types. None is not among them for mappings: a reference may be absent."""
    if isinstance(value, bool):
        return ["true", 1, None, []]
    if isinstance(value, int):
        return [str(value), 1.5, None, [value], 10**400, -(10**30)]
    if isinstance(value, str):
        return [7, True, None, [value], {"value": value}]
    if isinstance(value, list):
        return [None, "text", {}, 3, [None], [[]]]
    if isinstance(value, dict):
        return ["text", 3, [], False]
    return [{}, ["x"], 5]


def bytes_changed(change: Callable[[bytes], bytes]) -> Change:
    def apply(file: Path) -> None:
        file.write_bytes(change(file.read_bytes()))

    return apply


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def entity(file: str, change: Callable[[Value], object]) -> Change:
    """Change the first entity of a list."""
    return in_bundle(file, json_changed(lambda content: change(content[0])))


def set_to(path: tuple[Step, ...], new: Value) -> Callable[[Value], None]:
    return lambda value: put(value, path, new)
