"""Builds small sites for derivation: raw JSON of the Repository Service through the bundle's own writer."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from qlift.bundle import Bundle, Writer, load_bundle
from qlift.bundle.models import AppFile, Identity, StreamAccess
from qlift.derivation import derive
from qlift.derivation.desired import Desired, Waiver
from qlift.derivation.people import GroupRow, People, UserRow
from qlift.derivation.plan_file import load_plan

TODAY = date(2026, 11, 24)
Raw = dict[str, Any]


def guid(*parts: object) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, parts))))


class SiteBuilder:
    """Every method adds one object and gives its raw JSON, so that tests can change it."""

    def __init__(self, name: str = "prod") -> None:
        self.name = name
        self.scope, self.data, self.complete = "all", "all", True
        self.kinds: dict[str, list[Raw]] = {}
        self.objects: dict[str, list[Raw]] = {}
        self.files: dict[str, AppFile] = {}
        self.audit: dict[str, dict[str, int]] = {}
        self.scripts: dict[str, tuple[str, str]] = {}

    def _add(self, kind: str, raw: Raw) -> Raw:
        self.kinds.setdefault(kind, []).append(raw)
        return raw

    def user(self, login: str, groups: tuple[str, ...] = (), email: str = "", **more: Any) -> Raw:
        directory, _, user_id = login.partition("\\")
        pairs = [("group", g) for g in groups] + ([("email", email)] if email else [])
        raw = {
            "id": guid(self.name, "user", login),
            "userId": user_id,
            "userDirectory": directory,
            "name": user_id.title(),
            "roles": [],
            "attributes": [{"attributeType": t, "attributeValue": v} for t, v in pairs],
        }
        return self._add("user", raw | more)

    def stream(self, name: str, owner: Raw | None = None, **properties: str) -> Raw:
        raw = {
            "id": guid(self.name, "stream", name),
            "name": name,
            "owner": _user_ref(owner) if owner else None,
            "customProperties": [property_value(k, v) for k, v in properties.items()],
        }
        return self._add("stream", raw)

    def app(self, name: str, owner: Raw, stream: Raw | None = None, **more: Any) -> Raw:
        raw: Raw = {
            "id": guid(self.name, "app", name),
            "name": name,
            "description": "",
            "owner": _user_ref(owner),
            "published": stream is not None,
            "stream": {"id": stream["id"], "name": stream["name"]} if stream else None,
            "tags": [],
            "customProperties": [],
            **more,
        }
        self._add("app", raw)
        self.objects[raw["id"]] = []
        self.object(raw, owner, "app_appscript", public=stream is not None)
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        self.files[raw["id"]] = AppFile(app=raw["id"], sha256=sha256, size=10, modified_date="")
        return raw

    def object(
        self, app: Raw, owner: Raw, type_: str, name: str = "", *, public: bool, content: str = "1"
    ) -> Raw:
        raw = {
            "id": guid(self.name, "object", app["id"], type_, name),
            "engineObjectId": guid("engine", app["id"], type_, name),
            "name": name,
            "owner": _user_ref(owner),
            "app": {"id": app["id"], "name": app["name"]},
            "objectType": type_,
            "contentHash": content,
            "published": public,
            "approved": public,
        }
        self.objects[app["id"]].append(raw)
        return raw

    def script(self, app: Raw, text: str) -> None:
        self.scripts[app["id"]] = (app["name"], text)

    def task(self, app: Raw, name: str = "Reload", **more: Any) -> Raw:
        raw = {
            "id": guid(self.name, "task", name, app["id"]),
            "name": name,
            "enabled": True,
            "app": {"id": app["id"], "name": app["name"]},
        }
        return self._add("reloadtask", raw | more)

    def timed(self, task: Raw, increment: str = "0 0 1 0", name: str = "Daily", **more: Any) -> Raw:
        raw = {
            "id": guid(self.name, "schema event", task["id"], name),
            "name": name,
            "enabled": True,
            "timeZone": "Europe/Berlin",
            "startDate": "2026-01-05T05:30:00.000",
            "schemaFilterDescription": ["* * - * * * * *"],
            "incrementDescription": increment,
            "incrementOption": 2,
            "reloadTask": {"id": task["id"], "name": task["name"]},
        }
        return self._add("schemaevent", raw | more)

    def chained(self, task: Raw, *upstream: Raw, state: int = 1, name: str = "After", **more: Any) -> Raw:
        rules = [{"ruleState": state, "reloadTask": {"id": u["id"], "name": u["name"]}} for u in upstream]
        raw = {
            "id": guid(self.name, "composite event", task["id"], name),
            "name": name,
            "enabled": True,
            "compositeRules": rules,
            "reloadTask": {"id": task["id"], "name": task["name"]},
        }
        return self._add("compositeevent", raw | more)

    def connection(self, name: str, type_: str, **more: Any) -> Raw:
        raw = {"id": guid(self.name, "connection", name), "name": name, "type": type_}
        return self._add("dataconnection", raw | more)

    def extension(self, name: str) -> Raw:
        return self._add("extension", {"id": guid(self.name, "extension", name), "name": name})

    def rule(self, name: str, condition: str, filter_: str, actions: int = 2, **more: Any) -> Raw:
        raw = {
            "id": guid(self.name, "rule", name),
            "name": name,
            "category": "Security",
            "type": "Custom",
            "rule": condition,
            "resourceFilter": filter_,
            "actions": actions,
        }
        return self._add("systemrule", raw | more)

    def allow(self, stream: Raw, *users: Raw, actions: int = 2) -> None:
        """What the audit says."""
        granted = self.audit.setdefault(stream["id"], {})
        granted.update({u["id"]: granted.get(u["id"], 0) | actions for u in users})

    def write(self, folder: Path) -> Bundle:
        writer = Writer(folder)
        writer.begin()
        for kind in (
            "app", "stream", "user", "reloadtask", "schemaevent", "compositeevent", "systemrule",
            "dataconnection", "tag", "custompropertydefinition", "extension",
            "externalprogramtask", "usersynctask",
        ):  # fmt: skip
            writer.entities(kind, self.kinds.get(kind, []))
        for app_id, objects in self.objects.items():
            writer.objects(app_id, objects)
        for app_id, (name, text) in self.scripts.items():
            writer.script(app_id, name, text)
        usual = {"data": self.data, "scope": self.scope}
        writer.app_files(
            f.model_copy(update={k: v for k, v in usual.items() if k not in f.model_fields_set})
            for f in self.files.values()
        )
        writer.access(StreamAccess(stream=s, users=u) for s, u in self.audit.items())
        writer.finish(
            site=self.name,
            product_version="1",
            identity=Identity(user="INTERNAL\\sa_api", roles=("RootAdmin",), complete=self.complete),
            data=self.data,
            scope=self.scope,
            runtime={},
        )
        return load_bundle(folder)


def _user_ref(user: Raw) -> Raw:
    return {k: user[k] for k in ("id", "userId", "userDirectory", "name")}


def property_value(name: str, value: str) -> Raw:
    return {"value": value, "definition": {"id": guid("property", name), "name": name}}


def rehash(folder: Path) -> None:
    """After a change by hand: the manifest lists every stable file as it is now."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["sha256"] = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in manifest["sha256"]
    }
    path.write_text(json.dumps(manifest), encoding="utf-8")


