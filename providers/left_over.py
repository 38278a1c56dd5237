"""Copies that a killed run left beside the app in the state: they go, unless people changed them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from providers.app_removal import AppKind, Removed, delete_logged
from providers.session import session
from qlift.cloud import apps
from qlift.cloud.edits import edits_of, latest, own_reload
from qlift.cloud.models import App

GIVING = timedelta(hours=1)
"""Ours, and generous: what giving an app's objects to their owners takes at most."""


def removable(found: Iterable[App]) -> list[str]:
    """Ids of those that nobody changed since they were made. The others stay, and are named."""
    unchanged = [app.id for app in found if not _changed(app, asked=False)]
    session().strays.note_left_over(unchanged)
    return unchanged


def discard(kind: AppKind, known: Removed, stack: str, half_done: App) -> None:
    """Of a copy whose import a killed run did not finish, and which a create finds.

    That run's own writes to it, which gave its objects to their owners, nobody recorded: they took no longer
    than `GIVING`.
    """
    if not _changed(half_done, asked=True, written_for=GIVING):
        _delete(half_done, f"a half-done copy of {known.subject}", kind, known, stack)


def remove(kind: AppKind, known: Removed, stack: str, ids: Iterable[str]) -> None:
    """They are looked at again: people may have found them since."""
    for app_id in ids:
        subject = f"a copy of {known.subject}"
        live = apps.find_app(session().tenant, app_id, subject)
        if live is not None and not _changed(live, asked=True):
            _delete(live, subject, kind, known, stack)


def _delete(app: App, subject: str, kind: AppKind, known: Removed, stack: str) -> None:
    """It is not what an undo would bring back: the one in the state is."""
    delete_logged(app, subject, kind=kind, key=known.key, stack=stack, superseded=True)


def _changed(app: App, *, asked: bool, written_for: timedelta = timedelta()) -> bool:
    """Since it was made: the state knows of no write. Tasks of it that are the tool's are a killed run's.

    `asked`: as of this moment. `written_for`: so long after it was made the tool may have written to it.
    """
    here = session()
    me = here.tenant.client.me().id
    own = {t.id for t in here.tenant.index.tasks(app.id) if t.owner_id == me}
    made = latest([app.created_date])
    written = (datetime.fromisoformat(made) + written_for).isoformat() if made else None
    changes = edits_of(here.tenant, app, written, own, lambda a: own_reload(here.tenant, a, own), asked=asked)
    if made is None:
        changes = ("when it was made is not known", *changes)
    if changes:
        here.strays.note_changed(app.id, changes)
    return bool(changes)
