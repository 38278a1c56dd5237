"""What cannot change after a release: states in the field hold these names."""

from __future__ import annotations

from providers.app import App
from providers.app_owner import AppOwner
from providers.app_publication import AppPublication
from providers.delete_guard import DeleteGuard
from providers.reload_schedule import ReloadSchedule
from providers.space import Space
from providers.space_assignment import SpaceAssignment
from providers.space_owner import SpaceOwner
from qlift.bundle.models import CompositeEvent
from qlift.cloud.provenance import Provenance, attach, provenance_of, without_line
from qlift.derivation.names import logical
from qlift.derivation.schedules.made import first_key, further_key


def test_type_tokens_and_modules() -> None:
    kinds = (Space, SpaceOwner, SpaceAssignment, App, AppOwner, AppPublication, ReloadSchedule, DeleteGuard)
    assert [k._resource_type_name for k in kinds] == [f"dynamic/qlik:{k.__name__}" for k in kinds]
    assert [k.__module__ for k in kinds] == [
        "providers.space",
        "providers.space_owner",
        "providers.space_assignment",
        "providers.app",
        "providers.app_owner",
        "providers.app_publication",
        "providers.reload_schedule",
        "providers.delete_guard",
    ]


def test_logical_names_and_provenance() -> None:
    id_ = "35dffd22-9cf2-405e-a311-e4d7105d8cfb"
    assert logical("Sales * Übersicht (neu)", "qs-prod", id_) == "sales-ubersicht-neu.qs-prod.35dffd229cf2"
    line = Provenance("qs-prod", "35dffd229cf2", "finance-prod", "9f2c41")
    assert line.line == "[qlift qs-prod/35dffd229cf2 finance-prod 9f2c41]"
    text = attach("Two\nlines", line)
    assert text == f"Two\nlines\n{line.line}"
    assert provenance_of(text) == line and without_line(text) == "Two\nlines"
    assert attach("", line) == line.line and without_line(line.line) == ""
    assert provenance_of("[qlift is fine]") is None


def test_keys_and_marks_of_schedules() -> None:
    event = CompositeEvent(id="0be19aaf-e35a-52d6-b0ee-3bfe252a163f", name="After")
    assert first_key(event) == (event.id, "0be19aafe35a")
    upstream = "7e353aee-56bd-4b7b-bf06-e4242e2d9e20"
    assert further_key(event, upstream) == (f"{event.id}.9d7d4f661dba", "9d7d4f661dba")
