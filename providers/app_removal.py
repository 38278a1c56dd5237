"""How an app goes: never with somebody's work in it, and with a trace by which it can be brought back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, Protocol

import providers.base
from providers.base import Refusal, log
from providers.session import session
from qlift.cloud import apps
from qlift.cloud.log import ANNOUNCED, DELETED, DeletedApp
from qlift.cloud.models import App
from qlift.cloud.provenance import provenance_of
from qlift.cloud.recovery import KEPT, recoverable_until

AppKind = Literal["App", "AppPublication"]


class Removed(Protocol):
    """What the state knows of an app or a publication."""

    @property
    def key(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def provenance(self) -> str: ...


def remove_app(kind: AppKind, known: Removed, stack: str, live: App | None, app_id: str) -> None:
    """`live` None: it is gone, or out of reach. Raises `Refusal` where people changed it."""
    here = session()
    old_half = providers.base.claims.is_kept(kind, known.key)
    if live is None:
        apps.delete_app(here.tenant, app_id, known.subject)
        return
    if old_half and _is_peoples(live, known):
        log.warning("%s (%s): it is people's now; not deleted", known.subject, app_id)
        return
    if old_half and here.edits.stays(app_id):
        here.edits.release(live, known.subject)
        return
    changes = here.edits.may_delete(live, known.subject, last_look=True)
    # A personal app cannot be deleted otherwise, and one that is restored comes back as its owner's. Not
    # sooner: the new date of the app would hide what people do until then.
    take_back(live, known.subject)
    until = delete_logged(
        live, known.subject, kind=kind, key=known.key, stack=stack, superseded=old_half, changes=changes
    )
    here.edits.note_deleted(app_id)
    if old_half:
        return
    log.warning(
        "%s (%s) is deleted%s",
        known.subject,
        app_id,
        f"; `qlift restore {stack}` brings it back until {until:%Y-%m-%d}"
        if until
        else " for good: the tenant keeps none that is younger than 45 minutes",
    )


def refuse_out_of_reach(app_id: str, stack: str, *, old_half: bool) -> None:
    """Asked about a personal app that the tenant does not show: gone, if the stack's log says so.

    Raises `Refusal`: else it may be there, and an undo must not forget it. An old half may be forgotten: its
    successor was made by a client that reaches such apps, so its owner deleted it.
    """
    if not old_half and not session().has_deleted(app_id, stack):
        raise Refusal(
            "the app is not reachable in its owner's personal space, so it is not undone; use an OAuth "
            "client with admin.apps, or, if its owner deleted it, drop it from the state with "
            "`pulumi state delete`"
        )


def take_back(live: App, subject: str) -> None:
    """From its owner, if it is not the tool's already."""
    tenant = session().tenant
    if live.owner_id != tenant.client.me().id:
        apps.take_app_back(tenant, live.id, subject)


def delete_logged(
    live: App,
    subject: str,
    *,
    kind: AppKind,
    key: str,
    stack: str,
    superseded: bool,
    changes: tuple[str, ...] = (),
) -> datetime | None:
    """Announced in the log before, confirmed after: a kill or a lost answer in between leaves a trace too.

    Returns until when it can be brought back; None: not at all.
    """
    tenant = session().tenant
    now = tenant.client.tenant_now() or datetime.now(UTC)
    told = DeletedApp(
        event=ANNOUNCED,
        stack=stack,
        kind=kind,
        key=key,
        app=live.id,
        name=live.name,
        superseded=superseded,
        changes=changes,
        deleted_at=now,
        recoverable_until=now + KEPT,
    )
    tenant.client.log.note_deleted_app(told)
    deleted_at = apps.delete_app(tenant, live.id, subject)
    until = recoverable_until(live, deleted_at)
    done = {"event": DELETED, "deleted_at": deleted_at, "recoverable_until": until}
    tenant.client.log.note_deleted_app(told.model_copy(update=done))
    return until


def _is_peoples(live: App, known: Removed) -> bool:
    """An earlier run gave it to them and was killed before it recorded that: our line is gone."""
    return known.provenance == "description" and provenance_of(live.description) is None
