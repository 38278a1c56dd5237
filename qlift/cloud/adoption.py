"""Taking over what people made, and giving it back: writes that `spaces`, `apps` and `schedules` lack.

Everything here may be done twice: a run that was killed does it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from qlift.cloud.apps import change_app_owner, describe, find_app
from qlift.cloud.errors import NotFound
from qlift.cloud.index import TASKS
from qlift.cloud.models import App, Space, Task, parsed
from qlift.cloud.provenance import Provenance
from qlift.cloud.spaces import change_space_owner, update_space
from qlift.cloud.tenant import Tenant

_WRITABLE = (
    "name",
    "description",
    "specVersion",
    "version",
    "key",
    "annotations",
    "keepActive",
    "enabled",
    "start",
    "events",
    "states",
)
"""Fields of a task that its PUT takes (reference 6.3); of `metadata` it takes `usage`."""


def live_space(tenant: Tenant, space_id: str) -> Space | None:
    """Asks the tenant. None: it is gone."""
    found = tenant.client.find(f"/api/v1/spaces/{space_id}", subject=f"space {space_id}")
    if found is None:
        return None
    space = parsed(Space, found, f"space {space_id}")
    tenant.index.record_space(space)
    return space


def give_back_space(tenant: Tenant, space_id: str, *, name: str, description: str) -> None:
    """`description` as it was, a line of provenance included if it had one. A space that is gone is done."""
    with suppress(NotFound):
        update_space(tenant, space_id, name=name, description=description, provenance=None)


def give_back_space_owner(tenant: Tenant, space_id: str, owner_id: str, subject: str) -> None:
    with suppress(NotFound):
        change_space_owner(tenant, space_id, owner_id, subject)


def take_over_app(
    tenant: Tenant, app_id: str, *, name: str, description: str, provenance: Provenance | None
) -> App:
    """The tool's role in the app's space may be new, so a refusal may be one of a moment."""
    return tenant.once_granted(
        lambda: describe(tenant, app_id, name=name, description=description, provenance=provenance)
    )


def give_back_app(tenant: Tenant, app_id: str, *, name: str, description: str, subject: str) -> None:
    if find_app(tenant, app_id, subject) is not None:
        describe(tenant, app_id, name=name, description=description, provenance=None)


def give_back_app_owner(
    tenant: Tenant, app_id: str, owner_id: str, enabled_tasks: Iterable[str], subject: str
) -> None:
    """A change of owner disables the app's tasks; `enabled_tasks` are ids of those that go on."""
    live = find_app(tenant, app_id, subject)
    if live is None:
        return
    if live.owner_id != owner_id:
        change_app_owner(tenant, live, owner_id, (), subject)
    enable_tasks(tenant, enabled_tasks, subject)


def enable_tasks(tenant: Tenant, task_ids: Iterable[str], subject: str) -> None:
    """Those that are not, and are still there."""
    for task_id in task_ids:
        document = task_document(tenant, task_id, subject)
        if document is not None and not document["enabled"]:
            put_task(tenant, task_id, {**document, "enabled": True}, subject)


def task_document(tenant: Tenant, task_id: str, subject: str) -> dict[str, Any] | None:
    """A live task as its PUT takes it. None: it is gone."""
    found = tenant.client.find(f"{TASKS}/{task_id}", subject=subject)
    if not isinstance(found, dict):
        return None
    document = {k: found[k] for k in _WRITABLE if found.get(k) is not None}
    metadata = found.get("metadata")
    usage = metadata.get("usage") if isinstance(metadata, dict) else None
    return {"enabled": False, **document, **({"metadata": {"usage": usage}} if usage else {})}


def put_task(tenant: Tenant, task_id: str, document: dict[str, Any], subject: str) -> None:
    """A task that is gone is left so."""

    def write() -> Task:
        answer = tenant.client.put(f"{TASKS}/{task_id}", subject=subject, json=document)
        return parsed(Task, answer.data, subject)

    with suppress(NotFound):
        tenant.index.record_task(tenant.repeated(write))
