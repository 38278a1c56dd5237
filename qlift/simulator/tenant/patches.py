"""JSON Patch (RFC 6902) without `test`, which the scheduling service does not document."""

from __future__ import annotations

import copy
from typing import Any, Literal

from pydantic import BaseModel, Field

from qlift.simulator.tenant.errors import Refusal


class Patch(BaseModel):
    op: Literal["add", "remove", "replace", "move", "copy"]
    path: str
    source: str | None = Field(default=None, alias="from")
    value: Any = None


def apply_patch(document: dict[str, Any], patches: list[Patch]) -> dict[str, Any]:
    """A changed copy. Refused with 400: a path that leads nowhere."""
    result = copy.deepcopy(document)
    for patch in patches:
        _apply(result, patch)
    return result


def _apply(document: dict[str, Any], patch: Patch) -> None:
    value = patch.value
    if patch.op in ("move", "copy"):
        if patch.source is None:
            raise _bad(patch.path)
        holder, key = _place(document, patch.source)
        value = copy.deepcopy(_get(holder, key, patch.source))
        if patch.op == "move":
            _remove(holder, key, patch.source)
    holder, key = _place(document, patch.path)
    if patch.op == "remove":
        _remove(holder, key, patch.path)
    elif patch.op == "replace":
        _get(holder, key, patch.path)
        holder[_index(holder, key, patch.path)] = value
    elif isinstance(holder, list):
        holder.insert(len(holder) if key == "-" else _index(holder, key, patch.path), value)
    else:
        holder[key] = value


def _place(document: Any, pointer: str) -> tuple[Any, str]:
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if not pointer.startswith("/") or not parts:
        raise _bad(pointer)
    holder = document
    for part in parts[:-1]:
        holder = _get(holder, part, pointer)
    if not isinstance(holder, dict | list):
        raise _bad(pointer)
    return holder, parts[-1]


def _index(holder: Any, key: str, pointer: str) -> Any:
    if isinstance(holder, dict):
        return key
    if not key.isdecimal() or int(key) > len(holder):
        raise _bad(pointer)
    return int(key)


def _get(holder: Any, key: str, pointer: str) -> Any:
    try:
        return holder[_index(holder, key, pointer)]
    except (KeyError, IndexError, TypeError) as error:
        raise _bad(pointer) from error


def _remove(holder: Any, key: str, pointer: str) -> None:
    _get(holder, key, pointer)
    del holder[_index(holder, key, pointer)]


def _bad(pointer: str) -> Refusal:
    return Refusal(400, "Invalid patch", code="CHO-001", detail=f"nothing at {pointer!r}")
