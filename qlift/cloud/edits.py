"""What people did to an app since this tool last wrote it.

The measure is the tenant's own time: `modifiedDate` of the answer to our last write is kept in the state, and
compared with what the app says now. No REST call lists an app's sheets or bookmarks, and whether one that a
user makes for themselves moves `modifiedDate` is not documented; where it does not, it cannot be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta

from qlift.cloud.errors import Forbidden, NotFound
from qlift.cloud.models import App, Run, parsed
from qlift.cloud.tenant import Tenant

SETTLING_SECONDS = 60.0
"""Changes so soon after a write of ours count as its own: an answer may carry the date of before, and a
tenant may go on with an app after it has answered. Neither is documented."""


def edits_of(
    tenant: Tenant,
    live: App,
    written: str | None,
    our_tasks: Collection[str],
    is_own_reload: Callable[[App], bool],
    *,
    asked: bool,
    or_ours: str = "",
) -> tuple[str, ...]:
    """In people's words; empty when nobody touched it.

    `written`: when this tool last wrote the app, in the tenant's time; None where that is not known, then
    dates say nothing. `our_tasks`: ids of this stack's schedules. `asked`: the tenant is asked for the app's
    schedules and shares of this moment, which is two reads; else what this process listed once counts.
    """
    index, shares = tenant.index, 0
    tasks = index.tasks_now(live.id) if asked else index.tasks(live.id)
    if live.space_id is not None:
        listed = index.shares_now(live.space_id, live.id) if asked else index.shares(live.space_id)
        shares = sum(s.resource_id == live.id for s in listed)
    return (
        *dates_of(live, written, is_own_reload, or_ours),
        *(f'schedule "{t.name}"' for t in tasks if t.id not in our_tasks),
        *([f"shared with {shares}"] if shares else []),
    )


def dates_of(
    live: App, written: str | None, is_own_reload: Callable[[App], bool], or_ours: str = ""
) -> tuple[str, ...]:
    """Of its content and its data, without what stands beside it.

    `or_ours`: what the tool itself may have done to it at the time of its last change, unrecorded.
    """
    modified, reloaded = _after(live.modified_date, written), _after(live.last_reload_time, written)
    found = []
    if modified is not None and not _near(modified, _time(live.last_reload_time)):
        found.append(f"changed {_shown(modified)}" + (f", or {or_ours} then" if or_ours else ""))
    if reloaded is not None and not is_own_reload(live):
        found.append(f"reloaded {_shown(reloaded)} by no schedule of this stack")
    return tuple(found)


def changed_quickly(live: App, written: str | None) -> bool:
    """Without asking the tenant: changed since, and not by a reload."""
    since = _after(live.modified_date, written)
    return since is not None and not _near(since, _time(live.last_reload_time))


def is_recent(live: App, now: datetime | None, seconds: float) -> bool:
    """Whether its last change lies at most so long before `now`, the tenant's. Unknown is long ago."""
    modified = _time(live.modified_date)
    return now is not None and modified is not None and now - modified <= timedelta(seconds=seconds)


def latest(stamps: Iterable[str | None]) -> str | None:
    known = [(time, s) for s in stamps if s and (time := _time(s)) is not None]
    return max(known)[1] if known else None


def own_reload(tenant: Tenant, live: App, our_tasks: Collection[str]) -> bool:
    """Whether a run of one of this stack's schedules explains the app's last reload.

    Then it is nobody's change, however the run was started: it loads what the schedule loads.
    """
    reloaded, app_id = _time(live.last_reload_time), live.id
    if not our_tasks or reloaded is None:
        return False
    path = f"/api/scheduling/tasks/resources/{app_id}/runs"
    params = {"limit": 100, "sort": "-startedAt"}
    try:
        for raw in tenant.client.pages(path, subject=f"runs of app {app_id}", params=params):
            run = parsed(Run, raw, f"runs of app {app_id}")
            started, ended = _time(run.started_at), _time(run.ended_at)
            if started is not None and (reloaded - started).total_seconds() > 86_400:
                return False
            if run.task_id in our_tasks and _within(reloaded, started, ended):
                return True
    except (Forbidden, NotFound):
        return False
    return False


def _within(moment: datetime, started: datetime | None, ended: datetime | None) -> bool:
    if started is None:
        return False
    return (started - moment).total_seconds() <= SETTLING_SECONDS and (
        moment - (ended or started)
    ).total_seconds() <= SETTLING_SECONDS


def _after(text: str, written: str | None) -> datetime | None:
    """The moment, if it is later than the write by more than what counts as its own."""
    moment, since = _time(text), _time(written or "")
    if moment is None or since is None:
        return None
    return moment if (moment - since).total_seconds() > SETTLING_SECONDS else None


def _near(one: datetime, other: datetime | None) -> bool:
    return other is not None and abs((one - other).total_seconds()) <= SETTLING_SECONDS


def _time(text: str) -> datetime | None:
    """Dates of apps that were imported are the source's own, so they may be of any form."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")
