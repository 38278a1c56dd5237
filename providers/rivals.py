"""Two phases that claim the same source app: the second is told in its preview."""

from __future__ import annotations

from providers.base import log
from providers.session import session
from qlift.cloud import apps
from qlift.cloud.models import App
from qlift.cloud.provenance import Provenance, provenance_of


def claimed_by_another(site: str, source: str, stack: str, space_id: str | None, subject: str) -> str | None:
    """Why another stack's app in this space is in the way; one elsewhere is only told.

    `space_id` None or empty: a space that this run makes, or a personal one; there is nobody yet.
    """
    tenant = session().tenant
    for app in tenant.index.apps_of(site, source):
        theirs = _provenance(app)
        if theirs is None or theirs.stack == stack:
            continue
        if not space_id or app.space_id != space_id:
            space = tenant.index.space(app.space_id) if app.space_id else None
            where = f'space "{space.name}"' if space else "a personal or unknown space"
            log.warning("%s: the stack %s has migrated it too, to %s", subject, theirs.stack, where)
        elif apps.find_app(tenant, app.id, subject) is not None:
            return (_UNFINISHED if provenance_of(app.name) else _FINISHED).format(theirs.stack, app.id)
    return None


_UNFINISHED = (
    "a run of the stack {} was killed while it imported this app into this space ({}): let that phase run "
    "again first, or leave the app out of `select` in one of the two plans"
)
_FINISHED = (
    "the stack {} has migrated this app to this space already ({}); leave it out of `select` in one of the "
    "two plans; if somebody copied it there, take the last line out of its description"
)


def _provenance(app: App) -> Provenance | None:
    return provenance_of(app.name) or provenance_of(app.description)
