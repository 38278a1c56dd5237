"""How users and groups name roles."""

from __future__ import annotations

from pydantic import BaseModel

from qlift.simulator.tenant.errors import Refusal
from qlift.simulator.tenant.world import ROLE, Document, World


class RoleReference(BaseModel):
    """By id or by name."""

    id: str | None = None
    name: str | None = None


def role_ids(world: World, references: list[RoleReference]) -> list[str]:
    """Refused with 400 when one of them is unknown."""
    ids: list[str] = []
    for reference in references:
        found = (r for r in world.store.all(ROLE) if reference.id in (None, r["id"]))
        role = next((r for r in found if reference.name in (None, r["name"])), None)
        if role is None or (reference.id is None and reference.name is None):
            raise Refusal(400, "Invalid role", detail=f"no role {reference.id or reference.name!r}")
        ids.append(role["id"])
    return ids


def role_summaries(world: World, ids: list[str]) -> list[Document]:
    roles = (world.store.get(ROLE, id_) for id_ in ids)
    return [{name: role[name] for name in ("id", "name", "type", "level")} for role in roles if role]
