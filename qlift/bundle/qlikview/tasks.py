"""Tasks and triggers of a QlikView publisher, named as in the WSDL of its management service (QMS API)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from qlift.bundle.models import Id, Int, Name
from qlift.bundle.qlikview.models import QMS, DocumentInfo, LocalTime


class Hourly(BaseModel):
    model_config = QMS

    recur_every: Annotated[int, Field(gt=0, lt=2**31)]
    """Minutes."""
    day_of_week_constraints: tuple[str | int, ...] = ()
    time_constraint_from: str | None = None
    time_constraint_to: str | None = None


class Daily(BaseModel):
    model_config = QMS

    recur_every: Annotated[int, Field(gt=0, lt=2**31)]
    """Days."""


class Weekly(BaseModel):
    model_config = QMS

    recur_every: Annotated[int, Field(gt=0, lt=2**31)]
    """Documentation and constructors disagree whether days or weeks; 1 alone is sure."""
    day_of_week_constraints: tuple[str | int, ...] = ()


class Monthly(BaseModel):
    model_config = QMS

    months: tuple[str | int, ...] = ()
    day_constraints: tuple[str | int, ...] = ()
    day_of_week_constraints: tuple[str | int, ...] = ()
    occurrences: tuple[str | int, ...] = ()


class Continuous(BaseModel):
    model_config = QMS


class _Trigger(BaseModel):
    model_config = QMS

    id: Id = Field(alias="ID")
    enabled: bool = True


class OnceTrigger(_Trigger):
    type: Literal["OnceTrigger"]
    start_at: LocalTime


class _Recurring(_Trigger):
    start_at: LocalTime
    expire_at: LocalTime | None = None
    max_occurrences: Int | None = None


class HourlyTrigger(_Recurring):
    type: Literal["HourlyTrigger"]
    hourly: Hourly


class DailyTrigger(_Recurring):
    type: Literal["DailyTrigger"]
    daily: Daily


class WeeklyTrigger(_Recurring):
    type: Literal["WeeklyTrigger"]
    weekly: Weekly


class MonthlyTrigger(_Recurring):
    type: Literal["MonthlyTrigger"]
    monthly: Monthly


class ContinuousTrigger(_Recurring):
    type: Literal["ContinuousTrigger"]
    continuous: Continuous = Continuous()


class ExternalEventTrigger(_Trigger):
    """An EDX trigger: another program starts the task, with a password that no bundle holds."""

    type: Literal["ExternalEventTrigger"]


class TaskEventTrigger(_Trigger):
    type: Literal["TaskFinishedTrigger", "TaskFailedTrigger"]
    task_id: Id = Field(alias="TaskID")


class AndTrigger(_Trigger):
    """MultipleEventTrigger: all of them, within the time constraint."""

    type: Literal["AndTrigger"]
    sub_triggers: Annotated[tuple[Trigger, ...], Field(min_length=1)]


Trigger = Annotated[
    OnceTrigger
    | HourlyTrigger
    | DailyTrigger
    | WeeklyTrigger
    | MonthlyTrigger
    | ContinuousTrigger
    | ExternalEventTrigger
    | TaskEventTrigger
    | AndTrigger,
    Field(discriminator="type"),
]


class Reference(BaseModel):
    """Of a document or a task inside another object."""

    model_config = QMS

    id: Id = Field(alias="ID")
    name: Name = ""


class Recipient(BaseModel):
    model_config = QMS

    type: Literal["Undefined", "Named", "Authenticated", "Anonymous"]
    name: Name = ""


class ServerDestination(BaseModel):
    model_config = QMS

    name: Name = ""
    mount: Name = ""


class Destination(BaseModel):
    model_config = QMS

    type: Literal["None", "QlikViewServer", "Folder", "Mail"]
    qlik_view_server: ServerDestination | None = None


class DistributionEntry(BaseModel):
    """TaskDistributionEntry."""

    model_config = QMS

    recipients: tuple[Recipient, ...] = ()
    destination: Destination


class Distribution(BaseModel):
    """The static part, or the dynamic one, whose recipients come from a field of the document."""

    model_config = QMS

    distribution_entries: tuple[DistributionEntry, ...] = ()


class Distribute(BaseModel):
    model_config = QMS

    static: Distribution | None = None


class General(BaseModel):
    model_config = QMS

    task_name: Name
    enabled: bool = True


class Reload(BaseModel):
    model_config = QMS

    mode: Literal["None", "Full", "Partial"] = "Full"


class Triggering(BaseModel):
    model_config = QMS

    execution_attempts: Int = 1
    execution_timeout: Int = 0
    task_dependencies: tuple[Reference, ...] = ()
    triggers: tuple[Trigger, ...] = ()


class Task(BaseModel):
    """DocumentTask, or what stands for a task of another type; those have no document."""

    model_config = QMS

    id: Id = Field(alias="ID")
    type: Literal[
        "DocumentTask", "ExternalProgramTask", "DBCommandTask", "PauseTask", "QvdCreationTask", "TemplateTask"
    ]
    document: Reference | None = None
    general: General
    reload: Reload | None = None
    distribute: Distribute | None = None
    document_info: DocumentInfo = DocumentInfo()
    triggering: Triggering = Triggering()


AndTrigger.model_rebuild()
