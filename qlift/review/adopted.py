"""Writes down what a phase would take over, as it is in the tenant now: `stacks/<phase>/adopted.yaml`.

Nothing is written to the tenant, and no entry that stands in the file is ever changed.
"""

from __future__ import annotations

from pathlib import Path

from qlift.bundle.files import write_text
from qlift.cloud.client import Client
from qlift.cloud.index import Index
from qlift.cloud.settings import Target
from qlift.cloud.tenant import Tenant
from qlift.derivation.desired import Desired, Finding
from qlift.derivation.former import ADOPTED, KINDS, load_adopted
from qlift.derivation.phase import plan_path
from qlift.reports.adoption import Looked, look_up

MISSING = "ADOPTED-MISSING"
"""The finding of an object that is to be adopted and not in the file."""


def adopted_path(root: Path, phase: str) -> Path:
    return plan_path(root, phase).parent / ADOPTED


def other_errors(desired: Desired) -> list[Finding]:
    """What has to be settled before anything is looked up."""
    return [f for f in desired.errors if f.code != MISSING]


def write_missing(path: Path, target: Target, client: Client, desired: Desired, stack: str) -> Looked:
    """`stack`: its short name. Raises `CloudError`."""
    file = load_adopted(path)
    tenant = Tenant(client, Index(client), target.list_lag_seconds)
    looked = look_up(tenant, desired, file.of(target.name), stack)
    if any(looked.added[k] for k in KINDS):
        write_text(path, file.replaced(target.name, looked.adopted).text)
    return looked
