"""The HTTP side of the simulated Repository Service."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Body, Depends, FastAPI, Query, Request
from fastapi.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from qlift.simulator.clock import Clock
from qlift.simulator.site import access, audit, filters, lists, tables, writes
from qlift.simulator.site.about import ABOUT, ENUMS
from qlift.simulator.site.access import Access
from qlift.simulator.site.appfile import FileBody
from qlift.simulator.site.control import exported
from qlift.simulator.site.exports import ExportError, Exports
from qlift.simulator.site.identity import LOGIN_PATH, PREFIX, Gate, Refusal, Way
from qlift.simulator.site.kinds import (
    APP,
    KINDS,
    RELOAD_TASK,
    STREAM,
    TASK_KINDS,
    Document,
    Kind,
    condensed,
    full,
)
from qlift.simulator.site.serving import current
from qlift.simulator.site.switches import SiteSwitches
from qlift.simulator.store import Store


def create_site_app(
    store: Store,
    clock: Clock,
    access: Way = "header",
    header_name: str = "hdr-usr",
    switches: SiteSwitches | None = None,
) -> FastAPI:
    """The Repository Service behind a proxy, or on its own port for client certificates.

    Both ways may be served at once from one store.
    """
    site = FastAPI(title="Qlik Sense Repository Service (simulated)", version=ABOUT["buildVersion"])  # type: ignore[arg-type]
    gate = Gate(store, access, header_name)
    service = _Service(store, clock, gate, switches or SiteSwitches())

    @site.exception_handler(Refusal)
    def refuse(_request: Request, refusal: Refusal) -> Response:
        if refusal.location is not None:
            return RedirectResponse(refusal.location, status_code=302)
        return PlainTextResponse(refusal.message, status_code=refusal.status)

    @site.exception_handler(filters.FilterError)
    def refuse_filter(_request: Request, problem: filters.FilterError) -> Response:
        return PlainTextResponse(str(problem), status_code=400)

    @site.exception_handler(writes.UnknownReferenceError)
    def refuse_reference(_request: Request, problem: writes.UnknownReferenceError) -> Response:
        return PlainTextResponse(str(problem), status_code=400)

    @site.exception_handler(ExportError)
    def refuse_export(_request: Request, problem: ExportError) -> Response:
        return PlainTextResponse(str(problem), status_code=problem.status)

    @site.get(LOGIN_PATH, include_in_schema=False)
    def login_page() -> Response:
        return HTMLResponse(
            "<!DOCTYPE html><html><head><title>Log in</title></head><body>Log in</body></html>"
        )

    site.include_router(service.general())
    site.include_router(service.audits())
    site.include_router(service.app_files())
    for kind in KINDS:
        site.include_router(service.entity(kind))
    return site


async def _flowing(body: FileBody) -> AsyncIterator[bytes]:
    """Not from a thread for each piece: large files would take most of their time for that."""
    for chunk in body.chunks():
        yield chunk


class _Service:
    def __init__(self, store: Store, clock: Clock, gate: Gate, switches: SiteSwitches) -> None:
        self._switches = switches
        self._store = store
        self._clock = clock
        self._caller = Depends(gate.caller)
        self._exports = Exports(store)

    def general(self) -> APIRouter:
        router = APIRouter(prefix="/qrs")

        @router.get("/about")
        def about(_user: Document = self._caller) -> Response:
            return JSONResponse(ABOUT)

        @router.get("/about/api/enums")
        def enums(_user: Document = self._caller) -> Response:
            return JSONResponse(ENUMS)

        @router.get("/task")
        def tasks(filter: str = "", user: Document = self._caller) -> Response:
            return JSONResponse([condensed(kind, item) for kind, item in self._tasks(filter, user)])

        @router.get("/task/full")
        def tasks_in_full(filter: str = "", user: Document = self._caller) -> Response:
            return JSONResponse([full(item) for _, item in self._tasks(filter, user)])

        @router.get("/task/count")
        def number_of_tasks(filter: str = "", user: Document = self._caller) -> Response:
            return JSONResponse({"value": sum(self._count(kind, filter, user) for kind in TASK_KINDS)})

        @router.get("/task/{id}")
        def task(id: str, user: Document = self._caller) -> Response:
            kind = next((kind for kind in TASK_KINDS if self._store.get(kind.stored, id)), RELOAD_TASK)
            return JSONResponse(self._as_now(kind, id, user))

        return router

    def audits(self) -> APIRouter:
        router = APIRouter(prefix="/qrs/systemrule/security/audit")

        @router.post("/matrix")
        def matrix(request: audit.MatrixRequest, user: Document = self._caller) -> Response:
            if not set(user["roles"]) & {"RootAdmin", "SecurityAdmin", "AuditAdmin"}:
                raise Refusal(403, "Forbidden")
            try:
                return JSONResponse(audit.matrix(self._store, request))
            except audit.UnknownTypeError as problem:
                raise Refusal(400, f"Unknown resource type: {problem}") from None

        return router

    def app_files(self) -> APIRouter:
        router = APIRouter()

        @router.post("/qrs/app/{id}/export/{token}")
        def export(
            request: Request,
            id: str,
            token: str,
            skip_data: Annotated[str, Query(alias="skipData")] = "false",
            scope: Annotated[str, Query(alias="exportScope")] = "approved",
            user: Document = self._caller,
        ) -> Response:
            document = self._one(APP, id, user, access.READ | access.EXPORT)
            skip = skip_data.lower() in ("true", "1")
            prefix = request.scope.get(PREFIX, "") if self._switches.download_path == "prefixed" else ""
            answer = self._exports.create(
                document, user, token, skip_data=skip, scope=scope.lower(), prefix=prefix
            )
            exported(self._store, id)
            return JSONResponse(answer, status_code=201)

        @router.get("/tempcontent/{ticket}/{name}")
        def fetch(
            ticket: str,
            name: str,
            node: Annotated[str | None, Query(alias="serverNodeId")] = None,
            user: Document = self._caller,
        ) -> Response:
            body = self._exports.take(ticket, user, node)
            headers = {
                "Content-Length": str(body.size),
                "Content-Disposition": f"attachment; filename*=utf-8''{quote(name)}",
            }
            return StreamingResponse(_flowing(body), media_type="application/octet-stream", headers=headers)

        @router.post("/qrs/app/upload")
        async def upload(request: Request, name: str, user: Document = self._caller) -> Response:
            with tempfile.TemporaryFile() as target:
                async for chunk in request.stream():
                    target.write(chunk)
                target.seek(0)
                sha256 = self._store.put_blob(target)
            try:
                made = writes.upload(self._store, name, sha256, user, self._clock.now())
            except writes.NotAnAppError as problem:
                raise Refusal(400, str(problem)) from None
            return JSONResponse(full(made), status_code=201)

        @router.put("/qrs/app/{id}/publish")
        def publish(id: str, stream: str, name: str | None = None, user: Document = self._caller) -> Response:
            document = self._one(APP, id, user, access.READ | access.PUBLISH)
            target = self._one(STREAM, stream, user, access.PUBLISH)
            made = writes.publish(self._store, document, target, name, user, self._clock.now())
            return JSONResponse(full(made))

        return router

    def entity(self, kind: Kind) -> APIRouter:
        router = APIRouter(prefix=f"/qrs/{kind.path}", tags=[kind.type])

        @router.get("")
        def condensed_list(filter: str = "", orderby: str = "", user: Document = self._caller) -> Response:
            return lists.answer(self._list(kind, filter, orderby, user), lambda item: condensed(kind, item))

        @router.get("/full")
        def full_list(filter: str = "", orderby: str = "", user: Document = self._caller) -> Response:
            return lists.answer(self._list(kind, filter, orderby, user), full)

        @router.get("/count")
        def count(filter: str = "", user: Document = self._caller) -> Response:
            return JSONResponse({"value": self._count(kind, filter, user)})

        @router.post("/table")
        def table(
            request: tables.TableRequest,
            filter: str = "",
            skip: Annotated[int, Query(ge=0)] = 0,
            take: Annotated[int | None, Query(ge=0)] = None,
            sort_column: Annotated[str, Query(alias="sortColumn")] = "",
            ascending: Annotated[bool, Query(alias="orderAscending")] = True,
            user: Document = self._caller,
        ) -> Response:
            by = next((c.definition for c in request.columns if c.name == sort_column), sort_column)
            order = by and f"{by} {'asc' if ascending else 'desc'}"
            found = self._list(kind, filter, order, user)
            page = found[skip:] if take is None else found[skip : skip + take]
            return JSONResponse(tables.table(request, page), status_code=201)

        @router.get("/{id}")
        def one(id: str, user: Document = self._caller) -> Response:
            return JSONResponse(self._as_now(kind, id, user))

        @router.put("/{id}")
        def update(id: str, body: Annotated[Document, Body()], user: Document = self._caller) -> Response:
            document = self._one(kind, id, user, access.UPDATE)
            try:
                changed = writes.update(self._store, kind, document, body, user, self._clock.now())
            except writes.StaleError:
                raise Refusal(409, "The object was modified by somebody else.") from None
            return JSONResponse(full(changed))

        @router.delete("/{id}")
        def delete(id: str, user: Document = self._caller) -> Response:
            self._one(kind, id, user, access.DELETE)
            writes.delete(self._store, kind, id)
            return Response(status_code=204)

        if kind in writes.WRITABLE:

            @router.post("/many")
            def create_many(
                bodies: Annotated[list[Document], Body()], user: Document = self._caller
            ) -> Response:
                for body in bodies:
                    self._may_create(kind, body, user)
                made = [writes.create(self._store, kind, body, user, self._clock.now()) for body in bodies]
                return JSONResponse([full(item) for item in made], status_code=201)

            @router.post("")
            def create(body: Annotated[Document, Body()], user: Document = self._caller) -> Response:
                self._may_create(kind, body, user)
                made = writes.create(self._store, kind, body, user, self._clock.now())
                return JSONResponse(full(made), status_code=201)

        if kind is RELOAD_TASK:

            @router.post("/create")
            def create_bundle(body: Annotated[Document, Body()], user: Document = self._caller) -> Response:
                self._may_create(kind, body.get("task") or {}, user)
                made = writes.put_task(self._store, body, user, self._clock.now())
                return JSONResponse(full(made), status_code=201)

            @router.post("/update")
            def update_bundle(body: Annotated[Document, Body()], user: Document = self._caller) -> Response:
                self._one(kind, str((body.get("task") or {}).get("id", "")), user, access.UPDATE)
                try:
                    made = writes.put_task(self._store, body, user, self._clock.now())
                except writes.StaleError:
                    raise Refusal(409, "The object was modified by somebody else.") from None
                return JSONResponse(full(made))

        return router

    def _list(self, kind: Kind, text: str, order: str, user: Document) -> list[Document]:
        return lists.listed(self._store, kind, text, order, user, self._clock.now())

    def _count(self, kind: Kind, text: str, user: Document) -> int:
        """What the kind has, or what the caller would see of it."""
        if self._switches.count == "visible":
            return len(self._list(kind, text, "", user))
        return len(lists.matching(self._store, kind, text))

    def _tasks(self, text: str, user: Document) -> list[tuple[Kind, Document]]:
        """Tasks of every kind in one list."""
        return [(kind, item) for kind in TASK_KINDS for item in self._list(kind, text, "", user)]

    def _as_now(self, kind: Kind, id_: str, user: Document) -> Document:
        document = self._one(kind, id_, user, access.READ)
        return full(current(self._store, kind, [document], self._clock.now())[0])

    def _one(self, kind: Kind, id_: str, user: Document, wanted: int) -> Document:
        document = self._store.get(kind.stored, id_)
        if document is None:
            raise Refusal(404, "Not found")
        if Access(self._store).actions(user, kind, document, wanted=wanted) & wanted != wanted:
            raise Refusal(403, "Forbidden")
        return document

    def _may_create(self, kind: Kind, body: Document, user: Document) -> None:
        asked = body | {"id": body.get("id") or ""}
        if not Access(self._store).actions(user, kind, asked, wanted=access.CREATE):
            raise Refusal(403, "Forbidden")
