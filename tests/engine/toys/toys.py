"""Two toy kinds on the real base class. Their tenant is a folder: one JSON file an object.

A Box is recognised by its source and content; a Label refers to a Box by label and id.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from providers.base import Gone, Inputs, Provider, Refusal

TARGET = Path(os.environ["TOY_TARGET"])
DELAY = float(os.environ.get("TOY_DELAY", "0"))


def _objects(kind: str) -> dict[str, dict[str, Any]]:
    return {p.stem: json.loads(p.read_text()) for p in sorted((TARGET / kind).glob("*.json"))}


def _write(kind: str, id_: str, value: dict[str, Any]) -> None:
    (TARGET / kind).mkdir(parents=True, exist_ok=True)
    part = TARGET / kind / f"{id_}.part"
    part.write_text(json.dumps(value))
    part.replace(TARGET / kind / f"{id_}.json")


def _read(kind: str, id_: str) -> dict[str, Any]:
    try:
        return dict(json.loads((TARGET / kind / f"{id_}.json").read_text()))
    except FileNotFoundError:
        raise Gone from None


class BoxInputs(Inputs):
    source: str
    name: str
    content: str


class BoxProvider(Provider[BoxInputs]):
    kind = "Box"
    model = BoxInputs
    replaced_by = frozenset({"content"})

    def problems(self, new: BoxInputs, old: BoxInputs | None) -> list[tuple[str, str]]:
        return [("name", "is not allowed; choose another name")] if new.name == "forbidden" else []

    def make(self, new: BoxInputs) -> tuple[str, dict[str, Any]]:
        if new.name == "fails":
            raise Refusal("the target said no\nin two lines")
        ours = [
            i for i, o in _objects("box").items() if (o["source"], o["content"]) == (new.source, new.content)
        ]
        id_ = ours[0] if ours else uuid.uuid4().hex
        time.sleep(DELAY)
        _write("box", id_, {"source": new.source, "name": new.name, "content": new.content})
        time.sleep(DELAY)
        return id_, {"only_in_state": "kept"}

    def find(self, id_: str, known: BoxInputs) -> dict[str, Any]:
        live = _read("box", id_)
        return {"name": live["name"]}

    def change(self, id_: str, old: BoxInputs, new: BoxInputs) -> dict[str, Any]:
        _write("box", id_, {"source": new.source, "name": new.name, "content": new.content})
        return {}

    def remove(self, id_: str, known: BoxInputs) -> None:
        (TARGET / "box" / f"{id_}.json").unlink(missing_ok=True)


class LabelInputs(Inputs):
    box: str
    box_id: str | None
    size: int


class LabelProvider(Provider[LabelInputs]):
    kind = "Label"
    model = LabelInputs
    references = {"box": "box_id"}
    replaced_by = frozenset({"box"})

    def make(self, new: LabelInputs) -> tuple[str, dict[str, Any]]:
        id_ = f"on-{new.box_id}"
        _write("label", id_, {"size": new.size})
        return id_, {}

    def find(self, id_: str, known: LabelInputs) -> dict[str, Any]:
        return {"size": _read("label", id_)["size"]}

    def change(self, id_: str, old: LabelInputs, new: LabelInputs) -> dict[str, Any]:
        _write("label", id_, {"size": new.size})
        return {}

    def remove(self, id_: str, known: LabelInputs) -> None:
        (TARGET / "label" / f"{id_}.json").unlink(missing_ok=True)


class Box(Resource, module="qlift", name="Box"):
    name: pulumi.Output[str]

    def __init__(self, key: str, source: str, name: str, content: str, opts: pulumi.ResourceOptions) -> None:
        props = {"key": key, "source": source, "name": name, "content": content}
        super().__init__(BoxProvider(), key, props, opts)


class Label(Resource, module="qlift", name="Label"):
    def __init__(self, key: str, box: Box, size: int, opts: pulumi.ResourceOptions) -> None:
        props = {"key": key, "box": box.name, "box_id": box.id, "size": size}
        super().__init__(LabelProvider(), key, props, opts)
