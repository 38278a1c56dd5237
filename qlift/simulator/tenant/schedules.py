"""What makes a task valid (sections 6.3 and 6.4). Everything wrong is refused with a `CHO` code."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from dateutil.rrule import rrulestr
from pydantic import BaseModel, ConfigDict, Field

from qlift.simulator.tenant.errors import Refusal

_TEXT_LIMIT = 1024
_RULE = "RRULE:"
_STATUSES = frozenset({"succeeded", "failed", "any"})
"""Of the task that is waited for (section 6.4); runs spell them in capitals."""


class Function(BaseModel):
    refName: Literal["app.reload"]
    arguments: dict[str, Any]


class Action(BaseModel):
    model_config = ConfigDict(extra="allow")

    functionRef: Function


class OnEvents(BaseModel):
    model_config = ConfigDict(extra="allow")

    eventRefs: list[str]
    actions: list[Action] = []


class State(BaseModel):
    model_config = ConfigDict(extra="allow")

    name: str | None = None
    type: Literal["EVENT", "event"] = "EVENT"
    onEvents: list[OnEvents] = []


class Correlation(BaseModel):
    contextAttributeName: Literal["id", "status", "appId", "spaceId", "datasetId"]
    contextAttributeValue: str | None = None


class Event(BaseModel):
    model_config = ConfigDict(extra="allow")

    name: str
    source: Literal["system-events.task", "dataset.updated"]
    type: Literal["com.qlik.v1.task.run.finished", "com.qlik/active-analytics-orch"]
    correlation: list[Correlation] = []


class Schedule(BaseModel):
    model_config = ConfigDict(extra="allow")

    recurrence: str | None = None
    startDateTime: str | None = None
    endDateTime: str | None = None
    timezone: str = "UTC"
    cron: Any = None
    interval: str | None = None


class Start(BaseModel):
    stateName: str | None = None
    schedule: Schedule


class TaskBody(BaseModel):
    """As a client may write it; what the server computes is ignored."""

    name: str = Field(min_length=1, max_length=_TEXT_LIMIT)
    description: str | None = Field(default=None, max_length=_TEXT_LIMIT)
    specVersion: str
    version: str | None = None
    key: str | None = None
    annotations: list[str] | None = None
    keepActive: bool | None = None
    enabled: bool = False
    start: Start | None = None
    events: list[Event] | None = None
    states: list[State] = []

    @property
    def app_id(self) -> str:
        """`resourceId` is not believed but derived."""
        return str(self.states[0].onEvents[0].actions[0].functionRef.arguments["appId"])


def check(body: TaskBody, *, now: datetime, cron_allowed: bool, parents: set[str]) -> None:
    """`parents` are the ids of the tasks that may be waited for."""
    if len(body.states) != 1:
        raise _bad(f"task has {len(body.states)} states instead of 1")
    actions = [action for entry in body.states[0].onEvents for action in entry.actions]
    if len(actions) != 1 or len(body.states[0].onEvents) != 1:
        raise _bad(f"{len(actions)} Actions instead of 1")
    arguments = actions[0].functionRef.arguments
    if not isinstance(arguments.get("appId"), str) or not arguments["appId"]:
        raise _bad("the action names no appId")
    if not isinstance(arguments.get("partial", False), bool):
        raise _bad("partial is true or false")
    _check_events(body, parents)
    if body.start is not None:
        if body.start.stateName not in (None, body.states[0].name):
            raise _bad(f"start names the state {body.start.stateName!r}, which there is not")
        _check_schedule(body.start.schedule, now, cron_allowed)


def _check_events(body: TaskBody, parents: set[str]) -> None:
    names = [event.name for event in body.events or []]
    refs = body.states[0].onEvents[0].eventRefs
    if unknown := sorted(set(refs) - set(names)):
        raise _bad(f"eventRefs name events that there are not: {', '.join(unknown)}")
    if body.start is not None and refs:
        raise _bad("a task starts by time or by events, not by both")
    for event in body.events or []:
        finished = event.type == "com.qlik.v1.task.run.finished"
        if finished != (event.source == "system-events.task"):
            raise _bad(f"event {event.name!r}: source and type do not go together")
        values = {c.contextAttributeName: c.contextAttributeValue for c in event.correlation}
        if finished and values.get("id") not in parents:
            raise _bad(f"event {event.name!r}: there is no task {values.get('id')!r}")
        if finished and str(values.get("status", "any")).lower() not in _STATUSES:
            raise _bad(f"event {event.name!r}: no run ends as {values.get('status')!r}")


def _check_schedule(schedule: Schedule, now: datetime, cron_allowed: bool) -> None:
    if schedule.timezone not in _zones():
        raise _bad_time(f"unknown timezone {schedule.timezone!r}")
    zone = ZoneInfo(schedule.timezone)
    if "timezone" in schedule.model_fields_set:
        _refuse_offsets(schedule)
    start = _moment(schedule.startDateTime, zone)
    end = _moment(schedule.endDateTime, zone)
    if end is not None and start is not None and end <= start:
        raise _bad_time("the end is not after the start")
    if end is not None and end <= now:
        raise _bad_time("the end is in the past")
    if schedule.recurrence is None:
        if (schedule.cron is None and schedule.interval is None) or not cron_allowed:
            raise _bad_time("a schedule needs a recurrence")
        return
    _check_rule(schedule.recurrence, start or now)


def _refuse_offsets(schedule: Schedule) -> None:
    """Section 6.2: no offset when a zone is given."""
    for text in (schedule.startDateTime, schedule.endDateTime):
        if text is not None and (moment := _parsed(text)).tzinfo is not None:
            raise _bad_time(f"{moment.isoformat()!r} has an offset beside the zone {schedule.timezone!r}")


def _check_rule(recurrence: str, start: datetime) -> None:
    one_rule = recurrence.startswith(_RULE) and "\n" not in recurrence
    if not one_rule or "DTSTART" in recurrence or "DTEND" in recurrence:
        raise _bad_time(f"not one RRULE: {recurrence!r}")
    _check_parts(dict(part.partition("=")[::2] for part in recurrence.removeprefix(_RULE).split(";")))
    # UNTIL may be written with and without Z; only the rule's form is checked, so the zone does not matter.
    first = start.replace(tzinfo=UTC if "Z" in recurrence.upper().partition("UNTIL=")[2] else None)
    try:
        rrulestr(recurrence, dtstart=first)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise _bad_time(f"cannot understand {recurrence!r}: {error}") from error


def _check_parts(parts: dict[str, str]) -> None:
    """What RFC 5545 (3.3.10) forbids and parsers let pass, to mean something else."""
    freq = parts.get("FREQ")
    numbered = not all(day.isalpha() for day in parts.get("BYDAY", "MO").split(","))
    if numbered and freq not in ("MONTHLY", "YEARLY"):
        raise _bad_time(f"n-th weekdays beside FREQ={freq}")
    if freq == "WEEKLY" and "BYMONTHDAY" in parts:
        raise _bad_time("BYMONTHDAY beside FREQ=WEEKLY")
    if "UNTIL" in parts and "COUNT" in parts:
        raise _bad_time("UNTIL beside COUNT")


def _moment(text: str | None, zone: ZoneInfo) -> datetime | None:
    if text is None:
        return None
    moment = _parsed(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise _bad_time(f"not a date and time: {text!r}") from error


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _bad(detail: str) -> Refusal:
    return Refusal(400, "Invalid task", code="CHO-001", detail=detail)


def _bad_time(detail: str) -> Refusal:
    return Refusal(400, "Invalid schedule", code="CHO-017", detail=detail)
