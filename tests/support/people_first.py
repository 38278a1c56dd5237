"""A phase on a tenant where people were first: spaces, roles, an app and its task that the plan wants too."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pydantic import SecretStr

from qlift.bundle import BlobStore
from qlift.cloud.auth import OAuthClient
from qlift.cloud.client import Client
from qlift.cloud.index import Index
from qlift.cloud.tenant import Tenant
from qlift.derivation import PeopleFiles, derive_phase
from qlift.derivation.desired import App, Desired, ReloadSchedule
from qlift.derivation.former import ADOPTED, AdoptedFile, load_adopted
from qlift.reports.adoption import Looked, look_up
from qlift.simulator import Simulator, Switches
from qlift.simulator.tenant.dump import dump
from tests.crash_matrix.compact import PLAN, SAMPLE
from tests.support.export import copy_waivers, demo_plan, export_from
from tests.support.in_process import InProcess

SPACES = {
    "Finance": {
        "from": {"stream": "Finance"},
        "type": "shared",
        "description": "Reports",
        "owner": "ACME\\qlik.admin",
    },
    "Sales Lab": {"from": {"stream": "Sales"}, "type": "managed"},
}
EVERYTHING = {"spaces": True, "assignments": True, "apps": True, "schedules": True}
JANE = "ACME\\zoe.dahl"
TARGET = "test"


class Killed(Exception):
    """The process ended here: no write passes any more."""


class Tenancy:
    """What people have in the tenant, through its interface; `url`, `key`: of somebody who administers it."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key

    def api(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._key}"}
        answer = httpx.request(
            method, self._url + path, json=body, headers=headers, timeout=60, follow_redirects=True
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def user(self, subject: str) -> str:
        listed = self.api("GET", "/api/v1/users?limit=100")["data"]
        return next(str(u["id"]) for u in listed if u["subject"] == subject)

    def group(self, name: str) -> str:
        listed = self.api("GET", "/api/v1/groups?limit=100")["data"]
        return next(str(g["id"]) for g in listed if g["name"] == name)

    def space(self, name: str, type_: str, description: str) -> str:
        body = {"name": name, "type": type_, "description": description}
        return str(self.api("POST", "/api/v1/spaces", body)["id"])

    def change_space(self, id_: str, **values: str) -> None:
        body = [{"op": "replace", "path": f"/{k}", "value": v} for k, v in values.items()]
        self.api("PATCH", f"/api/v1/spaces/{id_}", body)

    def assign(self, space: str, type_: str, assignee: str, *roles: str) -> None:
        body = {"type": type_, "assigneeId": assignee, "roles": list(roles)}
        self.api("POST", f"/api/v1/spaces/{space}/assignments", body)

    def app(self, name: str, space: str, description: str, owner: str = "") -> str:
        body = {"attributes": {"name": name, "spaceId": space, "description": description}}
        id_ = str(self.api("POST", "/api/v1/apps", body)["attributes"]["id"])
        if owner:
            self.api("PUT", f"/api/v1/apps/{id_}/owner", {"ownerId": self.user(owner)})
        return id_

    def task(self, app: str, name: str) -> str:
        function = {"refName": "app.reload", "arguments": {"appId": app, "partial": False}}
        body = {
            "name": name,
            "description": "Made by hand",
            "annotations": ["people"],
            "specVersion": "1.16.0",
            "enabled": True,
            "start": {
                "stateName": "s",
                "schedule": {"recurrence": "RRULE:FREQ=DAILY;BYHOUR=5", "timezone": "Europe/Berlin"},
            },
            "states": [
                {
                    "name": "s",
                    "type": "EVENT",
                    "onEvents": [{"eventRefs": [], "actions": [{"functionRef": function}]}],
                }
            ],
        }
        return str(self.api("POST", "/api/scheduling/tasks", body)["id"])


def make_what_people_have(people: Tenancy, app: App, schedule: ReloadSchedule, group: str) -> dict[str, str]:
    """Ids. The app is of the shared space Finance, the schedule is its own; both spaces are Jane's."""
    finance = people.space("Finance", "shared", "Ours since 2019\nsecond line")
    lab = people.space("Sales Lab", "managed", "")
    app_id = people.app(app.name, finance, "By hand", owner=JANE)
    task = people.task(app_id, schedule.name.removesuffix(schedule.mark).strip())
    people.assign(finance, "group", people.group(group), "facilitator")
    for space in (finance, lab):
        people.change_space(space, ownerId=people.user(JANE))
    people.assign(finance, "user", people.api("GET", "/api/v1/users/me")["id"], "facilitator")
    return {"finance": finance, "lab": lab, "app": app_id, "task": task}


def export_once(folder: Path) -> Path:
    """The same sample gives the same bundle, whichever simulator serves it."""
    with Simulator(sample=SAMPLE) as simulator:
        export_from(simulator, folder)
    return folder


class World:
    """The compact phase in this process. `exported`: a folder that `export_once` made."""

    def __init__(self, folder: Path, exported: Path, switches: Switches | None = None) -> None:
        self.folder = folder
        self.simulator = Simulator(switches=switches or Switches(), sample=SAMPLE)
        self.simulator.start()
        shutil.copytree(exported / "exports", folder / "exports")
        self.run = self.other("demo")
        self.plan: dict[str, Any] = {**demo_plan(), **deepcopy(PLAN), "spaces": deepcopy(SPACES)}
        tenant = self.simulator.description["tenant"]
        self.people = Tenancy(tenant["url"], tenant["api_key"])

    def other(self, stack: str) -> InProcess:
        made = InProcess(self.simulator, BlobStore(str(self.folder / "exports" / "sample" / "blobs")))
        made.stack = stack
        return made

    @property
    def phase(self) -> Path:
        return self.folder / "stacks" / "demo"

    def derived(self, *, with_errors: bool = False) -> Desired:
        self.phase.mkdir(parents=True, exist_ok=True)
        copy_waivers(self.phase)
        plan = yaml.safe_dump(self.plan, sort_keys=False)
        (self.phase / "plan.yaml").write_text(plan, encoding="utf-8")
        none = self.folder / "none.csv"
        files = PeopleFiles(users=none, groups=none, target=TARGET)
        _, desired = derive_phase(self.folder, "demo", files, datetime.date(2026, 1, 1))
        assert with_errors or not desired.errors, desired.errors
        return desired

    def export(self) -> None:
        export_from(self.simulator, self.folder)

    def people_first(self) -> dict[str, str]:
        desired = self.derived(with_errors=True)
        app, schedule = adoptable(desired)
        groups = (a for a in desired.assignments if a.assignee.type == "group" and a.space == "finance")
        group = next(groups).assignee.name
        return make_what_people_have(self.people, app, schedule, group)

    @contextmanager
    def tenant(self) -> Iterator[Tenant]:
        known = self.simulator.description["tenant"]
        credentials = OAuthClient(known["client_id"], SecretStr(known["client_secret"]))
        client = Client(known["url"], credentials, sleep=self.simulator.clock.advance)
        try:
            yield Tenant(client, Index(client))
        finally:
            client.close()

    def adopt(self) -> Looked:
        """As `qlift adopt`."""
        desired, file = self.derived(with_errors=True), load_adopted(self.phase / ADOPTED)
        with self.tenant() as tenant:
            looked = look_up(tenant, desired, file.of(TARGET), self.run.stack)
        self.write(file.replaced(TARGET, looked.adopted))
        return looked

    def write(self, file: AdoptedFile) -> None:
        (self.phase / ADOPTED).write_text(file.text, encoding="utf-8")

    def up(self) -> list[tuple[str, str]]:
        changes = self.run.up(self.derived()).changes
        self.simulator.clock.advance(200)
        return changes

    def dump(self) -> Any:
        """What people have, ids too, but whose tasks are: what a tool gave back stays its own."""
        return without_what_tells_nothing(dump(self.simulator.world, ids=True))


def without_what_tells_nothing(found: Any) -> Any:
    """Of a tenant's dump with ids."""
    for app in found["apps"]:
        for task in app["tasks"]:
            task["owner"] = ""
    for space in found["spaces"]:
        for assignment in space["assignments"]:
            assignment.pop("id")
    # The dump's own order counts ids, and those of assignments are new ones after each run.
    found["spaces"].sort(key=lambda s: s["name"])
    found["apps"].sort(key=lambda a: (a["space"], a["name"]))
    return found


def adoptable(desired: Desired) -> tuple[App, ReloadSchedule]:
    """An app in a shared space of its own right, with a schedule."""
    published = {p.app for p in desired.publications}
    for schedule in desired.schedules:
        app = next((a for a in desired.apps if a.key == schedule.app), None)
        if app is not None and app.space and app.key not in published and schedule.after is None:
            return app, schedule
    raise AssertionError("the sample has no such app")


@contextmanager
def killed_at(write: int, when: str) -> Iterator[list[str]]:
    """The process ends at its n-th write, before or after the tenant has it. Gives the writes that were."""
    writes: list[str] = []
    send = Client._send
    dead = False

    def killing(self: Client, method: str, path: str, token: str, parts: Any) -> httpx.Response:
        nonlocal dead
        if method == "GET" or "oauth" in path:
            return send(self, method, path, token, parts)
        if dead:
            raise Killed
        writes.append(f"{method} {path}")
        dead = len(writes) == write
        if dead and when == "before":
            raise Killed
        answer = send(self, method, path, token, parts)
        if dead:
            raise Killed
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "_send", killing)
        yield writes
