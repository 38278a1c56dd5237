"""Each reason that holds an app up, on a site where it is the only one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from qlift.derivation.assessment.model import Readiness
from qlift.derivation.assessment.reasons import REASONS
from tests.derivation.assessed import GIB, assessed, codes, plain_site, row
from tests.derivation.site import Raw, SiteBuilder

ROOT = Path(__file__).parents[2]
Change = Callable[[SiteBuilder, Raw, Raw], None]
"""Takes the site, Jane and her app."""


def file_missing(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    site.app("Another", jane)
    del site.files[app["id"]]


def file_stale(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    site.files[app["id"]] = site.files[app["id"]].model_copy(update={"stale": True})


def of_size(size: int) -> Change:
    def change(site: SiteBuilder, jane: Raw, app: Raw) -> None:
        site.files[app["id"]] = site.files[app["id"]].model_copy(update={"size": size})

    return change


def memory(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    app["staticByteSize"] = 6 * GIB


def reads(type_: str) -> Change:
    def change(site: SiteBuilder, jane: Raw, app: Raw) -> None:
        site.connection("Source", type_)
        site.script(app, "LIB CONNECT TO 'Source';\r\nSQL SELECT 1;")

    return change


def reads_nothing_there(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    site.script(app, "LOAD * FROM [lib://Gone/x.csv];")


def secret(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    site.script(app, "ODBC CONNECT TO [DSN=x;PWD=hunter2];")


def extension(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    site.extension("acme-gauge")
    site.object(app, jane, "acme-gauge", "Gauge", public=True)


def monitoring(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    stream = site.stream("Monitoring apps")
    app["stream"] = {"id": stream["id"], "name": stream["name"]}


def name_twice(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    site.app("ledger ", jane, site.kinds["stream"][0])


def owner_left(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    jane["inactive"] = True


def private_not_exported(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    site.scope = "approved"
    site.object(app, jane, "sheet", "Mine", public=False)


def too_long(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    last = {"status": 7, "duration": 181 * 60_000}
    site.timed(site.task(app, operational={"lastExecutionResult": last}))


def no_script(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    del site.scripts[app["id"]]


def section_access(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    site.script(app, "SECTION ACCESS;\r\nLOAD * INLINE [ACCESS, USERID\r\nUSER, CORP\\JANE];")


def tagged(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    app["tags"] = [{"id": "t", "name": "App - 20 Migration Remediation Needed"}]


def eleven_tasks(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    for number in range(11):
        start = f"2026-01-05T{number:02}:{number * 5:02}:00.000"
        site.timed(site.task(app, f"Task {number}"), startDate=start)


def odd_trigger(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    site.timed(site.task(app), schemaFilterDescription=["* * - * * * *"])


def two_readings(site: SiteBuilder, jane: Raw, app: Raw) -> None:
    site.timed(site.task(app), "2 0 0 0", incrementOption=0)


def script(text: str) -> Change:
    def change(site: SiteBuilder, jane: Raw, app: Raw) -> None:
        site.script(app, text)

    return change


CASES: dict[str, tuple[Change, Readiness]] = {
    "APP-FILE-MISSING": (file_missing, Readiness.WORK),
    "APP-FILE-STALE": (file_stale, Readiness.CHANGES),
    "APP-LARGE": (of_size(2 * GIB), Readiness.CHANGES),
    "APP-TOO-LARGE": (of_size(6 * GIB), Readiness.CANNOT),
    "CONNECTION-COMPUTED": (script("LOAD * FROM [lib://$(vWhere)/x.csv];"), Readiness.WORK),
    "CONNECTION-FILES": (reads("folder"), Readiness.CHANGES),
    "CONNECTION-GATEWAY": (reads("ODBC"), Readiness.CHANGES),
    "CONNECTION-NATIVE": (reads("QvRestConnector.exe"), Readiness.CHANGES),
    "CONNECTION-REVIEW": (reads("AcmeConnector.exe"), Readiness.WORK),
    "CONNECTION-UNKNOWN": (reads_nothing_there, Readiness.WORK),
    "CREDENTIAL-IN-SCRIPT": (secret, Readiness.WORK),
    "EXTENSION-NEEDED": (extension, Readiness.CHANGES),
    "FILE-PATHS": (script(r"LOAD * FROM [C:\data\x.csv] (txt);"), Readiness.WORK),
    "MONITORING-APP": (monitoring, Readiness.CANNOT),
    "NAME-TWICE": (name_twice, Readiness.CHANGES),
    "OWNER-LEFT": (owner_left, Readiness.CHANGES),
    "PRIVATE-CONTENT-NOT-EXPORTED": (private_not_exported, Readiness.WORK),
    "RELOAD-TOO-LONG": (too_long, Readiness.WORK),
    "SCRIPT-INCLUDES": (script("$(Must_Include=lib://Scripts/all.qvs);"), Readiness.WORK),
    "SCRIPT-UNKNOWN": (no_script, Readiness.CHANGES),
    "SECTION-ACCESS": (section_access, Readiness.WORK),
    "TAGGED-REMEDIATION": (tagged, Readiness.WORK),
    "TOO-MANY-TASKS": (eleven_tasks, Readiness.WORK),
    "TRIGGER-BY-HAND": (odd_trigger, Readiness.CHANGES),
    "TRIGGER-IN-DOUBT": (two_readings, Readiness.CHANGES),
}


def test_an_app_without_any_reason_is_ready(tmp_path: Path) -> None:
    site, _, _, app = plain_site()
    found = assessed(site, tmp_path)
    assert row(found, app).reasons == ()
    assert row(found, app).readiness is Readiness.READY
    assert found.readiness == {
        Readiness.READY: 1,
        Readiness.CHANGES: 0,
        Readiness.WORK: 0,
        Readiness.CANNOT: 0,
    }


@pytest.mark.parametrize("code", CASES)
def test_each_reason(code: str, tmp_path: Path) -> None:
    change, readiness = CASES[code]
    site, jane, _, app = plain_site()
    site.connection("Scripts", "internet")
    change(site, jane, app)
    found = assessed(site, tmp_path)
    besides = {"CONNECTION-NATIVE"} if code == "SCRIPT-INCLUDES" else set()
    assert [c for c in codes(found, app) if c not in besides] == [code]
    assert row(found, app).readiness is readiness
    [counted] = [r for r in found.reasons if r.code == code]
    assert counted.readiness is readiness
    assert counted.count == sum(code in {r.code for r in a.reasons} for a in found.apps)


def test_every_reason_has_a_case_a_title_and_a_line_in_the_document() -> None:
    text = (ROOT / "docs" / "assessment.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([A-Z-]+)` \| ([a-z ]+) \|", text, re.M))
    assert listed == {code: readiness.value for code, (_, readiness) in CASES.items()}
    assert {code: known.readiness for code, known in REASONS.items()} == {c: r for c, (_, r) in CASES.items()}


def test_the_worst_reason_decides_and_stands_first(tmp_path: Path) -> None:
    site, jane, _, app = plain_site()
    reads("folder")(site, jane, app)
    jane["inactive"] = True
    tagged(site, jane, app)
    found = assessed(site, tmp_path)
    assert codes(found, app) == ["TAGGED-REMEDIATION", "CONNECTION-FILES", "OWNER-LEFT"]
    assert row(found, app).readiness is Readiness.WORK


def test_size_in_memory_counts_before_the_file(tmp_path: Path) -> None:
    site, jane, _, app = plain_site()
    memory(site, jane, app)
    found = assessed(site, tmp_path)
    assert codes(found, app) == ["APP-TOO-LARGE"]
    assert "6.0 GiB in memory" in row(found, app).reasons[0].message
    assert codes(assessed(site, tmp_path / "again", app_quota=10 * GIB), app) == []


def test_what_cannot_move_is_in_no_phase(tmp_path: Path) -> None:
    site, jane, stream, app = plain_site()
    of_size(6 * GIB)(site, jane, app)
    other = site.app("Small", jane, stream)
    found = assessed(site, tmp_path)
    assert row(found, app).phase == ""
    assert row(found, other).phase == "finance"
    assert [p.apps for p in found.phases] == [1]
    assert found.effort.imports == 1


def test_a_trigger_that_ran_once_asks_for_nothing(tmp_path: Path) -> None:
    site, _, _, app = plain_site()
    site.timed(site.task(app), "0 0 0 0", incrementOption=0)
    found = assessed(site, tmp_path)
    assert [(s.outcome, s.becomes) for s in found.schedules] == [("nothing to do", ())]
    assert codes(found, app) == []


def test_a_bundle_without_app_files_does_not_blame_each_app(tmp_path: Path) -> None:
    site, _, _, app = plain_site()
    site.files.clear()
    app["fileSize"] = 4096
    found = assessed(site, tmp_path)
    assert codes(found, app) == []
    assert row(found, app).size == 4096
    assert "App files" in [u.what for u in found.unknown]
