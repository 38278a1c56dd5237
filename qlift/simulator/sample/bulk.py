"""More objects for the apps of a large site: what people collect in an app over the years."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qlift.simulator.site import appfile
from qlift.simulator.site.documents import Ids, app_object
from qlift.simulator.site.kinds import Document

_TYPES = (
    "dimension",
    "measure",
    "masterobject",
    "sheet",
    "variable",
    "measure",
    "masterobject",
    "bookmark",
    "story",
    "snapshot",
)
_PRIVATE = frozenset({"bookmark", "snapshot"})
"""Types that readers make for themselves in a published app."""


def more_objects(
    ids: Ids, app: Document, owner: Document, readers: Sequence[Document], count: int
) -> list[tuple[Document, dict[str, Any]]]:
    """`count` objects with their contents. In a published app some are readers' own, private or community."""
    published: bool = app["published"]
    templates: dict[tuple[str, int], Document] = {}
    made = []
    for number in range(count):
        type_ = _TYPES[number % len(_TYPES)]
        whose = number % len(readers) if published and readers and _by_reader(type_, number) else -1
        template = templates.get((type_, whose))
        if template is None:
            # Its references are the same dicts in all objects: there are 150,000 of them on a large site.
            maker = owner if whose < 0 else readers[whose]
            state = (published, published) if whose < 0 else (number % 20 == 13, False)
            template = templates[type_, whose] = app_object(
                "", app, maker, type_, "", "", published=state[0], approved=state[1]
            )
        name = f"{type_.capitalize()} {number + 1}"
        content: dict[str, Any] = {"title": name, "type": type_, "version": 1}
        identity = {
            "id": ids("object", app["id"], "more", number),
            "engineObjectId": ids("engine object", app["id"], "more", number),
            "name": name,
            "contentHash": appfile.content_hash({"app": app["id"]} | content),
        }
        made.append((template | identity, content))
    return made


def _by_reader(type_: str, number: int) -> bool:
    return type_ in _PRIVATE or number % 20 == 13
