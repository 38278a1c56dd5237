"""Reload tasks: schema events → time triggers, composite events → task triggers.

`model` is what the source does, `recurrence` the rule that says the same, `readings` and `triggers` one
schema event with its zone and its doubts, `links`, `circles` and `chains` composite events, `limits` ten
tasks an app, `of_site` all of it, `of_phase` desired state and findings, `table` rows for people.
"""

from qlift.derivation.schedules.chains import TASKS_PER_APP
from qlift.derivation.schedules.of_phase import schedules
from qlift.derivation.schedules.operational import FINISHED_SUCCESS, MILLISECONDS_A_MINUTE, last_run
from qlift.derivation.schedules.table import ScheduleRow, schedule_rows
from qlift.derivation.schedules.tasks import CLOUD_TIMEOUT_MINUTES

__all__ = [
    "CLOUD_TIMEOUT_MINUTES",
    "FINISHED_SUCCESS",
    "MILLISECONDS_A_MINUTE",
    "TASKS_PER_APP",
    "ScheduleRow",
    "last_run",
    "schedule_rows",
    "schedules",
]
