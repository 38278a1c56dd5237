"""What the tenant answers, as far as qlift reads it. Names: the vendor's published types (`@qlik/api`)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

EmptyIsNone = Annotated[str | None, BeforeValidator(lambda v: v or None)]
Text = Annotated[str, BeforeValidator(lambda v: v or "")]


class Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True)


class Space(Answer):
    id: str
    name: str
    type: str
    description: Text = ""
    owner_id: Text = ""


class Assignment(Answer):
    """The order of `roles` is not promised, so they are sorted here."""

    id: str
    space_id: Text = ""
    type: Text = ""
    assignee_id: str
    roles: Annotated[tuple[str, ...], BeforeValidator(lambda v: tuple(sorted(v)))]


class Role(Answer):
    name: Text = ""


class User(Answer):
    id: str
    subject: Text = ""
    email: Text = ""
    name: Text = ""
    status: Text = "active"
    assigned_roles: tuple[Role, ...] = ()


class Group(Answer):
    id: str
    name: str
    status: Text = "active"


class TenantInfo(Answer):
    id: str
    name: Text = ""
    region: Text = ""


class App(Answer):
    """From an app's `attributes`, or from an item's `resourceAttributes`. `space_id` None: a personal space."""

    id: str
    name: Text = ""
    description: Text = ""
    space_id: EmptyIsNone = None
    owner_id: Text = ""
    origin_app_id: Text = ""
    publish_time: Text = ""


class Task(Answer):
    """A scheduling task with one state and one action. `after` is the id of the task that it follows."""

    id: str
    name: Text = ""
    enabled: bool = False
    app_id: Text = ""
    partial: bool = False
    recurrence: EmptyIsNone = Field(None, validation_alias=AliasPath("start", "schedule", "recurrence"))
    timezone: EmptyIsNone = Field(None, validation_alias=AliasPath("start", "schedule", "timezone"))
    start: EmptyIsNone = Field(None, validation_alias=AliasPath("start", "schedule", "startDateTime"))
    end: EmptyIsNone = Field(None, validation_alias=AliasPath("start", "schedule", "endDateTime"))
    after: str | None = None
    after_status: str | None = None
    owner_id: Text = Field("", validation_alias=AliasPath("metadata", "ownerId"))
    disabled_code: Text = Field("", validation_alias=AliasPath("metadata", "disabledCode"))

    @model_validator(mode="before")
    @classmethod
    def _flatten(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "states" not in data:
            return data
        arguments = _arguments(data)
        event = next(iter(data.get("events") or []), None)
        correlated = {
            c.get("contextAttributeName"): c.get("contextAttributeValue")
            for c in ((event or {}).get("correlation") or [])
        }
        status = correlated.get("status")
        return {
            **data,
            "appId": arguments.get("appId") or data.get("resourceId"),
            "partial": bool(arguments.get("partial", False)),
            "after": correlated.get("id"),
            "afterStatus": str(status).lower() if status else None,
        }


def _arguments(task: dict[str, Any]) -> dict[str, Any]:
    for state in task.get("states") or []:
        for event in state.get("onEvents") or []:
            for action in event.get("actions") or []:
                found = (action.get("functionRef") or {}).get("arguments")
                if isinstance(found, dict):
                    return found
    return {}
