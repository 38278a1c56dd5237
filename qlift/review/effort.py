"""What the steps of a run cost: imports, writes, bytes, and the least time under the tenant's limits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qlift.cloud.settings import Target
from qlift.cloud.uploads import CHUNK
from qlift.derivation.assessment.effort import DESCRIBE, PUBLISH, Work, app_work, effort, publication_work
from qlift.derivation.assessment.model import Effort, TenantFacts
from qlift.pulumi_cli.preview import Step
from qlift.pulumi_cli.stack import GUARD

ONE = Work(writes=1)
"""A floor: of every other call."""


def effort_of(steps: Iterable[Step], target: Target) -> Effort:
    allowed = target.limits.model_copy(
        update={
            tier: max(1, int(getattr(target.limits, tier) * target.share)) for tier in ("writes", "uploads")
        }
    )
    facts = TenantFacts(
        imports_per_day=target.imports_per_day,
        app_quota=0,
        writes_per_minute=allowed.writes,
        uploads_per_minute=allowed.uploads,
        window_seconds=int(allowed.window_seconds),
        upload_chunk=CHUNK,
    )
    return effort(sum((_work(s) for s in steps if s.kind != GUARD), Work()), facts)


def _work(step: Step) -> Work:
    if step.op == "delete":
        return ONE
    if step.op == "create" and step.former is not None:
        # Adopted: nothing is sent, what is there is written once.
        return ONE
    made = _changed(step) if step.op == "update" else _made(step.kind, step.new)
    return made + ONE if step.op == "replace" else made


def _made(kind: str, new: dict[str, Any]) -> Work:
    if kind == "App":
        return app_work(new["size"], CHUNK, len(new["object_owners"]))
    if kind == "AppPublication":
        return publication_work(new["mode"], new["size"], CHUNK, len(new["object_owners"]))
    return ONE


def _changed(step: Step) -> Work:
    if step.kind == "AppPublication" and step.old.get("fingerprint") != step.new.get("fingerprint"):
        return Work(writes=PUBLISH)
    return Work(writes=DESCRIBE) if step.kind in ("App", "AppPublication") else ONE
