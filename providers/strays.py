"""Strays: what carries this stack's mark in the tenant, and is in neither its state nor its plan.

A run that failed or was killed made them and could not record them, and then the plan let them go. Whether
somebody works with them since cannot be read, so they are named and never deleted. Named too are copies of
an app that the state holds, which people changed (`providers.left_over`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import providers.base
from providers.claims import Key
from qlift.cloud.apps import get_app
from qlift.cloud.errors import Forbidden
from qlift.cloud.models import App
from qlift.cloud.provenance import Provenance, provenance_of
from qlift.cloud.publications import staged_source
from qlift.cloud.tenant import Tenant

SPACE, APPS = "Space", ("App", "AppPublication")
"""Kinds that carry a mark. An app and its publication carry the same."""

Object = tuple[str, str]
"""Site and source."""


@dataclass
class Strays:
    """Of one process. What a run is about to make it takes over where it finds it: that is no stray."""

    tenant: Tenant
    _awaited: dict[Key, Provenance] = field(default_factory=dict)
    _left_over: set[str] = field(default_factory=set)
    _changed: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def note_awaited(self, kind: str, key: str, line: Provenance) -> None:
        """This run makes it, if it comes so far."""
        self._awaited[kind, key] = line

    def note_left_over(self, ids: list[str]) -> None:
        """This run removes these copies by itself."""
        self._left_over.update(ids)

    def note_changed(self, app_id: str, changes: tuple[str, ...]) -> None:
        """This copy stays, for people did that to it."""
        self._changed[app_id] = changes

    def of(self, stack: str) -> list[str]:
        """In people's words. To be asked when all that stays has been declared."""
        return [*self._spaces(stack), *self._apps(stack)]

    def changed_copies(self) -> list[str]:
        """As `of`, with what people did to them."""
        found = [(a, changes) for id_, changes in self._changed.items() if (a := self.tenant.index.app(id_))]
        return sorted(f"{self._named(a)}: {', '.join(c)}" for a, c in found if self._is_there(a))

    def _spaces(self, stack: str) -> list[str]:
        """Those that still belong to the tool: the others were given, or handed over, to somebody."""
        awaited, me = self._awaited_objects(SPACE), self.tenant.client.me().id
        return sorted(
            f'space "{space.name}" ({space.id})'
            for space in self.tenant.index.spaces()
            if _is_stray(provenance_of(space.description), stack, awaited)
            and space.owner_id == me
            and not _is_held(space.id, SPACE)
        )

    def _apps(self, stack: str) -> list[str]:
        awaited = self._awaited_objects(*APPS)
        found = [a for a in self.tenant.index.all_apps() if self._is_stray_app(a, stack, awaited)]
        return sorted(self._named(app) for app in found if self._is_there(app))

    def _is_stray_app(self, app: App, stack: str, awaited: set[Object]) -> bool:
        """Made by this identity: a duplicate of somebody's carries our mark too.

        What was given to somebody is theirs where the space is not ours: their own, or one handed over.
        """
        me = self.tenant.client.me().id
        return (
            _is_stray(_mark(app), stack, awaited)
            and app.creator_id in ("", me)
            and (app.owner_id == me or _is_space_of_ours(app.space_id))
            and not _is_held(app.id, *APPS)
            and app.id not in self._left_over
            and app.id not in self._changed
        )

    def _awaited_objects(self, *kinds: str) -> set[Object]:
        claims = providers.base.claims
        lines = [v for k, v in self._awaited.items() if k[0] in kinds and not claims.is_done(*k)]
        return {(p.site, p.source) for p in lines}

    def _is_there(self, app: App) -> bool:
        """Lists outlive what was deleted a moment ago."""
        try:
            return get_app(self.tenant, app.id, f'app "{app.name}"') is not None
        except Forbidden:
            return False

    def _named(self, app: App) -> str:
        space = self.tenant.index.space(app.space_id) if app.space_id else None
        where = f'in space "{space.name}"' if space else "in a personal space"
        named = f'app "{app.name}" ({app.id}) {where}'
        if app.owner_id == self.tenant.client.me().id:
            return named
        owner = self.tenant.index.user(app.owner_id)
        return f"{named}, given to {owner.subject if owner else app.owner_id}"


def told(found: list[str]) -> str:
    return (
        f"in neither the state nor the plan, and yet with this stack's mark in the tenant: {'; '.join(found)}"
        ". A run that failed or was killed made it before it left the plan, or it was handed over. What is "
        "planned again the next `pulumi up` takes over; delete in the tenant what nobody needs; from what "
        "shall stay there take the last line of its description"
    )


def told_of_copies(found: list[str]) -> str:
    return (
        "left by a killed run beside the apps in the state, and changed by people since, so not deleted: "
        f"{'; '.join(found)}. Move over what people need and delete the copy in the tenant; if it shall stay "
        "there, take the line `[qlift ...]` from its description, or from its name"
    )


def _mark(app: App) -> Provenance | None:
    return provenance_of(app.name) or provenance_of(app.description)


def _is_stray(mark: Provenance | None, stack: str, awaited: set[Object]) -> bool:
    return mark is not None and mark.stack == stack and (mark.site, staged_source(mark)) not in awaited


def _is_space_of_ours(id_: str | None) -> bool:
    return id_ is not None and _is_held(id_, SPACE) and not providers.base.claims.is_handed_over(SPACE, id_)


def _is_held(id_: str, *kinds: str) -> bool:
    """By the state, or by this run."""
    claims = providers.base.claims
    return any(claims.is_ours(kind, id_) or claims.is_claimed(kind, id_) for kind in kinds)
