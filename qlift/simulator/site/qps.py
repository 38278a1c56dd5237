"""The Proxy Service's interface for authentication modules, on its port for certificates: tickets.

Source: the page "Add ticket" of the Proxy Service API. Attributes are taken and given back, and do nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator

from qlift.simulator.site.identity import Refusal, check_key, find_user
from qlift.simulator.site.sessions import Sessions
from qlift.simulator.store import Store


class TicketRequest(BaseModel):
    model_config = ConfigDict(extra="ignore")

    user_directory: str = Field(alias="UserDirectory")
    user_id: str = Field(alias="UserId")
    attributes: list[dict[str, str]] = Field(default_factory=list, alias="Attributes")

    @field_validator("user_directory", "user_id")
    @classmethod
    def _named(cls, value: str) -> str:
        if not value.strip() or "\\" in value:
            raise ValueError("blank, or with a backslash")
        return value.strip()


def create_qps_app(store: Store, sessions: Sessions, prefixes: Collection[str]) -> FastAPI:
    """`prefixes`: those of the virtual proxies that take tickets."""
    qps = FastAPI(title="Qlik Sense Proxy Service (simulated)")

    @qps.exception_handler(Refusal)
    def refuse(_request: Request, refusal: Refusal) -> Response:
        return PlainTextResponse(refusal.message, status_code=refusal.status)

    @qps.post("/qps/{prefix}/ticket", status_code=201)
    def ticket(prefix: str, body: TicketRequest, request: Request) -> Response:
        check_key(request)
        if prefix not in prefixes:
            raise Refusal(404, f"There is no virtual proxy with the prefix {prefix}.")
        user = find_user(store, body.user_directory, body.user_id)
        answer: dict[str, Any] = {
            "UserDirectory": body.user_directory,
            "UserId": body.user_id,
            "Attributes": body.attributes,
            # Who is unknown to the repository gets a ticket as well; it opens nothing.
            "Ticket": sessions.issue(prefix, user["id"] if user else ""),
            "TargetUri": None,
        }
        return JSONResponse(answer, status_code=201)

    return qps
