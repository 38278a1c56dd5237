"""Jobs are how people cut the work, and no part of what an object is."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.phase import Phase
from tests.support.project import Result

pytestmark = pytest.mark.engine

OF_APPS = ["apps", "publications", "owners", "schedules"]
STEPS = ["spaces", "permissions", *OF_APPS]


def jobs_of(phase: Phase, kind: str, name: str) -> set[str]:
    """The components that objects of the state are in."""
    return {
        str(r["parent"]).rpartition("::")[2]
        for r in phase.resources()
        if r["type"].endswith(f":{kind}") and r["urn"].rpartition("::")[2].startswith(name)
    }


def counted(result: Result) -> list[str]:
    """The preview's totals, such as `1 to create`."""
    assert result.ok, result.output
    return re.findall(r"(\d+ to [a-z]+)", result.output)


def test_an_object_that_changes_its_job_is_not_touched(phase: Phase) -> None:
    assert phase.up("--skip-preview").ok
    made, ids = phase.tenant(ids=True), phase.ids("App")
    assert jobs_of(phase, "App", "general-ledger") == {"apps"}

    standard: list[dict[str, Any]] = [{"name": step, "steps": [step]} for step in STEPS]
    own = {"name": "All of Finance", "steps": STEPS, "select": {"streams": ["Finance"]}}
    phase.plan["jobs"] = [own, *standard]
    preview = phase.preview("--diff")
    assert counted(preview) == ["1 to create"] and "+ qlik:job:Job: (create)" in preview.output
    phase.control("DELETE", "requests")
    up = phase.up("--skip-preview")
    assert up.ok, up.output
    for kind, name in (("App", "general-ledger"), ("AppPublication", "budget"), ("Space", "finance")):
        assert jobs_of(phase, kind, name) == {"all-of-finance"}

    phase.plan["jobs"] = [{**own, "steps": OF_APPS, "select": {"names": ["Budget*"]}}, *standard]
    moved = phase.up("--skip-preview", "--expect-no-changes")
    assert moved.ok, moved.output
    assert jobs_of(phase, "App", "general-ledger") == {"apps"}
    assert jobs_of(phase, "App", "budget") == {"all-of-finance"}

    phase.plan["jobs"] = "standard"
    gone = phase.up("--skip-preview")
    assert gone.ok and re.findall(r"(\d+ [a-z]+ed)$", gone.output, re.M)[:1] == ["1 deleted"], gone.output
    writes = [r for r in phase.control("GET", "requests") if "/api/" in r["path"] and r["method"] != "GET"]
    assert writes == []
    assert phase.tenant(ids=True) == made and phase.ids("App") == ids
