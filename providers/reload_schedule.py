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

from providers.adoption import AdoptableInputs, AdoptingProvider, agree, gone
from providers.base import Gone, Refusal, declared
from providers.session import session
from qlift.cloud import adoption, schedules
from qlift.cloud.models import Task, parsed
from qlift.derivation.former import FormerSchedule


class ReloadScheduleInputs(AdoptableInputs):
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
    former: FormerSchedule | None = None
    left_over: list[str] = []
    """Ids of tasks of the same trigger that a killed run left; only `read` finds any."""

    @property
    def of_source(self) -> str:
        return self.trigger

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


class ReloadScheduleProvider(AdoptingProvider[ReloadScheduleInputs]):
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

    def accept(self, new: ReloadScheduleInputs) -> None:
        assert new.former is not None
        live = adoption.task_document(session().tenant, new.former.id, _subject(new))
        if live is None:
            raise gone(f"the task {new.former.id}")
        task = parsed(Task, {"id": new.former.id, **live}, _subject(new))
        if new.app_id and task.app_id != new.app_id:
            raise gone(f"the task {new.former.id} of app {new.app_id}")
        if _compared(task, new).items() <= new.model_dump(mode="json").items():
            return
        former = dict(new.former.definition)
        if not live["enabled"]:
            # A new owner of the app, which comes first, disables its tasks.
            former["enabled"] = False
        differing = {k for k in {*live, *former} if live.get(k) != former.get(k)}
        agree([(k, live.get(k), former.get(k), "what is planned") for k in sorted(differing)])

    def take_over(self, new: ReloadScheduleInputs) -> tuple[str, dict[str, Any]]:
        assert new.former is not None
        self.accept(new)
        schedules.replace_task(session().tenant, new.former.id, new.definition(new.after_id))
        return new.former.id, {}

    def give_back(self, id_: str, known: ReloadScheduleInputs) -> None:
        assert known.former is not None
        adoption.put_task(session().tenant, id_, known.former.definition, _subject(known))

    def find(self, id_: str, known: ReloadScheduleInputs) -> dict[str, Any]:
        return self._find(id_, known) | _left_over(id_, known)

    def _find(self, id_: str, known: ReloadScheduleInputs) -> dict[str, Any]:
        listed = session().tenant.index.task(id_)
        if listed is not None and _compared(listed, known).items() <= known.model_dump(mode="json").items():
            return {}
        live = schedules.get_task(session().tenant, id_, f'schedule "{known.name}"')
        if live is None:
            raise Gone
        return _compared(live, known)

    def change(self, id_: str, old: ReloadScheduleInputs, new: ReloadScheduleInputs) -> dict[str, Any]:
        for twin in old.left_over:
            schedules.delete_task(session().tenant, twin, f"a copy of {_subject(new)}")
        schedules.replace_task(session().tenant, id_, new.definition(new.after_id))
        return {}

    def remove(self, id_: str, known: ReloadScheduleInputs) -> None:
        for twin in known.left_over:
            schedules.delete_task(session().tenant, twin, f"a copy of {_subject(known)}")
        schedules.delete_task(session().tenant, id_, f'schedule "{known.name}"')


def _left_over(id_: str, known: ReloadScheduleInputs) -> dict[str, Any]:
    if known.app_id is None or known.former is not None:
        return {}
    found = schedules.left_over(session().tenant, known.app_id, known.trigger, id_)
    for twin in found:
        session().edits.note_task(twin)  # It is no schedule of people's.
    return {"left_over": found} if found else {}


def _subject(inputs: ReloadScheduleInputs) -> str:
    return f'schedule "{inputs.name}"'


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
        super().__init__(ReloadScheduleProvider(), key, declared(key, props, opts), opts)
