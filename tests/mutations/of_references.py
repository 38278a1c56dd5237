"""Bundles whose objects refer to what is not there, and lists that hold something twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.derivation.site import guid, rehash
from tests.mutations.mutation import BUNDLE, LEDGER, Mutation, entity, in_bundle, json_changed, set_to
from tests.mutations.of_bundles import STABLE

UNKNOWN, NO_CHAIN, CIRCLE = "REFERENCE-UNKNOWN", "CHAIN-NOT-MIGRATED", "CHAIN-CIRCLE"


def _lost(*path: str) -> Callable[[Any], None]:
    """Point a reference at an object that is not there."""
    return set_to(path, guid("nobody"))


REFERENCES: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "app without its stream": ("app", lambda e: _stream_lost(e), UNKNOWN),
    "task without its app": ("reloadtask", _lost("app", "id"), UNKNOWN),
    "timer without its task": ("schemaevent", _lost("reloadTask", "id"), UNKNOWN),
    "timer that starts nothing": ("schemaevent", lambda e: e.update(reloadTask=None), UNKNOWN),
    "chain without its task": ("compositeevent", _lost("reloadTask", "id"), UNKNOWN),
    "chain that starts nothing": ("compositeevent", lambda e: e.update(reloadTask=None), UNKNOWN),
    "chain without its upstream": ("compositeevent", lambda e: _follow(e, guid("nobody")), UNKNOWN),
    "chain that follows nothing": ("compositeevent", lambda e: e.update(compositeRules=[]), NO_CHAIN),
    "chain that follows itself": ("compositeevent", lambda e: _follow(e, e["reloadTask"]["id"]), CIRCLE),
    "rule about no stream": ("systemrule", set_to(("resourceFilter",), f"Stream_{guid('none')}"), UNKNOWN),
    "rule about no app": ("systemrule", set_to(("resourceFilter",), f"Stream_*,App_{guid('no')}"), UNKNOWN),
    "audit of no stream": ("audit", _lost("stream"), UNKNOWN),
    "audit of nobody": ("audit", lambda e: e["users"].update({guid("nobody"): 2}), UNKNOWN),
    "tag without definition": ("tag", _lost("id"), UNKNOWN),
    "property without definition": ("custompropertydefinition", _lost("id"), UNKNOWN),
    "file of no app": ("app-file", set_to(("app",), guid("nobody")), UNKNOWN),
    "app without its file": ("app-file", set_to(("app",), guid("nobody")), "APP-FILE-MISSING"),
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
        yield Mutation(name, entity(f"{kind}.json", change), "found", (code,))
    owner = {"id": guid("nobody"), "userId": "ghost", "userDirectory": "CORP", "name": ""}
    for name, file in (("app", "app.json"), ("private object", f"app-object/{LEDGER}.json")):
        change = json_changed(lambda c: [e.update(owner=owner) for e in c])
        yield Mutation(f"{name} without its owner", in_bundle(file, change), "found", ("OWNER-LEFT",))
    other = f"app-object/{guid('nobody')}.json"
    yield Mutation("objects of no app", lambda r: _moved(r, other), "found", ("REFERENCE-UNKNOWN",))
    for kind in ("app", "stream", "user", "reloadtask", "schemaevent", "compositeevent", "systemrule"):
        gone = partial(_kind_gone, kind)
        yield Mutation(f"no list of {kind}", gone, "found", ("KIND-NOT-EXPORTED",))
    twice = json_changed(lambda c: c.append(c[0] | {"id": guid("second"), "userDirectory": "corp"}))
    yield Mutation("a login twice", lambda r: _counted(r, "user", twice), "found", ("LOGIN-TWICE",))
    circle = json_changed(_circle)
    yield Mutation("a circle of tasks", lambda r: _counted(r, "compositeevent", circle), "found", (CIRCLE,))


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


def _kind_gone(kind: str, root: Path) -> None:
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
