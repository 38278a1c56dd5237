"""A large site derives in seconds: 10,000 apps, 50,000 users, 200 streams, 120 rules."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

from qlift.bundle import Bundle
from qlift.bundle.models import (
    App,
    AppFile,
    AppObject,
    Identity,
    Manifest,
    SchemaEvent,
    Stream,
    StreamAccess,
    SystemRule,
    User,
)
from qlift.bundle.models import ReloadTask as Task
from qlift.derivation import derive
from qlift.derivation.people import People
from qlift.derivation.plan import Plan

USERS, APPS, STREAMS, RULES, GROUPS = 50_000, 10_000, 200, 120, 1_000
SECONDS = 90
"""Of processor time; some 20 on a machine that tests share. Work that grows with the square takes hours."""


def large_bundle() -> Bundle:
    users = tuple(
        User.model_validate(
            {
                "id": f"u{n}",
                "userId": f"user{n}",
                "userDirectory": "CORP",
                "name": f"User {n}",
                "attributes": [
                    {"attributeType": "group", "attributeValue": f"G{(n * 7 + k * 13) % GROUPS}"}
                    for k in range(3)
                ],
            }
        )
        for n in range(USERS)
    )
    streams = tuple(Stream(id=f"s{n:03}", name=f"Stream {n}") for n in range(STREAMS))
    apps: list[App] = []
    objects: dict[str, tuple[AppObject, ...]] = {}
    for n in range(APPS):
        stream, owner = streams[n % STREAMS], users[n]
        raw = {
            "id": f"{n:032x}",
            "name": f"App {n}",
            "published": True,
            "owner": owner.model_dump(by_alias=True),
        }
        apps.append(App.model_validate(raw | {"stream": {"id": stream.id, "name": stream.name}}))
        raw_object = {"id": f"o{n}", "owner": raw["owner"], "app": {"id": raw["id"]}, "objectType": "sheet"}
        objects[apps[-1].id] = (
            AppObject.model_validate(
                raw_object | {"published": True, "approved": True, "engineObjectId": "a"}
            ),
            AppObject.model_validate(raw_object | {"engineObjectId": "b"}),
        )
    tasks = tuple(
        Task.model_validate({"id": f"t{a.id}", "name": "Reload", "app": {"id": a.id}}) for a in apps[::5]
    )
    events = tuple(
        SchemaEvent.model_validate(
            {
                "id": f"e{t.id}",
                "name": "Half hourly",
                "timeZone": "Europe/Berlin",
                "startDate": "2013-01-01T05:30:00.000",
                "incrementDescription": "30 0 0 0",
                "incrementOption": 1,
                "schemaFilterDescription": ["* * - * * * * *"],
                "reloadTask": {"id": t.id},
            }
        )
        for t in tasks
    )
    rules = tuple(
        SystemRule.model_validate(
            {
                "id": f"r{n}",
                "name": f"Rule {n}",
                "category": "Security",
                "type": "Custom",
                "rule": f'((user.group="G{n}"))',
                "resourceFilter": "Stream_*",
                "actions": 2,
            }
        )
        for n in range(RULES)
    )
    announced = {"operational": {"nextExecution": "2026-11-24T10:00:00.000Z"}}
    manifest = Manifest(site="prod", identity=Identity(user="x", complete=True), counts={}, sha256={})
    allowed = {u.id: 2 for u in users if any(int(g[1:]) < RULES for g in u.groups)}
    return Bundle(
        path=Path("nowhere"),
        manifest=manifest,
        apps=tuple(apps),
        streams=streams,
        users=users,
        reload_tasks=tasks,
        schema_events=events,
        composite_events=(),
        system_rules=rules,
        data_connections=(),
        tags=(),
        custom_properties=(),
        extensions=(),
        app_files={a.id: AppFile(app=a.id, sha256="0" * 64, size=1, modified_date="") for a in apps},
        access={s.id: StreamAccess(stream=s.id, users=allowed) for s in streams},
        renames={},
        redactions=(),
        runtime={"schemaevent": {e.id: announced for e in events}},
        app_objects=objects,
    )


def test_a_large_site_derives_in_seconds() -> None:
    bundle = large_bundle()
    plan = Plan.model_validate(
        {
            "version": 1,
            "phase": "all",
            "sources": [{"site": "prod", "bundle": "b"}],
            "select": {"streams": "all"},
            "users": {"rules": [{"directory": "CORP", "subject": "CORP\\{user_id}"}]},
            "spaces_rule": {"type": "managed"},
        }
    )
    started = time.process_time()
    desired = derive([bundle], plan, People(plan), [], date(2026, 11, 24))
    used = time.process_time() - started
    assert not desired.errors
    assert (len(desired.apps), len(desired.publications)) == (APPS, APPS)
    assert len(desired.schedules) == len(bundle.schema_events)
    assert len(desired.spaces) == 2 * STREAMS
    assert used < SECONDS, f"{used:.1f} s"
    print(f"{used:.1f} s")  # noqa: T201
