"""Lists of the Repository Service: what a filter finds and the caller may see, answered piece by piece."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from fastapi.responses import JSONResponse, Response, StreamingResponse

from qlift.simulator.site import filters
from qlift.simulator.site.access import Access
from qlift.simulator.site.kinds import APP_OBJECT, RELOAD_TASK, USER, Document, Kind
from qlift.simulator.site.serving import current
from qlift.simulator.store import Store

_INDEXED = ((APP_OBJECT, "app.id"), (RELOAD_TASK, "app.id"), (USER, "userId"))
_PIECE = 500
"""Objects that are put into text at a time: a full list of a large site has a hundred megabytes."""


def matching(store: Store, kind: Kind, text: str) -> list[Document]:
    """What a filter finds, whoever asks. Raises filters.FilterError."""
    wanted = filters.equalities(kind, text)
    for path in ("id", *(path for indexed, path in _INDEXED if indexed is kind)):
        if path.lower() in wanted:
            return filters.select(kind, store.where(kind.stored, path, wanted[path.lower()]), text)
    return filters.select(kind, store.all(kind.stored), text)


def listed(store: Store, kind: Kind, text: str, order: str, user: Document, now: datetime) -> list[Document]:
    """What the caller may see of a kind, as of now: the rest is absent without a word."""
    seen = Access(store).visible(user, kind, matching(store, kind, text))
    return current(store, kind, filters.order(kind, seen, order), now)


def answer(documents: Sequence[Document], form: Callable[[Document], Document]) -> Response:
    """A JSON array, in pieces when it is long."""
    if len(documents) <= _PIECE:
        return JSONResponse([form(document) for document in documents])
    return StreamingResponse(_pieces(documents, form), media_type="application/json")


def _pieces(documents: Sequence[Document], form: Callable[[Document], Document]) -> Iterator[bytes]:
    for start in range(0, len(documents), _PIECE):
        piece = [form(document) for document in documents[start : start + _PIECE]]
        text = json.dumps(piece, ensure_ascii=False, separators=(",", ":"))
        yield (("[" if start == 0 else ",") + text[1:-1]).encode()
    yield b"]"
