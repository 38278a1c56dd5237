"""Whether a stack would get what another stack of its phase has: the same bundle and the same plan.

The digests of what a stack was made from stand in its state, as inputs of its delete guard. A run writes them
when all else is done, so they are those of the last run that came to its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qlift.derivation.digest import Digests
from qlift.pulumi_cli import Engine
from qlift.pulumi_cli.stack import GUARD, exported_state

PARTS = ("bundle", "plan")
"""What all targets of a phase share."""


def not_promoted(engine: Engine, root: Path, env: Mapping[str, str], other: str, now: Digests) -> list[str]:
    """What is not as the stack `other` has it; empty: the same. Raises `EngineError`."""
    applied = _applied(engine, root, env, other)
    if applied is None:
        return [
            f"{other} has no run that came to its end, so nothing can be promoted from it; run it first, "
            "with this bundle and plan"
        ]
    here = now.short()
    return [
        f"the {part} is not the one that {other} was last run with: {applied.get(part) or 'none'} there, "
        f"{here[part]} here; run {other} with it first, or go back to what it was run with"
        for part in PARTS
        if applied.get(part) != here[part]
    ]


def _applied(engine: Engine, root: Path, env: Mapping[str, str], stack: str) -> dict[str, str] | None:
    resources = exported_state(engine, root, env, stack)["deployment"].get("resources") or []
    guards = (r["inputs"] for r in resources if r["type"].endswith(f":{GUARD}"))
    return next(guards, None)
