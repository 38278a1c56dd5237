"""From rules to assignments: groups where the source explains it by groups, else people; nothing twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from qlift.derivation.desired import Desired, Finding, Waiver
from qlift.derivation.people import GroupRow, UserRow
from tests.derivation.site import PLAN, SiteBuilder, codes, derived, property_value, small_site

TEAM = [{"id": "p1", "name": "Team", "objectTypes": ["User", "Stream"]}]


def assigned(desired: Desired) -> dict[str, tuple[str, ...]]:
    return {a.assignee.name: a.roles for a in desired.assignments if a.assignee.type != "self"}


def only(desired: Desired, code: str) -> Finding:
    (found,) = [f for f in desired.findings if f.code == code]
    return found


def team_site(groups: dict[str, tuple[str, ...]], team: tuple[str, ...]) -> SiteBuilder:
    """People with their groups; `team` has the custom property, and the rule names it. The audit agrees."""
    site = SiteBuilder()
    owner = site.user("CORP\\owner")
    stream = site.stream("Finance", owner)
    site.kinds["custompropertydefinition"] = TEAM
    members = []
    for name, mine in groups.items():
        values = [property_value("Team", "Cash")] if name in team else []
        user = site.user(f"CORP\\{name}", mine, customProperties=values)
        members += [user] if name in team else []
    site.rule("Team", 'user.@Team="Cash"', f"Stream_{stream['id']}")
    site.allow(stream, *members)
    return site


def test_who_meets_a_condition_without_a_group_gets_the_role_alone(tmp_path: Path) -> None:
    site = team_site({"ann": ("A",), "bob": (), "cy": ("A",)}, ("ann", "bob"))
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    assert assigned(desired) == {"CORP\\ann": ("consumer",), "CORP\\bob": ("consumer",)}
    stale = only(desired, "RULE-EXPANDED")
    assert stale.severity == "info" and "at most 2 people" in stale.message
    assert 'user.@Team="Cash"' in stale.message
    assert not {"ACCESS-WIDENS", "ACCESS-NARROWS"} & set(codes(desired))


def test_people_who_are_exactly_some_groups_get_the_role_through_them(tmp_path: Path) -> None:
    site = team_site(
        {"ann": ("A",), "bob": ("A", "B"), "cy": ("B",), "dan": ("C",), "eve": ("C", "B")},
        ("ann", "bob", "cy", "eve"),
    )
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    assert assigned(desired) == {"A": ("consumer",), "B": ("consumer",)}
    assert "A, B today" in only(desired, "RULE-BY-MEMBERS").message
    assert "ACCESS-NARROWS" not in codes(desired)


def test_a_group_of_one_does_not_explain_a_person(tmp_path: Path) -> None:
    site = team_site({"ann": ("Just Ann",), "bob": ()}, ("ann",))
    assert assigned(derived(tmp_path, site.write(tmp_path / "b"))) == {"CORP\\ann": ("consumer",)}


def test_a_group_that_the_rule_speaks_of_goes_first(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    others = [site.user(f"CORP\\u{n}", ("Audit", "BI Readers")) for n in range(2)]
    site.kinds["user"][0]["attributes"].append({"attributeType": "group", "attributeValue": "Audit"})
    site.user("PARTNER\\zoe", ("Sales",))
    site.rule("Both", 'user.group="BI Readers" and user.userDirectory="CORP"', "Stream_*")
    site.allow(stream, jane, *others)
    assert set(assigned(derived(tmp_path, site.write(tmp_path / "b")))) == {"BI Readers"}


def test_a_person_whom_a_group_covers_is_not_named_again(tmp_path: Path) -> None:
    site, _jane, stream, _ = small_site()
    site.user("CORP\\ann", ("BI Readers",))
    site.rule("Group", 'user.group="BI Readers"', "Stream_*", 34)
    site.rule("Jane", 'user.userId="jane" and user.userDirectory="CORP"', "Stream_*", 2)
    site.rule("Ann", 'user.userId="ann" and user.userDirectory="CORP"', "Stream_*", 4)
    site.allow(stream, *site.kinds["user"], actions=34)
    site.allow(stream, site.kinds["user"][1], actions=4)
    assert assigned(derived(tmp_path, site.write(tmp_path / "b"))) == {
        "BI Readers": ("consumer", "publisher"),
        "CORP\\ann": ("facilitator",),
    }


def test_several_groups_together_cover_a_person(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    jane["attributes"].append({"attributeType": "group", "attributeValue": "Makers"})
    site.rule("Read", 'user.group="BI Readers"', "Stream_*", 2)
    site.rule("Publish", 'user.group="Makers"', "Stream_*", 32)
    site.rule("Jane", 'user.userId="jane" and user.userDirectory="CORP"', "Stream_*", 34)
    site.allow(stream, jane, actions=34)
    assert set(assigned(derived(tmp_path, site.write(tmp_path / "b")))) == {"BI Readers", "Makers"}


def test_a_group_with_everybody_covers_the_others(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.rule("All", "!user.IsAnonymous()", "Stream_*", 2)
    site.rule("Group", 'user.group="BI Readers"', "Stream_*", 2)
    site.rule("Makers", 'user.userId="jane" and user.userDirectory="CORP"', "Stream_*", 34)
    site.allow(stream, jane, actions=34)
    desired = derived(tmp_path, site.write(tmp_path / "b"), groups={"everyone": "All Staff"})
    assert assigned(desired) == {"All Staff": ("consumer",), "CORP\\jane": ("consumer", "publisher")}


@pytest.mark.parametrize("partner", [True, False])
def test_a_directory_is_everybody_only_if_it_is(tmp_path: Path, partner: bool) -> None:
    site, jane, stream, _ = small_site()
    if partner:
        site.user("PARTNER\\zoe")
    site.rule("Ours", 'user.userDirectory="CORP"', "Stream_*")
    site.allow(stream, jane)
    desired = derived(tmp_path, site.write(tmp_path / "b"), groups={"everyone": "All Staff"})
    assert set(assigned(desired)) == ({"CORP\\jane"} if partner else {"All Staff"})


def test_too_many_people_for_single_roles_are_told_and_not_assigned(tmp_path: Path) -> None:
    site = team_site({f"u{n}": () for n in range(501)}, tuple(f"u{n}" for n in range(501)))
    site.user("CORP\\other")
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    assert assigned(desired) == {}
    assert "501 people" in only(desired, "RULE-MANY-USERS").message
    assert only(desired, "ACCESS-NARROWS").message.startswith("501 people (")


def test_groups_of_the_session_are_proposed_and_not_granted(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.user("CORP\\bob")
    site.rule("SSO", 'user.environment.group = "Cloud Readers"', "Stream_*")
    site.allow(stream, jane)
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    assert assigned(desired) == {}
    finding = only(desired, "RULE-NOT-TRANSLATED")
    assert 'user.environment.group = "Cloud Readers"' in finding.message
    assert "{group: Cloud Readers, roles: [consumer]}" in finding.remedy
    narrows = only(desired, "ACCESS-NARROWS")
    assert "[from_rules, {user: 'CORP\\jane', roles: [consumer]}]" in narrows.remedy


def test_a_rule_that_cannot_be_read_is_listed_with_its_text(tmp_path: Path) -> None:
    site, *_ = small_site()
    site.rule("Odd", 'user.group="BI Readers" AND user.name="x"', "Stream_*")
    finding = only(derived(tmp_path, site.write(tmp_path / "b")), "RULE-NOT-TRANSLATED")
    assert finding.severity == "warning" and finding.object == "Odd"
    assert 'user.group="BI Readers" AND user.name="x"' in finding.message
    assert "small letters" in finding.message


def test_a_rule_is_told_once_for_all_its_spaces(tmp_path: Path) -> None:
    site, *_ = small_site()
    for n in range(5):
        site.stream(f"S{n}")
    site.rule("Odd", "user.Function()", "Stream_*")
    spaces = {
        n: {"from": {"stream": n}, "type": "managed"} for n in ("Finance", *(f"S{n}" for n in range(5)))
    }
    finding = only(derived(tmp_path, site.write(tmp_path / "b"), spaces=spaces), "RULE-NOT-TRANSLATED")
    assert "Finance, S0, S1 and 3 more spaces" in finding.message


def test_the_owner_of_a_stream_keeps_reading_it(tmp_path: Path) -> None:
    """By the default rule OwnerRead, which is about everything."""
    site, jane, stream, _ = small_site()
    site.rule("OwnerRead", "resource.IsOwned() and resource.owner = user", "*", 2, type="Default")
    site.allow(stream, jane)
    assert assigned(derived(tmp_path, site.write(tmp_path / "b"))) == {"CORP\\jane": ("consumer",)}


def test_a_name_that_several_people_have_is_told(tmp_path: Path) -> None:
    site, _, stream, _ = small_site()
    same = [site.user(f"CORP\\anna{n}", name="Anna Berg") for n in range(2)]
    site.rule("Anna", 'user.name="Anna Berg"', "Stream_*")
    site.rule("Ghost", 'user.userId="nobody"', "Stream_*")
    site.allow(stream, *same)
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    assert set(assigned(desired)) == {"CORP\\anna0", "CORP\\anna1"}, "as in the source"
    said = {f.object: f.message for f in desired.findings if f.code == "RULE-USER"}
    assert "Anna Berg: 2 active users" in said["Anna"] and "nobody: 0 active users" in said["Ghost"]


def test_groups_without_members_and_members_who_left(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.user("CORP\\gone", ("BI Readers",), inactive=True)
    site.rule("Readers", 'user.group="BI Readers" or user.group="Ghosts"', "Stream_*")
    site.allow(stream, jane)
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    assert set(assigned(desired)) == {"BI Readers", "Ghosts"}
    assert only(desired, "GROUP-WITHOUT-MEMBERS").object == "Ghosts"
    assert "CORP\\gone" in only(desired, "GROUP-MEMBERS-LEFT").message


def test_a_property_value_that_is_no_group_makes_no_assignment(tmp_path: Path) -> None:
    site, *_ = small_site()
    site.rule("By name", "resource.name = user.group", "Stream_*")
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    assert assigned(desired) == {} and only(desired, "RULE-NOBODY").object == "By name"


def test_people_who_cannot_be_named_are_one_error_each(tmp_path: Path) -> None:
    site, _, stream, _ = small_site()
    zoe = site.user("OTHER\\zoe")
    for n in range(2):
        site.rule(f"Zoe {n}", 'user.userId="zoe" and user.userDirectory="OTHER"', "Stream_*")
    site.allow(stream, zoe)
    (finding,) = derived(tmp_path, site.write(tmp_path / "b")).errors
    assert (finding.code, finding.object) == ("USER-UNKNOWN", "OTHER\\zoe")
    assert "Zoe 0, Zoe 1" in finding.message


# What widens and narrows.


def test_only_the_rule_that_widens_has_to_be_accepted(tmp_path: Path) -> None:
    """Two rules for one group: the audit knows reading only."""
    site, jane, stream, _ = small_site()
    site.rule("Read", 'user.group="BI Readers"', "Stream_*", 2)
    site.rule("Publish", 'user.group="BI Readers"', "Stream_*", 32)
    site.allow(stream, jane)
    bundle = site.write(tmp_path / "b")
    (error,) = derived(tmp_path, bundle).errors
    assert "publish to it" in error.message and "(rules: Publish)" in error.message
    desired = derived(
        tmp_path, bundle, access={"accept_widening": [{"rule": "Publish", "until": date(2026, 12, 31)}]}
    )
    assert not desired.errors
    accepted = only(desired, "ACCESS-WIDENS")
    assert accepted.severity == "warning" and "CORP\\jane" in accepted.message
    assert "accepted until 2026-12-31" in accepted.message


def test_an_acceptance_of_one_rule_does_not_excuse_another(tmp_path: Path) -> None:
    site, _jane, stream, _ = small_site()
    for name in ("One", "Two"):
        site.rule(name, 'user.group="BI Readers"', "Stream_*", 2)
    bundle = site.write(tmp_path / "b")
    site.allow(stream)
    bundle = site.write(tmp_path / "b")
    desired = derived(
        tmp_path, bundle, access={"accept_widening": [{"rule": "One", "until": date(2026, 12, 31)}]}
    )
    (error,) = desired.errors
    assert "(rules: Two)" in error.message and "CORP\\jane" in error.message


def test_an_acceptance_that_accepts_nothing_is_told(tmp_path: Path) -> None:
    site, *_ = small_site()
    access = {"accept_widening": [{"rule": "Finanse", "until": date(2026, 12, 31)}]}
    assert only(derived(tmp_path, site.write(tmp_path / "b"), access=access), "ACCEPTANCE-UNUSED").object == (
        "Finanse"
    )


def test_narrowing_proposes_groups_where_they_fit(tmp_path: Path) -> None:
    site, _jane, stream, _ = small_site()
    makers = [site.user(f"CORP\\m{n}", ("Makers",)) for n in range(2)]
    site.rule("Odd", 'user.environment.x = "y"', "Stream_*", 34)
    site.allow(stream, *makers, actions=34)
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    found = [f for f in desired.findings if f.code == "ACCESS-NARROWS"]
    assert [f.severity for f in found] == ["warning", "warning"]
    assert "{group: 'Makers', roles: [publisher]}" in found[0].remedy
    assert "{group: 'Makers', roles: [consumer]}" in found[1].remedy


def test_narrowing_of_everybody_proposes_a_group_of_all(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.rule("All", "!user.IsAnonymous()", "Stream_*")
    site.allow(stream, jane)
    remedy = only(derived(tmp_path, site.write(tmp_path / "b")), "ACCESS-NARROWS").remedy
    assert "{group: <a group of all>, roles: [consumer]}" in remedy


def test_an_audit_of_people_whom_the_bundle_does_not_hold_is_told(tmp_path: Path) -> None:
    site, _jane, stream, _ = small_site()
    site.audit[stream["id"]] = {"somebody-else": 2}
    assert "1 users" in only(derived(tmp_path, site.write(tmp_path / "b")), "ACCESS-OF-UNKNOWN").message


def test_a_list_of_the_plan_is_compared_and_left_to_the_plan(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.user("CORP\\bob")
    site.allow(stream, jane)
    space = {"from": {"stream": "Finance"}, "type": "managed"}
    access = [{"user": "CORP\\bob", "roles": ["consumer"]}]
    desired = derived(tmp_path, site.write(tmp_path / "b"), spaces={"Finance": space | {"access": access}})
    finding = only(desired, "ACCESS-BY-PLAN")
    assert finding.severity == "info" and not desired.errors
    assert "CORP\\bob could read it" in finding.message and "CORP\\jane may read it" in finding.message


def test_one_person_with_two_accounts_is_not_widened(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.user("OLD\\jane")
    site.rule("Readers", 'user.group="BI Readers" or user.userDirectory="OLD"', "Stream_*")
    site.allow(stream, jane)
    rows = tuple(
        UserRow(site="prod", directory=d, user_id="jane", subject="jane", status="matched")
        for d in ("CORP", "OLD")
    )
    desired = derived(tmp_path, site.write(tmp_path / "b"), user_rows=rows)
    assert "ACCESS-WIDENS" not in codes(desired)


def test_people_of_another_site_in_the_same_group_widen(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.rule("Readers", 'user.group="BI Readers"', f"Stream_{stream['id']}")
    site.allow(stream, jane)
    other = SiteBuilder("dev")
    other.user("CORP\\jane", ("BI Readers",))
    other.user("CORP\\zed", ("Readers DEV",))
    other.stream("Lab")
    sources = [{"site": s, "bundle": s} for s in ("prod", "dev")]
    bundles = [site.write(tmp_path / "prod"), other.write(tmp_path / "dev")]
    apart = derived(tmp_path, *bundles, sources=sources)
    assert not apart.errors, "the same person on both sites is nobody else"
    row = GroupRow(site="dev", group="Readers DEV", name="BI Readers", status="matched")
    (error,) = derived(tmp_path, *bundles, sources=sources, group_rows=(row,)).errors
    assert error.code == "ACCESS-WIDENS" and "CORP\\zed of dev" in error.message


# Owners.


def test_what_owners_may_beyond_the_source_is_told(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    bob = site.user("CORP\\bob")
    site.app("Cash", bob, stream)
    site.rule("Readers", 'user.group="BI Readers" or user.userId="bob"', "Stream_*")
    site.allow(stream, jane, bob)
    space = {"from": {"stream": "Finance"}, "type": "managed", "owner": "CORP\\jane"}
    desired = derived(tmp_path, site.write(tmp_path / "b"), spaces={"Finance": space})
    assert "CORP\\jane owns the space" in only(desired, "OWNER-MAY-MORE").message
    raised = only(desired, "OWNER-ROLE-RAISED")
    assert "CORP\\bob (Cash)" in raised.message and "facilitator" in raised.message
    assert "CORP\\jane" not in raised.message, "who owns the space has it anyway"
    assert raised.severity == "info"


def test_the_same_site_gives_the_same_answer(tmp_path: Path) -> None:
    site = team_site({f"u{n}": (f"G{n % 3}",) for n in range(9)}, ("u0", "u3", "u6", "u1"))
    bundle = site.write(tmp_path / "b")
    first, second = derived(tmp_path, bundle, plan=PLAN), derived(tmp_path, bundle, plan=PLAN)
    assert first == second
    assert [a.key for a in first.assignments] == sorted(a.key for a in first.assignments)


def test_a_rule_that_only_changes_makes_a_facilitator_of_nobody_in_silence(tmp_path: Path) -> None:
    """Qlik Cloud's role for it deletes and gives away, too."""
    site, jane, stream, _ = small_site()
    site.rule("Rename", 'user.group="BI Readers"', "Stream_*", 6)
    site.allow(stream, jane, actions=6)
    (error,) = derived(tmp_path, site.write(tmp_path / "b")).errors
    assert error.code == "ACCESS-WIDENS" and "could delete and give away it" in error.message
    assert "(rules: Rename)" in error.message