def small_site(name: str = "prod") -> tuple[SiteBuilder, Raw, Raw, Raw]:
    """A builder with one user, one stream and one app in it."""
    site = SiteBuilder(name)
    jane = site.user("CORP\\jane", ("BI Readers",), "jane@corp.example")
    stream = site.stream("Finance", jane)
    app = site.app("Ledger", jane, stream)
    return site, jane, stream, app


PLAN = """
version: 1
phase: finance
sources: [{site: prod, bundle: exports/prod}]
users:
  rules: [{directory: CORP, subject: 'CORP\\{user_id}'}]
spaces:
  Finance: {from: {stream: Finance}, type: managed}
"""


def derived(
    folder: Path,
    *bundles: Bundle,
    plan: str = PLAN,
    user_rows: tuple[UserRow, ...] = (),
    group_rows: tuple[GroupRow, ...] = (),
    waivers: tuple[Waiver, ...] = (),
    as_of: date = TODAY,
    **changes: Any,
) -> Desired:
    """`changes` go over the top-level keys of the plan."""
    file = folder / "plan.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(plan) | changes), encoding="utf-8")
    read = load_plan(file)
    return derive(bundles, read, People(read, user_rows, group_rows), waivers, as_of)


def codes(desired: Desired, severity: str | None = None) -> list[str]:
    return sorted({f.code for f in desired.findings if severity in (None, f.severity)})
