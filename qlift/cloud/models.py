"""What the tenant answers, as far as qlift reads it. Names: the vendor's published types (`@qlik/api`).

Lists hold other people's objects too, so these models take what they find: null for an empty field,
unknown fields, shapes that qlift itself never writes.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import (
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from qlift.cloud.errors import Failed


def _joined(value: Any) -> Any:
    """A recurrence may be a list of lines."""
    return "\n".join(map(str, value)) if isinstance(value, list) else value


EmptyIsNone = Annotated[str | None, BeforeValidator(lambda v: _joined(v) or None)]
Text = Annotated[str, BeforeValidator(lambda v: v or "")]
Flag = Annotated[bool, BeforeValidator(bool)]
Words = Annotated[tuple[str, ...], BeforeValidator(lambda v: tuple(sorted(v or ())))]


class Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True)


M = TypeVar("M", bound=Answer)


def parsed(model: type[M], data: Any, subject: str) -> M:
    """Raises `Failed` when it is not what the service documents; names the fields, not their values."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, e["loc"])) or e["type"] for e in error.errors())
        raise Failed(
            f"the tenant's answer is not a {model.__name__.lower()} ({fields})", subject=subject
        ) from None


class Space(Answer):
    id: str
    name: str
    type: str
    description: Text = ""
    owner_id: Text = ""
    created_by: Text = ""
    assignable_roles: Words = Field((), validation_alias=AliasPath("meta", "assignableRoles"))
    """As this identity may assign them; the authority on which roles a type of space has."""


class Assignment(Answer):
    """The order of `roles` is not promised, so they are sorted here."""

    id: str
    space_id: Text = ""
    type: Text = ""
    assignee_id: str
    roles: Words
    updated_at: Text = ""


class Share(Answer):
    """One app of a space, shared with somebody."""

    id: str
    resource_id: Text = ""


class Run(Answer):
    """Of a task."""

    task_id: Text = ""
    started_at: Text = ""
    ended_at: Text = ""


class Role(Answer):
    """Of a user: a role, or a group."""

    name: Text = ""


class User(Answer):
    id: str
    subject: Text = ""
    email: Text = ""
    name: Text = ""
    status: Text = "active"
    assigned_roles: Annotated[tuple[Role, ...], BeforeValidator(lambda v: v or ())] = ()
    assigned_groups: Annotated[tuple[Role, ...], BeforeValidator(lambda v: v or ())] = ()
    """By name, of groups that the tenant has seen this user in."""

    @property
    def is_bot(self) -> bool:
        """The user of an OAuth client."""
        return self.subject.startswith("qlikbot\\")


class Group(Answer):
    id: str
    name: str
    status: Text = "active"


class TenantInfo(Answer):
    id: str
    name: Text = ""
    region: Text = ""


class Quota(Answer):
    """`quota` and `usage` in the unit of the quota (bytes, spaces); a `quota` of -1 is none."""

    id: str
    quota: float = Field(-1, validation_alias=AliasPath("attributes", "quota"))
    usage: float = Field(0, validation_alias=AliasPath("attributes", "usage"))

    def refuses(self, wanted: float) -> bool:
        return 0 <= self.quota < wanted


class App(Answer):
    """`space_id` None: a personal space."""

    id: str
    name: Text = ""
    description: Text = ""
    space_id: EmptyIsNone = None
    owner_id: Text = ""
    origin_app_id: Text = ""
    publish_time: Text = ""
    created_date: Text = ""
    modified_date: Text = ""
    last_reload_time: Text = ""
    creator_id: Text = ""
    """Of items alone; an app's own answer does not tell it."""

    @classmethod
    def of_answer(cls, data: Any, subject: str) -> App:
        """The apps service wraps an app's fields in `attributes`."""
        return parsed(cls, data.get("attributes") if isinstance(data, dict) else None, subject)

    @classmethod
    def of_item(cls, item: dict[str, Any]) -> App:
        """An item holds the app's attributes; what they lack, the item itself says."""
        attributes = item.get("resourceAttributes")
        own = {k: item.get(k) for k in ("name", "description", "spaceId", "ownerId", "creatorId")}
        return parsed(
            cls,
            {"id": item.get("resourceId"), **own, **(attributes if isinstance(attributes, dict) else {})},
            f"item {item.get('id')}",
        )


class Task(Answer):
    """A scheduling task with one state and one action. `after` is the id of the task that it follows."""

    id: str
    name: Text = ""
    enabled: Flag = False
    app_id: Text = ""
    partial: Flag = False
    recurrence: EmptyIsNone = None
    timezone: EmptyIsNone = None
    start: EmptyIsNone = None
    end: EmptyIsNone = None
    after: str | None = None
    after_status: str | None = None
    owner_id: Text = Field("", validation_alias=AliasPath("metadata", "ownerId"))
    disabled_code: Text = Field("", validation_alias=AliasPath("metadata", "disabledCode"))

    @model_validator(mode="before")
    @classmethod
    def _flatten(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "states" not in data:
            return data
        start = data.get("start")
        schedule = start.get("schedule") if isinstance(start, dict) else None
        schedule = schedule if isinstance(schedule, dict) else {}
        arguments = _arguments(data)
        event = next((e for e in _list_of_dicts(data.get("events"))), {})
        correlated = {
            c.get("contextAttributeName"): c.get("contextAttributeValue")
            for c in _list_of_dicts(event.get("correlation"))
        }
        after, status = correlated.get("id"), correlated.get("status")
        return {
            **data,
            "recurrence": schedule.get("recurrence"),
            "timezone": schedule.get("timezone"),
            "start": schedule.get("startDateTime"),
            "end": schedule.get("endDateTime"),
            "appId": arguments.get("appId") or data.get("resourceId"),
            "partial": arguments.get("partial", False),
            "after": str(after) if after else None,
            "afterStatus": str(status).lower() if status else None,
        }


def _list_of_dicts(value: Any) -> list[dict[str, Any]]:
    return [x for x in value if isinstance(x, dict)] if isinstance(value, list) else []


def _arguments(task: dict[str, Any]) -> dict[str, Any]:
    for state in _list_of_dicts(task.get("states")):
        for event in _list_of_dicts(state.get("onEvents")):
            for action in _list_of_dicts(event.get("actions")):
                function = action.get("functionRef")
                found = function.get("arguments") if isinstance(function, dict) else None
                if isinstance(found, dict):
                    return found
    return {}
