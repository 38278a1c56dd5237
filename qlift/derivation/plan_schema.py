"""The JSON Schema of plan.yaml, made from the models: editors complete and explain a plan with it."""

from __future__ import annotations

import json
from typing import Any

from qlift.derivation.plan import Plan


def schema_text() -> str:
    """What `stacks/plan.schema.json` holds."""
    made = Plan.model_json_schema(by_alias=True)
    for model in (made, *made["$defs"].values()):
        _plain(model)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **made}, indent=2) + "\n"


def _plain(model: dict[str, Any]) -> None:
    """Without titles that only repeat keys. A key with nothing after it counts as left out, as where all that
    stands below it is commented out."""
    model.pop("title", None)
    for name, field in model.get("properties", {}).items():
        field.pop("title", None)
        if name in model.get("required", ()) or {"type": "null"} in field.get("anyOf", ()):
            continue
        said = {k: field.pop(k) for k in ("description", "default") if k in field}
        options = field.pop("anyOf") if set(field) == {"anyOf"} else [dict(field)]
        field.clear()
        field.update({**said, "anyOf": [*options, {"type": "null"}]})
