"""From a bundle and a plan to what is wanted of the tenant."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qlift.bundle import load_bundle
from qlift.bundle.models import AppFile
from qlift.derivation.desired import Waiver
from qlift.derivation.people import UserRow
from tests.derivation.site import PLAN, SiteBuilder, codes, derived, rehash, small_site

MANAGED = {"from": {"stream": "Finance"}, "type": "managed"}
SHARED = {"from": {"stream": "Finance"}, "type": "shared"}


def test_a_managed_space_is_published_to_from_its_staging_space(tmp_path: Path) -> None:
    site, *_ = small_site()
    desired = derived(tmp_path, site.write(tmp_path / "b"))
    assert [(s.key, s.name, s.type) for s in desired.spaces] == [
        ("finance", "Finance", "managed"),
        ("finance-staging", "Finance Staging", "shared"),
    ]
    (app,) = desired.apps
    assert app.space == "finance-staging" and app.key.startswith("ledger.prod.")
    (publication,) = desired.publications
    assert (publication.space, publication.app) == ("finance", app.key)
    assert [o.owner.name for o in desired.publication_owners] == ["CORP\\jane"]
    assert not desired.app_owners, "a staging app stays the tool's"
    assert not desired.errors


def test_apps_go_straight_into_a_shared_space(tmp_path: Path) -> None:
    site, *_ = small_site()
    desired = derived(tmp_path, site.write(tmp_path / "b"), spaces={"Lab": SHARED})
    assert [s.key for s in desired.spaces] == ["lab"]
    assert [a.space for a in desired.apps] == ["lab"]
    assert [o.owner.name for o in desired.app_owners] == ["CORP\\jane"]
    assert not desired.publications


def test_personal_apps_go_to_their_owners_with_what_is_in_them(tmp_path: Path) -> None:
    site, jane, *_ = small_site()
    mine = site.app("Scratch", jane)
    sheet = site.object(mine, jane, "sheet", "Mine", public=False)
    bundle = site.write(tmp_path / "b")
    assert len(derived(tmp_path, bundle).apps) == 1, "not selected by default"
    desired = derived(tmp_path, bundle, select={"personal": {"owners": ["corp\\JANE"]}})
    (app,) = [a for a in desired.apps if a.space is None]
    assert [o.object for o in app.object_owners] == [sheet["engineObjectId"]]
    assert [o.app for o in desired.app_owners] == [app.key]


def test_private_content_moves_with_its_owners_or_not_at_all(tmp_path: Path) -> None:
    site, _, _, app = small_site()
    bob = site.user("CORP\\bob")
    private = site.object(app, bob, "sheet", "Bob's", public=False)
    bundle = site.write(tmp_path / "b")
    (publication,) = derived(tmp_path, bundle).publications
    assert publication.mode == "move"
    assert [(o.object, o.owner.name) for o in publication.object_owners] == [
        (private["engineObjectId"], "CORP\\bob")
    ]
    assert "PRIVATE-CONTENT-COPIED" in codes(derived(tmp_path, bundle, apps={"publish": "copy"}), "error")


def test_private_content_that_was_not_exported_is_an_error(tmp_path: Path) -> None:
    site, jane, _, app = small_site()
    site.object(app, jane, "sheet", "Mine", public=False)
    site.scope = "approved"
    assert "PRIVATE-CONTENT-NOT-EXPORTED" in codes(derived(tmp_path, site.write(tmp_path / "b")), "error")


def test_an_app_that_was_exported_otherwise_is_looked_at_alone(tmp_path: Path) -> None:
    """By its row in the site's .apps.csv."""
    site, jane, _, app = small_site()
    site.object(app, jane, "sheet", "Mine", public=False)
    usual = site.files[app["id"]].model_dump(exclude_unset=True)
    site.files[app["id"]] = AppFile.model_validate({**usual, "data": "none", "scope": "approved"})
    bundle = site.write(tmp_path / "b")
    assert codes(derived(tmp_path, bundle), "error") == ["PRIVATE-CONTENT-NOT-EXPORTED"]
    wanted = derived(tmp_path, bundle, apps={"data": "all"}).errors
    assert ("BUNDLE-OTHER-EXPORT", "Ledger") in [(e.code, e.object) for e in wanted]


