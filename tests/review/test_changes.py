"""Events of the engine → changes, conflicts and cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from providers.reload_schedule import ReloadScheduleInputs
from providers.space_assignment import SpaceAssignmentInputs
from qlift.cloud.settings import Target
from qlift.pulumi_cli.preview import UNKNOWN, Step, read_events
from qlift.reports.review.markdown import markdown
from qlift.review.changes import changes_of, conflicts_of, drift_of, fields
from qlift.review.effort import effort_of
from tests.support.reviews import review

URN = "urn:pulumi:demo::qlift::"
JOB = f"{URN}qlik:job:Job::permissions"


def event(name: str, op: str, kind: str, key: str, old: Any = None, new: Any = None) -> str:
    """As the engine writes it."""
    type_ = f"pulumi-python:dynamic/qlik:{kind}"

    def state(values: Any, id_: str) -> Any:
        bag = {"__provider": "blob", **(values or {})}
        return values and {"id": id_, "parent": JOB, "inputs": bag, "outputs": bag if id_ else {}}

    metadata = {
        "op": op,
        "urn": f"{URN}qlik:job:Job${type_}::{key}",
        "type": type_,
        "old": state(old, "an-id"),
        "new": state(new, "an-id" if op == "refresh" and new else ""),
    }
    return json.dumps({name: {"metadata": metadata}})


def roles(*names: str, space: str = "HR", space_id: str | None = "1") -> dict[str, Any]:
    return SpaceAssignmentInputs(
        key="hr.bea",
        space=space,
        space_id=space_id,
        assignee_type="group",
        assignee="BI",
        assignee_id="2",
        match_by="subject",
        roles=list(names),
    ).model_dump(mode="json")


def test_before_and_after_of_what_the_provider_takes_for_a_change() -> None:
    found = read_events(
        [
            event("resourcePreEvent", "same", "Space", "hr", {"name": "HR"}, {"name": "HR"}),
            event(
                "resourcePreEvent",
                "update",
                "SpaceAssignment",
                "hr.bea",
                roles("consumer"),
                roles("publisher", space="People"),
            ),
            event("resourcePreEvent", "create-replacement", "Space", "x", {"name": "X"}, {"name": "X"}),
            event("resourcePreEvent", "delete", "Space", "old", {"name": "Old"}),
            event("resourcePreEvent", "create", "DeleteGuard", "delete-guard", None, {"key": "delete-guard"}),
            json.dumps({"diagnosticEvent": {"severity": "error", "message": "broken\n"}}),
            json.dumps({"diagnosticEvent": {"severity": "error", "message": "broken\n"}}),
            json.dumps({"diagnosticEvent": {"severity": "info", "message": "12 warnings"}}),
        ]
    )
    delete, update = changes_of(found.steps, {})
    assert (delete.op, delete.object, delete.job) == ("delete", 'space "Old"', "permissions")
    # The space only has another name: both sides' ids are the same.
    assert [(f.name, f.before, f.after) for f in update.fields] == [("roles", ["consumer"], ["publisher"])]
    assert update.object == 'BI in space "People"'
    assert (found.unchanged, found.errors) == (1, ["broken"])


def test_a_reference_to_what_the_run_makes_shows_its_ids() -> None:
    old = ReloadScheduleInputs(
        key="k",
        name="n",
        app="ledger",
        app_id="1",
        trigger="t",
        enabled=True,
        partial=False,
        space="",
        space_id="",
        owner="o",
        fingerprint="f",
    ).model_dump(mode="json")
    [only] = fields("ReloadSchedule", old, {**old, "app_id": None})
    assert (only.name, only.before, only.after) == ("app_id", "1", "(new)")
    # A kind that nobody knows is compared field by field.
    assert [f.name for f in fields("Tag", {"a": 1, "b": 2}, {"a": 1.0, "b": 3})] == ["b"]


def test_what_others_changed() -> None:
    found = read_events(
        [
            event(
                "resOutputsEvent", "refresh", "SpaceAssignment", "a", roles("consumer"), roles("publisher")
            ),
            event("resOutputsEvent", "refresh", "SpaceAssignment", "b", roles("consumer"), roles("consumer")),
            event("resOutputsEvent", "refresh", "Space", "c", {"name": "HR"}, None),
        ]
    )
    changed, gone = sorted(drift_of(found, {}), key=lambda d: d.gone)
    assert (changed.gone, [f.name for f in changed.fields]) == (False, ["roles"])
    assert (gone.gone, gone.object) == (True, 'space "HR"')


def test_conflicts_are_named_as_people_know_the_objects() -> None:
    unknown = {"name": "HR", "size": 3.0, "app_id": UNKNOWN, "list": [1.0, UNKNOWN]}
    found = read_events([event("resourcePreEvent", "create", "Space", "hr", None, unknown)])
    assert found.steps[0].new == {"name": "HR", "size": 3, "app_id": None, "list": [1, None]}
    noted = {"kind": "Space", "object": "hr", "field": "name", "reason": "taken"}
    other = {**noted, "kind": "DeleteGuard", "object": "delete-guard"}
    told = conflicts_of([noted, noted, other], changes_of(found.steps, {}))
    assert [(c.kind, c.object) for c in told] == [("DeleteGuard", "delete-guard"), ("Space", 'space "HR"')]


def test_adopted_objects_are_neither_made_nor_deleted() -> None:
    former = {"id": "1", "name": "HR", "description": "ours"}
    new = {"name": "People", "description": "ours", "former": former}
    owner = {"space": "HR", "owner": "CORP\\ann", "former": {"id": "7", "subject": "CORP\\bea"}}
    found = read_events(
        [
            event("resourcePreEvent", "create", "Space", "hr", None, new),
            event("resourcePreEvent", "delete", "SpaceOwner", "hr", owner),
        ]
    )
    back, adopted = changes_of(found.steps, {})
    assert (adopted.op, back.op) == ("adopt", "give back")
    assert [(f.name, f.before, f.after) for f in adopted.fields] == [("name", "HR", "People")]
    assert [(f.name, f.before, f.after) for f in back.fields] == [("owner", "CORP\\ann", "CORP\\bea")]
    told = markdown(review(changes=(back, adopted)))
    assert "Deletes and replaces nothing" in told and "1 to adopt, 1 to give back" in told
    assert "name: `HR` → `People`" in told


def test_of_an_adopted_schedule_the_former_rule_is_told() -> None:
    task = {
        "name": "Nightly",
        "enabled": True,
        "start": {"schedule": {"recurrence": "RRULE:FREQ=DAILY;BYHOUR=5", "timezone": "Europe/Berlin"}},
        "states": [{"onEvents": [{"actions": [{"functionRef": {"arguments": {"appId": "1"}}}]}]}],
    }
    new = {
        "name": "Nightly",
        "enabled": False,
        "recurrence": "RRULE:FREQ=DAILY;BYHOUR=6",
        "timezone": "Europe/Berlin",
        "partial": False,
        "former": {"id": "1", "name": "Nightly", "definition": task},
    }
    found = read_events([event("resourcePreEvent", "create", "ReloadSchedule", "nightly", None, new)])
    [adopted] = changes_of(found.steps, {})
    assert [(f.name, f.before, f.after) for f in adopted.fields] == [
        ("enabled", True, False),
        ("recurrence", "RRULE:FREQ=DAILY;BYHOUR=5", "RRULE:FREQ=DAILY;BYHOUR=6"),
    ]


def step(op: Any, kind: str, old: Any = None, new: Any = None) -> Step:
    return Step(op, kind, "k", "apps", "", old or {}, new or {})


def test_writes_imports_bytes_and_days() -> None:
    target = Target(url="https://acme.example", imports_per_day=2, path=Path("t.yaml"))
    app = {"size": 1_000, "object_owners": []}
    moved = {**app, "mode": "move", "object_owners": [1, 2]}
    found = effort_of(
        [
            step("create", "App", new=app),  # import, description
            step("create", "AppPublication", new=moved),  # import, two objects, publish
            step("create", "AppPublication", new={**app, "mode": "copy"}),  # publish
            step("replace", "App", app, app),  # as a new one, and a delete
            step("update", "AppPublication", {"fingerprint": "a"}, {**app, "fingerprint": "b"}),
            step("delete", "Space"),
            step("create", "App", new={**app, "former": {"id": "1"}}),  # adopted: described
            step("create", "DeleteGuard"),
        ],
        target,
    )
    assert (found.imports, found.writes, found.bytes) == (3, 2 + 4 + 1 + 3 + 1 + 1 + 1, 3_000)
    assert (found.import_days, found.floor_seconds) == (2, 86_400)
    many = [step("create", "SpaceOwner")] * 1_001
    slow = target.model_copy(update={"share": 0.5})
    # 100 writes a minute over five minutes; half of it for half a share.
    assert effort_of(many, target).floor_seconds == 600
    assert effort_of(many, slow).floor_seconds == 1_200
