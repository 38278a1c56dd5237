"""Job by job on the real engine: targets, runs and undo of one job, its log, failures and Ctrl-C."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.phase import Phase

pytestmark = pytest.mark.engine

APP_POSTS = {"method": "POST", "path": "/api/v1/apps/import"}


@pytest.fixture
def small(phase: Phase) -> Phase:
    """Finance (managed, with an owner) and Sales Lab (shared); logs in the default place."""
    spaces = {k: phase.plan["spaces"][k] for k in ("Finance", "Sales Lab")}
    phase.plan |= {"select": {"streams": ["Finance", "Sales"]}, "spaces": spaces}
    phase.project.env["QLIFT_LOG"] = ""
    phase.write_plan()
    return phase


def start(phase: Phase, *args: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "qlift.cli", *args],
        cwd=phase.folder,
        env={**os.environ, **phase.project.env, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def qlift(phase: Phase, *args: str, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    running = start(phase, *args, env=env)
    out, err = running.communicate()
    return running.returncode, out, err


def jobs(phase: Phase) -> dict[str, dict[str, Any]]:
    code, out, err = qlift(phase, "jobs", "demo", "--json")
    assert code == 0, out + err
    return {j["job"]: j for j in json.loads(out)["jobs"]}


def in_jobs(phase: Phase) -> dict[str, dict[str, str]]:
    """Ids in the state by job and URN."""
    found: dict[str, dict[str, str]] = {}
    for r in phase.resources():
        if "qlik:job:Job::" in r.get("parent", ""):
            found.setdefault(r["parent"].rpartition("::")[2], {})[r["urn"]] = r["id"]
    return found


def changes(phase: Phase) -> list[dict[str, Any]]:
    """Requests of the tenant that changed something."""
    return [r for r in phase.control("GET", "requests") if r["method"] not in ("GET", "HEAD")]


def log_files(phase: Phase) -> list[Path]:
    return sorted((phase.folder / "logs" / "demo").glob("*.jsonl"))


def log_lines(phase: Phase) -> list[dict[str, Any]]:
    return [json.loads(t) for f in log_files(phase) for t in f.read_text(encoding="utf-8").splitlines()]


def test_one_job_touches_its_objects_and_what_they_need(small: Phase) -> None:
    empty = small.tenant()
    code, out, err = qlift(small, "targets", "demo", "publications")
    assert code == 0, out + err
    assert small.tenant() == empty and log_files(small) == [], "it writes nothing"

    up = small.up("--skip-preview", *out.split())
    assert up.ok, up.output
    made = in_jobs(small)
    assert set(made) == {"spaces", "apps", "publications"}, "the job and what it needs"
    assert {u.rpartition("::")[2] for u in made["apps"]} == {
        u.rpartition("::")[2] for u in made["publications"]
    }, "of the job `apps` only what is published"
    before = small.tenant(ids=True)

    code, out, err = qlift(small, "up", "demo", "--job", "permissions", "--yes", "--json")
    assert code == 0, out + err
    ran = json.loads(out)
    now = in_jobs(small)
    assert ran["done"] == {"created": len(now["permissions"]) + len(now["spaces"]) - len(made["spaces"])}
    assert {k: now[k] for k in ("apps", "publications")} == {k: made[k] for k in ("apps", "publications")}
    assert small.tenant(ids=True)["apps"] == before["apps"], "other jobs' objects are as they were"
    states = {k: j["state"] for k, j in jobs(small).items()}
    assert list(states) == ["spaces", "apps", "publications", "permissions", "owners", "schedules"]
    assert states == {
        **dict.fromkeys(("spaces", "publications", "permissions"), "done"),
        "apps": "changed",
        **dict.fromkeys(("owners", "schedules"), "not yet"),
    }

    with_permissions = small.tenant(ids=True)
    code, out, err = qlift(small, "undo", "demo", "--job", "spaces", "--yes")
    assert code == 4 and "nothing was undone" in err
    assert all(f"  {job}: " in err for job in ("apps", "publications", "permissions"))
    assert small.tenant(ids=True) == with_permissions

    code, out, err = qlift(small, "undo", "demo", "--job", "permissions", "--yes")
    assert code == 0, out + err
    assert in_jobs(small) == {k: v for k, v in now.items() if k != "permissions"}
    after = small.tenant(ids=True)
    assert after["apps"] == before["apps"]

    # The log, of `pulumi up` and of ours.
    assert all(stat.S_IMODE(f.stat().st_mode) == 0o600 for f in log_files(small))
    lines = log_lines(small)
    ends = {(x["step"], x["object"]): x for x in lines if x.get("event") in ("created", "deleted")}
    for job, ids in now.items():
        for urn, id_ in ids.items():
            kind, name = urn.rpartition(":")[0].rpartition(":")[0].rpartition(":")[2], urn.rpartition("::")[2]
            end = ends[kind, name]
            assert (end["job"], end["cloud_id"]) == (job, id_)
            assert end["event"] == ("deleted" if job == "permissions" else "created")
    calls = [x for x in lines if "method" in x]
    assert all(x["stack"] == "demo" and x["job"] and x["object"] for x in calls)
    spaces = [x for x in calls if (x["method"], x["path"]) == ("POST", "/api/v1/spaces")]
    assert {x["cloud_id"] for x in spaces} == set(small.ids("Space").values())
    code, out, err = qlift(small, "log", "demo", "--csv", "-")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0 and len(rows) == sum(len(v) for v in now.values())
    assert {r["what"] for r in rows if r["job"] == "permissions"} == {"deleted"}


def test_a_failure_and_an_interruption_are_told_and_gone_on_from(small: Phase) -> None:
    small.control("POST", "faults", {**APP_POSTS, "action": "status:400"})
    before = small.tenant()
    code, out, err = qlift(small, "up", "demo", "--job", "apps", "--yes")
    assert code == 1 and "1 object failed" in err and "What to do" in err
    assert "Traceback" not in out + err
    found = jobs(small)["apps"]
    assert found["state"] == "failed" and len(found["failures"]) == 1
    assert found["changes"] == {"create": 1}, "the others were made all the same"
    code, out, err = qlift(small, "log", "demo", "--failed", "--json")
    assert [json.loads(t).get("status") for t in out.splitlines()] == [400, None]

    small.control("DELETE", "requests")
    small.control("POST", "faults", {"method": "POST", "path": "/publish", "action": "slow:3", "times": 9})
    running = start(small, "up", "demo", "--yes")
    while not any("/assignments" in r["path"] for r in changes(small)):
        assert running.poll() is None, running.communicate()
    running.send_signal(signal.SIGINT)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate()
    assert running.returncode == 130 and "Run the same command again" in err, err
    state = small.project.export()["deployment"]
    assert not state.get("pending_operations"), "the calls that were running finished"
    assert "schedules" not in in_jobs(small)

    small.control("DELETE", "faults")
    code, out, err = qlift(small, "up", "demo", "--yes", "--json")
    assert code == 0 and json.loads(out)["failures"] == [], err

    code, out, err = qlift(small, "undo", "demo", "--yes")
    count = small.allowed_deletes()["QLIFT_ALLOW_DELETES"]
    assert code == 1 and f"run it once with QLIFT_ALLOW_DELETES={count}" in " ".join(err.split()), err
    code, out, err = qlift(small, "undo", "demo", "--yes", env=small.allowed_deletes())
    assert code == 0 and small.tenant() == before, err
    assert qlift(small, "log", "demo", "--object", "no such")[1] == ""
