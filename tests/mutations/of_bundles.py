"""Spoilt bundles: each file in many ways, each field with other types, references that lead nowhere."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from qlift.bundle import models
from tests.derivation.site import guid, rehash
from tests.mutations.mutation import (
    BUNDLE,
    Mutation,
    in_bundle,
    json_changed,
    leaves,
    linked,
    put,
    wrong_for,
)
from tests.mutations.repository import site

SEED = 20261125
DIGITS = 10_000
UNKNOWN, NO_CHAIN = "REFERENCE-UNKNOWN", "CHAIN-NOT-MIGRATED"
LEDGER = guid("prod", "app", "Ledger")
STABLE = (
    "app.json", "stream.json", "user.json", "reloadtask.json", "schemaevent.json", "compositeevent.json",
    "systemrule.json", "dataconnection.json", "tag.json", "custompropertydefinition.json", "extension.json",
    "audit.json", "renames.json", "redactions.json", f"app-object/{LEDGER}.json",
)  # fmt: skip
"""Lists whose hash stands in the manifest."""
UNHASHED = ("app-file.json", "app.runtime.json", "schemaevent.runtime.json", "reloadtask.runtime.json")
SCRIPT = f"script/{LEDGER}.qvs"
KNOWN = {
    field.alias or name
    for model in vars(models).values()
    if isinstance(model, type) and issubclass(model, models.BaseModel)
    for name, field in model.model_fields.items()
} | {"operational", "nextExecution", "lastExecutionResult", "duration", "status"}
"""Fields that qlift reads; all others are kept as they are, whatever they hold."""


def _bytes(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def apply(file: Path) -> None:
        file.write_bytes(change(file.read_bytes()))

    return apply


def _first_value(new: bytes) -> Callable[[bytes], bytes]:
    """Replace the first string value of a file."""

    def change(data: bytes) -> bytes:
        start = data.index(b'": "') + 3
        return data[:start] + new + data[data.index(b'"', start + 1) + 1 :]

    return change


def _a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


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
            yield Mutation(f"{file}: {name}", in_bundle(file, _bytes(change)), "refused", words)
    for file in (*STABLE, SCRIPT):
        crlf = _bytes(lambda d: d.replace(b"\n", b"\r\n"))
        for name, spoil, word in (
            ("other bytes", _bytes(lambda d: d + b" "), "sha256 differs"),
            ("line ends", crlf, "-text"),
            ("gone", Path.unlink, "missing; export again"),
        ):
            apply = in_bundle(file, spoil, hashed=False)
            yield Mutation(f"{file}: {name}, stale hash", apply, "refused", (file.split("/")[-1], word))
        for name, spoil in (("a folder", _a_folder), ("a pipe", _a_pipe)):
            apply = in_bundle(file, spoil, hashed=False)
            yield Mutation(f"{file}: {name}", apply, "refused", (file.split("/")[-1], "not a file"))
        yield Mutation(f"{file}: line ends, hashed", in_bundle(file, crlf), "same")
    not_text = in_bundle(SCRIPT, _bytes(lambda d: b"LOAD '\xff';"))
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
                apply = in_bundle(file, json_changed(lambda c, p=path, w=wrong: put(c, p, w)))
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


def _entity(file: str, change: Callable[[Any], object]) -> Callable[[Path], None]:
    """Change the first entity of a list that `change` accepts."""
    return in_bundle(file, json_changed(lambda c: change(c[0])))


def _lost(*path: str | int, new: str = "") -> Callable[[Any], None]:
    """Point a reference at an object that is not there."""
    return lambda entity: put(entity, path, new or guid("nobody"))


REFERENCES: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "app without its stream": ("app", lambda e: _stream_lost(e), UNKNOWN),
    "task without its app": ("reloadtask", _lost("app", "id"), UNKNOWN),
    "timer without its task": ("schemaevent", _lost("reloadTask", "id"), UNKNOWN),
    "timer that starts nothing": ("schemaevent", lambda e: e.update(reloadTask=None), UNKNOWN),
    "chain without its task": ("compositeevent", _lost("reloadTask", "id"), UNKNOWN),
    "chain that starts nothing": ("compositeevent", lambda e: e.update(reloadTask=None), UNKNOWN),
    "chain without its upstream": ("compositeevent", lambda e: _follow(e, guid("nobody")), UNKNOWN),
    "chain that follows nothing": ("compositeevent", lambda e: e.update(compositeRules=[]), NO_CHAIN),
    "chain that follows itself": ("compositeevent", lambda e: _follow(e, e["reloadTask"]["id"]), NO_CHAIN),
    "rule about no stream": ("systemrule", _lost("resourceFilter", new=f"Stream_{guid('none')}"), UNKNOWN),
    "rule about no app": ("systemrule", _lost("resourceFilter", new=f"Stream_*,App_{guid('no')}"), UNKNOWN),
    "audit of no stream": ("audit", _lost("stream"), UNKNOWN),
    "audit of nobody": ("audit", lambda e: e["users"].update({guid("nobody"): 2}), UNKNOWN),
    "tag without definition": ("tag", _lost("id"), UNKNOWN),
    "property without definition": ("custompropertydefinition", _lost("id"), UNKNOWN),
    "file of no app": ("app-file", _lost("app"), UNKNOWN),
    "app without its file": ("app-file", _lost("app"), "APP-FILE-MISSING"),
}


def _follow(chain: Any, task: str) -> None:
    chain["compositeRules"][0]["reloadTask"]["id"] = task


def _stream_lost(entity: Any) -> None:
    if entity["stream"] is None:
        entity["stream"] = {"id": "", "name": "Gone"}
        entity["published"] = True
    entity["stream"]["id"] = guid("nobody")


def reference_mutations() -> Iterator[Mutation]:
    for name, (kind, change, code) in REFERENCES.items():
        yield Mutation(name, _entity(f"{kind}.json", change), "found", (code,))
    owner = {"id": guid("nobody"), "userId": "ghost", "userDirectory": "CORP", "name": ""}
    for name, file in (("app", "app.json"), ("private object", f"app-object/{LEDGER}.json")):
        change = json_changed(lambda c: [e.update(owner=owner) for e in c])
        yield Mutation(f"{name} without its owner", in_bundle(file, change), "found", ("OWNER-LEFT",))
    other = f"app-object/{guid('nobody')}.json"
    yield Mutation("objects of no app", lambda r: _moved(r, other), "found", ("REFERENCE-UNKNOWN",))
    for kind in ("app", "stream", "user", "reloadtask", "schemaevent", "compositeevent", "systemrule"):
        gone = lambda r, k=kind: _kind_gone(r, k)  # noqa: E731
        yield Mutation(f"no list of {kind}", gone, "found", ("KIND-NOT-EXPORTED",))
    twice = json_changed(lambda c: c.append(c[0] | {"id": guid("second"), "userDirectory": "corp"}))
    yield Mutation("a login twice", lambda r: _counted(r, "user", twice), "found", ("LOGIN-TWICE",))
    circle = json_changed(_circle)
    yield Mutation(
        "a circle of tasks", lambda r: _counted(r, "compositeevent", circle), "found", ("CHAIN-NOT-MIGRATED",)
    )


def _circle(events: list[Any]) -> None:
    first = events[0]
    (upstream,) = (r["reloadTask"] for r in first["compositeRules"])
    rules = [{"ruleState": 1, "reloadTask": first["reloadTask"]}]
    events.append({"id": guid("circle"), "name": "Back", "reloadTask": upstream, "compositeRules": rules})


def _moved(root: Path, name: str) -> None:
    bundle = root / BUNDLE
    content = json.loads((bundle / f"app-object/{LEDGER}.json").read_text())
    for item in content:
        item["app"]["id"] = Path(name).stem
    (bundle / name).write_text(json.dumps(content))
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["sha256"][name] = ""
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    rehash(bundle)


def _kind_gone(root: Path, kind: str) -> None:
    (root / BUNDLE / f"{kind}.json").unlink()
    manifest = json.loads((root / BUNDLE / "manifest.json").read_text())
    del manifest["sha256"][f"{kind}.json"], manifest["counts"][kind]
    (root / BUNDLE / "manifest.json").write_text(json.dumps(manifest))


def _counted(root: Path, kind: str, change: Callable[[Path], object]) -> None:
    in_bundle(f"{kind}.json", change)(root)
    manifest = json.loads((root / BUNDLE / "manifest.json").read_text())
    manifest["counts"][kind] += 1
    (root / BUNDLE / "manifest.json").write_text(json.dumps(manifest))


def double_mutations() -> Iterator[Mutation]:
    """The same entry twice, in every list that has keys; and lists shorter or longer than was counted."""
    twice = json_changed(lambda c: c.append(c[0]))
    for file in (*STABLE, "app-file.json"):
        if file != "redactions.json":
            words = (file.split("/")[-1], "stands there twice")
            yield Mutation(f"{file}: an entry twice", in_bundle(file, twice), "refused", words)
    for file in STABLE[:11]:
        short = in_bundle(file, json_changed(lambda c: c.pop()))
        yield Mutation(f"{file}: an entry gone", short, "refused", (file, "manifest.json says"))


BAD_NAMES = (
    "../../../outside/secret.json", "/etc/hostname", "..", "a/../../b", "script/../../x.json", "..\\..\\x",
    "C:\\x", "a//b", "", ".git/config", "script/..", "x\0y", "x\ny", "x" * 500,
)  # fmt: skip
BAD_IDS = ("../../../outside/secret", "/etc/hostname", "a/b", "..", "a\nb", "a b", "x" * 65, "*", "\x1b[2J")


def path_mutations() -> Iterator[Mutation]:
    """Names and links that lead out of the bundle."""

    def listed(name: str) -> Callable[[Path], None]:
        return in_bundle("manifest.json", json_changed(lambda c: c["sha256"].update({name: "0" * 64})))

    for name in BAD_NAMES:
        yield Mutation(f"manifest lists {name[:40]!r}", listed(name), "refused", ("manifest.json", "sha256"))
    yield Mutation(
        "manifest lists what is not there", listed("later.json"), "refused", ("later.json", "missing")
    )
    places = {"app": ("id",), "reloadtask": ("app", "id"), "app-file": ("app",), "audit": ("stream",)}
    for trap in (*BAD_IDS, ""):
        for kind, path in (*places.items(), ("app-file", ("sha256",))):
            change = _entity(f"{kind}.json", lambda e, p=path, t=trap: put(e, p, t))
            words = (f"{kind}.json", path[-1])
            yield Mutation(f"{kind}.json: {'.'.join(path)} {trap[:30]!r}", change, "refused", words)
    outside = "../../../outside"
    for file in ("app.json", "app-file.json", "app.runtime.json", "manifest.json", "renames.json"):
        link = in_bundle(file, linked(f"{outside}/secret.json"), hashed=False)
        yield Mutation(f"{file} is a link", link, "refused", (file, "leads out of the bundle"))
        circle = in_bundle(file, linked(file), hashed=False)
        yield Mutation(f"{file} links to itself", circle, "refused", (file,))
    for file in (f"app-object/{LEDGER}.json", SCRIPT):
        link = in_bundle(file, linked(f"../{outside}/secret.json"), hashed=False)
        yield Mutation(f"{file} is a link", link, "refused", ("leads out of the bundle",))
    for folder in ("app-object", "script"):
        link = in_bundle(folder, linked(f"{outside}/{folder}"), hashed=False)
        yield Mutation(f"{folder} is a link", link, "refused", ("leads out of the bundle",))

    def unlisted(name: str) -> Callable[[Path], None]:
        return lambda root: (root / BUNDLE / name).write_text("[]")

    for name in (f"app-object/{guid('new')}.json", f"script/{guid('new')}.qvs", "app-object/x y.json"):
        words = ("the manifest does not list it",)
        yield Mutation(f"unlisted {name}", unlisted(name), "refused", words)


def manifest_mutations() -> Iterator[Mutation]:
    changes: dict[str, Callable[[Any], object]] = {
        "format 2": lambda c: c.update(format=2),
        "format as text": lambda c: c.update(format="1"),
        "unknown key": lambda c: c.update(surprise=1),
        "other site": lambda c: c.update(site="test"),
        "site that is a path": lambda c: c.update(site="../x"),
        "other data": lambda c: c.update(data="some"),
        "other scope": lambda c: c.update(scope=""),
        "no identity": lambda c: c.pop("identity"),
        "counts below zero": lambda c: c["counts"].update(app=-1),
        "counts as text": lambda c: c["counts"].update(app="3"),
        "no hashes": lambda c: c.update(sha256={}),
        "hashes in a list": lambda c: c.update(sha256=[]),
        "a short hash": lambda c: c["sha256"].update({"app.json": "abc"}),
        "a hash that is null": lambda c: c["sha256"].update({"app.json": None}),
        "kind qlikview": lambda c: c.update(kind="qlikview"),
        "kind of another tool": lambda c: c.update(kind="tableau"),
    }
    for name, change in changes.items():
        words = ("exports/prod",)
        yield Mutation(
            f"manifest: {name}", in_bundle("manifest.json", json_changed(change)), "refused", words
        )
    for size in (-1, 10**30, 1.5, "10"):
        change = _entity("app-file.json", lambda e, s=size: e.update(size=s))
        yield Mutation(f"app-file.json: size {size!r}", change, "refused", ("app-file.json", "size"))
    for name, change in (("gone", Path.unlink), ("a folder", _a_folder), ("a pipe", _a_pipe)):
        yield Mutation(f"manifest: {name}", in_bundle("manifest.json", change), "refused", ("exports/prod",))


def bundle_mutations() -> list[Mutation]:
    return [
        *byte_mutations(),
        *type_mutations(),
        *reference_mutations(),
        *double_mutations(),
        *path_mutations(),
        *manifest_mutations(),
    ]
