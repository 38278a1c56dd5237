"""Reload tasks and their triggers: every one is either wanted or has a finding."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from qlift.bundle.models import CompositeEvent, SchemaEvent
from qlift.derivation.desired import Desired, ReloadSchedule
from tests.derivation.site import Raw, codes, derived, small_site


def only(desired: Desired) -> ReloadSchedule:
    (schedule,) = desired.schedules
    return schedule


def with_event(tmp_path: Path, increment: str = "0 0 1 0", **more: Any) -> Desired:
    site, _, _, app = small_site()
    site.timed(site.task(app), increment, **more)
    return derived(tmp_path, site.write(tmp_path / "b"))


def test_a_daily_event_anchors_at_its_own_start(tmp_path: Path) -> None:
    schedule = only(with_event(tmp_path, startDate="2022-10-17T11:37:26.000", timeZone="Europe/Paris"))
    assert (schedule.recurrence, schedule.timezone) == ("RRULE:FREQ=DAILY", "Europe/Paris")
    assert (schedule.start, schedule.end) == ("2022-10-17T11:37:00", None)
    assert schedule.name == f"Reload {schedule.key.replace('-', '')[:12]}"
    assert schedule.publication and not schedule.app, "what people open is reloaded, not the origin"
    assert not schedule.enabled


def test_an_expiration_is_the_end(tmp_path: Path) -> None:
    assert only(with_event(tmp_path, expirationDate="2027-01-31T00:00:00.000")).end == "2027-01-31T00:00:00"


@pytest.mark.parametrize(
    ("cut_over", "task", "event", "enabled"),
    [
        (True, True, True, True),
        (True, False, True, False),
        (True, True, False, False),
        (False, True, True, False),
    ],
)
def test_only_what_was_enabled_is_enabled_at_cut_over(
    tmp_path: Path, cut_over: bool, task: bool, event: bool, enabled: bool
) -> None:
    site, _, _, app = small_site()
    site.timed(site.task(app, enabled=task), enabled=event)
    desired = derived(tmp_path, site.write(tmp_path / "b"), schedules={"enabled": cut_over})
    assert only(desired).enabled is enabled


@pytest.mark.parametrize(
    ("increment", "more", "code"),
    [
        ("0 0 1 0", {"timeZone": "Mars/Olympus"}, "SCHEDULE-NOT-MIGRATED"),
        ("0 0 1 0", {"startDate": "soon"}, "SCHEDULE-NOT-MIGRATED"),
        ("0 0 1 0", {"schemaFilterDescription": ["* 9 - * * * * *"]}, "SCHEDULE-NEVER"),
        ("0 0 1 0", {"schemaFilterDescription": ["* 9-15 - * * * * *"]}, "SCHEDULE-NOT-MIGRATED"),
        ("0 0 1 0", {"schemaFilterDescription": ["a", "b"]}, "SCHEDULE-NOT-MIGRATED"),
        ("0 0 0 0", {"incrementOption": 0}, "SCHEDULE-OVER"),
        ("0 0 1 0", {"expirationDate": "2026-06-30T00:00:00.000"}, "SCHEDULE-OVER"),
    ],
)
def test_what_is_not_understood_is_a_finding(
    tmp_path: Path, increment: str, more: dict[str, Any], code: str
) -> None:
    desired = with_event(tmp_path, increment, **more)
    assert not desired.schedules
    (finding,) = [f for f in desired.findings if f.code == code]
    assert "Reload / Daily" in finding.object and finding.remedy


def test_a_zone_that_never_changes_clocks_has_one_reading(tmp_path: Path) -> None:
    assert only(with_event(tmp_path, timeZone="Asia/Tokyo", daylightSavingTime=1)).timezone == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("announced", "agrees"),
    [
        ("2026-11-25T04:30:00.000Z", True),
        ("2026-07-01T03:30:00.000Z", True),
        ("2026-11-25T05:30:00.000Z", False),
        ("1753-01-01T00:00:00.000Z", True),
    ],
)
def test_the_source_announces_its_next_run(tmp_path: Path, announced: str, agrees: bool) -> None:
    """05:30 in Berlin is 04:30 UTC in winter and 03:30 in summer."""
    site, _, _, app = small_site()
    site.timed(site.task(app), operational={"nextExecution": announced})
    desired = derived(tmp_path, site.write(tmp_path / "b"), schedules={"enabled": True})
    assert only(desired).enabled is agrees
    assert ("SCHEDULE-NEXT-RUN" in codes(desired, "warning")) is not agrees


def test_once_in_the_future_is_kept_and_reviewed(tmp_path: Path) -> None:
    more = {"startDate": "2027-01-05T05:30:00.000", "incrementOption": 0}
    next_run = {"operational": {"nextExecution": "2027-01-05T04:30:00.000Z"}}
    desired = with_event(tmp_path, "0 0 0 0", **more, **next_run)
    assert only(desired).recurrence == "RRULE:FREQ=DAILY;COUNT=1"
    assert "SCHEDULE-ONCE" in codes(desired, "warning")


DOUBTFUL: dict[str, Any] = {"incrementOption": 0, "incrementDescription": "2 0 0 0"}


def test_what_is_in_doubt_is_disabled_until_a_person_confirms_it(tmp_path: Path) -> None:
    site, _, _, app = small_site()
    event = site.timed(site.task(app), **DOUBTFUL)
    bundle = site.write(tmp_path / "b")
    doubtful = derived(tmp_path, bundle, schedules={"enabled": True})
    assert not only(doubtful).enabled and "SCHEDULE-TWO-READINGS" in codes(doubtful, "warning")
    confirmed = {"enabled": True, "confirmed": [event["id"]]}
    assert only(derived(tmp_path, bundle, schedules=confirmed)).enabled
    assert not only(derived(tmp_path, bundle, schedules=confirmed | {"enabled": False})).enabled
    unknown = derived(tmp_path, bundle, schedules={"confirmed": ["e1"]})
    assert [f.code for f in unknown.errors] == ["SCHEDULE-UNKNOWN"]


def test_confirming_does_not_enable_what_the_source_has_disabled(tmp_path: Path) -> None:
    site, _, _, app = small_site()
    event = site.timed(site.task(app), enabled=False, **DOUBTFUL)
    confirmed = {"enabled": True, "confirmed": [event["id"]]}
    assert not only(derived(tmp_path, site.write(tmp_path / "b"), schedules=confirmed)).enabled


def test_a_partial_reload_stays_one(tmp_path: Path) -> None:
    site, _, _, app = small_site()
    site.timed(site.task(app, isPartialReload=True))
    assert only(derived(tmp_path, site.write(tmp_path / "b"))).partial


@pytest.mark.parametrize(
    ("result", "severity"),
    [
        ({"status": 7, "duration": 181 * 60_000}, "error"),
        ({"status": 7, "duration": 180 * 60_000}, None),
        ({"status": 8, "duration": 500 * 60_000}, None),
    ],
)
def test_a_task_that_takes_longer_than_three_hours(tmp_path: Path, result: Any, severity: str | None) -> None:
    """Its timeout is a day: only a note."""
    site, _, _, app = small_site()
    site.timed(site.task(app, operational={"lastExecutionResult": result}, taskSessionTimeout=1440))
    found = [f for f in derived(tmp_path, site.write(tmp_path / "b")).findings if f.code == "TASK-TOO-LONG"]
    assert [f.severity for f in found] == ([severity] if severity else [])


def test_a_timeout_within_three_hours_is_no_matter(tmp_path: Path) -> None:
    site, _, _, app = small_site()
    site.timed(site.task(app, taskSessionTimeout=180))
    assert "TASK-TIMEOUT" not in codes(derived(tmp_path, site.write(tmp_path / "b")))


def test_tasks_of_other_kinds_are_counted(tmp_path: Path) -> None:
    site, _, _, app = small_site()
    site.timed(site.task(app))
    site.kinds["externalprogramtask"] = [{"id": "x", "name": "run.ps1"}]
    assert "TASKS-OF-OTHER-KINDS" in codes(derived(tmp_path, site.write(tmp_path / "b")))


def test_notes_on_what_qlik_cloud_does_not_have(tmp_path: Path) -> None:
    site, jane, _, app = small_site()
    slow = {"lastExecutionResult": {"status": 7, "duration": 4 * 3_600_000}}
    preload = {"timeToLive": 60, "preloadNodes": ["n1", "n2"]}
    site.timed(
        site.task(app, "Slow", maxRetries=3, operational=slow, **preload), "2 0 0 0", incrementOption=1
    )
    site.task(app, "Lonely")
    site.task(app, "Manual", isManuallyTriggered=True)
    mine = site.app("Mine", jane)
    site.timed(site.task(mine, "Private"))
    external: Raw = {"reloadTask": None, "externalProgramTask": {"id": "x", "name": "run.ps1"}}
    site.timed(site.kinds["reloadtask"][0], name="Script", **external)
    desired = derived(tmp_path, site.write(tmp_path / "b"), select={"personal": True})
    assert {
        "TASK-TOO-LONG", "TASK-RETRIES", "TASK-WITHOUT-TRIGGER", "TASK-MANUAL", "SCHEDULE-OF-PERSONAL-APP",
        "TRIGGER-OF-OTHER-TASK", "TASK-PRELOAD", "TASK-TIMEOUT", "SCHEDULE-CLOCK-CHANGE",
    } <= set(codes(desired))  # fmt: skip
    assert [f.code for f in desired.errors] == ["TASK-TOO-LONG"]
    assert [s.name[:4] for s in desired.schedules] == ["Slow"]


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_dropped_in_silence(tmp_path: Path, seed: int) -> None:
    """Whatever a site holds: each trigger, task, app, rule and connection is wanted or has a finding."""
    chance = random.Random(seed)
    site, jane, stream, _ = small_site()
    people = [jane, *(site.user(f"CORP\\u{n}", (f"G{n % 3}",)) for n in range(6))]
    streams = [stream, *(site.stream(f"S{n}", Department=f"G{n}") for n in range(3))]
    for n in range(12):
        app = site.app(f"App {n}", chance.choice(people), chance.choice([*streams, None]))
        for k in range(chance.randrange(3)):
            task = site.task(app, f"Task {n} {k}", isManuallyTriggered=chance.random() < 0.2)
            for e in range(chance.randrange(3)):
                increment = chance.choice(["0 0 1 0", "0 0 0 0", "0 7 0 0", "nonsense"])
                filter_ = chance.choice(["* * - * * * * *", "* * - 1,3 2 * * *", "* 25 - * * * * *", "?"])
                more_of_it = {
                    "schemaFilterDescription": [filter_],
                    "incrementOption": chance.randrange(6),
                    "daylightSavingTime": chance.choice((0, 0, 1, 2)),
                    "timeZone": chance.choice(("Europe/Berlin", "Australia/Adelaide", "Nowhere")),
                }
                site.timed(task, increment, name=f"E {n} {k} {e}", **more_of_it)
            tasks = site.kinds["reloadtask"]
            if chance.random() < 0.5:
                upstream = [chance.choice(tasks) for _ in range(chance.randrange(1, 3))]
                site.chained(task, *upstream, name=f"C {n} {k}")
    conditions = [
        'user.group="G0"',
        "resource.@Department=user.group",
        "user.IsAnonymous()",
        'user.@X="1"',
        'user.name="nobody"',
    ]
    for n in range(15):
        filter_ = chance.choice(["Stream_*", f"Stream_{chance.choice(streams)['id']}", "App_*", "*"])
        more = {"disabled": chance.random() < 0.2, "ruleContext": chance.choice([0, 1, 2])}
        site.rule(f"Rule {n}", chance.choice(conditions), filter_, chance.choice([1, 2, 34]), **more)
    site._add("dataconnection", {"id": "c", "name": "DWH"})
    bundle = site.write(tmp_path / "b")
    spaces = {n: {"from": {"stream": n}, "type": "managed"} for n in ("Finance", "S0", "S1")}
    desired = derived(tmp_path, bundle, spaces=spaces)

    said = " ".join(f"{f.object} {f.message}" for f in desired.findings)
    counted = {f.code: int(f.object.split()[0]) for f in desired.findings if f.object[0].isdigit()}
    wanted_apps = {a.source.id for a in desired.apps}
    assert len(bundle.apps) == len(wanted_apps) + counted.get("APPS-NOT-SELECTED", 0)
    tasks_here = [t for t in bundle.reload_tasks if t.app.id in wanted_apps]
    assert len(bundle.reload_tasks) == len(tasks_here) + counted.get("TASKS-OF-OTHER-APPS", 0)
    wanted = {s.source.id for s in desired.schedules}
    by_id = {t.id: t for t in tasks_here}
    triggers: list[SchemaEvent | CompositeEvent] = [*bundle.schema_events, *bundle.composite_events]
    for event in triggers:
        started = by_id.get(event.reload_task.id) if event.reload_task else None
        if started is not None:
            assert event.id in wanted or f"{started.name} / {event.name}" in said
    for here in tasks_here:
        assert here.name in said or any(s.name.startswith(here.name) for s in desired.schedules)
    assert "DWH" in said
    for rule in bundle.system_rules:
        about_streams = "Stream" in rule.resource_filter
        if rule.disabled or rule.rule_context == 2 or not about_streams:
            assert rule.name in said
    assert {s.after for s in desired.schedules if s.after} <= {s.key for s in desired.schedules}
