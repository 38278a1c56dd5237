"""A job of the plan, as a component resource."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pulumi
from pydantic import BaseModel

from qlift.derivation.desired import Desired


class Job(pulumi.ComponentResource):
    """All jobs are of one type: URNs carry the parents' types, so an object can change its job."""

    def __init__(self, name: str) -> None:
        """`name`: the job's logical name."""
        super().__init__("qlik:job:Job", name)

    def options(
        self, after: Iterable[pulumi.Resource | None] = (), former_keys: Iterable[str] = ()
    ) -> pulumi.ResourceOptions:
        """Options of one of the job's resources: what it comes after, what it was called before."""
        aliases: list[pulumi.Alias | pulumi.Input[str]] = [pulumi.Alias(name=k) for k in former_keys]
        return pulumi.ResourceOptions(parent=self, depends_on=[r for r in after if r], aliases=aliases)


def former_inputs(former: BaseModel | None) -> dict[str, Any]:
    """Of an adopted object: what it was."""
    return {} if former is None else {"former": former.model_dump(mode="json")}


class Run:
    """What the steps of one run share."""

    def __init__(self, desired: Desired, stack: str, provenance: str) -> None:
        self.desired, self.stack, self.provenance = desired, stack, provenance
        self.jobs = {job.key: Job(job.key) for job in desired.jobs}
        self._handed_over_spaces = frozenset(desired.handed_over.spaces)
        self._handed_over_apps = frozenset(desired.handed_over.apps)

    def provenance_inputs(self) -> dict[str, str]:
        return {"stack": self.stack, "provenance": self.provenance}

    def space_inputs(self, space: str | None) -> dict[str, bool]:
        """Of what belongs to a space, by the space's key."""
        return {"handed_over": space in self._handed_over_spaces}

    def app_inputs(self, app: str | None) -> dict[str, bool]:
        """Of what belongs to an app, by the app's key."""
        return {"handed_over": app in self._handed_over_apps}
