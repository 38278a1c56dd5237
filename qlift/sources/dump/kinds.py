"""Which kind the objects of a file are, and whether they are what the Repository Service sends in full."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from qlift.bundle import layout, models
from qlift.bundle.models import Raw

OBJECTS = "app/object"
TYPES = {type_: kind for kind, type_ in layout.TYPES.items()} | {"App.Object": OBJECTS}
"""`schemaPath` of a full object → kind."""
_ALSO = {
    "task": "reloadtask",
    "trigger": "schemaevent",
    "rule": "systemrule",
    "securityrule": "systemrule",
    "connection": "dataconnection",
    "customproperty": "custompropertydefinition",
    "library": "contentlibrary",
    "object": OBJECTS,
    "appobject": OBJECTS,
    "sheet": OBJECTS,
}
_AROUND = re.compile(r"^(?:qrs|qlik|get|export|dump|all)+|(?:full|list|export|dump|all|raw)+$")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T")


def kind_of_name(stem: str) -> str | None:
    """`apps`, `qrs_app_full`, `Get-QlikDataConnection` ... → the kind that is meant, if it is plain."""
    plain = _AROUND.sub("", re.sub(r"[^a-z]", "", stem.lower()))
    known = {kind.replace("/", ""): kind for kind in TYPES.values()} | _ALSO
    singular = plain[:-3] + "y" if plain.endswith("ies") else plain.removesuffix("s")
    return known.get(plain) or known.get(singular)


def kind_of(stem: str, entities: list[Raw]) -> str | None:
    """What the objects say of themselves goes before the file's name."""
    types = {str(e.get("schemaPath", "")) for e in entities}
    if len(types) == 1 and (kind := TYPES.get(types.pop())):
        return kind
    return kind_of_name(stem)


def problems_of(kind: str, entities: list[Raw]) -> Iterator[str]:
    """Why the file cannot be used; one line for what is wrong with all of it."""
    if any("createdDate" not in e for e in entities):
        yield (
            f"condensed objects, without owners, tags and dates; the right call is GET /qrs/{kind}/full"
            + (" (with -full in Qlik-Cli)" if kind != OBJECTS else " (or app by app: ?filter=app.id eq <id>)")
        )
        return
    if any(_cut(e) for e in entities):
        yield "PowerShell cut nested objects to text; write it with ConvertTo-Json -Depth 10"
        return
    if not all(_DATE.match(str(e["createdDate"])) for e in entities):
        yield "dates are not as the service writes them; take the raw answer (-raw in Qlik-Cli, or curl)"
        return
    model = models.AppObject if kind == OBJECTS else layout.KINDS[kind]
    for entity in entities:
        try:
            model.model_validate(entity)
        except ValidationError as error:
            for problem in error.errors(include_input=False, include_url=False):
                where = ".".join(map(str, problem["loc"]))
                yield f"{entity.get('id', 'an object without id')}: {where}: {problem['msg']}"


def _cut(value: Any) -> bool:
    """`ConvertTo-Json` without `-Depth` writes what is nested deeper as `@{id=...}` or `System.Object[]`."""
    if isinstance(value, dict):
        return any(_cut(v) for v in value.values())
    if isinstance(value, list):
        return any(_cut(v) for v in value)
    return isinstance(value, str) and (
        (value.startswith("@{") and value.endswith("}")) or value == "System.Object[]"
    )