@pytest.mark.parametrize(("key", "value"), [("data", "none"), ("scope", "published")])
def test_an_export_other_than_the_plan_wants_is_an_error(tmp_path: Path, key: str, value: str) -> None:
    site, *_ = small_site()
    desired = derived(tmp_path, site.write(tmp_path / "b"), apps={key: value})
    (finding,) = desired.errors
    assert f"--{key} {value}" in finding.remedy


def fingerprint_after(tmp_path: Path, change: Any) -> tuple[str, str]:
    found = []
    for number in range(2):
        site, jane, _, app = small_site()
        site.object(app, jane, "sheet", "Public", public=True)
        site.object(app, jane, "sheet", "Mine", public=False)
        if number:
            change(site, jane, app)
        found.append(derived(tmp_path, site.write(tmp_path / f"b{number}")).apps[0].fingerprint)
    return found[0], found[1]


def test_published_content_changes_the_fingerprint_and_nothing_else_does(tmp_path: Path) -> None:
    def republished(site: SiteBuilder, jane: Any, app: Any) -> None:
        site.objects[app["id"]][1]["contentHash"] = "2"

    def private_work(site: SiteBuilder, jane: Any, app: Any) -> None:
        site.objects[app["id"]][2]["contentHash"] = "2"
        site.object(app, jane, "bookmark", "New", public=False)

    def reloaded(site: SiteBuilder, jane: Any, app: Any) -> None:
        app["lastReloadTime"] = "2026-11-24T00:00:00.000Z"
        file = site.files[app["id"]]
        site.files[app["id"]] = file.model_copy(update={"sha256": "f" * 64, "size": 99})

    def new_script(site: SiteBuilder, jane: Any, app: Any) -> None:
        site.objects[app["id"]][0]["contentHash"] = "2"

    for change, differs in (
        (republished, True),
        (private_work, False),
        (reloaded, False),
        (new_script, True),
    ):
        before, after = fingerprint_after(tmp_path / change.__name__, change)
        assert (before != after) is differs, change.__name__


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path) -> None:
    for name in ("republished", "private_work", "reloaded", "new_script"):
        (tmp_path / name).mkdir()


def test_renames_are_no_new_objects(tmp_path: Path) -> None:
    site, _, stream, app = small_site()
    by_rule: dict[str, Any] = {
        "spaces": None,
        "spaces_rule": {"type": "managed"},
        "select": {"streams": "all"},
    }
    before = derived(tmp_path, site.write(tmp_path / "b"), **by_rule)
    app["name"], stream["name"], app["stream"] = "General Ledger", "Finance EMEA", dict(stream)
    bundle = site.write(tmp_path / "b")
    after = derived(tmp_path, bundle, **by_rule)
    assert [s.key for s in after.spaces] == [s.key for s in before.spaces]
    assert [s.name for s in after.spaces] == ["Finance EMEA", "Finance EMEA Staging"]
    assert [a.key for a in after.assignments] == [a.key for a in before.assignments]
    (old,), (new,) = before.apps, after.apps
    assert new.key != old.key and new.former_keys == (old.key,)
    assert after.publications[0].former_keys == (old.key,)
    # The plan still says "Finance": a rename at night must not stop a run in the morning.
    assert not derived(tmp_path, bundle).errors


def test_a_new_name_in_the_plan_keeps_every_logical_name(tmp_path: Path) -> None:
    site, *_ = small_site()
    bundle = site.write(tmp_path / "b")
    before = derived(tmp_path, bundle)
    after = derived(tmp_path, bundle, spaces={"Finance": MANAGED | {"name": "Group Finance"}})
    assert [s.key for s in after.spaces] == [s.key for s in before.spaces]
    assert [s.name for s in after.spaces] == ["Group Finance", "Group Finance Staging"]
    assert [a.key for a in after.apps] == [a.key for a in before.apps]


