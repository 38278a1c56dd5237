"""All providers by kind, for those who have to know what a change of a field means."""

from __future__ import annotations

from typing import Any

from providers.app import AppProvider
from providers.app_owner import AppOwnerProvider
from providers.app_publication import AppPublicationProvider
from providers.base import Provider
from providers.delete_guard import DeleteGuardProvider
from providers.reload_schedule import ReloadScheduleProvider
from providers.space import SpaceProvider
from providers.space_assignment import SpaceAssignmentProvider
from providers.space_owner import SpaceOwnerProvider

PROVIDERS: dict[str, type[Provider[Any]]] = {
    p.kind: p
    for p in (
        SpaceProvider,
        SpaceOwnerProvider,
        SpaceAssignmentProvider,
        AppProvider,
        AppOwnerProvider,
        AppPublicationProvider,
        ReloadScheduleProvider,
        DeleteGuardProvider,
    )
}
