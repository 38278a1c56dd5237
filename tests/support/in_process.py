"""A small engine in this process: the program under Pulumi's mocks, the real providers behind them.

It does what the real engine does in an `up` with `refresh: always` (read, check, diff, create before
delete, deletes last), without processes, so that the many positions of the simulator's switches can be
tried. What it says about the engine itself proves nothing: the tests of the real one do.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pulumi
import pulumi.runtime
import pytest
from pulumi.dynamic import ResourceProvider
from pulumi.runtime.stack import run_pulumi_func
from pydantic import SecretStr

import providers.base
import providers.delete_guard
import providers.session
from providers.app import AppProvider
from providers.app_owner import AppOwnerProvider
from providers.app_publication import AppPublicationProvider
from providers.claims import ALLOW_VARIABLE, Claims
from providers.delete_guard import DeleteGuardProvider
from providers.reload_schedule import ReloadScheduleProvider
from providers.space import SpaceProvider
from providers.space_assignment import SpaceAssignmentProvider
from providers.space_owner import SpaceOwnerProvider
from qlift.bundle import BlobStore
from qlift.cloud.auth import OAuthClient
from qlift.cloud.client import Client
from qlift.cloud.index import Index
from qlift.cloud.log import RequestLog
from qlift.cloud.tenant import Tenant
from qlift.derivation.desired import Desired
from qlift.program.phase import declare
from qlift.simulator import Simulator

PROVIDERS: dict[str, type[ResourceProvider]] = {
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


@dataclass
class Entry:
    id: str
    outputs: dict[str, Any]


Provenance = Literal["description", "none"]
Key = tuple[str, str]
"""Kind and logical name."""


@dataclass
class Ran:
    """What a run did, by kind of operation."""

    created: list[Key] = field(default_factory=list)
    updated: list[Key] = field(default_factory=list)
    replaced: list[Key] = field(default_factory=list)
    deleted: list[Key] = field(default_factory=list)

    @property
    def changes(self) -> list[Key]:
        return [*self.created, *self.updated, *self.replaced, *self.deleted]


class Refused(Exception):
    """A `check` failed; the messages are its args."""


class InProcess:
    """Keeps a stack's state. Each `up` and `destroy` is a process of its own as far as providers see."""

    def __init__(self, simulator: Simulator, store: BlobStore) -> None:
        self._simulator = simulator
        self._store = store
        self.log: Path | None = None
        """Of requests and deleted apps."""
        self.after_reading: Callable[[], object] = lambda: None
        """What happens in the tenant when a run has read it."""
        self.pending: list[tuple[Key, Entry]] = []
        """Old halves of replacements that are still to be deleted, by this run or the next."""
        self.state: dict[Key, Entry] = {}
        self.provenance: Provenance = "description"

    def up(self, desired: Desired) -> Ran:
        """Raises `Refused`, or what a provider raised."""
        ran = Ran()
        client = self._begin()
        try:
            self._refresh()
            declared = self._declare(desired, ran, self.pending)
            undeclared = [k for k in reversed(self.state) if k not in declared]
            while self.pending:
                key, entry = self.pending[-1]
                self._provider(key).delete(entry.id, dict(entry.outputs))
                self.pending.pop()
            for key in undeclared:
                self._provider(key).delete(self.state[key].id, dict(self.state[key].outputs))
                del self.state[key]
                ran.deleted.append(key)
        finally:
            client.close()
        return ran

    def destroy(self) -> None:
        client = self._begin()
        try:
            self._refresh()
            with pytest.MonkeyPatch.context() as patch:
                guard = {DeleteGuardProvider.kind}
                counted = [
                    k for k, e in self.state.items() if k[0] not in guard and not e.outputs.get("handed_over")
                ]
                patch.setenv(ALLOW_VARIABLE, str(len(counted)))
                for key in list(reversed(self.state)):
                    self._provider(key).delete(self.state[key].id, dict(self.state[key].outputs))
                    del self.state[key]
        finally:
            client.close()

    def _begin(self) -> Client:
        tenant = self._simulator.description["tenant"]
        client = Client(
            tenant["url"],
            OAuthClient(tenant["client_id"], SecretStr(tenant["client_secret"])),
            now=lambda: self._simulator.clock.now().timestamp(),
            sleep=self._simulator.clock.advance,
            log=RequestLog(self.log),
        )
        session = providers.session.Session(Tenant(client, Index(client)), lambda: (self._store,))
        providers.session._session = session
        claims = Claims()
        providers.base.claims = claims
        vars(providers.delete_guard)["claims"] = claims
        return client

    def _refresh(self) -> None:
        for key, entry in list(self.state.items()):
            result = self._provider(key).read(entry.id, dict(entry.outputs))
            if not result.id:
                del self.state[key]
            else:
                entry.outputs = dict(result.outs or {})
        self.after_reading()

    def _declare(self, desired: Desired, ran: Ran, doomed: list[tuple[Key, Entry]]) -> set[Key]:
        declared: set[Key] = set()
        lock = threading.Lock()
        failures: list[BaseException] = []

        def register(key: Key, inputs: dict[str, Any]) -> Entry:
            with lock:
                declared.add(key)
                try:
                    return self._step(key, inputs, ran, doomed)
                except BaseException as error:
                    failures.append(error)
                    raise

        class Mocks(pulumi.runtime.Mocks):
            def new_resource(
                self, args: pulumi.runtime.MockResourceArgs
            ) -> tuple[str | None, dict[str, Any]]:
                kind = args.typ.rpartition(":")[2]
                if kind not in PROVIDERS:
                    return args.name, dict(args.inputs)
                inputs = {k: v for k, v in args.inputs.items() if k != "__provider"}
                entry = register((kind, args.name), inputs)
                return entry.id, dict(entry.outputs)

            def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:  # type: ignore[override]
                return {}

        async def program() -> None:
            declare(desired, stack="demo", provenance=self.provenance, digests={})

        loop = _event_loop()
        try:
            # The mocks make the stack's own resource, whose outputs belong to the current loop.
            pulumi.runtime.set_mocks(Mocks(), project="qlift", stack="demo", preview=False)
            loop.run_until_complete(run_pulumi_func(program))
        except BaseException:
            if failures:
                raise failures[0] from None
            raise
        return declared

    def _step(self, key: Key, inputs: dict[str, Any], ran: Ran, doomed: list[tuple[Key, Entry]]) -> Entry:
        provider = self._provider(key)
        known = self.state.get(key)
        checked = provider.check(dict(known.outputs) if known else {}, inputs)
        if checked.failures:
            raise Refused(*(f.reason for f in checked.failures))
        wanted = dict(checked.inputs)
        if known is None:
            return self._create(key, wanted, ran.created)
        difference = provider.diff(known.id, dict(known.outputs), wanted)
        if difference.replaces:
            doomed.append((key, Entry(known.id, dict(known.outputs))))
            return self._create(key, wanted, ran.replaced)
        if difference.changes:
            known.outputs = dict(provider.update(known.id, dict(known.outputs), wanted).outs or {})
            ran.updated.append(key)
        return known

    def _create(self, key: Key, wanted: dict[str, Any], log: list[Key]) -> Entry:
        result = self._provider(key).create(wanted)
        self.state.pop(key, None)
        self.state[key] = Entry(result.id, dict(result.outs or {}))
        log.append(key)
        return self.state[key]

    @staticmethod
    def _provider(key: Key) -> ResourceProvider:
        return PROVIDERS[key[0]]()


@functools.cache
def _event_loop() -> asyncio.AbstractEventLoop:
    """One for the whole test process: the SDK keeps outputs of earlier runs that belong to it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    atexit.register(loop.close)
    return loop
