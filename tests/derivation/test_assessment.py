"""What an assessment says about a site beside readiness and phases."""

from __future__ import annotations

import json
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from qlift.bundle.models import Identity
from qlift.derivation.assessment import Assessment, assess
from qlift.derivation.assessment.frequency import runs_a_week
from qlift.derivation.assessment.model import Readiness
from tests.derivation import test_scale
from tests.derivation.assessed import FACTS, assessed, plain_site, row
from tests.derivation.site import TODAY, Raw, SiteBuilder
from tests.support.big_site import big_site

SCHEMA = Path(__file__).parent / "assessment.schema.json"
SECONDS = 20
"""Of processor time; a few on a usual machine, most of them for the derivation inside."""


def test_the_same_bundle_gives_the_same_bytes(tmp_path: Path) -> None:
    one = assess(big_site(tmp_path / "one"), FACTS, TODAY)
    other = assess(big_site(tmp_path / "two"), FACTS, TODAY)
    assert one.model_dump_json() == other.model_dump_json()
    assert Assessment.model_validate_json(one.model_dump_json()) == one


def test_the_schema_of_the_json_file_is_as_it_was() -> None:
    """A change here breaks what people built on `assessment.json`: it needs another `format`."""
    assert Assessment.model_json_schema(mode="serialization") == json.loads(
        SCHEMA.read_text(encoding="utf-8")
    )


def test_an_empty_site_has_an_assessment(tmp_path: Path) -> None:
    found = assessed(SiteBuilder("prod"), tmp_path)
    assert found.headline == "prod has no apps in this export."
    assert not found.apps and not found.phases and not found.schedules


