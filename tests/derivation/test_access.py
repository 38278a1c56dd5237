"""System rules → role assignments. What widens access is an error; what is not understood, a finding."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qlift.derivation.desired import Desired
from qlift.derivation.people import GroupRow
from qlift.derivation.permissions.roles import roles_for
from tests.derivation.site import Raw, SiteBuilder, codes, derived, small_site


@pytest.mark.parametrize(
    ("mask", "type_", "roles"),
    [
        (2, "managed", ("consumer",)),
        (34, "managed", ("consumer", "publisher")),
        (32, "managed", ("publisher",)),
        (46, "managed", ("consumer", "facilitator", "publisher")),
        (2, "shared", ("consumer",)),
        (34, "shared", ("producer",)),
        (1, "managed", ()),
        (256, "shared", ()),
    ],
)
def test_bits_become_roles(mask: int, type_: str, roles: tuple[str, ...]) -> None:
    assert roles_for(mask, type_) == roles


def assigned(desired: Desired, space: str = "finance") -> dict[str, tuple[str, ...]]:
    return {a.assignee.name or "self": a.roles for a in desired.assignments if a.space == space}


def test_a_group_gets_a_role_and_the_audit_agrees(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.rule("Readers", '((user.group="BI Readers"))', f"Stream_{stream['id']}")
    site.allow(stream, jane)
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    assert assigned(desired)["BI Readers"] == ("consumer",)
    assert not {"ACCESS-WIDENS", "ACCESS-NARROWS", "RULE-NOT-TRANSLATED"} & set(codes(desired))


def widening_site(actions: int = 2) -> tuple[SiteBuilder, Raw]:
    """bob is in the group of the rule, and the audit refuses him."""
    site, jane, stream, _ = small_site()
    site.user("CORP\\bob", ("BI Readers",))
    site.rule("Readers", '((user.group="BI Readers"))', f"Stream_{stream['id']}", actions)
    site.allow(stream, jane, actions=actions)
    return site, stream


def test_who_the_source_refuses_stops_the_phase(tmp_path: Path) -> None:
    site, _ = widening_site()
    (finding,) = [
        f for f in derived(tmp_path, site.write(tmp_path / "b")).errors if f.code == "ACCESS-WIDENS"
    ]
    assert "CORP\\bob" in finding.message and "Readers" in finding.message


def test_a_person_may_accept_it_until_a_day(tmp_path: Path) -> None:
    site, _ = widening_site()
    bundle = site.write(tmp_path / "b")
    access = {"accept_widening": [{"rule": "Readers", "until": date(2026, 12, 31)}]}
    assert "ACCESS-WIDENS" not in codes(derived(tmp_path, bundle, access=access), "error")
    later = derived(tmp_path, bundle, access=access, as_of=date(2027, 1, 1))
    assert "ACCESS-WIDENS" in codes(later, "error")


@pytest.mark.parametrize("actions", [4, 8, 64])
def test_can_manage_is_audited_too(tmp_path: Path, actions: int) -> None:
    site, _ = widening_site(actions)
    assert "ACCESS-WIDENS" in codes(derived(tmp_path, site.write(tmp_path / "b")), "error")


def test_what_a_role_brings_along_is_audited(tmp_path: Path) -> None:
    """Update alone becomes `facilitator`, which reads; publish alone in a shared space becomes `producer`."""
    site, jane, stream, _ = small_site()
    site.rule("Editors", '((user.group="BI Readers"))', f"Stream_{stream['id']}", 4)
    site.allow(stream, jane, actions=4)
    assert "ACCESS-WIDENS" in codes(derived(tmp_path, site.write(tmp_path / "b")), "error")


def test_two_groups_of_the_source_that_are_one_in_the_tenant_widen(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.user("CORP\\bob", ("BI Writers",))
    site.rule("Readers", '((user.group="BI Readers"))', f"Stream_{stream['id']}")
    site.allow(stream, jane)
    rows = tuple(
        GroupRow(site="prod", group=g, name="All BI", status="matched") for g in ("BI Readers", "BI Writers")
    )
    desired = derived(tmp_path, site.write(tmp_path / "b"), group_rows=rows)
    (finding,) = [f for f in desired.errors if f.code == "ACCESS-WIDENS"]
    assert "CORP\\bob" in finding.message and finding.people == ("CORP\\bob",)


def test_people_without_a_rule_are_named(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    others = [site.user(f"CORP\\reader{n:02}") for n in range(12)]
    site.rule("Odd", 'user.@Team="x"', f"Stream_{stream['id']}")
    site.allow(stream, jane, *others)
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    found = {f.code: f for f in desired.findings}
    assert "RULE-NOT-TRANSLATED" in found
    narrows = found["ACCESS-NARROWS"]
    assert "CORP\\reader08 and 3 more; the JSON names all" in narrows.message, "ten names, then a count"
    told = json.loads(desired.model_dump_json())["findings"]
    [people] = [f["people"] for f in told if f["code"] == "ACCESS-NARROWS"]
    assert people == ["CORP\\jane", *(f"CORP\\reader{n:02}" for n in range(12))]
    assert not desired.errors


def test_people_whom_the_plan_names_are_not_missing(tmp_path: Path) -> None:
    site, _, stream, _ = small_site()
    bob = site.user("CORP\\bob")
    site.allow(stream, bob)
    space = {"from": {"stream": "Finance"}, "type": "managed"}
    access: list[Any] = ["from_rules", {"user": "CORP\\bob", "roles": ["consumer"]}]
    desired = derived(tmp_path, site.write(tmp_path / "b"), spaces={"Finance": space | {"access": access}})
    assert assigned(desired)["CORP\\bob"] == ("consumer",)
    assert "ACCESS-NARROWS" not in codes(desired)


def test_a_role_that_the_type_of_space_has_not_is_an_error(tmp_path: Path) -> None:
    site, *_ = small_site()
    space = {"from": {"stream": "Finance"}, "type": "managed"}
    access = [{"group": "BI Readers", "roles": ["producer"]}]
    desired = derived(tmp_path, site.write(tmp_path / "b"), spaces={"Finance": space | {"access": access}})
    (finding,) = desired.errors
    assert "producer" in finding.message and "contributor" in finding.remedy


@pytest.mark.parametrize("more", [{"disabled": True}, {"ruleContext": 2}])
def test_rules_that_do_not_count_in_the_hub_grant_nothing(tmp_path: Path, more: Raw) -> None:
    site, _, stream, _ = small_site()
    site.rule("Readers", '((user.group="BI Readers"))', f"Stream_{stream['id']}", **more)
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    assert set(assigned(desired)) == {"self"}
    assert "RULE-NOT-MIGRATED" in codes(desired)


def test_everybody_needs_a_group_of_the_tenant(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.rule("All", 'user.name like "*"', f"Stream_{stream['id']}")
    site.allow(stream, jane)
    bundle = site.write(tmp_path / "b")
    assert "RULE-EVERYONE" in codes(derived(tmp_path, bundle))
    desired = derived(tmp_path, bundle, groups={"everyone": "All Staff"})
    assert assigned(desired)["All Staff"] == ("consumer",)


def test_the_owner_of_a_space_gets_no_assignment(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.rule("Jane", 'user.userId="jane" and user.userDirectory="CORP"', f"Stream_{stream['id']}", 34)
    site.allow(stream, jane, actions=34)
    space = {"from": {"stream": "Finance"}, "type": "managed", "owner": "CORP\\jane"}
    desired = derived(tmp_path, site.write(tmp_path / "b"), spaces={"Finance": space})
    assert set(assigned(desired)) == {"self"}
    assert [o.owner.name for o in desired.space_owners] == ["CORP\\jane"]


def test_roles_of_several_rules_merge_into_one_assignment(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.rule("Read", '((user.group="BI Readers"))', "Stream_*")
    site.rule("Publish", '((user.group="BI Readers"))', f"App_*, Stream_{stream['id']}", 32)
    site.allow(stream, jane, actions=34)
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    assert assigned(desired)["BI Readers"] == ("consumer", "publisher")


def test_names_that_differ_only_in_punctuation_stay_apart(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.user("CORP\\bob", ("BI_Readers", "财务", "人事"))
    for group in ("BI Readers", "BI_Readers", "财务", "人事"):
        site.rule(f"Rule {group}", f'((user.group="{group}"))', f"Stream_{stream['id']}")
    site.allow(stream, jane, *site.kinds["user"])
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    assert set(assigned(desired)) == {"self", "BI Readers", "BI_Readers", "财务", "人事"}
    keys = [a.key for a in desired.assignments]
    assert len(set(keys)) == len(keys) and not desired.errors


@pytest.mark.parametrize(
    ("condition", "role"),
    [
        ('resource.App.HasPrivilege("read") and !user.IsAnonymous()', "contributor"),
        ('resource.App.HasPrivilege("read") and user.group="Few"', "consumer"),
    ],
)
def test_readers_contribute_only_where_everybody_might(tmp_path: Path, condition: str, role: str) -> None:
    site, jane, stream, _ = small_site()
    site.rule("CreateAppObjectsPublishedApp", condition, "App.Object_*", 1, type="Default")
    site.rule("Readers", '((user.group="BI Readers"))', f"Stream_{stream['id']}")
    site.allow(stream, jane)
    assert assigned(derived(tmp_path, site.write(tmp_path / "b")))["BI Readers"] == (role,)
