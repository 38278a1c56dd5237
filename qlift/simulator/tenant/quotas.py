"""Quotas and the tenant itself (sections 1.7 and 2.3)."""

# ruff: noqa: N803 (query parameters carry Qlik's names)
from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from qlift.simulator.tenant.errors import Refusal
from qlift.simulator.tenant.world import SPACE, Document, Me, World

router = APIRouter(prefix="/api/v1")


@router.get("/quotas")
async def list_quotas(call: Me, reportUsage: bool = False) -> Document:
    return {"data": _quotas(call.world, reportUsage)}


@router.get("/quotas/{quota_id}")
async def get_quota(call: Me, quota_id: str, reportUsage: bool = False) -> Document:
    """An array, too."""
    found = [quota for quota in _quotas(call.world, reportUsage) if quota["id"] == quota_id]
    if not found:
        raise Refusal(404, "Not found")
    return {"data": found}


@router.get("/tenants/me")
async def my_tenant(call: Me) -> Response:
    return RedirectResponse(call.url(f"/api/v1/tenants/{call.world.tenant_id}"), 302)


@router.get("/tenants/{tenant_id}")
async def tenant(call: Me, tenant_id: str) -> Document:
    if tenant_id != call.world.tenant_id:
        raise Refusal(404, "Not found")
    created = call.world.store.get_setting("tenant/created")
    return {
        "id": tenant_id,
        "name": "Simulated tenant",
        "status": "active",
        "hostnames": [call.origin.partition("://")[2]],
        "region": "eu",
        "datacenter": "simulator",
        "created": created,
        "lastUpdated": created,
        "createdByUser": call.world.store.get_setting("tenant/identity"),
        "statusLastUpdatedAt": created,
        "enableAppOpeningFeedback": False,
        "autoAssignCreateSharedSpacesRoleToProfessionals": True,
        "autoAssignPrivateAnalyticsContentCreatorRoleToProfessionals": True,
        "autoAssignDataServicesContributorRoleToProfessionals": True,
        "links": {"self": {"href": call.url(f"/api/v1/tenants/{tenant_id}")}},
    }


def _quotas(world: World, with_usage: bool) -> list[Document]:
    spaces = world.store.all(SPACE)
    bytes_used = sum(app["_size"] for app in world.apps())
    rows = (
        ("app_mem_size", -1, "bytes", 0),
        ("app_upload_disk_size", world.switches.app_upload_disk_size, "bytes", bytes_used),
        ("shared_spaces", world.switches.shared_spaces, "spaces", _count(spaces, "shared")),
        ("managed_spaces", world.switches.managed_spaces, "spaces", _count(spaces, "managed")),
    )
    return [
        {
            "id": id_,
            "type": "quotas",
            "attributes": {
                "quota": quota,
                "unit": unit,
                "warningThresholds": [0.9],
                **({"usage": usage} if with_usage else {}),
            },
        }
        for id_, quota, unit, usage in rows
    ]


def _count(spaces: list[Document], type_: str) -> int:
    return sum(1 for space in spaces if space["type"] == type_)
