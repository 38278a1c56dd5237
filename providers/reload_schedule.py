"""ReloadSchedule: a task that reloads an app by the clock or after another task.

Identity: the task's id. In place: the whole definition (a PUT, which makes the tool's identity its owner).
Replaced by: app, and its space: a move disables the app's tasks or deletes them, so a create looks for what
is left and makes the rest. New content and new owners of the app disable its tasks, so they are inputs: the
task is written again in the same run.
"""

from __future__ import annotations

from typing import Any, Literal

import pulumi
from pulumi.dynamic import Resource

from providers.base import Gone, Inputs, Refusal
from providers.session import TenantProvider, session
from qlift.cloud import schedules
from qlift.cloud.models import Task


class ReloadScheduleInputs(Inputs):
    name: str
    app: str
    """Logical name of the app or publication."""
    app_id: str | None
    trigger: str
    """Short id of the source's trigger: the name ends in it."""
    enabled: bool
    partial: bool
    recurrence: str | None = None
    timezone: str | None = None
    start: str | None = None
    """Local time in `timezone`."""
    end: str | None = None
    after: str | None = None
    after_id: str | None = None
    after_status: Literal["succeeded", "failed"] | None = None
    space: str
    space_id: str | None
    owner: str
    fingerprint: str

    def definition(self, after_id: str | None) -> schedules.Definition:
        if self.app_id is None:
            raise Refusal("the app's id is not known; this is a defect of qlift")
        return schedules.Definition(
            name=self.name,
            app_id=self.app_id,
            enabled=self.enabled,
            partial=self.partial,
            recurrence=self.recurrence,
            timezone=self.timezone,
            start=self.start,
            end=self.end,
            after=after_id,
            after_status=self.after_status,
        )


class ReloadScheduleProvider(TenantProvider[ReloadScheduleInputs]):
    kind = "ReloadSchedule"
    model = ReloadScheduleInputs
    references = {"app": "app_id", "space": "space_id", "after": "after_id"}
    replaced_by = frozenset({"app", "space"})

    def note_state(self, id_: str, known: ReloadScheduleInputs, outputs: dict[str, Any]) -> None:
        session().edits.note_task(id_)

    def make(self, new: ReloadScheduleInputs) -> tuple[str, dict[str, Any]]:
        task = schedules.create_task(session().tenant, new.definition(new.after_id), new.trigger)
        session().edits.note_task(task.id)
        return task.id, {}

    def find(self, id_: str, known: ReloadScheduleInputs) -> dict[str, Any]:
        listed = session().tenant.index.task(id_)
        if listed is not None and _compared(listed, known).items() <= known.model_dump(mode="json").items():
            return {}
        live = schedules.get_task(session().tenant, id_, f'schedule "{known.name}"')
        if live is None:
            raise Gone
        return _compared(live, known)

    def change(self, id_: str, old: ReloadScheduleInputs, new: ReloadScheduleInputs) -> dict[str, Any]:
        schedules.replace_task(session().tenant, id_, new.definition(new.after_id))
        return {}

    def remove(self, id_: str, known: ReloadScheduleInputs) -> None:
        schedules.delete_task(session().tenant, id_, f'schedule "{known.name}"')


def _compared(live: Task, known: ReloadScheduleInputs) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": live.name,
        "enabled": live.enabled,
        "partial": live.partial,
        "recurrence": live.recurrence,
        "timezone": live.timezone,
        "start": live.start,
        "end": live.end,
        "after_status": live.after_status,
    }
    if live.after != known.after_id:
        values |= {"after": "(another task)" if live.after else None, "after_id": live.after}
    return values


class ReloadSchedule(Resource, module="qlik", name="ReloadSchedule"):
    key: pulumi.Output[str]

    def __init__(self, key: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(ReloadScheduleProvider(), key, {"key": key, **props}, opts)
