"""The site's part of the control server: changes and switches. Part of no contract of Qlik's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, ValidationError

from qlift.simulator.site import changes
from qlift.simulator.site.changes import ChangeError
from qlift.simulator.site.switches import SiteSwitches
from qlift.simulator.store import Store

SITE_SWITCHES = "site switches"
_PENDING = "pending/export"


class ChangeRequest(BaseModel):
    """`id` is that of the app, stream, user or user directory; of a new app it is the owner's."""

    model_config = ConfigDict(extra="forbid")

    id: str
    name: str | None = None
    text: str | None = None
    user_id: str | None = None
    size: int | None = None
    stream_id: str | None = None
    change: str | None = None
    """What happens to an app while it is exported."""


def _named(request: ChangeRequest) -> str:
    if request.name is None:
        raise ChangeError("`name` is missing.")
    return request.name


def _private_sheet(store: Store, request: ChangeRequest) -> str:
    if request.user_id is None:
        raise ChangeError("`user_id` is missing.")
    return changes.add_private_sheet(store, request.id, request.user_id, request.name or "My private sheet")


def _resize(store: Store, request: ChangeRequest) -> None:
    if request.size is None:
        raise ChangeError("`size` is missing.")
    changes.resize_file(store, request.id, request.size)


CHANGES: Mapping[str, Callable[[Store, ChangeRequest], str | None]] = {
    "nightly_reload": lambda store, request: changes.nightly_reload(store, request.id),
    "nightly_sync": lambda store, request: changes.nightly_sync(store, request.id),
    "edit_script": lambda store, request: changes.edit_script(store, request.id, request.text),
    "edit_sheet": lambda store, request: changes.edit_sheet(store, request.id),
    "rename_app": lambda store, request: changes.rename_app(store, request.id, _named(request)),
    "rename_stream": lambda store, request: changes.rename_stream(store, request.id, _named(request)),
    "add_private_sheet": _private_sheet,
    "add_app": lambda store, request: changes.add_app(store, _named(request), request.id, request.stream_id),
    "delete_app": lambda store, request: changes.delete_app(store, request.id),
    "resize_file": _resize,
    "give_partial_role": lambda store, request: changes.give_partial_role(store, request.id),
    "when_exported": lambda store, request: when_exported(store, request),
}
"""What is new has its id as the answer."""


def when_exported(store: Store, request: ChangeRequest) -> None:
    """The change `request.change` happens once: after the file of the app's next export is made, and before
    the caller is told where it lies. Raises ChangeError."""
    if request.change not in CHANGES or request.change == "when_exported":
        raise ChangeError(f"`change` is missing or none of: {', '.join(CHANGES)}")
    store.put(_PENDING, request.id, request.model_dump())


def exported(store: Store, app_id: str) -> None:
    """Makes the change that waits for this app's export, if one does."""
    with store.lock:
        waiting = store.get(_PENDING, app_id)
        if waiting is not None:
            store.delete(_PENDING, app_id)
            request = ChangeRequest.model_validate(waiting)
            CHANGES[request.change or ""](store, request)


def control_router(store: Store, switches: SiteSwitches | None = None) -> APIRouter:
    """`POST /control/site/<change>` with `{"id": ...}` and what the change needs; the site's switches."""
    router = APIRouter(prefix="/control/site")
    known = switches or SiteSwitches()

    @router.get("/switches")
    def get_switches() -> SiteSwitches:
        return known

    @router.patch("/switches")
    def change_switches(body: dict[str, Any]) -> SiteSwitches:
        try:
            wanted = SiteSwitches.model_validate(known.model_dump() | body)
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            raise HTTPException(400, "; ".join(problems)) from None
        for name, value in wanted:
            setattr(known, name, value)
        store.put_setting(SITE_SWITCHES, known.model_dump())
        return known

    @router.post("/{change}")
    def make(change: str, request: ChangeRequest) -> dict[str, str]:
        if change not in CHANGES:
            raise HTTPException(404, f"no change {change}; there are: {', '.join(CHANGES)}")
        try:
            made = CHANGES[change](store, request)
        except ChangeError as problem:
            raise HTTPException(400, str(problem)) from None
        return {"done": change} if made is None else {"done": change, "id": made}

    return router
