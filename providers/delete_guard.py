"""The resource that refuses a run which would delete too much: in preview, and in up before its first delete.

It depends on all jobs, so its `check` comes when everything that stays has been declared. There a run also
tells what it found and leaves alone. It stands for nothing in the tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pulumi
from pulumi.dynamic import ReadResult, Resource

import providers.session
from providers import conflicts
from providers.base import Inputs, Provider, Refusal, claims, declared
from providers.strays import told, told_of_copies


class DeleteGuardInputs(Inputs):
    """The digests of what the run was made from are here so that an update plan holds them: `pulumi up
    --plan` refuses another bundle, plan or target by name. They are not compared, so that a changed comment
    in a plan is no change of the stack.
    """

    bundle: str = ""
    plan: str = ""
    target: str = ""
    jobs: list[str] = []
    """Names in the plan's order, which the engine does not keep. Not compared either."""
    stack: str = ""


class DeleteGuardProvider(Provider[DeleteGuardInputs]):
    kind = "DeleteGuard"
    model = DeleteGuardInputs
    not_compared = frozenset({"bundle", "plan", "target", "jobs", "stack"})
    counted = False
    """In a destroy its own delete comes first (it depends on all jobs), so it refuses in time."""

    def problems(self, new: DeleteGuardInputs, old: DeleteGuardInputs | None) -> list[tuple[str, str]]:
        found = [claims.refusal(), edits_refusal()]
        _tell_of_changes()
        if old is None or claims.refreshed:
            _tell_of_strays(new.stack)
        return [("key", refusal) for refusal in found if refusal]

    def refuse_deletes(self) -> None:
        if (refusal := edits_refusal()) is not None:
            raise Refusal(refusal)

    def make(self, new: DeleteGuardInputs) -> tuple[str, dict[str, Any]]:
        return new.key, {}

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Without inputs, so that the engine keeps those of the last run: its outputs, which are all that a
        read knows, stay those of its creation, for no diff finds a change.
        """
        done = super().read(id_, props)
        return ReadResult(done.id, done.outs)

    def find(self, id_: str, known: DeleteGuardInputs) -> dict[str, Any]:
        claims.refreshed = True
        return {}

    def change(self, id_: str, old: DeleteGuardInputs, new: DeleteGuardInputs) -> dict[str, Any]:
        return {}

    def remove(self, id_: str, known: DeleteGuardInputs) -> None:
        return None


def edits_refusal() -> str | None:
    """None too where the state holds nothing yet: then no provider of the tenant has been configured."""
    here = providers.session.open_session()
    return here.edits.refusal() if here else None


def _tell_of_changes() -> None:
    here = providers.session.open_session()
    changed = here.edits.kept_with_changes() if here else []
    if changed:
        conflicts.warn(
            f"people changed {len(changed)} apps in the tenant since qlift last wrote them; they stay as they"
            f" are: {', '.join(changed)}"
        )


def _tell_of_strays(stack: str) -> None:
    here = providers.session.open_session()
    if here is None:
        return
    if found := here.strays.of(stack):
        conflicts.warn(told(found))
    if copies := here.strays.changed_copies():
        conflicts.warn(told_of_copies(copies))


class DeleteGuard(Resource, module="qlik", name="DeleteGuard"):
    def __init__(
        self, name: str, opts: pulumi.ResourceOptions, *, stack: str, digests: Mapping[str, str]
    ) -> None:
        """`opts`: depends on all jobs, in their order."""
        jobs = [job.pulumi_resource_name for job in cast("list[pulumi.Resource]", opts.depends_on)]
        props = declared(name, {**digests, "jobs": jobs, "stack": stack}, opts)
        super().__init__(DeleteGuardProvider(), name, props, opts)
