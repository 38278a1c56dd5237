"""A review's process: notes every conflict, and cannot write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.base import Provider, Refusal
from providers.conflicts import VARIABLE
from providers.space import SpaceProvider
from providers.space_assignment import SpaceAssignmentProvider
from qlift.bundle import BlobStore
from qlift.simulator import Simulator
from qlift.simulator.tenant.dump import dump
from tests.support.in_process import InProcess

TAKEN = {
    "key": "hr",
    "name": "HR",
    "type": "shared",
    "description": "",
    "site": "qs",
    "source": "hr",
    "stack": "demo",
    "provenance": "description",
}
NO_GROUP = {
    "key": "hr.none",
    "space": "HR",
    "space_id": None,
    "assignee_type": "group",
    "assignee": "No such group",
    "match_by": "subject",
    "roles": ["consumer"],
}
NO_SPACE = {**NO_GROUP, "key": "x.none", "space": "Of another phase", "space_id": ""}
CASES: list[tuple[Provider[Any], dict[str, Any], str]] = [
    (SpaceProvider(), TAKEN, "taken by a space that is not ours"),
    (SpaceAssignmentProvider(), NO_GROUP, "the tenant has no group No such group"),
    (SpaceAssignmentProvider(), NO_SPACE, 'the tenant has no space "Of another phase"'),
]


def test_all_conflicts_and_no_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = tmp_path / "notes"
    with Simulator() as simulator:
        tenant = simulator.description["tenant"]
        headers = {"Authorization": f"Bearer {tenant['api_key']}"}
        made = httpx.post(
            f"{tenant['url']}/api/v1/spaces", json={"name": "HR", "type": "shared"}, headers=headers
        )
        made.raise_for_status()
        client = InProcess(simulator, BlobStore(str(tmp_path)))._begin()
        before = dump(simulator.world)
        monkeypatch.setenv(VARIABLE, str(notes))
        for provider, inputs, _ in CASES:
            assert provider.check({}, dict(inputs)).failures == []
        found = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
        assert [(n["kind"], n["object"]) for n in found] == [(p.kind, i["key"]) for p, i, _ in CASES]
        for note, (_, _, reason) in zip(found, CASES, strict=True):
            assert reason in note["reason"]
        for provider, inputs, _ in CASES:
            for write, arguments in (
                (provider.create, (inputs,)),
                (provider.update, ("id", inputs, inputs)),
                (provider.delete, ("id", inputs)),
            ):
                with pytest.raises(Refusal, match="only collects conflicts"):
                    write(*arguments)
        assert dump(simulator.world) == before
        # Without the variable they are refused as ever.
        monkeypatch.delenv(VARIABLE)
        for provider, inputs, reason in CASES[:2]:
            assert reason in provider.check({}, dict(inputs)).failures[0].reason
        with pytest.raises(Refusal, match="Of another phase"):
            SpaceAssignmentProvider().check({}, dict(NO_SPACE))
        client.close()
