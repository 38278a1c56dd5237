"""Jobs of the plan: which object is in which, and every mistake told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlift.bundle import Bundle
from qlift.derivation.desired import Desired
from qlift.derivation.jobs import KIND_STEPS
from qlift.derivation.plan import STEPS
from tests.derivation.site import SiteBuilder, codes, derived, guid, property_value
from tests.derivation.test_plan_file import GOOD, problems

STANDARD: list[dict[str, Any]] = [{"name": s, "steps": [s]} for s in STEPS]
OF_APPS = ["apps", "publications", "owners", "schedules"]


def site_of_regions() -> SiteBuilder:
    """Streams EMEA (with its tag) and APAC, apps of both, a personal app, a chain across them."""
    site = SiteBuilder()
    jane, lee = site.user("CORP\\jane"), site.user("CORP\\lee")
    emea, apac = site.stream("EMEA", jane, Region="EMEA"), site.stream("APAC", lee, Region="APAC")
    emea["tags"] = [{"id": guid("tag", "West"), "name": "West"}]
    made = {}
    for name, owner, stream, region in (
        ("Sales EMEA", jane, emea, "EMEA"),
        ("Stock EMEA", lee, emea, "EMEA"),
        ("Sales APAC", lee, apac, "APAC"),
        ("[x] Draft", lee, None, None),
    ):
        values = [property_value("Region", region)] if region else []
        made[name] = site.app(name, owner, stream, customProperties=values)
    first, second = site.task(made["Sales EMEA"], "West"), site.task(made["Sales APAC"], "East")
    site.timed(first)
    site.chained(second, first)
    for stream in (emea, apac):
        site.allow(stream, jane, lee, actions=2)
        site.rule(f"Read {stream['name']}", '((user.userDirectory="CORP"))', f"Stream_{stream['id']}")
    return site


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return site_of_regions().write(tmp_path_factory.mktemp("bundle"))


SPACES = {
    "EMEA": {"from": {"stream": "EMEA"}, "type": "managed", "staging": "Staging", "owner": "CORP\\jane"},
    "APAC": {"from": {"stream": "APAC"}, "type": "managed", "staging": "Staging"},
}


def with_jobs(folder: Path, bundle: Bundle, jobs: Any, **changes: Any) -> Desired:
    return derived(
        folder, bundle, **{"spaces": SPACES, "select": {"personal": True}, "jobs": jobs, **changes}
    )


def names(desired: Desired, kind: str, job: str) -> set[str]:
    return {str(o.name) for o in getattr(desired, kind) if o.job == job}


def told(desired: Desired, code: str) -> list[tuple[str, str]]:
    return [(f.object, f.message) for f in desired.findings if f.code == code]


def test_the_standard_jobs_written_out_are_the_standard_jobs(tmp_path: Path, bundle: Bundle) -> None:
    standard = with_jobs(tmp_path, bundle, "standard")
    assert not standard.errors
    assert standard == with_jobs(tmp_path, bundle, STANDARD)
    assert [j.key for j in standard.jobs] == list(STEPS)
    own = {a.job for a in standard.assignments if a.assignee.type == "self"}
    assert own == {"spaces"}, "the tool's roles come with the space"
    assert all(o.job in STEPS for kind in KIND_STEPS for o in getattr(standard, kind))
    assert all(getattr(standard, kind) for kind in KIND_STEPS), "every kind is in the example"


def test_several_jobs_of_one_kind_and_the_rest(tmp_path: Path, bundle: Bundle) -> None:
    jobs = [
        {"name": "apps of EMEA", "steps": OF_APPS, "select": {"custom_properties": {"Region": "EMEA"}}},
        {"name": "apps of APAC", "steps": OF_APPS, "select": {"streams": ["APAC"]}},
        *STANDARD,
    ]
    desired = with_jobs(tmp_path, bundle, jobs)
    assert not desired.errors
    emea, apac = {"Sales EMEA", "Stock EMEA"}, {"Sales APAC"}
    for kind in ("apps", "publications"):
        assert names(desired, kind, "apps-of-emea") == emea
        assert names(desired, kind, "apps-of-apac") == apac
    assert names(desired, "apps", "apps") == {"[x] Draft"}
    assert {o.job for o in desired.space_owners} == {"apps-of-emea"}, "its stream has the property"
    assert {s.job for s in desired.schedules} == {"apps-of-emea", "apps-of-apac"}
    assert {s.job for s in desired.spaces} == {"spaces"}
    without = {"jobs": (), "findings": ()} | dict.fromkeys(KIND_STEPS, ())
    standard = with_jobs(tmp_path, bundle, "standard")
    assert standard.model_copy(update=without) == desired.model_copy(update=without)
    for kind in KIND_STEPS:
        pairs = zip(getattr(standard, kind), getattr(desired, kind), strict=True)
        assert all(a.model_copy(update={"job": b.job}) == b for a, b in pairs), "jobs change nothing else"


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ({"tags": ["West"]}, set()),
        ({"owners": ["corp\\JANE"]}, {"Sales EMEA"}),
        ({"names": ["Sales *"]}, {"Sales EMEA", "Sales APAC"}),
        ({"names": ["Sales ?MEA", "[x] Draft"]}, {"Sales EMEA", "[x] Draft"}),
        ({"names": ["Sales *"], "owners": ["CORP\\lee"]}, {"Sales APAC"}),
        ({"ids": [guid("prod", "app", "Stock EMEA")]}, {"Stock EMEA"}),
        ({"streams": [guid("prod", "stream", "EMEA")]}, {"Sales EMEA", "Stock EMEA"}),
    ],
)
def test_selections(tmp_path: Path, bundle: Bundle, select: Any, expected: set[str]) -> None:
    jobs = [{"name": "mine", "steps": [*STEPS], "select": select}, *STANDARD]
    desired = with_jobs(tmp_path, bundle, jobs)
    assert not desired.errors
    assert names(desired, "apps", "mine") == expected


def test_a_space_goes_by_its_stream_and_takes_its_staging_space_along(tmp_path: Path, bundle: Bundle) -> None:
    jobs = [
        {"name": "west", "steps": ["spaces", "permissions"], "select": {"tags": ["West"]}},
        {"name": "east", "steps": ["spaces"], "select": {"streams": ["APAC"]}},
        *STANDARD,
    ]
    desired = with_jobs(tmp_path, bundle, jobs)
    assert not desired.errors, "the staging space of both is no overlap"
    assert names(desired, "spaces", "west") == {"EMEA", "Staging"}, "it serves APAC too"
    assert {a.space for a in desired.assignments if a.job == "west"} == {"emea", "staging"}


def test_every_mistake_at_once(tmp_path: Path, bundle: Bundle) -> None:
    jobs = [
        {"name": "spaces", "steps": ["spaces", "permissions"]},
        {"name": "sales", "steps": ["apps", "publications"], "select": {"names": ["Sales *"]}},
        {"name": "west", "steps": ["apps"], "select": {"streams": ["EMEA"]}},
        {"name": "typo", "steps": ["apps"], "select": {
            "streams": ["EMAE"], "custom_properties": {"Regio": "x"},
        }},
        {"name": "none", "steps": ["apps"], "select": {"streams": ["APAC"], "owners": ["CORP\\jane"]}},
    ]  # fmt: skip
    desired = with_jobs(tmp_path, bundle, jobs)
    lines = (tmp_path / "plan.yaml").read_text(encoding="utf-8").splitlines()
    at = lines.index("- name: west") + 1
    assert told(desired, "JOBS-OVERLAP") == [
        ("sales, west", f"jobs.2 (plan.yaml:{at}): both take the apps of Sales EMEA")
    ]
    assert [o for o, _ in told(desired, "JOB-SELECTS-UNKNOWN")] == ["EMAE", "Regio: x"]
    assert [f.remedy for f in desired.findings if f.object == "EMAE"] == ["did you mean EMEA?"]
    assert [o for o, _ in told(desired, "JOB-EMPTY")] == ["none"]
    assert dict(told(desired, "JOB-MISSING")) == {
        "apps": "no job takes the apps of [x] Draft; what needs them is left out too",
        "publications": "no job takes the publications of Stock EMEA; what needs them is left out too",
    }
    assert [o for o, _ in told(desired, "STEP-LEFT-OUT")] == ["owners", "schedules"]
    assert desired.app_owners == () and desired.schedules == ()


def test_a_step_without_its_prerequisite(tmp_path: Path, bundle: Bundle) -> None:
    jobs = [{"name": "rest", "steps": ["spaces", "publications", "schedules"]}]
    desired = with_jobs(tmp_path, bundle, jobs)
    found = told(desired, "STEP-WITHOUT-PREREQUISITE")
    assert len(found) == 1 and "publications of" in found[0][1] and "the step apps" in found[0][1]
    assert desired.publications == () and desired.schedules == (), "what a waiver lets through is whole"
    jobs = [{"name": "rest", "steps": [s for s in STEPS if s != "spaces"]}]
    desired = with_jobs(tmp_path, bundle, jobs)
    assert {"of" in f.remedy for f in desired.findings if f.code == "STEP-WITHOUT-PREREQUISITE"} == {True}
    assert {a.name for a in desired.apps} == {"[x] Draft"}, "personal apps need no space"


def test_spaces_of_another_phase_are_there(tmp_path: Path, bundle: Bundle) -> None:
    spaces = {
        "EMEA": {"from": {"stream": "EMEA"}, "type": "shared", "of": "base"},
        "APAC": {"from": {"stream": "APAC"}, "type": "shared", "of": "base"},
    }
    jobs = [{"name": "rest", "steps": ["apps", "owners", "schedules"]}]
    desired = with_jobs(tmp_path, bundle, jobs, spaces=spaces, uses=["base"])
    assert not desired.errors and "STEP-LEFT-OUT" not in codes(desired)
    assert len(desired.apps) == 4


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ("standrad", "jobs: Input should be 'standard', not 'standrad'; did you mean standard?"),
        ("[]", "jobs: "),
        ("[{name: a, steps: [aps]}]", "did you mean apps?"),
        ("[{name: a, steps: [apps, apps]}]", "the step apps stands twice"),
        ("[{name: a, steps: [apps], selct: {}}]", "unknown key `jobs.0.selct`; did you mean `select`?"),
        ("[{name: a, steps: [apps], select: {tag: [x]}}]", "did you mean `tags`?"),
        ("[{name: a, steps: [apps], select: {}}]", "selects nothing"),
        ("[{name: a, steps: [apps], select: }]", "selects nothing"),
        ("[{name: a, steps: [apps], select: {tags: []}}]", "jobs.0.select.tags: "),
        ("[{name: a, steps: [apps]}, {name: a, steps: [spaces]}]", "two jobs are called a"),
        ("[{name: Q 1, steps: [apps]}, {name: q-1, steps: [spaces]}]", "both have the logical name q-1"),
        ("[{name: a, steps: [apps]}, {name: b, steps: [apps]}]", "what no other job takes of the step apps"),
    ],
)
def test_mistakes_in_the_file(tmp_path: Path, jobs: str, expected: str) -> None:
    found = problems(tmp_path, GOOD + f"jobs: {jobs}\n")
    assert len(found) == 1 and found[0].startswith(":5: ") and expected in found[0], found


SELECTIONS = st.fixed_dictionaries(
    {},
    optional={
        "streams": st.lists(st.sampled_from(["EMEA", "APAC", "none"]), min_size=1, unique=True),
        "tags": st.just(["West"]),
        "owners": st.lists(st.sampled_from(["CORP\\jane", "CORP\\lee"]), min_size=1, unique=True),
        "names": st.lists(st.sampled_from(["S*", "*EMEA", "A*", "*"]), min_size=1, unique=True),
    },
).filter(bool)
JOBS = st.lists(
    st.tuples(st.lists(st.sampled_from(STEPS), min_size=1, unique=True), st.none() | SELECTIONS),
    min_size=1,
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(JOBS)
def test_whatever_the_jobs_nothing_is_torn_or_lost_in_silence(
    tmp_path_factory: pytest.TempPathFactory, bundle: Bundle, jobs: list[tuple[list[str], Any]]
) -> None:
    seen: set[str] = set()
    written = []
    for number, (steps, select) in enumerate(jobs):
        steps = [s for s in steps if select or s not in seen]
        seen |= set() if select else set(steps)
        if steps:
            written.append({"name": f"j{number}", "steps": steps, **({"select": select} if select else {})})
    folder = tmp_path_factory.mktemp("jobs")
    standard = with_jobs(folder, bundle, "standard")
    desired = with_jobs(folder, bundle, written)
    keys = {j.key: set(j.steps) for j in desired.jobs}
    made = {s.key for s in desired.spaces}
    apps = {a.key for a in desired.apps}
    publications = {p.key for p in desired.publications}
    assert all(a.space is None or a.space in made for a in desired.apps)
    assert {a.space for a in desired.assignments} <= made
    assert {o.space for o in desired.space_owners} <= made
    assert all(p.app in apps and p.space in made for p in desired.publications)
    assert all(o.app in apps for o in desired.app_owners)
    assert all(o.publication in publications for o in desired.publication_owners)
    schedules = {s.key for s in desired.schedules}
    for task in desired.schedules:
        assert (task.app or task.publication) in apps | publications and task.after in {None, *schedules}
    lost = sum(len(getattr(standard, k)) - len(getattr(desired, k)) for k in KIND_STEPS)
    said = {f.code for f in desired.findings} & {"JOB-MISSING", "STEP-LEFT-OUT", "STEP-WITHOUT-PREREQUISITE"}
    assert bool(lost) == bool(said)
    for kind, step in KIND_STEPS.items():
        for found in getattr(desired, kind):
            own = kind == "assignments" and found.assignee.type == "self"
            assert ("spaces" if own else step) in keys[found.job]
