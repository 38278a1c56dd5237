"""Which spaces and apps a plan hands over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qlift.bundle import Bundle
from qlift.derivation.desired import Desired
from qlift.derivation.plan import SpacePlan
from tests.derivation.site import codes, derived, small_site

FINANCE = {"from": {"stream": "Finance"}, "type": "managed"}
SALES = {"from": {"stream": "Sales"}, "type": "managed"}


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """Finance with the apps Ledger and Budget, Sales with Pipeline, and a personal app."""
    site, jane, finance, _ = small_site()
    site.app("Budget", jane, finance)
    site.app("Pipeline", jane, site.stream("Sales", jane))
    site.app("Scratch", jane)
    return site.write(tmp_path / "b")


def names(desired: Desired) -> tuple[list[str], list[str]]:
    return list(desired.handed_over.spaces), [k.split(".")[0] for k in desired.handed_over.apps]


def roles_of_the_tool(desired: Desired) -> set[str]:
    return {a.space for a in desired.assignments if a.assignee.type == "self"}


def test_a_phase_with_everything(tmp_path: Path, bundle: Bundle) -> None:
    plan: dict[str, Any] = {"spaces": {"Finance": FINANCE}, "select": {"personal": True}, "handed_over": True}
    desired = derived(tmp_path, bundle, **plan)
    assert names(desired) == (["finance", "finance-staging"], ["budget", "ledger", "scratch"])
    assert not roles_of_the_tool(desired)
    assert "HANDED-OVER-TO-NOBODY" in codes(desired, "warning")


def test_a_space_with_its_apps_and_its_staging_space(tmp_path: Path, bundle: Bundle) -> None:
    spaces = {"Finance": {**FINANCE, "handed_over": True, "owner": "CORP\\jane"}, "Sales": SALES}
    desired = derived(tmp_path, bundle, spaces=spaces)
    assert names(desired) == (["finance", "finance-staging"], ["budget", "ledger"])
    assert roles_of_the_tool(desired) == {"sales", "sales-staging"}


def test_a_shared_staging_space_goes_with_the_last_that_uses_it(tmp_path: Path, bundle: Bundle) -> None:
    finance = {**FINANCE, "staging": "Desk", "handed_over": True}
    sales: dict[str, Any] = {**SALES, "staging": "Desk"}
    desired = derived(tmp_path, bundle, spaces={"Finance": finance, "Sales": sales})
    assert names(desired) == (["finance"], ["budget", "ledger"])
    assert roles_of_the_tool(desired) == {"desk", "sales"}
    sales["handed_over"] = True
    desired = derived(tmp_path, bundle, spaces={"Finance": finance, "Sales": sales})
    assert names(desired) == (["desk", "finance", "sales"], ["budget", "ledger", "pipeline"])


def test_a_staging_space_that_is_still_needed_is_an_error(tmp_path: Path, bundle: Bundle) -> None:
    spaces = {
        "Finance": {**FINANCE, "staging": "Desk"},
        "Desk": {"type": "shared", "handed_over": True},
    }
    desired = derived(tmp_path, bundle, spaces=spaces)
    (error,) = desired.errors
    assert error.code == "HANDED-OVER-STAGING" and "Finance" in error.message


def test_apps_by_name_or_id(tmp_path: Path, bundle: Bundle) -> None:
    pipeline = next(a.id for a in bundle.apps if a.name == "Pipeline")
    spaces = {"Finance": FINANCE, "Sales": SALES}
    desired = derived(tmp_path, bundle, spaces=spaces, apps={"handed_over": ["Ledger", pipeline]})
    assert names(desired) == ([], ["ledger", "pipeline"])
    assert len(roles_of_the_tool(desired)) == 4


def test_apps_that_are_not_there_or_twice_are_errors(tmp_path: Path) -> None:
    site, jane, finance, _ = small_site()
    site.app("Other", jane, finance)["name"] = "Ledger"
    bundle = site.write(tmp_path / "b")
    desired = derived(tmp_path, bundle, apps={"handed_over": ["Leger", "Ledger"]})
    told = {e.code: f"{e.message} {e.remedy}" for e in desired.errors}
    assert set(told) == {"APP-UNKNOWN", "HANDED-OVER-TWICE"}
    assert "did you mean Ledger?" in told["APP-UNKNOWN"] and "2 selected apps" in told["HANDED-OVER-TWICE"]


def test_a_space_of_another_phase_is_not_ours_to_hand_over() -> None:
    with pytest.raises(ValueError, match="`handed_over` is for the phase that makes the space"):
        SpacePlan.model_validate({"type": "shared", "of": "foundation", "handed_over": True})
