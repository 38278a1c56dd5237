"""The tenant's server: routers, the gate before them, and refusals in each service's shape."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from qlift.simulator.tenant import (
    apps,
    assignments,
    content,
    groups,
    items,
    oauth,
    publishing,
    quotas,
    scripts,
    shares,
    spaces,
    tasks,
    uploads,
    users,
)
from qlift.simulator.tenant.errors import Refusal, answer
from qlift.simulator.tenant.gate import Gate
from qlift.simulator.tenant.limits import Limits
from qlift.simulator.tenant.world import World

_ROUTERS = (
    oauth.router,
    users.router,
    groups.router,
    quotas.router,
    assignments.router,
    shares.router,
    spaces.router,
    items.router,
    publishing.router,
    content.router,
    scripts.router,
    apps.router,
    uploads.router,
    tasks.router,
)


def create_tenant_app(world: World) -> FastAPI:
    """Serves the tenant; its OpenAPI document is at `/openapi.json`."""
    app = FastAPI(title="Simulated Qlik Cloud tenant", redirect_slashes=False)
    app.state.world = world
    app.state.limits = Limits()
    for router in _ROUTERS:
        app.include_router(router)

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, Refusal)
        return answer(request, refusal, app_body=world.switches.app_error_body, now=world.clock.now())

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: Exception) -> Response:
        """FastAPI would answer 422 in a shape of its own; the services answer 400 in theirs."""
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = "/".join(str(part) for part in first["loc"][1:])
        return await refused(
            request, Refusal(400, "Invalid request", detail=f"{place}: {first['msg']}", pointer=place)
        )

    @app.exception_handler(HTTPException)
    async def not_served(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return await refused(request, Refusal(error.status_code, error.detail))

    app.add_middleware(Gate, world=world, limits=app.state.limits)
    return app