def test_what_the_plan_lists_beside_the_rules_is_told(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.user("CORP\\bob")
    site.rule("Read", 'user.group="BI Readers"', "Stream_*", 2)
    site.allow(stream, jane)
    access = ["from_rules", {"user": "CORP\\bob", "roles": ["consumer"]}]
    spaces = {"Finance": {"from": {"stream": "Finance"}, "type": "managed", "access": access}}
    finding = only(derived(tmp_path, site.write(tmp_path / "b"), spaces=spaces), "ACCESS-BY-PLAN")
    assert "CORP\\bob could read it" in finding.message and "jane" not in finding.message


def test_publishers_of_a_shared_space_could_edit_everything_in_it(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.rule("Publish", 'user.group="BI Readers"', "Stream_*", 34)
    site.allow(stream, jane, actions=34)
    spaces = {"Finance": {"from": {"stream": "Finance"}, "type": "shared"}}
    desired = derived(tmp_path, site.write(tmp_path / "b"), spaces=spaces)
    assert "CORP\\jane" in only(desired, "SHARED-EDIT").message


@pytest.mark.parametrize("delivered", [True, False])
def test_nobody_gets_to_export_data_in_silence(tmp_path: Path, delivered: bool) -> None:
    site, jane, stream, _ = small_site()
    site.rule("Stream", 'resource.stream.HasPrivilege("read")', "App_*", 2, type="Read only")
    condition = 'resource.HasPrivilege("read")' if delivered else 'user.group="Few"'
    site.rule("ExportAppData", condition, "App_*", 256, type="Default")
    site.rule("Read", 'user.group="BI Readers"', "Stream_*", 2)
    site.allow(stream, jane)
    bundle = site.write(tmp_path / "b")
    managed = derived(tmp_path, bundle)
    shared = {"Finance": {"from": {"stream": "Finance"}, "type": "shared"}}
    if delivered:
        assert assigned(managed) == {"BI Readers": ("consumer",)}
        assert not derived(tmp_path, bundle, spaces=shared).errors
        return
    assert assigned(managed) == {"BI Readers": ("basicconsumer",)}
    assert "CORP\\jane" in only(managed, "EXPORT-DATA").message
    (error,) = derived(tmp_path, bundle, spaces=shared).errors
    assert error.code == "ACCESS-WIDENS" and "export data of it" in error.message
    accepted = {"accept_widening": [{"rule": "ExportAppData", "until": date(2026, 12, 31)}]}
    assert not derived(tmp_path, bundle, spaces=shared, access=accepted).errors


def test_rules_without_an_audit_are_not_believed(tmp_path: Path) -> None:
    site, *_ = small_site()
    site.rule("Read", 'user.group="BI Readers"', "Stream_*", 2)
    bundle = site.write(tmp_path / "b")
    without = replace(bundle, access={})
    assert [e.code for e in derived(tmp_path, without).errors] == ["ACCESS-NOT-AUDITED"]


def test_two_rules_of_one_name_are_accepted_one_by_one(tmp_path: Path) -> None:
    site, _jane, stream, _ = small_site()
    for actions in (2, 32):
        rule = site.rule("Readers", 'user.group="BI Readers"', "Stream_*", actions)
        rule["id"] = f"{actions:08}" + rule["id"][8:]
    site.allow(stream)
    bundle = site.write(tmp_path / "b")
    ids = sorted(r.id[:8] for r in bundle.system_rules if r.name == "Readers")

    def errors(*names: str) -> list[str]:
        accepted = [{"rule": n, "until": date(2026, 12, 31)} for n in names]
        return [e.code for e in derived(tmp_path, bundle, access={"accept_widening": accepted}).errors]

    assert errors("Readers") == ["ACCESS-WIDENS", "ACCESS-WIDENS"]
    assert errors(f"Readers ({ids[0]})") == ["ACCESS-WIDENS"]
    assert errors(*(f"Readers ({i})" for i in ids)) == []


def test_a_waiver_is_no_way_to_widen_access(tmp_path: Path) -> None:
    site, _jane, stream, _ = small_site()
    site.rule("Read", 'user.group="BI Readers"', "Stream_*", 2)
    site.allow(stream)
    bundle = site.write(tmp_path / "b")
    waiver = Waiver(code="ACCESS-WIDENS", object="Finance", owner="jane", until=date(2026, 12, 31))
    (error,) = derived(tmp_path, bundle, waivers=(waiver,)).errors
    assert "cannot be waived" in error.message and "accept_widening" in error.message