def test_several_spaces_may_share_a_staging_space(tmp_path: Path) -> None:
    site, jane, *_ = small_site()
    site.app("Pipeline", jane, site.stream("Sales"))
    spaces = {
        "Finance": MANAGED | {"staging": "Workshop"},
        "Sales": {"from": {"stream": "Sales"}, "type": "managed", "staging": "Workshop"},
    }
    desired = derived(tmp_path, site.write(tmp_path / "b"), spaces=spaces)
    assert [s.key for s in desired.spaces] == ["finance", "sales", "workshop"]
    assert {a.space for a in desired.apps} == {"workshop"}


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"spaces": {"A": {"from": {"stream": "Finnance"}, "type": "shared"}}}, "STREAM-UNKNOWN", "Finance"),
        ({"select": {"streams": ["Nope"]}}, "STREAM-UNKNOWN", "Finance"),
        ({"spaces": None, "select": {"streams": "all"}}, "STREAM-WITHOUT-SPACE", "spaces"),
        ({"spaces": {"A": MANAGED, "B": MANAGED}}, "STREAM-TWICE", "one"),
        ({"spaces": {"A": MANAGED | {"name": "a/b"}}}, "SPACE-NAME", "/"),
        ({"spaces": {"A": MANAGED, "B": {"type": "shared", "name": "a"}}}, "SPACE-NAME-TWICE", "name"),
        ({"spaces": {"A": MANAGED | {"staging": "B"}, "B": {"type": "managed"}}}, "STAGING-NOT-SHARED", "B"),
        ({"select": {"apps": {"ids": ["nope"]}}}, "APP-UNKNOWN", "id"),
        ({"select": {"apps": {"names": ["Ledgr"]}}}, "APP-UNKNOWN", "Ledger"),
        ({"users": None}, "USER-UNKNOWN", "qlift users"),
    ],
)  # fmt: skip
def test_what_the_plan_says_is_resolved_offline(
    tmp_path: Path, changes: dict[str, Any], code: str, says: str
) -> None:
    site, *_ = small_site()
    found = [f for f in derived(tmp_path, site.write(tmp_path / "b"), **changes).errors if f.code == code]
    assert found, code
    assert any(says in f.message + f.remedy for f in found)


def test_every_error_at_once(tmp_path: Path) -> None:
    site, _, stream, _ = small_site()
    site.app("Orphan", site.user("OTHER\\x"), stream)
    site.files.clear()
    desired = derived(
        tmp_path, site.write(tmp_path / "b"), select={"streams": ["Nope"], "apps": {"ids": ["no"]}}
    )
    assert {"STREAM-UNKNOWN", "APP-UNKNOWN"} <= set(codes(desired, "error"))


