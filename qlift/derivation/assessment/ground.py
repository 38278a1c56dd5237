"""What the parts of one assessment share: the bundle, its look-ups, and the trial derivation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from qlift.bundle import Bundle
from qlift.bundle.models import INTERNAL_TYPES, App, AppObject, DataConnection, Stream
from qlift.derivation.assessment.model import TenantFacts
from qlift.derivation.assessment.scripts import ScriptFacts, script_facts
from qlift.derivation.assessment.trial import is_monitoring
from qlift.derivation.context import Site
from qlift.derivation.desired import Desired
from qlift.derivation.permissions import Rules
from qlift.derivation.permissions.rules import Reading, Unread

ABSENT = "1753"
"""Year of a date that the Repository Service does not have."""


@dataclass(frozen=True)
class Contents:
    """What is known of an app's objects."""

    sheets: int
    private: int
    """Private and community objects."""
    newest: date | None
    """When the newest object was made."""
    types: frozenset[str]
    known: bool
    """Whether the bundle lists any."""


@dataclass
class Ground:
    bundle: Bundle
    tenant: TenantFacts
    as_of: date
    desired: Desired

    @cached_property
    def site(self) -> Site:
        return Site(self.bundle)

    @cached_property
    def rules(self) -> Rules:
        return _Rules(self.site)

    @cached_property
    def apps(self) -> dict[str, App]:
        """By id."""
        return {a.id: a for a in self.bundle.apps}

    @property
    def year_ago(self) -> date:
        return self.as_of - timedelta(days=365)

    def stream_of(self, app: App) -> Stream | None:
        return self.site.streams.get(app.stream.id) if app.stream else None

    def stream_name(self, app: App) -> str:
        stream = self.stream_of(app)
        return stream.name if stream else app.stream.name if app.stream else ""

    @cached_property
    def monitoring(self) -> frozenset[str]:
        """Ids of streams of Qlik's own apps."""
        return frozenset(s.id for s in self.bundle.streams if is_monitoring(s))

    def is_active(self, user_id: str) -> bool:
        return user_id in self.site.active_users

    @cached_property
    def scripts(self) -> dict[str, ScriptFacts]:
        """By app; apps whose script the export could not read are missing."""
        found = {}
        for app in self.bundle.apps:
            text = self.bundle.script(app.id)
            if text is not None:
                found[app.id] = script_facts(text)
        return found

    @cached_property
    def connections_by_name(self) -> dict[str, DataConnection]:
        return {c.name.casefold(): c for c in self.bundle.data_connections}

    @cached_property
    def users_of_connection(self) -> dict[str, list[App]]:
        """Apps whose scripts name a connection, by its id."""
        found: dict[str, list[App]] = defaultdict(list)
        for app in self.bundle.apps:
            for connection in self.known_connections(app):
                found[connection.id].append(app)
        return found

    def known_connections(self, app: App) -> list[DataConnection]:
        """Of its script, as far as the site has them; by name."""
        script = self.scripts.get(app.id)
        named = {n.casefold() for n in script.connections} if script else set()
        found = [self.connections_by_name[n] for n in named if n in self.connections_by_name]
        return sorted(found, key=lambda c: (c.name, c.id))

    @cached_property
    def contents(self) -> dict[str, Contents]:
        return {a.id: self._contents(a) for a in self.bundle.apps}

    def _contents(self, app: App) -> Contents:
        objects = self.bundle.objects(app.id)
        return Contents(
            sheets=sum(o.object_type == "sheet" for o in objects),
            private=sum(_is_private(app, o) for o in objects),
            newest=_latest(o.created_date for o in objects),
            types=frozenset(o.object_type for o in objects),
            known=bool(objects),
        )

    def size(self, app: App) -> int | None:
        """Bytes of the exported file, else what the site says."""
        file = self.bundle.app_files.get(app.id)
        return file.size if file else _number(self._runtime(app).get("fileSize"))

    def memory(self, app: App) -> int | None:
        """Newer versions of the site say it; 0 is "not known"."""
        return _number(self._runtime(app).get("staticByteSize"))

    def last_reload(self, app: App) -> date | None:
        return day(str(self._runtime(app).get("lastReloadTime") or ""))

    def last_change(self, app: App) -> date | None:
        """The newest trace of people: made, published, or an object added. A reload leaves none of these."""
        extra = app.model_extra or {}
        own = _latest(str(extra.get(k) or "") for k in ("createdDate", "publishTime"))
        newest = self.contents[app.id].newest
        return max((d for d in (own, newest) if d), default=None)

    def last_sign(self, app: App) -> date | None:
        """Of anything: people, a reload, or any other change of the app."""
        changed = day(str(self._runtime(app).get("modifiedDate") or ""))
        signs = (self.last_reload(app), self.last_change(app), changed)
        return max((d for d in signs if d), default=None)

    def _runtime(self, app: App) -> dict[str, object]:
        return self.bundle.runtime.get("app", {}).get(app.id, {})

    @cached_property
    def readers(self) -> dict[str, int]:
        """Active people who may read a stream by the source's own audit, as a set of bits; by stream."""
        place = {u: n for n, u in enumerate(sorted(self.site.active_users))}
        return {
            stream: _bits(
                (place[u] for u, mask in access.users.items() if mask & READ and u in place), len(place)
            )
            for stream, access in self.bundle.access.items()
        }


READ = 2
"""Bit of the source's enum of actions."""


class _Rules(Rules):
    """Each stream's rules are evaluated once: rows and differences are made of the same readings."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._of_stream: dict[str, tuple[Reading | Unread, ...]] = {}

    def of_stream(self, stream: Stream) -> tuple[Reading | Unread, ...]:
        if stream.id not in self._of_stream:
            self._of_stream[stream.id] = super().of_stream(stream)
        return self._of_stream[stream.id]


def _bits(places: Iterable[int], length: int) -> int:
    """An integer with these bits set."""
    found = bytearray(length // 8 + 1)
    for place in places:
        found[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(found, "little")


def day(text: str) -> date | None:
    """Of a date of the Repository Service; None for one that it does not have, or that is not one."""
    if not text or text.startswith(ABSENT):
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _latest(texts: Iterable[str]) -> date | None:
    return max((d for t in texts if (d := day(t))), default=None)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _is_private(app: App, item: AppObject) -> bool:
    """An app that was never published is its owner's altogether."""
    return app.published and not item.is_public and item.object_type not in INTERNAL_TYPES
