"""The apps of the sample site, with their objects and files."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from qlift.simulator.sample.bulk import more_objects
from qlift.simulator.sample.options import SampleOptions
from qlift.simulator.sample.scripts import load_script, table_of
from qlift.simulator.site import appfile
from qlift.simulator.site.documents import Ids, app, app_object, login, property_value
from qlift.simulator.site.kinds import APP_OBJECT, Document
from qlift.simulator.store import Store

STREAM_NAMES = ("Finance", "Sales", "HR", "Supply Chain", "Everyone")

_TITLES = {
    "Finance": (
        "General Ledger",
        "Budget vs Actuals",
        "Cash Flow Forecast",
        "Accounts Payable",
        "Tax Report",
    ),
    "Sales": ("Sales Overview", "Pipeline Review", "Customer Profitability", "Price List", "Returns"),
    "HR": ("Headcount", "Absence Analysis", "Recruiting Funnel", "Training Hours"),
    "Supply Chain": ("Inventory Turnover", "Supplier Scorecard", "Freight Costs", "Stock Ageing"),
    "Everyone": ("Company KPIs", "Canteen Menu", "Energy Use"),
}
_ORDER = (
    "Finance",
    "Finance",
    "Finance",
    "Sales",
    "Sales",
    "Sales",
    "HR",
    "HR",
    "Supply Chain",
    "Supply Chain",
)
"""Streams of the first published apps; the eleventh is for everyone, then it goes round."""
_MAIN_TABLES = {
    "Finance": "ledger",
    "Sales": "orders",
    "HR": "people",
    "Supply Chain": "stock",
    "Everyone": "ledger",
}
"""QVD files that the scripts of these streams store."""
_PERSONAL = ("Sales Overview (my copy)", "Payroll Experiments", "Quarter What-if", "Scratch Pad")
_SHEETS = ("Dashboard", "Details", "Trends", "By Region", "What Changed")


@dataclass(frozen=True)
class Cast:
    """Who does what on the site, as `people` orders them."""

    admin: Document
    developers: tuple[Document, ...]
    """Of finance, sales, HR and supply chain first."""
    left: Document
    readers: dict[str, list[Document]] = field(default_factory=dict)
    """People who may open the apps of a stream, by its name."""


def make_apps(
    store: Store, options: SampleOptions, ids: Ids, streams: Sequence[Document], cast: Cast
) -> list[Document]:
    """Published apps first, then the personal ones."""
    published = max(0, options.apps - options.personal)
    places: Counter[str] = Counter()
    made = []
    for number in range(published):
        stream = streams[_stream_index(number) % len(streams)]
        made.append(_published(store, options, ids, number, places[stream["id"]], stream, cast))
        places[stream["id"]] += 1
    made += [_personal(store, options, ids, number, cast) for number in range(options.apps - published)]
    return made


def _stream_index(number: int) -> int:
    if number > len(_ORDER):
        return number
    return STREAM_NAMES.index(_ORDER[number] if number < len(_ORDER) else "Everyone")


def _published(
    store: Store, options: SampleOptions, ids: Ids, number: int, place: int, stream: Document, cast: Cast
) -> Document:
    """`place`: how many apps the stream has already."""
    titles = _TITLES.get(stream["name"], tuple(f"{stream['name']} Report {n}" for n in range(1, 4)))
    title = titles[place % len(titles)]
    name = title if place < len(titles) else f"{title} {place // len(titles) + 1}"
    owner = cast.left if number == 7 else cast.developers[_stream_index(number) % len(cast.developers)]
    document = app(
        ids("app", number), name, owner, stream, f"{name} of {stream['name']}, reloaded every day."
    )
    allowed = cast.readers.get(stream["name"]) or list(cast.developers)
    readers = [reader for reader in allowed if reader["id"] != owner["id"]] or allowed
    objects = _public_objects(ids, document, owner, published=True)
    if number % 3 == 0:
        objects.append(
            _object(
                ids, document, readers[number % len(readers)], "sheet", "Shared by a colleague", True, False
            )
        )
        objects.append(
            _object(ids, document, readers[(number + 1) % len(readers)], "sheet", "My own view", False, False)
        )
    if number % 3 == 1:
        objects.append(
            _object(ids, document, readers[number % len(readers)], "bookmark", "Last quarter", False, False)
        )
    script = load_script(
        name,
        admins=[login(user) for user in (cast.admin, owner)],
        readers=[login(reader) for reader in allowed],
        reads=_reads(stream["name"], titles, number, place),
    )
    _fill(options, ids, document, owner, readers, objects, number)
    return _store(store, options, ids, document, objects, script, f"published {number}")


def _reads(stream: str, titles: Sequence[str], number: int, place: int) -> list[str]:
    """What a generated script loads: the stream's main table, and the orders in every third app."""
    main = _MAIN_TABLES.get(stream)
    if main is None:
        if place == 0:
            return []
        main = table_of(titles[0])
    return [main, "orders"] if number % 3 == 0 and main != "orders" else [main]