def test_selection_narrows_and_counts_what_stays(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    site.app("Ready", jane, stream, tags=[{"id": "t", "name": "App - 30 Ready to Migrate"}])
    bundle = site.write(tmp_path / "b")
    desired = derived(tmp_path, bundle, select={"apps": {"tags": ["App - 30 Ready to Migrate"]}})
    assert [a.name for a in desired.apps] == ["Ready"]
    (finding,) = [f for f in desired.findings if f.code == "APPS-NOT-SELECTED"]
    assert finding.object.startswith("1 app")


def test_who_left_hands_over_to_an_heir(tmp_path: Path) -> None:
    site, _, stream, _ = small_site()
    site.app("Old", site.user("CORP\\gone", inactive=True), stream)
    site.app("Service", site.user("INTERNAL\\sa_api"), stream)
    bundle = site.write(tmp_path / "b")
    assert [f.code for f in derived(tmp_path, bundle).errors] == ["OWNER-LEFT", "OWNER-LEFT"]
    heir = PLAN.replace("users:", "users:\n  missing_owner: {assign_to: 'CORP\\jane'}")
    desired = derived(tmp_path, bundle, plan=heir)
    assert {o.owner.name for o in desired.publication_owners} == {"CORP\\jane"}
    assert not desired.errors
    row = UserRow(site="prod", directory="CORP", user_id="gone", subject="back", status="matched")
    desired = derived(tmp_path, bundle, user_rows=(row,))
    assert "back" in {o.owner.name for o in desired.publication_owners}, "the users file goes first"


@pytest.mark.parametrize("status", ["missing", "ambiguous"])
def test_the_users_file_decides(tmp_path: Path, status: Any) -> None:
    site, *_ = small_site()
    row = UserRow(site="prod", directory="corp", user_id="JANE", subject="x", status=status)
    (finding,) = derived(tmp_path, site.write(tmp_path / "b"), user_rows=(row,)).errors
    assert finding.object == "CORP\\jane" and status in finding.message


def test_a_waiver_makes_an_error_a_warning_until_its_day(tmp_path: Path) -> None:
    site, *_ = small_site()
    site.files.clear()
    bundle = site.write(tmp_path / "b")
    waiver = Waiver(code="APP-FILE-MISSING", object="Ledger", owner="jane", until=date(2026, 12, 31))
    waived = derived(tmp_path, bundle, waivers=(waiver,))
    assert not waived.errors
    (finding,) = [f for f in waived.findings if f.code == "APP-FILE-MISSING"]
    assert "waived by jane until 2026-12-31" in finding.message
    expired = derived(tmp_path, bundle, waivers=(waiver,), as_of=date(2027, 1, 1))
    assert "APP-FILE-MISSING" in codes(expired, "error")
    unused = waiver.model_copy(update={"object": "Nothing"})
    assert "WAIVER-UNUSED" in codes(derived(tmp_path, bundle, waivers=(unused,)))


def test_two_sites_in_one_tenant(tmp_path: Path) -> None:
    first, *_ = small_site()
    second, *_ = small_site("test")
    bundles = (first.write(tmp_path / "a"), second.write(tmp_path / "b"))
    sources = [{"site": s, "bundle": s} for s in ("prod", "test")]
    ambiguous = derived(tmp_path, *bundles, sources=sources)
    assert "STREAM-AMBIGUOUS" in codes(ambiguous, "error")
    spaces = {
        f"Finance {s}": {"from": {"stream": "Finance", "site": s}, "type": "shared"} for s in ("prod", "test")
    }
    desired = derived(tmp_path, *bundles, sources=sources, spaces=spaces)
    assert [a.source.site for a in desired.apps] == ["prod", "test"]
    assert not desired.errors


def test_a_space_of_another_phase_is_only_referred_to(tmp_path: Path) -> None:
    site, *_ = small_site()
    spaces = {"Finance": MANAGED | {"of": "base"}}
    desired = derived(tmp_path, site.write(tmp_path / "b"), spaces=spaces, uses=["base"])
    own = [s for s in desired.spaces if not s.external]
    assert [s.name for s in own] == ["Finance Staging"]
    assert {a.space for a in desired.assignments} == {own[0].key}
    assert [p.space for p in desired.publications] == [s.key for s in desired.spaces if s.external]


WORK = """
import sys
from datetime import date
from pathlib import Path
from qlift.bundle import load_bundle
from qlift.bundle.models import AppFile
from qlift.derivation import derive
from qlift.derivation.people import People
from qlift.derivation.plan_file import load_plan
plan = load_plan(Path(sys.argv[1]))
desired = derive([load_bundle(Path(sys.argv[2]))], plan, People(plan), [], date(2026, 11, 24))
sys.stdout.write(desired.model_dump_json(indent=1))
"""


def rich_site(order: int) -> SiteBuilder:
    """The same objects, added in the order that a site may list them in."""
    site, jane, stream, _ = small_site()
    people = [site.user(f"CORP\\u{n}", (f"G{n % 3}", "BI Readers")) for n in range(9)]
    for n in range(6):
        made = site.app(f"App {n}", people[n], stream)
        site.object(made, people[n + 1], "sheet", f"S{n}", public=False)
        task = site.task(made, f"Reload {n}")
        site.timed(task, startDate="2026-01-05T05:30:19.000")
        site.timed(task, "0 0 0 0", name="Once")
        if n:
            site.chained(task, site.kinds["reloadtask"][n - 1])
    for n in range(3):
        site.rule(f"R{n}", f'((user.group="G{n}"))', "Stream_*", 2 if n else 34)
        site.rule(f"X{n}", f'user.@Team="{n}"', "Stream_*")
    site.allow(stream, jane, *people[:6], actions=34)
    for kind in (*site.kinds.values(), *site.objects.values()):
        kind.sort(key=lambda raw: hash((order, raw["id"])) if order else raw["id"])
    return site


def test_the_same_bundle_and_plan_give_the_same_bytes(tmp_path: Path) -> None:
    """In processes with other hash seeds, from files written in other orders."""
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    outputs = set()
    for number, seed in enumerate(("0", "1", "77")):
        folder = tmp_path / f"b{number}"
        rich_site(number).write(folder)
        env = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", WORK, str(tmp_path / "plan.yaml"), str(folder)]
        outputs.add(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout)
    assert len(outputs) == 1
    assert len(json.loads(outputs.pop())["apps"]) == 7


def test_what_is_shuffled_on_disk_derives_alike(tmp_path: Path) -> None:
    bundle = rich_site(0).write(tmp_path / "b")
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "b", copy)
    for file in (copy / "app-object").glob("*.json"):
        file.write_text(json.dumps(list(reversed(json.loads(file.read_text())))))
    rehash(copy)
    assert derived(tmp_path, load_bundle(copy)) == derived(tmp_path, bundle)
