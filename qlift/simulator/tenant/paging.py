"""Pages with opaque cursors.

A cursor names the last row that was given out, not a position: rows that come or go between two requests
neither repeat nor hide others. It may come back with another limit.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from qlift.simulator.tenant.errors import Refusal
from qlift.simulator.tenant.world import Call, Document

Key = Callable[[Document], str]


def page(
    call: Call,
    rows: list[Document],
    render: Callable[[Document], Document],
    *,
    key: Key,
    descending: bool = False,
    limit: int,
    next_: str | None = None,
    prev: str | None = None,
    parameter: str = "next",
) -> dict[str, Any]:
    """`{"data", "links"}`. With `parameter` other than `next` that one carries both directions' cursors."""

    def place(row: Document) -> tuple[str, str]:
        return key(row), str(row["id"])

    rows = sorted(rows, key=place, reverse=descending)
    backwards, after = _direction(next_, prev)
    if after is None:
        start = 0
    elif backwards:
        before = sum(1 for row in rows if (place(row) > after if descending else place(row) < after))
        start = max(0, before - limit)
    else:
        start = sum(1 for row in rows if (place(row) >= after if descending else place(row) <= after))
    end = min(start + limit, len(rows))
    if backwards and after is not None:
        end = min(end, before)
    shown = rows[start:end]
    links: dict[str, Any] = {"self": {"href": call.url_of_request()}}
    if end < len(rows) and shown:
        links["next"] = {"href": _link(call, parameter, "n", place(shown[-1]))}
    elif call.world.switches.last_page_link == "null":
        links["next"] = {"href": None}
    if start > 0 and shown:
        links["prev"] = {
            "href": _link(call, "prev" if parameter == "next" else parameter, "p", place(shown[0]))
        }
    return {"data": [render(row) for row in shown], "links": links}


def sort_of(value: str | None, allowed: dict[str, str], default: str) -> tuple[str, bool]:
    """`+name`, `-name` or `name` → (field of the row, descending). Refused with 400 when not in `allowed`."""
    text = (value or default).strip()
    field = allowed.get(text.lstrip("+-"))
    if field is None:
        raise Refusal(400, "Invalid sort field", detail=f"cannot sort by {text!r}", pointer="sort")
    return field, text.startswith("-")


def _link(call: Call, parameter: str, direction: str, place: tuple[str, str]) -> str:
    text = json.dumps([direction, *place]).encode()
    cursor = base64.urlsafe_b64encode(text).decode().rstrip("=")
    query = [
        (k, v)
        for k, v in parse_qsl(call.query, keep_blank_values=True)
        if k not in ("next", "prev", parameter)
    ]
    return f"{call.origin}{call.path}?{urlencode([*query, (parameter, cursor)])}"


def _direction(next_: str | None, prev: str | None) -> tuple[bool, tuple[str, str] | None]:
    cursor = next_ or prev
    if not cursor:
        return False, None
    try:
        direction, key, id_ = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise Refusal(400, "Invalid cursor", pointer="next" if next_ else "prev") from error
    return direction == "p", (str(key), str(id_))
