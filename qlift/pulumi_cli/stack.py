"""A stack as the engine tells of it: its resources' types and names, and its state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qlift.pulumi_cli.engine import Engine
from qlift.pulumi_cli.errors import EngineError

JOB_TYPE = "qlik:job:Job"
OURS = "pulumi-python:dynamic/qlik:"
"""Before the kind, in the type of a resource of ours."""
GUARD = "DeleteGuard"
"""The kind that stands for nothing in the tenant."""


def name_in(urn: str) -> str:
    return urn.rpartition("::")[2]


def job_of(parent: str) -> str:
    """The job that the parent of a resource is, by its URN; empty: it is none."""
    return name_in(parent) if f"{JOB_TYPE}::" in parent else ""


def exported_state(engine: Engine, root: Path, env: Mapping[str, str], stack: str) -> dict[str, Any]:
    """What `pulumi stack export` prints. Raises `EngineError`."""
    done = engine.run(["stack", "export", "--stack", stack], cwd=root, env=env)
    if done.returncode:
        raise EngineError(f"the state of the stack {stack} cannot be read: {done.stderr.strip()}")
    return dict(json.loads(done.stdout))
