"""Reload tasks: schema events → time triggers, composite events → task triggers.

`model` is what the source does, `recurrence` the rule that says the same, `triggers` one schema event with
its zone and its doubts, `chains` composite events, `limits` ten tasks an app, `table` all of it for people.
"""

from qlift.derivation.schedules.of_phase import schedules
from qlift.derivation.schedules.table import ScheduleRow, schedule_rows

__all__ = ["ScheduleRow", "schedule_rows", "schedules"]
