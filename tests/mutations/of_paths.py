"""Bundles whose manifests, ids and links lead somewhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.derivation.site import guid
from tests.mutations.mutation import (
    BUNDLE,
    LEDGER,
    SCRIPT,
    Change,
    Mutation,
    a_folder,
    a_pipe,
    entity,
    in_bundle,
    json_changed,
    linked,
    set_to,
)

BAD_NAMES = (
    "../../../outside/secret.json", "/etc/hostname", "..", "a/../../b", "script/../../x.json", "..\\..\\x",
    "C:\\x", "a//b", "", ".git/config", "script/..", "x\0y", "x\ny", "x" * 500,
)  # fmt: skip
BAD_IDS = ("../../../outside/secret", "/etc/hostname", "a/b", "..", "a\nb", "a b", "x" * 65, "*", "\x1b[2J")


def path_mutations() -> Iterator[Mutation]:
    """Names and links that lead out of the bundle."""

    def listed(name: str) -> Change:
        return in_bundle("manifest.json", json_changed(lambda c: c["sha256"].update({name: "0" * 64})))

    for name in BAD_NAMES:
        yield Mutation(f"manifest lists {name[:40]!r}", listed(name), "refused", ("manifest.json", "sha256"))
    yield Mutation(
        "manifest lists what is not there", listed("later.json"), "refused", ("later.json", "missing")
    )
    places = {"app": ("id",), "reloadtask": ("app", "id"), "app-file": ("app",), "audit": ("stream",)}
    for trap in (*BAD_IDS, ""):
        for kind, path in (*places.items(), ("app-file", ("sha256",))):
            change = entity(f"{kind}.json", set_to(path, trap))
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

    def unlisted(name: str) -> Change:
        return lambda root: (root / BUNDLE / name).write_text("[]")

    for name in (f"app-object/{guid('new')}.json", f"script/{guid('new')}.qvs", "app-object/x y.json"):
        yield Mutation(f"unlisted {name}", unlisted(name), "refused", ("the manifest does not list it",))


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
        change = entity("app-file.json", set_to(("size",), size))
        yield Mutation(f"app-file.json: size {size!r}", change, "refused", ("app-file.json", "size"))
    for name, change in (("gone", Path.unlink), ("a folder", a_folder), ("a pipe", a_pipe)):
        yield Mutation(f"manifest: {name}", in_bundle("manifest.json", change), "refused", ("exports/prod",))
