"""Deleted apps: for how long a tenant keeps them, and how they come back.

An app that is deleted within its first 45 minutes is gone; later ones are kept for 14 days, with their ids
(section 4.6 of the interface's reference). There is no list of them: the log of the run that deleted them
knows their ids. What a tenant answers for an app that it has purged is not documented (400, 403 and 404 are).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx

from qlift.cloud.errors import Ambiguous, Forbidden, NotFound, Refused
from qlift.cloud.models import App

if TYPE_CHECKING:
    from qlift.cloud.tenant import Tenant

YOUNG = timedelta(minutes=45)
KEPT = timedelta(days=14)


class Unrecoverable(Exception):
    """The tenant does not give it back; the message says what it said."""


def recoverable_until(app: App, deleted_at: datetime) -> datetime | None:
    """None: it was too young. Also where the tenant does not say how old it was it is taken as kept."""
    try:
        created = datetime.fromisoformat(app.created_date)
    except ValueError:
        return deleted_at + KEPT
    if created.tzinfo is None:
        return deleted_at + KEPT
    return None if deleted_at - created <= YOUNG else deleted_at + KEPT


def tenant_time(headers: httpx.Headers) -> datetime | None:
    """When the tenant answered, by its own clock; to the second."""
    return http_time(headers.get("date", ""))


def http_time(text: str) -> datetime | None:
    """Of a header; None: it is no date."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    # `-0000` says UTC without saying it.
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def restore_app(tenant: Tenant, app_id: str, subject: str) -> App:
    """The deleted app, with its id. Raises `Unrecoverable`."""

    def write() -> App:
        answer = tenant.client.post(f"/api/analytics/apps/{app_id}/actions/restore", subject=subject, json={})
        data = answer.data
        wrapped = data if isinstance(data, dict) and "attributes" in data else {"attributes": data}
        return App.of_answer(wrapped, subject)

    def look() -> App | None:
        found = tenant.client.find(f"/api/v1/apps/{app_id}", subject=subject)
        return App.of_answer(found, subject) if found else None

    for attempt in (1, 2):
        try:
            return write()
        except Ambiguous:
            if (found := look()) is not None:
                return found
            if attempt == 2:
                raise
        except (NotFound, Forbidden, Refused) as error:
            raise Unrecoverable(error.message) from error
    raise AssertionError("unreachable")