def _personal(store: Store, options: SampleOptions, ids: Ids, number: int, cast: Cast) -> Document:
    title = _PERSONAL[number % len(_PERSONAL)]
    name = title if number < len(_PERSONAL) else f"{title} {number // len(_PERSONAL) + 1}"
    owners = [*cast.developers, *(reader for group in cast.readers.values() for reader in group[:2])]
    owner = owners[(number + 1) % len(owners)]
    document = app(ids("personal", number), name, owner, None, "")
    objects = _public_objects(ids, document, owner, published=False)
    script = load_script(name, reads=["orders"])
    _fill(options, ids, document, owner, (), objects, options.apps - options.personal + number)
    return _store(store, options, ids, document, objects, script, f"personal {number}")


_Objects = list[tuple[Document, appfile.Content]]


def _fill(
    options: SampleOptions,
    ids: Ids,
    document: Document,
    owner: Document,
    readers: Sequence[Document],
    objects: _Objects,
    number: int,
) -> None:
    """Adds objects until the app (`number` of all) has its share of `app_objects`. The script comes later."""
    share = options.app_objects * (number + 1) // options.apps - options.app_objects * number // options.apps
    objects += more_objects(ids, document, owner, readers[:20], max(0, share - len(objects) - 1))


def _public_objects(ids: Ids, document: Document, owner: Document, *, published: bool) -> _Objects:
    """What every app has. Publishing an app makes its objects base content; before, none is published."""
    chance = random.Random(document["id"])
    sheets = _SHEETS[: 2 + chance.randrange(3)]
    state = (published, published)
    found: _Objects = [
        _object(ids, document, owner, "appprops", "", *state),
        _object(ids, document, owner, "loadmodel", "", *state),
        *(_object(ids, document, owner, "sheet", name, *state) for name in sheets),
        _object(ids, document, owner, "dimension", "Region", *state),
        _object(ids, document, owner, "measure", "Revenue", *state),
        _object(ids, document, owner, "masterobject", "Revenue by Region", *state),
    ]
    if chance.randrange(2):
        found.append(_object(ids, document, owner, "bookmark", "This year", *state))
    return found


def _object(
    ids: Ids, document: Document, owner: Document, type_: str, name: str, published: bool, approved: bool
) -> tuple[Document, appfile.Content]:
    content: dict[str, Any] = {"title": name, "type": type_, "version": 1}
    if type_ == "sheet":
        content["cells"] = [{"name": f"{document['name']} {name}", "type": "barchart"}]
    made = app_object(
        ids("object", document["id"], type_, name),
        document,
        owner,
        type_,
        name,
        appfile.content_hash({"app": document["id"]} | content),
        published=published,
        approved=approved,
    )
    return made, content


def _store(
    store: Store,
    options: SampleOptions,
    ids: Ids,
    document: Document,
    objects: _Objects,
    script: str,
    seed: str,
) -> Document:
    published = document["published"]
    script_content = {"qScript": script}
    owner = document["owner"]
    script_object = app_object(
        ids("object", document["id"], "app_appscript"),
        document,
        owner,
        "app_appscript",
        "",
        appfile.content_hash(script_content),
        published=published,
        approved=published,
    )
    objects = [*objects, (script_object, script_content)]
    store.put_all(APP_OBJECT.stored, ((made["id"], made) for made, _ in objects))
    appfile.put(store, document, appfile.header(document, objects, script), _size(options, seed))
    return document


def _size(options: SampleOptions, seed: str) -> int:
    chance = random.Random(f"size {options.seed} {seed}")
    least = options.app_bytes + chance.randrange(4096)
    if not options.median_app_bytes:
        return least
    spread = math.log(300) / 2.326  # The 99th percentile lies 2.326 standard deviations above the median.
    return max(least, round(chance.lognormvariate(math.log(options.median_app_bytes), spread)))


def mark_app(document: Document, definition: Document, value: str) -> Document:
    """The app with one more value of a custom property."""
    values = [*document["customProperties"], property_value(definition, value, document["id"])]
    return document | {"customProperties": values}
