"""Did I see everything? Roles, counts, the audit of ourselves; and how many calls that takes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qlift.bundle import load_bundle
from qlift.simulator import Fault, Simulator
from qlift.simulator.sample import SampleOptions
from qlift.simulator.site.changes import give_partial_role
from qlift.sources.qlik_sense.inventory import check_source
from tests.sources.ends import by_certificate, by_header, export


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


def somebody(simulator: Simulator, *roles: str) -> str:
    """A person with these roles alone; the login."""
    user = next(
        u
        for u in simulator.store.all("site/user")
        if u["userDirectory"] != "INTERNAL" and not u["roles"] and not u["inactive"]
    )
    simulator.store.put("site/user", user["id"], user | {"roles": list(roles)})
    return f"{user['userDirectory']}\\{user['userId']}"


def reasons(simulator: Simulator, folder: Path, *roles: str) -> list[str]:
    site = by_header(simulator, folder, somebody(simulator, *roles))
    report = export(site, folder / "b")
    site.close()
    identity = load_bundle(folder / "b").manifest.identity
    assert identity.complete == (not report.incomplete) and list(identity.reasons) == report.incomplete
    return report.incomplete


def test_a_root_admin_and_the_service_account_see_everything(simulator: Simulator, tmp_path: Path) -> None:
    assert reasons(simulator, tmp_path, "RootAdmin") == []
    site = by_certificate(simulator, tmp_path)
    assert export(site, tmp_path / "certificate").incomplete == []
    site.close()


def test_roles_and_counts_tell_what_a_content_admin_does_not_see(
    simulator: Simulator, tmp_path: Path
) -> None:
    found = reasons(simulator, tmp_path, "ContentAdmin")
    assert "has the roles ContentAdmin, not RootAdmin" in found[0] and "give this user the role" in found[0]
    assert any(re.match(r"systemrule: \d+ of \d+ objects were visible", r) for r in found)
    assert any("nobody was asked who may use the streams" in r for r in found)


def test_a_custom_role_that_hides_much_in_silence(simulator: Simulator, tmp_path: Path) -> None:
    login = somebody(simulator)
    user = next(u for u in simulator.store.all("site/user") if login.endswith(u["userId"]))
    give_partial_role(simulator.store, user["id"])
    site = by_header(simulator, tmp_path, login)
    report = export(site, tmp_path / "b")
    site.close()
    bundle = load_bundle(tmp_path / "b")
    hidden = sum(not a["published"] for a in simulator.store.all("site/app"))
    assert hidden > 0 and len(bundle.apps) == 14 - hidden
    assert f"app: {14 - hidden} of 14 objects were visible" in report.incomplete
    assert not bundle.manifest.identity.complete


def test_the_audit_tells_what_counts_do_not(simulator: Simulator, tmp_path: Path) -> None:
    simulator.site_switches.count = "visible"
    found = reasons(simulator, tmp_path, "SecurityAdmin")
    hidden = [r for r in found if "are hidden from" in r]
    assert not any("were visible" in r for r in found)
    visible = len(load_bundle(tmp_path / "b").apps)
    assert f"app: {14 - visible} of 14 objects are hidden" in " ".join(hidden)


def test_a_root_admin_whom_a_list_does_not_show_everything(simulator: Simulator, tmp_path: Path) -> None:
    """Roles alone do not prove it: here the rule behind the role is a narrow one."""
    simulator.site_switches.count = "visible"
    rule = next(r for r in simulator.store.all("site/systemrule") if r["name"] == "RootAdmin")
    # Users are still shown, as to anybody who has to know himself.
    narrowed = rule | {"resourceFilter": "User_*,Stream_*"}
    simulator.store.put("site/systemrule", rule["id"], narrowed)
    found = reasons(simulator, tmp_path, "RootAdmin")
    assert any(r.startswith("app: ") and "are hidden from" in r for r in found)
    assert not any("not RootAdmin" in r for r in found)


def test_a_kind_that_the_site_refuses_or_lacks(simulator: Simulator, tmp_path: Path) -> None:
    simulator.faults.add(Fault(side="site", path="/qrs/extension/", action="status:403"))
    simulator.faults.add(Fault(side="site", path="/qrs/userdirectory/", times=9, action="status:404"))
    site = by_header(simulator, tmp_path)
    report = export(site, tmp_path / "b")
    site.close()
    assert len(report.incomplete) == 1 and report.incomplete[0].startswith("extension: ")
    assert report.notes == ["userdirectory: this site does not know the kind"]
    assert not load_bundle(tmp_path / "b").manifest.identity.complete


def test_somebody_whom_the_site_shows_twice_is_nobody(simulator: Simulator, tmp_path: Path) -> None:
    admin = next(u for u in simulator.store.all("site/user") if u["userId"] == "qlik.admin")
    twin = admin | {"id": "00000000-0000-0000-0000-00000000000a", "userDirectory": "OTHER"}
    simulator.store.put("site/user", twin["id"], twin)
    site = by_header(simulator, tmp_path)
    assert check_source(site).reasons == ()
    # As a token without a directory would leave it.
    object.__setattr__(site.entrance, "login", "qlik.admin")
    assert "does not show which user qlik.admin is" in check_source(site).reasons[0]
    site.close()


def calls(simulator: Simulator, folder: Path) -> tuple[Counter[str], dict[str, Any]]:
    """Calls to the Repository Service by what they ask."""
    simulator.faults.clear_requests()
    site = by_header(simulator, folder)
    export(site, folder / "b")
    site.close()
    paths = [r["path"].split("?")[0] for r in simulator.faults.requests()]
    asked = Counter(
        "objects of an app"
        if "/app/object/" in path
        else "audit"
        if "audit" in path
        else "app file"
        if re.search(r"/tempcontent/|/export/|/qrs/app/[0-9a-f-]{36}$", path)
        else "script"
        if path.startswith("/app/")
        else "lists"
        for path in paths
    )
    return asked, load_bundle(folder / "b").manifest.counts


def test_calls_do_not_grow_with_the_number_of_objects(tmp_path: Path) -> None:
    found = []
    for number, options in enumerate(
        (
            SampleOptions(apps=6, personal=2, users=20, reload_tasks=4, connections=2),
            SampleOptions(apps=30, personal=9, users=120, reload_tasks=28, connections=20),
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        with Simulator(sample=options) as simulator:
            found.append(calls(simulator, folder))
    (small, few), (large, many) = found
    assert many["user"] > 4 * few["user"] and many["reloadtask"] > 4 * few["reloadtask"]
    assert small["lists"] == large["lists"] < 40
    for asked, counts in found:
        assert asked["objects of an app"] == counts["app"]
        # One for each stream, one for each kind.
        assert asked["audit"] == counts["stream"] + 15
        # A second export of those with private or community objects.
        assert 3 * counts["app"] < asked["app file"] <= 5 * counts["app"]