def test_a_large_site_is_assessed_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size that a large site has: 2,000 apps, 20,000 users, 150 streams."""
    for name, number in (("APPS", 2_000), ("USERS", 20_000), ("STREAMS", 150)):
        monkeypatch.setattr(test_scale, name, number)
    bundle = test_scale.large_bundle()
    started = time.process_time()
    found = assess(bundle, FACTS, TODAY)
    used = time.process_time() - started
    assert len(found.apps) == len(bundle.apps) == 2_000
    assert sum(p.apps for p in found.phases) == len(bundle.apps)
    assert used < SECONDS, f"{used:.1f} s"


def test_the_headline_says_how_many_and_how_long(tmp_path: Path) -> None:
    site, jane, stream, _ = plain_site()
    for number in range(5):
        site.script(site.app(f"More {number}", jane, stream), "LOAD 1 AS One AUTOGENERATE 1;")
    text = assessed(site, tmp_path, imports_per_day=2).headline
    assert text == (
        "6 apps of 6 can move to Qlik Cloud now or with known changes. "
        "At 2 app imports a day, the move takes at least 3 days."
    )


def test_the_headline_does_not_hide_that_scripts_are_unknown(tmp_path: Path) -> None:
    site, jane, stream, _ = plain_site()
    site.app("Silent", jane, stream)
    assert "what the load scripts of 1 app need, which the export does not hold" in (
        assessed(site, tmp_path).headline
    )


def test_an_incomplete_export_says_so(tmp_path: Path) -> None:
    site, *_ = plain_site()
    site.complete = False
    found = assessed(site, tmp_path)
    assert not found.complete
    assert found.unknown[0].what == "Whether everything was seen"
    assert Identity(user=found.exported_by).user in found.unknown[0].why


# What need not move.


def dated(app: Raw, reload: date | None, made: date) -> Raw:
    app["createdDate"] = app["modifiedDate"] = f"{made.isoformat()}T08:00:00.000Z"
    app["lastReloadTime"] = f"{reload.isoformat()}T05:00:00.000Z" if reload else "1753-01-01T00:00:00.000Z"
    return app


OLD, YOUNG = TODAY - timedelta(days=400), TODAY - timedelta(days=10)
EDGE = TODAY - timedelta(days=365)


def test_unused_and_only_reloaded_apps(tmp_path: Path) -> None:
    site, jane, stream, app = plain_site()
    dated(app, OLD, OLD)
    reloaded = dated(site.app("Reloaded", jane, stream), YOUNG, OLD)
    fresh = dated(site.app("Fresh", jane, stream), OLD, YOUNG)
    edge = dated(site.app("A year to the day", jane, stream), EDGE, EDGE)
    undated = site.app("Undated", jane, stream)
    touched = dated(site.app("Touched", jane, stream), OLD, OLD)
    site.object(touched, jane, "sheet", "New", public=False)["createdDate"] = (
        f"{YOUNG.isoformat()}T01:00:00.000Z"
    )
    found = assessed(site, tmp_path)
    kinds = {x.kind: [a.id for a in x.apps] for x in found.leave}
    assert kinds == {"unused": [app["id"]], "only-reloaded": [reloaded["id"]]}
    assert row(found, app).leave == ("unused",)
    for kept in (fresh, edge, undated, touched):
        assert row(found, kept).leave == ()
    [unused, _] = found.leave
    assert (unused.imports, unused.bytes, unused.apps[0].since) == (1, 10, OLD.isoformat())


def test_what_people_decided_by_tag(tmp_path: Path) -> None:
    site, _, _, app = plain_site()
    app["tags"] = [{"id": "t", "name": "App - 99 Will Not Migrate"}]
    found = assessed(site, tmp_path)
    assert [(x.kind, len(x.apps)) for x in found.leave] == [("decided", 1)]


def with_sheet(site: SiteBuilder, app: Raw, owner: Raw, content: str) -> Raw:
    site.object(app, owner, "sheet", "Overview", public=app["published"], content=content)
    return app


def test_duplicates_by_content_and_by_name(tmp_path: Path) -> None:
    site, jane, stream, app = plain_site()
    kim = site.user("CORP\\kim")
    with_sheet(site, app, jane, "one")
    copy = with_sheet(site, site.app("Ledger", kim, id="11111111-1111-1111-1111-111111111111"), kim, "one")
    with_sheet(site, site.app("Renamed", jane, stream), jane, "two")
    with_sheet(site, site.app("Renamed(1)", jane), jane, "two")
    with_sheet(site, site.app("Budget", jane, stream), jane, "three")
    with_sheet(site, site.app("Budget", kim, stream, id="22222222-2222-2222-2222-222222222222"), kim, "four")
    with_sheet(site, site.app("Twice", jane, stream), jane, "five")
    with_sheet(site, site.app("Twice", jane, id="33333333-3333-3333-3333-333333333333"), jane, "six")
    found = assessed(site, tmp_path)
    assert [(d.kind, d.name, len(d.apps), d.saved) for d in found.duplicates] == [
        ("same name and content", "Ledger", 2, 1),
        ("same content", "Renamed", 2, 1),
        ("same name, other owner", "Budget", 2, 0),
    ]
    assert {a.id for a in found.duplicates[0].apps} == {app["id"], copy["id"]}


def test_apps_without_anything_to_see_are_no_duplicates(tmp_path: Path) -> None:
    site, jane, stream, _ = plain_site()
    site.app("Other", jane, stream)
    assert assessed(site, tmp_path).duplicates == ()


def test_an_other_script_makes_other_content(tmp_path: Path) -> None:
    site, jane, stream, app = plain_site()
    with_sheet(site, app, jane, "one")
    other = with_sheet(site, site.app("Other", jane, stream), jane, "one")
    site.objects[other["id"]][0]["contentHash"] = "another script"
    assert assessed(site, tmp_path).duplicates == ()


def test_empty_streams_are_listed(tmp_path: Path) -> None:
    site, *_ = plain_site()
    site.stream("Old stuff")
    assert assessed(site, tmp_path).empty_streams == ("Old stuff",)


# Inventory.


def test_charts_count_every_app_once(tmp_path: Path) -> None:
    bundle = big_site(tmp_path)
    found = assess(bundle, FACTS, TODAY)
    charts = found.inventory.model_dump(exclude={"counts"})
    for name, bars in charts.items():
        assert sum(b["count"] for b in bars) == len(bundle.apps), name
        for bar in bars:
            assert sum(bar["parts"]) == bar["count"]
    assert sum(found.readiness.values()) == len(bundle.apps)
    assert found.inventory.counts["personal apps"] == sum(a.stream is None for a in bundle.apps)


def test_how_often_an_app_reloads(tmp_path: Path) -> None:
    site, jane, stream, app = plain_site()
    wanted = {
        "30 0 0 0": "several times an hour",
        "0 1 0 0": "hourly",
        "0 6 0 0": "several times a day",
        "0 0 1 0": "daily",
        "0 0 0 1": "weekly",
        "0 0 0 4": "less than weekly",
    }
    apps = {}
    for increment in wanted:
        apps[increment] = site.app(f"Every {increment}", jane, stream)
        site.timed(site.task(apps[increment]), increment)
    first = site.task(apps["0 0 1 0"], "Second task", enabled=False)
    chained, off = site.app("Chained", jane, stream), site.app("Off", jane, stream)
    site.chained(site.task(chained), first)
    site.timed(site.task(off, enabled=False))
    found = assessed(site, tmp_path)
    assert {i: row(found, a).frequency for i, a in apps.items()} == wanted
    assert row(found, chained).frequency == "after another task"
    assert row(found, off).frequency == "tasks switched off"
    assert row(found, app).frequency == "no task"


def test_filters_thin_what_an_increment_says(tmp_path: Path) -> None:
    site, _, _, app = plain_site()
    task = site.task(app)
    site.timed(task, "0 1 0 0", "office", schemaFilterDescription=["* 9,10 - 1,2,3,4,5 * * * *"])
    site.timed(task, "0 0 1 0", "mondays", schemaFilterDescription=["* * - 1 2 * * *"])
    site.timed(task, "0 0 1 0", "monthly", schemaFilterDescription=["* * 1 1 * * * *"])
    site.timed(task, "odd", "odd")
    by_name = {e.name: runs_a_week(e) for e in site.write(tmp_path).schema_events}
    assert by_name["office"] == 10
    assert by_name["mondays"] == 0.5
    assert 0.2 < by_name["monthly"] < 0.25
    assert by_name["odd"] == 0


# Connections and extensions.


def test_connections_with_their_users(tmp_path: Path) -> None:
    site, jane, _, app = plain_site()
    site.connection("Files", "folder")
    site.connection("DWH", "ODBC", username="qlik")
    site.connection("Unused", "internet")
    site.script(app, "LOAD * FROM [lib://files/a.qvd] (qvd); LIB CONNECT TO 'DWH';")
    personal = site.app("Mine", jane)
    site.script(personal, "LOAD * FROM [lib://Files/b.qvd] (qvd);")
    found = assessed(site, tmp_path)
    rows = {c.name: c for c in found.connections}
    assert rows["Files"].apps == ("Ledger", "Mine")
    assert rows["Files"].streams == ("Finance",)
    assert (rows["DWH"].apps, rows["DWH"].credential) == (("Ledger",), True)
    assert (rows["Unused"].apps, rows["Unused"].credential) == ((), False)
    assert {k.type: (k.becomes, k.basis, k.apps) for k in found.connection_kinds} == {
        "folder": ("data files", "reference", 2),
        "ODBC": ("gateway", "judgement", 1),
        "internet": ("native", "judgement", 0),
    }


def test_extensions_with_their_known_users(tmp_path: Path) -> None:
    site, jane, _, app = plain_site()
    site.extension("acme-gauge")
    site.extension("acme-map")
    site.object(app, jane, "Acme-Gauge", "Gauge", public=True)
    found = assessed(site, tmp_path)
    assert [(e.name, e.apps) for e in found.extensions] == [("acme-gauge", ("Ledger",)), ("acme-map", ())]
    assert row(found, app).extensions == ("acme-gauge",)


# Schedules and permissions.


def test_each_trigger_in_words_with_what_it_becomes(tmp_path: Path) -> None:
    site, jane, stream, app = plain_site()
    other, mine = site.app("Other", jane, stream), site.app("Mine", jane)
    first = site.task(app, "First")
    site.timed(first, "0 2 0 0", incrementOption=1)
    site.chained(site.task(other, "Second"), first)
    site.timed(site.task(other, "Doubtful"), "2 0 0 0", incrementOption=0)
    site.timed(site.task(mine, "Personal"))
    site.timed(site.task(app, "Off", enabled=False))
    found = {s.task: s for s in assessed(site, tmp_path).schedules}
    assert {name: s.outcome for name, s in found.items()} == {
        "First": "migrates",
        "Second": "migrates",
        "Doubtful": "check first",
        "Personal": "by hand",
        "Off": "migrates",
    }
    assert (found["First"].words, found["First"].becomes) == (
        "every 2 hours",
        ("RRULE:FREQ=HOURLY;INTERVAL=2",),
    )
    assert found["First"].next_runs[0] == f"{TODAY.isoformat()}T01:30"
    assert found["Second"].becomes == ("after First succeeded",)
    assert found["Personal"].notes == (
        "its app goes to its owner's personal space, where only the owner makes tasks",
    )
    assert (found["Off"].enabled, found["Off"].stream, found["Personal"].stream) == (False, "Finance", "")


def test_a_task_of_an_app_that_stays_has_nothing_to_become(tmp_path: Path) -> None:
    site, _, _, app = plain_site()
    site.timed(site.task(app))
    site.files[app["id"]] = site.files[app["id"]].model_copy(update={"size": 6 * 1024**3})
    [row_] = assessed(site, tmp_path).schedules
    assert (row_.outcome, row_.becomes, row_.notes) == ("nothing to do", (), ("its app cannot move",))


def test_permissions_with_rule_roles_and_people(tmp_path: Path) -> None:
    site, jane, stream, _ = plain_site()
    kim = site.user("CORP\\kim", ("Finance",), "kim@corp.example")
    lee = site.user("CORP\\lee", ("Publishers",), "lee@corp.example")
    site.user("CORP\\gone", ("Finance",), inactive=True)
    site.rule("Publishers", '((user.group="Publishers"))', f"Stream_{stream['id']}", 34)
    site.rule("Odd", "((unreadable", f"Stream_{stream['id']}")
    site.allow(stream, kim)
    site.allow(stream, lee, actions=34)
    found = assessed(site, tmp_path)
    assert [(p.stream, p.rules, p.kind, p.assignee, p.roles, p.people) for p in found.permissions] == [
        ("Finance", ("Readers",), "group", "Finance", ("consumer",), 2),
        ("Finance", ("Publishers",), "group", "Publishers", ("consumer", "publisher"), 1),
        ("Finance", ("Odd",), "nobody", "", (), 0),
    ]
    assert found.access_differences == ()
    assert jane["id"] != kim["id"]


def test_where_roles_and_the_audit_differ(tmp_path: Path) -> None:
    site, _, stream, _ = plain_site()
    site.user("CORP\\kim", ("Finance",))
    others = [site.user(f"CORP\\reader{n:02}") for n in range(12)]
    site.allow(stream, *others)
    [found] = assessed(site, tmp_path).access_differences
    assert (found.stream, found.right, found.wider, found.narrower) == ("Finance", "read", 1, 12)
    assert found.people == found.wider_people == ("CORP\\kim",)
    assert found.narrower_people == tuple(f"CORP\\reader{n:02}" for n in range(12)), "all of them"


# People.


def test_people_who_need_a_decision(tmp_path: Path) -> None:
    site, _, stream, _ = plain_site()
    gone = site.user("CORP\\gone", email="gone@corp.example", removedExternally=True)
    site.user("CORP\\gone2", inactive=True)
    site.app("Hers", gone, stream)
    site.object(site.kinds["app"][0], gone, "sheet", "Old view", public=False)
    site.user("CORP\\silent")
    site.user("CORP\\twin", email="JANE@corp.example")
    site.user("CORP\\boss", email="boss@corp.example", roles=["RootAdmin", "Own"])
    site.user("INTERNAL\\sa_api", roles=["RootAdmin"])
    people = assessed(site, tmp_path).people
    assert (people.active, people.left, people.service_accounts) == (4, 2, 1)
    assert [(p.login, p.apps, p.objects) for p in people.left_but_owning] == [("CORP\\gone", 1, 1)]
    assert [p.login for p in people.without_email] == ["CORP\\silent"]
    assert [(p.login, p.note) for p in people.shared_email] == [
        ("CORP\\jane", "jane@corp.example"),
        ("CORP\\twin", "jane@corp.example"),
    ]
    assert [p.note for p in people.administrators] == ["Own: to be decided, RootAdmin: TenantAdmin"]


def test_nobody_is_missing_for_want_of_a_users_file(tmp_path: Path) -> None:
    """There is none yet when a site is assessed."""
    found = assess(big_site(tmp_path), FACTS, TODAY)
    assert not {"USER-UNKNOWN", "GROUP-UNKNOWN", "OWNER-LEFT", "RULE-EVERYONE"} & {
        f.code for f in found.findings
    }
    assert {f.code for f in found.findings} > {"SCHEDULE-TWO-READINGS", "OBJECTS-GIVEN-AWAY"}


def test_levels_are_in_order() -> None:
    assert [r.value for r in Readiness] == ["ready", "ready with changes", "needs work", "cannot"]
