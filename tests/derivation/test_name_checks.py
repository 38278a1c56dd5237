"""Names that a tenant refuses or people confuse, and the tags of the older migration kit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qlift.derivation.desired import Desired, Finding
from qlift.derivation.people import GroupRow
from tests.derivation.site import SiteBuilder, codes, derived, guid, small_site


def told(desired: Desired, code: str) -> list[Finding]:
    return [f for f in desired.findings if f.code == code]


def derived_from(tmp_path: Path, site: SiteBuilder, **changes: Any) -> Desired:
    return derived(tmp_path, site.write(tmp_path / "b"), **changes)


@pytest.mark.parametrize("character", list('"*?<>/|\\:'))
def test_characters_that_a_space_refuses(tmp_path: Path, character: str) -> None:
    site, jane, _, _ = small_site()
    stream = site.stream(f"Fin{character}ance", jane)
    space = {"X": {"from": {"stream": stream["id"]}, "type": "shared", "name": stream["name"]}}
    [finding] = told(derived_from(tmp_path, site, spaces=space), "SPACE-NAME")
    assert character in finding.message and finding.severity == "error"


@pytest.mark.parametrize(
    ("name", "type_", "problems"),
    [
        ("x" * 256, "shared", 0),
        ("x" * 257, "shared", 1),
        # With its staging space: its name and ` Staging`.
        ("x" * 249, "managed", 1),
        (" ", "shared", 1),
    ],
)
def test_the_length_of_a_spaces_name(tmp_path: Path, name: str, type_: str, problems: int) -> None:
    site, *_ = small_site()
    space = {"X": {"from": {"stream": "Finance"}, "type": type_, "name": name}}
    assert len(told(derived_from(tmp_path, site, spaces=space), "SPACE-NAME")) == problems


def test_spaces_that_differ_in_capitals_only(tmp_path: Path) -> None:
    site, *_ = small_site()
    spaces = {"A": {"type": "shared", "name": "Sales"}, "B": {"type": "shared", "name": "SALES"}}
    [finding] = told(derived_from(tmp_path, site, spaces=spaces), "SPACE-NAME-TWICE")
    assert finding.severity == "error" and "not documented" in finding.message
    spaces["B"]["name"] = "Sales"
    [finding] = told(derived_from(tmp_path, site, spaces=spaces), "SPACE-NAME-TWICE")
    assert "documented" not in finding.message


def test_streams_that_differ_in_capitals_only(tmp_path: Path) -> None:
    site, jane, *_ = small_site()
    site.stream("FINANCE", jane)
    site.stream("Hr", jane)
    site.stream("HR", jane)
    [finding] = told(derived_from(tmp_path, site), "STREAMS-ALIKE")
    assert finding.object == "FINANCE / Finance", "the others are not of this phase"
    desired = derived_from(
        tmp_path, site, select={"streams": "all"}, spaces={}, spaces_rule={"type": "shared"}
    )
    assert len(told(desired, "STREAMS-ALIKE")) == 2
    assert "SPACE-NAME-TWICE" in codes(desired, "error")


def test_apps_of_one_name_in_one_space(tmp_path: Path) -> None:
    site, jane, stream, app = small_site()
    other = site.stream("Other", jane)
    site.app("Ledger", jane, stream, id=guid("second"))
    site.app("Ledger", jane, other, id=guid("third"))
    desired = derived_from(tmp_path, site)
    [finding] = told(desired, "APP-NAME-TWICE")
    assert finding.severity == "info" and "2 apps of this name go to Finance" in finding.message
    assert app["id"] in finding.message and guid("third") not in finding.message
    assert not desired.errors


def test_an_app_without_a_name(tmp_path: Path) -> None:
    site, jane, stream, _ = small_site()
    nameless = site.app(" ", jane, stream)
    [finding] = told(derived_from(tmp_path, site), "APP-NAME")
    assert finding.object == nameless["id"] and finding.severity == "warning"


@pytest.mark.parametrize(("length", "refused"), [(256, False), (257, True)])
def test_the_length_of_a_groups_name(tmp_path: Path, length: int, refused: bool) -> None:
    site, jane, stream, _ = small_site()
    site.rule("Readers", '((user.group="BI Readers"))', f"Stream_{stream['id']}")
    site.allow(stream, jane)
    row = GroupRow(site="prod", group="BI Readers", name="g" * length, status="matched")
    assert bool(told(derived_from(tmp_path, site, group_rows=(row,)), "GROUP-NAME")) is refused


def tagged(*tags: str) -> SiteBuilder:
    site, jane, stream, _ = small_site()
    site.app("Tagged", jane, stream, tags=[{"id": guid("tag", t), "name": t} for t in tags])
    return site


@pytest.mark.parametrize(
    ("tag", "severity"),
    [
        ("App - 05 URL Link to Qlik Sense Windows", "warning"),
        ("App - 05 Migrated via Multi-Cloud", "warning"),
        ("App - 10 Selected for Migration Review", "info"),
        ("App - 20 Migration Remediation Needed", "warning"),
        ("App - 30 Ready to Migrate", None),
        ("App - 40 Migration Complete", "warning"),
        ("app - 99 Wird nicht migriert", "warning"),
        ("App - 300 Fans", None),
        ("Finance", None),
    ],
)
def test_a_migration_tag_that_says_something_else(tmp_path: Path, tag: str, severity: str | None) -> None:
    findings = told(derived_from(tmp_path, tagged(tag, "Other")), "MIGRATION-TAG")
    assert [f.severity for f in findings] == ([severity] if severity else [])
    assert all(tag in f.message and f.object == "Tagged" for f in findings)


@pytest.mark.parametrize(
    "tags",
    [
        ("App - 30 Ready to Migrate", "App - 99 Will Not Migrate"),
        ("App - 05 Migrated via Multi-Cloud", "App - 05 URL Link to Qlik Sense Windows"),
    ],
)
def test_several_migration_tags_are_an_error(tmp_path: Path, tags: tuple[str, ...]) -> None:
    desired = derived_from(tmp_path, tagged(*tags))
    [finding] = told(desired, "MIGRATION-TAGS")
    assert finding.severity == "error" and all(t in finding.message for t in tags)
    assert not told(desired, "MIGRATION-TAG")
