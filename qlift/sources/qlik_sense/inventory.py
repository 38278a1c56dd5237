"""The lists of a site in bulk, and the objects of its apps.

One full list and one count for each kind, one call an app for its objects: no number of objects makes more of
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from threading import Event

from qlift.bundle.layout import KINDS
from qlift.bundle.models import INTERNAL_TYPES, Identity, Raw
from qlift.sources.parallel import in_parallel
from qlift.sources.qlik_sense.client import SiteClient
from qlift.sources.qlik_sense.errors import Absent, NotAllowed
from qlift.sources.qlik_sense.identity import counts, who
from qlift.sources.qlik_sense.run import Run


@dataclass(frozen=True)
class SourceCheck:
    """Who we are in the site, and what it holds."""

    product_version: str
    identity: Identity
    counts: dict[str, int]
    reasons: tuple[str, ...]
    """Why the identity does not see everything; empty when it does."""


def check_source(client: SiteClient) -> SourceCheck:
    """For `qlift connect`: a few calls, no lists."""
    version = product_version(client)
    me = who(client)
    identity = Identity(user=me.name, roles=me.roles, complete=not me.reasons, reasons=me.reasons)
    return SourceCheck(version, identity, counts(client), me.reasons)


def product_version(client: SiteClient) -> str:
    about = client.get("about")
    return str(about.get("buildVersion", "")) if isinstance(about, dict) else ""


@dataclass
class Inventory:
    """What later steps need of the lists."""

    apps: list[Raw] = field(default_factory=list)
    streams: list[Raw] = field(default_factory=list)
    ids: dict[str, set[str]] = field(default_factory=dict)
    short: list[str] = field(default_factory=list)
    """Lists that are shorter than their counts, and kinds that the site refuses."""


def read_inventory(run: Run) -> Inventory:
    """Write all kinds. Users are many: no list but those of apps and streams is kept."""
    found = Inventory()
    keep = {"app": found.apps, "stream": found.streams}
    for kind in KINDS:
        run.progress(f"reading {kind}")
        ids: set[str] = set()
        try:
            run.writer.entities(kind, _noted(run.client, kind, ids, keep.get(kind)))
            counted = run.client.count(kind)
        except Absent:
            run.writer.entities(kind, ())
            run.report.notes.append(f"{kind}: this site does not know the kind")
            continue
        except NotAllowed as error:
            run.writer.entities(kind, ())
            found.short.append(f"{kind}: {error}")
            continue
        found.ids[kind] = ids
        if len(ids) < counted:
            found.short.append(f"{kind}: {len(ids)} of {counted} objects were visible")
    found.apps.sort(key=lambda a: str(a["id"]))
    found.streams.sort(key=lambda s: str(s["id"]))
    return found


def _noted(client: SiteClient, kind: str, ids: set[str], kept: list[Raw] | None) -> Iterator[Raw]:
    for entity in client.each(kind):
        ids.add(str(entity["id"]))
        if kept is not None:
            kept.append(entity)
        yield entity


def read_objects(run: Run, apps: list[Raw]) -> None:
    """App by app: a large site has up to a million objects.

    Whether a private sheet changes the date of its app is not documented, so every export asks every app;
    only what the same export read before an interruption is not asked again, for apps of the same date.
    """
    ask = [a for a in apps if not _resumed(run, a)]
    asked = len(apps) - len(ask)
    with closing(in_parallel(lambda a: _objects_of(run.client, a), ask, run.parallel, Event())) as results:
        for number, (app, objects) in enumerate(results, 1):
            if isinstance(objects, Exception):
                raise objects
            sha256, redactions = run.writer.objects(str(app["id"]), objects)
            facts = {"modified": app.get("modifiedDate"), "sha256": sha256}
            redacted = [r.model_dump() for r in redactions]
            run.journal.note("objects", str(app["id"]), **facts, redacted=redacted)
            run.progress(f"reading the objects of apps: {asked + number:,} of {len(apps):,}")
    run.writer.keep_objects(str(a["id"]) for a in apps)


def with_private_content(run: Run, apps: list[Raw]) -> set[str]:
    """Ids of published apps that hold private or community objects."""
    published = [str(a["id"]) for a in apps if a.get("published")]
    return {i for i in published if any(map(_private, run.writer.objects_of(i)))}


def _private(item: Raw) -> bool:
    public = item.get("published") and item.get("approved")
    return not public and item.get("objectType") not in INTERNAL_TYPES


def _objects_of(client: SiteClient, app: Raw) -> list[Raw]:
    return client.full("app/object", filter=f"app.id eq {app['id']}")


def _resumed(run: Run, app: Raw) -> bool:
    line = run.journal.fresh("objects", str(app["id"]), modified=app.get("modifiedDate"))
    # An older version did not look for credentials in them.
    return (
        line is not None
        and "redacted" in line
        and run.writer.resume_objects(str(app["id"]), line["sha256"], line["redacted"])
    )
