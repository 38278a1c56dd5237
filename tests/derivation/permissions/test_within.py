"""Rules inside a stream: what is finer than a space is told, and never widened in silence."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from qlift.derivation.desired import Desired, Finding, Waiver
from tests.derivation.site import Raw, SiteBuilder, codes, derived, property_value, small_site

DELIVERED = (
    '(resource.resourcetype = "App" and resource.stream.HasPrivilege("read")) or '
    '((resource.resourcetype = "App.Object" and resource.published = "true" and '
    'resource.objectType != "app_appscript") and resource.app.stream.HasPrivilege("read"))'
)
APP_LEVEL = (
    '(resource.resourcetype = "App" and resource.stream.HasPrivilege("read") and '
    "resource.@AppLevelMgmt.empty()) or (resource.@AppLevelMgmt = user.userId)"
)


def site_with_rules(condition: str = DELIVERED, **more: Any) -> tuple[SiteBuilder, Raw, Raw]:
    """jane and bob read Finance, zoe reads nothing; Ledger is jane's and Secret is only for bob."""
    site, jane, stream, _ = small_site()
    bob, _ = site.user("CORP\\bob", ("BI Readers",)), site.user("CORP\\zoe")
    secret = site.app("Secret", jane, stream, customProperties=[property_value("AppLevelMgmt", "bob")])
    site.kinds["custompropertydefinition"] = [{"id": "p", "name": "AppLevelMgmt", "objectTypes": ["App"]}]
    site.rule("Stream", condition, "App*", 2, **({"type": "Read only"} | more))
    site.rule("OwnerRead", "resource.IsOwned() and resource.owner = user", "*", 2, type="Default")
    site.rule("Readers", 'user.group="BI Readers"', f"Stream_{stream['id']}")
    site.allow(stream, jane, bob)
    return site, stream, secret


def only(desired: Desired, code: str) -> Finding:
    (found,) = [f for f in desired.findings if f.code == code]
    return found


def test_a_site_as_delivered_has_nothing_to_tell(tmp_path: Path) -> None:
    site, *_ = site_with_rules()
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    assert not {c for c in codes(desired) if c.startswith("APP-") and c != "APPS-NOT-SELECTED"}
    assert not desired.errors


def test_an_app_that_some_readers_do_not_see_stops_the_phase(tmp_path: Path) -> None:
    """The delivered rule is disabled, and another shows marked apps to some only."""
    site, stream, secret = site_with_rules(disabled=True)
    site.user("CORP\\eve", ("BI Readers",))
    site.allow(stream, site.kinds["user"][-1])
    site.rule("App level", APP_LEVEL, "App_*", 2)
    bundle = site.write(tmp_path / "b")
    (error,) = derived(tmp_path, bundle).errors
    assert (error.code, error.object) == ("APP-HIDDEN", "Secret")
    assert "CORP\\eve could read it" in error.message
    assert "CORP\\bob" not in error.message and "CORP\\jane" not in error.message, "guest and owner read it"
    waiver = Waiver(code="APP-HIDDEN", object="Secret", owner="jane", until=date(2026, 12, 31))
    assert not derived(tmp_path, bundle, waivers=(waiver,)).errors
    assert secret["name"] == "Secret"


def test_doubts_about_an_app_are_told(tmp_path: Path) -> None:
    site, *_ = site_with_rules(disabled=True)
    site.rule("Odd", 'user.environment.device = "Desktop"', "App_*", 2)
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    found = {f.object for f in desired.findings if f.code == "APP-HIDDEN-PERHAPS"}
    assert found == {"Ledger", "Secret"} and not desired.errors


def test_who_reads_an_app_but_not_its_stream_needs_a_share(tmp_path: Path) -> None:
    site, _, secret = site_with_rules()
    site.rule("Guests", 'user.userId="zoe"', f"App_{secret['id']}", 2)
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    finding = only(desired, "APP-SHARED")
    assert finding.severity == "warning" and finding.object == "Secret"
    assert "CORP\\zoe may read it" in finding.message and "(rules: Guests)" in finding.message
    assert "zoe" not in " ".join(a.key for a in desired.assignments), "never widened to the space"


def test_rules_for_apps_and_objects_say_what_they_are(tmp_path: Path) -> None:
    site, *_ = site_with_rules()
    site.rule("Sheets", 'user.@Team="x"', "App.Object_*", 4)
    site.rule("Export", 'user.group="BI Readers"', "App_*", 256)
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    told = {f.object: f.message for f in desired.findings if f.code == "RULE-WITHIN-STREAM"}
    assert set(told) == {"Sheets", "Export"}
    assert "App.Object_* (update)" in told["Sheets"] and 'user.@Team="x"' in told["Sheets"]
    assert "actions 256" in told["Export"]


def test_without_the_rules_or_an_audit_nothing_is_guessed(tmp_path: Path) -> None:
    site, *_ = site_with_rules()
    site.audit.clear()
    assert "APP-HIDDEN" not in codes(derived(tmp_path, site.write(tmp_path / "a")))
    site, jane, stream, _ = small_site()
    site.rule("Readers", 'user.group="BI Readers"', f"Stream_{stream['id']}")
    site.rule("App level", APP_LEVEL, "App_*", 2)
    site.allow(stream, jane)
    assert "APP-HIDDEN" not in codes(derived(tmp_path, site.write(tmp_path / "b"))), "the site has more rules"
