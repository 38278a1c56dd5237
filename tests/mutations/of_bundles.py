"""Spoilt bundles: each file in many ways, each field with other types, references that lead nowhere."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from qlift.bundle import models
from tests.mutations.mutation import (
    LEDGER,
    SCRIPT,
    Mutation,
    a_folder,
    a_pipe,
    bytes_changed,
    in_bundle,
    json_changed,
    leaves,
    set_to,
    wrong_for,
)  # fmt: skip
from tests.mutations.repository import site

SEED = 20261125
DIGITS = 10_000
STABLE = (
    "app.json", "stream.json", "user.json", "reloadtask.json", "schemaevent.json", "compositeevent.json",
    "systemrule.json", "dataconnection.json", "tag.json", "custompropertydefinition.json", "extension.json",
    "audit.json", "renames.json", "redactions.json", f"app-object/{LEDGER}.json",
)  # fmt: skip
"""Lists whose hash stands in the manifest."""
UNHASHED = ("app-file.json", "app.runtime.json", "schemaevent.runtime.json", "reloadtask.runtime.json")
KNOWN = {
    field.alias or name
    for model in vars(models).values()
    if isinstance(model, type) and issubclass(model, BaseModel)
    for name, field in model.model_fields.items()
} | {"operational", "nextExecution", "lastExecutionResult", "duration", "status"}
"""Fields that qlift reads; all others are kept as they are, whatever they hold."""


def _first_value(new: bytes) -> Callable[[bytes], bytes]:
    """Replace the first string value of a file."""

    def change(data: bytes) -> bytes:
        start = data.index(b'": "') + 3
        return data[:start] + new + data[data.index(b'"', start + 1) + 1 :]

    return change


BYTES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda d: b"", "not JSON"),
    "truncated": (lambda d: d[: len(d) // 2], "not JSON"),
    "last byte gone": (lambda d: d.rstrip()[:-1], "not JSON"),
    "trailing text": (lambda d: d + b"x", "not JSON"),
    "byte order mark": (lambda d: b"\xef\xbb\xbf" + d, "byte order mark"),
    "UTF-16": (lambda d: d.decode().encode("utf-16"), "byte order mark"),
    "UTF-16 without mark": (lambda d: d.decode().encode("utf-16-le"), "not JSON"),
    "Latin-1": (lambda d: _first_value('"Grüße"'.encode("latin-1"))(d), "not UTF-8"),
    "NUL bytes": (lambda d: d[:20] + b"\0\0" + d[20:], "not JSON"),
    "only NUL": (lambda d: b"\0" * len(d), "not JSON"),
    "escaped NUL": (_first_value(b'"a\\u0000b"'), "NUL"),
    "half a surrogate": (_first_value(b'"\\ud800"'), "not JSON"),
    "control character": (_first_value(b'"a\nb"'), "not JSON"),
    "deep nesting": (lambda d: b"[" * 100_000 + b"]" * 100_000, "not JSON"),
    "deep mapping": (lambda d: b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "not JSON"),
    "long integer": (_first_value(b"9" * DIGITS), "; export again"),
    "not a number": (_first_value(b"NaN"), "; export again"),
    "huge string": (_first_value(b'"' + b"x" * 3_000_000 + b'"'), "; export again"),
    "null": (lambda d: b"null", "; export again"),
    "a text": (lambda d: b'"text"', "; export again"),
    "a number": (lambda d: b"42", "; export again"),
    "a list of numbers": (lambda d: b"[1, 2]", "; export again"),
    "a list of nulls": (lambda d: b"[null]", "; export again"),
    "a list in a list": (lambda d: b"[[]]", "; export again"),
    "single quotes": (lambda d: d.replace(b'"', b"'"), "not JSON"),
    "markup": (lambda d: b"<html><body>502 Bad Gateway</body></html>", "not JSON"),
    "merge conflict": (lambda d: b"<<<<<<< HEAD\n" + d + b"=======\n" + d, "not JSON"),
}  # fmt: skip


def byte_mutations() -> Iterator[Mutation]:
    for file in (*STABLE, *UNHASHED, "manifest.json"):
        for name, (change, word) in BYTES.items():
            if (file, name) in HARMLESS:
                continue
            shown = file.split("/")[-1]
            words = (shown, word) if "export again" not in word else (shown,)
            yield Mutation(f"{file}: {name}", in_bundle(file, bytes_changed(change)), "refused", words)
    for file in (*STABLE, SCRIPT):
        crlf = bytes_changed(lambda d: d.replace(b"\n", b"\r\n"))
        for name, spoil, word in (
            ("other bytes", bytes_changed(lambda d: d + b" "), "sha256 differs"),
            ("line ends", crlf, "-text"),
            ("gone", Path.unlink, "missing; export again"),
        ):
            apply = in_bundle(file, spoil, hashed=False)
            yield Mutation(f"{file}: {name}, stale hash", apply, "refused", (file.split("/")[-1], word))
        for name, spoil in (("a folder", a_folder), ("a pipe", a_pipe)):
            apply = in_bundle(file, spoil, hashed=False)
            yield Mutation(f"{file}: {name}", apply, "refused", (file.split("/")[-1], "not a file"))
        yield Mutation(f"{file}: line ends, hashed", in_bundle(file, crlf), "same")
    not_text = in_bundle(SCRIPT, bytes_changed(lambda d: b"LOAD '\xff';"))
    yield Mutation("script: not UTF-8", not_text, "refused", (".qvs", "not UTF-8"))


HARMLESS = {
    # Free text that nothing is looked up by, so a text is a text.
    ("redactions.json", "huge string"),
    *((f"{k}.runtime.json", w) for k in ("app", "reloadtask") for w in ("not a number", "huge string")),
    ("app.runtime.json", "long integer"),
    ("reloadtask.runtime.json", "long integer"),
}  # fmt: skip


def type_mutations() -> Iterator[Mutation]:
    """Each field that qlift reads, once for each file and place, with a value of another type."""
    dice = random.Random(SEED)
    for file, content in _contents().items():
        for path, value in leaves(content):
            if (path[0] == 0 or isinstance(path[0], str)) and _is_read(path):
                wrong = dice.choice([w for w in wrong_for(value) if not _may_be(w, path)])
                apply = in_bundle(file, json_changed(set_to(path, wrong)))
                where = ".".join(map(str, path))
                shown = json.dumps(wrong)
                name = f"{file}: {where} = {shown if len(shown) < 40 else f'{len(shown)} digits'}"
                yield Mutation(name, apply, "refused", (file.split("/")[-1],))


def _is_read(path: tuple[str | int, ...]) -> bool:
    fields = [s for s in path[1:] if isinstance(s, str)]
    return not fields or (fields[0] in KNOWN and (fields[-1] in KNOWN or fields[0] == "users"))


def _may_be(wrong: Any, path: tuple[str | int, ...]) -> bool:
    """A missing moment or duration is none."""
    return wrong is None and path[-1] in ("nextExecution", "duration", "status")


def _id(entity: Any) -> str:
    return str(entity["id"])


def _contents() -> dict[str, Any]:
    made = site()
    found: dict[str, Any] = {f"{k}.json": sorted(es, key=_id) for k, es in made.kinds.items()}
    found[f"app-object/{LEDGER}.json"] = sorted(made.objects[LEDGER], key=_id)
    found["app-file.json"] = [f.model_dump() for f in made.files.values()]
    found["audit.json"] = [{"stream": s, "users": u} for s, u in made.audit.items()]
    for kind in ("schemaevent", "reloadtask"):
        (entity,) = [e for e in made.kinds[kind] if "operational" in e]
        found[f"{kind}.runtime.json"] = {entity["id"]: {"operational": entity.pop("operational")}}
    return found
