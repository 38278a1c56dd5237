"""A thin client of the tenant, and what it sends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx

from qlift.simulator import Simulator, qvf

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
Json = dict[str, Any]


class Tenant:
    """A thin client: one identity, nothing clever."""

    def __init__(self, simulator: Simulator, token: str) -> None:
        self.simulator = simulator
        self.url = simulator.description["tenant"]["url"]
        self.http = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"})

    def get(self, path: str, **query: Any) -> Json:
        answer = self.http.get(path, params=query or None)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def status(self, method: str, path: str, body: Any = None, **query: Any) -> int:
        return self.http.request(method, path, json=body, params=query or None).status_code

    def post(self, path: str, body: Any = None, expect: int = 201, **query: Any) -> Json:
        answer = self.http.post(path, json=body, params=query or None)
        assert answer.status_code == expect, answer.text
        made: Json = answer.json()
        return made

    def put(self, path: str, body: Any, expect: int = 200) -> Json:
        answer = self.http.put(path, json=body)
        assert answer.status_code == expect, answer.text
        made: Json = answer.json()
        return made

    def space(self, name: str, type_: str = "shared") -> str:
        return str(self.post("/api/v1/spaces", {"name": name, "type": type_})["id"])

    def assign(self, space_id: str, assignee_id: str, *roles: str, type_: str = "user") -> Json:
        body = {"type": type_, "assigneeId": assignee_id, "roles": list(roles)}
        return self.post(f"/api/v1/spaces/{space_id}/assignments", body)

    def roles(self, space_id: str, assignee_id: str) -> list[str]:
        found = self.get(f"/api/v1/spaces/{space_id}/assignments", assigneeId=assignee_id)["data"]
        return [role for assignment in found for role in assignment["roles"]]

    def import_(self, content: bytes, **query: Any) -> httpx.Response:
        headers = {"Content-Type": "application/octet-stream"}
        return self.http.post("/api/v1/apps/import", content=content, params=query, headers=headers)

    def app(self, content: bytes | None = None, **query: Any) -> str:
        answer = self.import_(content if content is not None else app_file("App"), **query)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["attributes"]["id"])

    def attributes(self, app_id: str) -> Json:
        found: Json = self.get(f"/api/v1/apps/{app_id}")["attributes"]
        return found

    def user_id(self, subject: str) -> str:
        return str(self.get("/api/v1/users", filter=f'subject eq "{subject}"')["data"][0]["id"])


def app_file(title: str, *objects: Json, script: str = "LOAD 1;") -> bytes:
    return qvf.encode({"qTitle": title, "qScript": script, "simulatorObjects": list(objects)})


def sheet(id_: str, *, published: bool = False, approved: bool = False) -> Json:
    return {
        "engineObjectId": id_,
        "objectType": "sheet",
        "name": id_.title(),
        "published": published,
        "approved": approved,
        "ownerLogin": "ACME\\someone",
        "content": {"title": id_},
    }


def task_body(app_id: str, name: str = "Nightly", **changes: Any) -> Json:
    action = {"functionRef": {"refName": "app.reload", "arguments": {"appId": app_id, "partial": False}}}
    schedule = {
        "recurrence": "RRULE:FREQ=DAILY;BYHOUR=3;BYMINUTE=0;BYSECOND=0",
        "timezone": "Europe/Berlin",
        "startDateTime": "2026-11-25T03:00:00",
    }
    return {
        "name": name,
        "specVersion": "1.16.0",
        "start": {"stateName": "reload", "schedule": schedule},
        "states": [{"name": "reload", "type": "EVENT", "onEvents": [{"eventRefs": [], "actions": [action]}]}],
        **changes,
    }
