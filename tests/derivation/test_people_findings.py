"""Doubtful people of a phase: who left, who is there twice, who becomes one with somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qlift.derivation.context import Site
from qlift.derivation.desired import Desired, Finding
from qlift.derivation.people import UserRow
from qlift.derivation.people_doubts import look_alikes
from tests.derivation.site import SiteBuilder, derived, small_site

RULES = [{"directory": d, "subject": d + "\\{user_id}"} for d in ("CORP", "PARTNER")]
HEIR = {"users": {"rules": RULES, "missing_owner": {"assign_to": "CORP\\jane"}}}
NO_HEIR = {"users": {"rules": RULES}}


def told(desired: Desired, code: str) -> list[Finding]:
    return [f for f in desired.findings if f.code == code]


def derived_from(tmp_path: Path, site: SiteBuilder, **changes: Any) -> Desired:
    return derived(tmp_path, site.write(tmp_path / "b"), **changes)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"inactive": True}, "inactive"),
        ({"removedExternally": True}, "no longer in the user directory"),
        ({"blacklisted": True}, "blocked"),
    ],
)
def test_who_left_and_owns_content_is_counted(tmp_path: Path, state: dict[str, bool], why: str) -> None:
    site, _, stream, ledger = small_site()
    anna = site.user("CORP\\anna", (), "anna@corp.example", **state)
    site.app("Hers", anna, stream)
    for name in ("one", "two"):
        site.object(ledger, anna, "sheet", name, public=False)
    site.app("Elsewhere", anna)
    [finding] = told(derived_from(tmp_path, site, **HEIR), "LEAVER-OWNS")
    assert finding.object == "CORP\\anna" and finding.severity == "info"
    assert f"{why}, and owns 1 app and 2 objects of this phase; it goes to CORP\\jane" in finding.message
    desired = derived_from(tmp_path, site, **NO_HEIR)
    [finding] = told(desired, "LEAVER-OWNS")
    assert finding.severity == "warning" and "users.missing_owner" in finding.remedy
    assert told(desired, "OWNER-LEFT"), "each object is an error of its own"


def test_who_left_and_owns_nothing_is_not_told(tmp_path: Path) -> None:
    site, *_ = small_site()
    site.user("CORP\\anna", (), inactive=True)
    assert not told(derived_from(tmp_path, site, **HEIR), "LEAVER-OWNS")


def test_who_is_mapped_by_hand_did_not_leave(tmp_path: Path) -> None:
    site, _, stream, _ = small_site()
    site.app("Hers", site.user("CORP\\anna", (), blacklisted=True), stream)
    row = UserRow(site="prod", directory="CORP", user_id="anna", subject="new-anna", status="matched")
    desired = derived_from(tmp_path, site, user_rows=(row,), **NO_HEIR)
    assert not told(desired, "LEAVER-OWNS") and not told(desired, "OWNER-LEFT")
    assert "new-anna" in {o.owner.name for o in desired.publication_owners}


def test_built_in_accounts_own_nothing_for_long(tmp_path: Path) -> None:
    site, _, stream, _ = small_site()
    site.app("Monitoring", site.user("INTERNAL\\sa_repository"), stream)
    [finding] = told(derived_from(tmp_path, site, **HEIR), "ACCOUNT-BUILT-IN")
    assert (finding.object, finding.severity) == ("INTERNAL\\sa_repository", "info")
    [finding] = told(derived_from(tmp_path, site, **NO_HEIR), "ACCOUNT-BUILT-IN")
    assert finding.severity == "warning" and "1 app " in finding.message


def test_several_users_of_the_tenant_for_one_person(tmp_path: Path) -> None:
    site, *_ = small_site()
    row = UserRow(site="prod", directory="CORP", user_id="jane", status="ambiguous")
    [finding] = told(derived_from(tmp_path, site, user_rows=(row,)), "USER-AMBIGUOUS")
    assert finding.object == "CORP\\jane" and "lock both out" in finding.message


def twins(**second: Any) -> SiteBuilder:
    site, *_ = small_site()
    site.user(second.pop("login", "PARTNER\\jane"), (), second.pop("email", ""), **second)
    return site


@pytest.mark.parametrize(
    ("site", "alike"),
    [
        (twins(), True),
        (twins(email="JANE@corp.example", login="PARTNER\\j.doe"), True),
        (twins(name="Jane Other"), False),
        (twins(inactive=True), False),
        (twins(login="CORP\\jd", email="jane@corp.example"), False),
    ],
)
def test_one_person_in_two_directories(tmp_path: Path, site: SiteBuilder, alike: bool) -> None:
    findings = told(derived_from(tmp_path, site, **NO_HEIR), "USER-TWICE")
    assert bool(findings) is alike
    if alike:
        [finding] = findings
        assert finding.object == "CORP and PARTNER" and "CORP\\jane = PARTNER\\j" in finding.message


def shared(tmp_path: Path, site: SiteBuilder, **changes: Any) -> list[Finding]:
    rules = [{"directory": d, "subject": "{user_id}"} for d in ("CORP", "PARTNER", "LAB")]
    return told(derived_from(tmp_path, site, **{"users": {"rules": rules}, **changes}), "USERS-MERGED")


def test_two_people_who_become_one_user(tmp_path: Path) -> None:
    """Jane owns the app; who would become her too, would get it."""
    [finding] = shared(tmp_path, twins(name="Jane Other", email="other@partner.example"))
    assert (finding.severity, finding.object) == ("error", "jane")
    assert "CORP\\jane, PARTNER\\jane" in finding.message


def test_two_people_who_own_nothing_here_become_one_user(tmp_path: Path) -> None:
    site, *_ = small_site()
    site.user("PARTNER\\lee", name="Lee A")
    site.user("LAB\\lee", name="Lee B")
    [finding] = shared(tmp_path, site)
    assert (finding.severity, finding.object) == ("warning", "lee")


def test_one_person_twice_becomes_one_user(tmp_path: Path) -> None:
    [finding] = shared(tmp_path, twins())
    assert finding.severity == "info"


def test_one_user_in_capitals_and_not(tmp_path: Path) -> None:
    rows = tuple(
        UserRow(site="prod", directory=d, user_id="jane", email=e, status="matched")
        for d, e in (("CORP", "Jane@corp.example"), ("PARTNER", "jane@corp.example"))
    )
    users = {"match_by": "email"}
    [finding] = shared(tmp_path, twins(name="Jane Other"), user_rows=rows, users=users)
    assert finding.object == "jane@corp.example"


def test_active_users_without_an_e_mail(tmp_path: Path) -> None:
    site, *_ = small_site()
    for number in range(12):
        site.user(f"PARTNER\\p{number:02}")
    site.user("PARTNER\\gone", inactive=True)
    desired = derived_from(tmp_path, site, users={"match_by": "email"})
    [finding] = told(desired, "EMAIL-MISSING")
    assert finding.object == "PARTNER"
    assert "12 active users have none: p00, p01" in finding.message and "and 2 more" in finding.message
    by_rule = [{"directory": "PARTNER", "email": "{user_id}@partner.example"}]
    assert not told(
        derived_from(tmp_path, site, users={"match_by": "email", "rules": by_rule}), "EMAIL-MISSING"
    )
    assert not told(derived_from(tmp_path, site, **NO_HEIR), "EMAIL-MISSING")


@pytest.mark.parametrize(
    ("role", "becomes"),
    [
        ("ContentAdmin", "AnalyticsAdmin"),
        ("RootAdmin", "TenantAdmin"),
        ("SecurityAdmin", "TenantAdmin"),
        ("AuditAdmin", "AuditAdmin"),
        ("OurOwnAdmin", "review it"),
    ],
)
def test_admin_roles_are_told_with_what_qlik_recommends(tmp_path: Path, role: str, becomes: str) -> None:
    site, *_ = small_site()
    site.user("CORP\\root", roles=[role])
    site.user("CORP\\left", roles=[role], inactive=True)
    site.user("INTERNAL\\sa_api", roles=[role])
    [finding] = told(derived_from(tmp_path, site, **NO_HEIR), "ADMIN-ROLE")
    assert finding.object == role and becomes in finding.message
    assert "CORP\\root;" in finding.message and "left" not in finding.message


def test_a_mail_address_of_thousands_is_looked_at_once_for_each(tmp_path: Path) -> None:
    """Two directories, one address: a comparison of each with each would be 25,000,000."""
    site = SiteBuilder()
    for number in range(5_000):
        site.user(f"{('CORP', 'PARTNER')[number % 2]}\\u{number}", (), "noreply@corp.example")
    found = look_alikes(Site(site.write(tmp_path / "b")))
    assert len(found) == 5_000 and max(map(len, found.values())) == 5


@pytest.mark.parametrize(
    ("owner", "told_of"),
    [("CORP\\jnae.miller", ["CORP\\jane.miller"]), ("CORP\\jane.miller", []), ("auth0|4f2a9c", [])],
)
def test_an_owner_who_is_almost_somebody_of_the_source(
    tmp_path: Path, owner: str, told_of: list[str]
) -> None:
    site, _, stream, _ = small_site()
    site.user("CORP\\jane.miller", (), "jane.miller@corp.example")
    spaces = {"S": {"from": {"stream": stream["name"]}, "type": "managed", "owner": owner, "access": "none"}}
    found = told(derived_from(tmp_path, site, **HEIR, spaces=spaces), "USER-MISSPELT")
    assert [(f.object, f.severity) for f in found] == [(owner, "warning") for _ in told_of]
    assert all(login in f.message for f, login in zip(found, told_of, strict=True))
