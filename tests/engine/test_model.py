"""The model of the engine does what the real engine does: it asks the tenant for the same changes.

What generated lives say about kills, faults and order stands on this.
"""

from __future__ import annotations

import datetime
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import providers.base
import providers.delete_guard
import providers.session
from providers.base import Refusal
from providers.claims import ALLOW_VARIABLE, Claims
from qlift.bundle import BlobStore
from qlift.cloud.auth import OAuthClient
from qlift.cloud.client import Client
from qlift.cloud.index import Index
from qlift.cloud.tenant import Tenant
from qlift.derivation import PeopleFiles, derive_phase
from qlift.pulumi_cli import Engine
from qlift.simulator import Simulator
from qlift.simulator.tenant.dump import dump
from tests.crash_matrix.compact import CHANGED, PLAN, SAMPLE
from tests.support.declared import Declared, declarations
from tests.support.engine_model import EngineModel
from tests.support.phase import Phase

pytestmark = pytest.mark.engine

_ID = re.compile(r"[0-9a-f]{24,}|[0-9a-f-]{36}")


def writes(simulator: Simulator) -> Counter[str]:
    """Since it was asked last. Ids differ."""
    listed = [r for r in simulator.faults.requests() if r["side"] == "tenant"]
    simulator.faults.clear_requests()
    changes = [r for r in listed if r["method"] not in ("GET", "HEAD") and not r["path"].startswith("/oauth")]
    return Counter(
        f"{r['method']} {_ID.sub('*', r['path'].partition('?')[0])} {r['status']}" for r in changes
    )


class Modelled:
    """The same phase, run by the model."""

    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.simulator, self._folder = simulator, folder
        self.engine = EngineModel(self._begin, (Refusal,))
        self._clients: list[Client] = []

    def program(self) -> list[Declared]:
        nobody = PeopleFiles(users=self._folder / "none.csv", groups=self._folder / "none.csv")
        _, desired = derive_phase(self._folder, "demo", nobody, datetime.date.today())
        assert not desired.errors
        return declarations(desired, stack="demo", provenance="description")

    def _begin(self) -> None:
        tenant = self.simulator.description["tenant"]
        credentials = OAuthClient(tenant["client_id"], SecretStr(tenant["client_secret"]))
        client = Client(tenant["url"], credentials)
        self._clients.append(client)
        store = BlobStore(str(self._folder / "exports" / "sample" / "blobs"))
        providers.session._session = providers.session.Session(
            Tenant(client, Index(client), 2.0), lambda: (store,)
        )
        providers.base.claims = claims = Claims()
        vars(providers.delete_guard)["claims"] = claims

    def close(self) -> None:
        for client in self._clients:
            client.close()


def test_the_model_and_the_engine_change_the_same(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Simulator(sample=SAMPLE) as real, Simulator(sample=SAMPLE) as pretended:
        phase = Phase(engine, real, tmp_path)
        modelled = Modelled(pretended, phase.folder)
        try:
            phase.plan |= PLAN
            phase.export()
            assert phase.up("--skip-preview").ok
            ran = modelled.engine.up(modelled.program(), random.Random(1))
            assert (ran.failures, ran.updated, ran.deleted) == ([], [], [])
            _same(real, pretended)
            _change(phase)
            assert phase.up("--skip-preview").ok
            ran = modelled.engine.up(modelled.program(), random.Random(2))
            assert ran.failures == [] and ran.updated and ran.replaced
            _same(real, pretended)
            _states_are_alike(phase, modelled.engine)
            assert phase.destroy().ok
            counted = [r for r in modelled.engine.state if r.key[0] != "DeleteGuard"]
            monkeypatch.setenv(ALLOW_VARIABLE, str(len(counted)))
            assert modelled.engine.destroy(random.Random(3)).failures == []
            _same(real, pretended)
        finally:
            modelled.close()


def _change(phase: Phase) -> None:
    """New content of an app that is published by move, a rename, and a later version of the plan."""
    ledger = next(a for a in phase.bundle().apps if a.name == "General Ledger")
    phase.control("POST", "site/edit_sheet", {"id": ledger.id})
    phase.export()
    phase.plan |= PLAN | CHANGED


def _same(real: Simulator, pretended: Simulator) -> None:
    asked = writes(real)
    assert asked and asked == writes(pretended)
    assert dump(real.world) == dump(pretended.world)


def _states_are_alike(phase: Phase, model: EngineModel) -> None:
    """What providers are asked with comes from it."""

    # Times of day, and digests that only the program of a stack works out.
    passing = {"__provider", "written", "published", "touched", "bundle", "plan", "target"}

    def shown(row: Any) -> Any:
        return {k: v for k, v in row.items() if k not in passing and not k.endswith("_id") and v is not None}

    wanted = {
        (r["type"].rpartition(":")[2], r["urn"].rpartition("::")[2]): (
            shown(r["inputs"]),
            shown(r["outputs"]),
        )
        for r in phase.resources()
        if "dynamic/qlik" in r["type"]
    }
    found = {r.key: (shown(r.inputs), shown(r.outputs)) for r in model.state}
    assert found == wanted
