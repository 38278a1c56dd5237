"""Step: reload schedules, after everything that would disable them."""

from __future__ import annotations

from providers.app import PERSONAL, App
from providers.app_owner import AppOwner
from providers.app_publication import AppPublication
from providers.reload_schedule import ReloadSchedule
from qlift.derivation import desired
from qlift.program.job import Run, former_inputs
from qlift.program.spaces import Spaces


def declare_schedules(
    run: Run,
    spaces: Spaces,
    apps: dict[str, App],
    publications: dict[str, AppPublication],
    owners: dict[App | AppPublication, AppOwner],
) -> dict[str, ReloadSchedule]:
    made: dict[str, ReloadSchedule] = {}
    space_of = {a.key: a.space for a in run.desired.apps}
    space_of_publication = {p.key: p.space for p in run.desired.publications}
    for schedule in _upstream_first(run.desired.schedules):
        if schedule.publication:
            app: App | AppPublication = publications[schedule.publication]
            space: str | None = space_of_publication[schedule.publication]
        else:
            app, space = apps[schedule.app or ""], space_of[schedule.app or ""]
        owner = owners.get(app)
        upstream = made[schedule.after] if schedule.after else None
        props = {
            "name": schedule.name,
            "app": app.key,
            "app_id": app.id,
            "trigger": schedule.mark,
            "enabled": schedule.enabled,
            "partial": schedule.partial,
            "recurrence": schedule.recurrence,
            "timezone": schedule.timezone,
            "start": schedule.start,
            "end": schedule.end,
            "after": upstream.key if upstream else None,
            "after_id": upstream.id if upstream else None,
            "after_status": schedule.after_status,
            **(spaces.reference(space) if space else {"space": PERSONAL, "space_id": ""}),
            "owner": owner.owner if owner else "",
            "fingerprint": app.fingerprint,
            **run.app_inputs(schedule.publication or schedule.app),
            **former_inputs(schedule.former),
        }
        made[schedule.key] = ReloadSchedule(schedule.key, props, run.jobs[schedule.job].options([app, owner]))
    return made


def _upstream_first(schedules: tuple[desired.ReloadSchedule, ...]) -> list[desired.ReloadSchedule]:
    """Derivation has refused cycles, so every chain ends."""
    by_key = {s.key: s for s in schedules}
    ordered: dict[str, desired.ReloadSchedule] = {}

    def add(schedule: desired.ReloadSchedule) -> None:
        chain = [schedule]
        while (after := chain[-1].after) is not None and after not in ordered:
            chain.append(by_key[after])
        ordered.update((s.key, s) for s in reversed(chain))

    for schedule in schedules:
        add(schedule)
    return list(ordered.values())
