"""A phase on simulated ends: site, tenant, bundle, plan and stack in one folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

from qlift.bundle import Bundle, load_bundle
from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from qlift.sources.qlik_sense.export import ExportReport
from tests.support.export import copy_waivers, demo_plan, export_from
from tests.support.project import ROOT, Project, Result


class Phase:
    """`project` runs Pulumi; `plan` is what the next run's plan.yaml says.

    A folder that holds such a repository already (a copy of another's) is taken as it is.
    """

    def __init__(
        self,
        engine: Engine,
        simulator: Simulator,
        folder: Path,
        *,
        api_key: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.simulator = simulator
        self.ends = simulator.description
        self.folder = folder / "repository"
        self.plan: dict[str, Any] = demo_plan()
        known = self.folder.exists()
        if not known:
            self._lay_out()
        tenant = self.ends["tenant"]
        secrets = (
            {"QLIFT_API_KEY": tenant["api_key"]}
            if api_key
            else {"QLIFT_CLIENT_ID": tenant["client_id"], "QLIFT_CLIENT_SECRET": tenant["client_secret"]}
        )
        log = {"QLIFT_LOG": str(self.folder / "changes.jsonl")}
        self.project = Project(engine, self.folder, env={**secrets, **log, **(env or {})})
        if known:
            selected = self.project.run("stack", "select", "demo")
            assert selected.ok, selected.output
        else:
            self.project.init("demo")

    def _lay_out(self) -> None:
        (self.folder / "stacks" / "targets").mkdir(parents=True)
        (self.folder / "stacks" / "demo").mkdir()
        copy_waivers(self.folder / "stacks" / "demo")
        shutil.copy(ROOT / "__main__.py", self.folder)
        settings = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
        settings["runtime"] = {"name": "python"}
        self._write("Pulumi.yaml", settings)
        self.set_target()
        self._write("stacks/Pulumi.demo.yaml", {"config": {"qlift:target": "test", "qlift:phase": "demo"}})

    def set_target(self, **settings: Any) -> None:
        """The simulator's lists are a second behind, unless a switch says more."""
        defaults = {"url": self.ends["tenant"]["url"], "list_lag_seconds": 2}
        self._write("stacks/targets/test.yaml", {**defaults, **settings})

    def _write(self, name: str, content: Any) -> None:
        (self.folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def export(self) -> ExportReport:
        return export_from(self.simulator, self.folder)

    def write_plan(self) -> None:
        self._write("stacks/demo/plan.yaml", self.plan)

    def preview(
        self, *args: str, expect_no_changes: bool = False, env: dict[str, str] | None = None
    ) -> Result:
        self.write_plan()
        return self.project.preview(*args, expect_no_changes=expect_no_changes, env=env)

    def up(self, *args: str, env: dict[str, str] | None = None) -> Result:
        self.write_plan()
        return self.project.up(*args, env=env)

    def allowed_deletes(self) -> dict[str, str]:
        """The one-shot word for a destroy of what the state holds; the guard itself does not count."""
        kinds = [r["type"] for r in self.resources()]
        count = sum("dynamic/qlik" in k and not k.endswith(":DeleteGuard") for k in kinds)
        return {"QLIFT_ALLOW_DELETES": str(count)}

    def destroy(self) -> Result:
        return self.project.destroy(env=self.allowed_deletes())

    def resources(self) -> list[dict[str, Any]]:
        found = self.project.export()["deployment"].get("resources") or []
        return [dict(r) for r in found]

    def ids(self, kind: str) -> dict[str, str]:
        """By logical name."""
        return {
            r["urn"].rpartition("::")[2]: r["id"] for r in self.resources() if r["type"].endswith(f":{kind}")
        }

    def tenant(self, *, ids: bool = False) -> Any:
        """The tenant's dump, without what is volatile."""
        params = {"ids": "true"} if ids else {}
        answer = httpx.get(f"{self.ends['control']['url']}/control/state", params=params, timeout=60)
        answer.raise_for_status()
        return answer.json()["tenant"]

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(method, f"{self.ends['control']['url']}/control/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def tenant_api(self, method: str, path: str, body: Any) -> Any:
        """What a person does in the tenant: a request with the API key."""
        key = self.ends["tenant"]["api_key"]
        answer = httpx.request(
            method,
            self.ends["tenant"]["url"] + path,
            json=body,
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def assignment(self, space_id: str, roles: list[str]) -> str:
        """Id of the first assignment in a space that has these roles."""
        listed = self.tenant_api("GET", f"/api/v1/spaces/{space_id}/assignments?limit=100", None)
        return str(next(a["id"] for a in listed["data"] if a["roles"] == roles))

    def tenant_task(self, app_id: str) -> dict[str, Any]:
        """The one task of an app."""
        [task] = self.tenant_api("GET", f"/api/scheduling/tasks?resourceId={app_id}", None)["data"]
        return dict(task)

    def bundle(self) -> Bundle:
        return load_bundle(self.folder / "exports" / "sample")

    def qlift(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """The command as people call it, with what `pulumi` gets too."""
        return subprocess.run(
            [sys.executable, "-m", "qlift.cli", *args],
            cwd=self.folder,
            env={**os.environ, **self.project.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def shown(self) -> dict[str, Any]:
        """What `qlift phase show` says."""
        command = [sys.executable, "-m", "qlift.cli", "phase", "show", "demo", "--target", "test", "--json"]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def findings(self) -> list[dict[str, Any]]:
        return list(self.shown()["findings"])
