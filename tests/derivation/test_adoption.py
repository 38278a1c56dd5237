"""What a plan adopts, and `adopted.yaml`: strict, sorted, by target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlift.derivation import derive
from qlift.derivation.desired import Desired
from qlift.derivation.former import (
    NEW,
    Adopted,
    AdoptedFile,
    FormerApp,
    FormerAssignment,
    FormerOwner,
    FormerSchedule,
    FormerSpace,
    load_adopted,
)
from qlift.derivation.people import People
from qlift.derivation.plan_file import PlanError, load_plan
from tests.derivation.site import PLAN, TODAY, small_site
from tests.derivation.test_plan_file import GOOD, problems

JANE = FormerOwner(id="u1", subject="CORP\\jane")
SPACE = FormerSpace(id="s1", name="Finance", description="Old", owner=JANE)


def desired(folder: Path, adopt: Any, adopted: Adopted | None, type_: str = "shared") -> Desired:
    site, jane, stream, _ = small_site()
    site.timed(site.task(site.app("Budget", jane, stream)))
    site.allow(stream, jane)
    bundle = site.write(folder / "b")
    plan_file = folder / "plan.yaml"
    plan_file.write_text(PLAN.replace("managed", type_) + f"adopt: {adopt}\n", encoding="utf-8")
    plan = load_plan(plan_file)
    return derive([bundle], plan, People(plan), [], TODAY, adopted)


def of(found: Desired, code: str) -> list[str]:
    return sorted(f.object for f in found.findings if f.code == code)


def test_a_kind_or_objects_by_key_name_or_source_id(tmp_path: Path) -> None:
    found = desired(tmp_path, "{spaces: true, apps: [Ledger]}", None)
    assert [s.adopt for s in found.spaces] == [True]
    assert {a.name: a.adopt for a in found.apps} == {"Budget": False, "Ledger": True}
    app = next(a for a in found.apps if a.name == "Budget")
    for name in (app.key, app.source.id):
        again = desired(tmp_path, f"{{apps: ['{name}']}}", None)
        assert {a.name: a.adopt for a in again.apps} == {"Budget": True, "Ledger": False}


def test_a_space_may_say_it_itself(tmp_path: Path) -> None:
    site, *_ = small_site()
    bundle = site.write(tmp_path / "b")
    file = tmp_path / "plan.yaml"
    file.write_text(PLAN.replace("type: managed", "type: managed, adopt: true"), encoding="utf-8")
    plan = load_plan(file)
    found = derive([bundle], plan, People(plan), [], TODAY, Adopted())
    assert {s.key: s.adopt for s in found.spaces} == {"finance": True, "finance-staging": False}
    assert of(found, "ADOPTED-MISSING") == ["finance"]


def test_everything_that_is_adopted_has_to_stand_in_the_file(tmp_path: Path) -> None:
    everything = "{spaces: true, apps: true, assignments: true, schedules: true}"
    found = desired(tmp_path, everything, Adopted(spaces={"finance": NEW}))
    missing = of(found, "ADOPTED-MISSING")
    assert "finance" not in missing and "finance.self" in missing
    assert len(missing) == len(found.apps) + len(found.assignments) + len(found.schedules)
    assert all("qlift adopt" in f.remedy for f in found.errors if f.code == "ADOPTED-MISSING")
    # Without a target (`qlift phase show` without --target) there is nothing to compare with.
    assert not desired(tmp_path, everything, None).errors


def test_an_adopted_space_adopts_the_roles_in_it_and_its_owner(tmp_path: Path) -> None:
    found = desired(tmp_path, "{spaces: true}", Adopted(spaces={"finance": SPACE}))
    assert all(a.adopt for a in found.assignments)
    assert of(found, "ADOPTED-MISSING") == sorted(a.key for a in found.assignments)
    roles = FormerAssignment(id="s1/u1", roles=("facilitator",))
    stands: dict[str, Any] = {a.key: NEW for a in found.assignments} | {"finance.self": roles}
    found = desired(tmp_path, "{spaces: true}", Adopted(spaces={"finance": SPACE}, assignments=stands))
    assert {a.key: a.former for a in found.assignments if a.former} == {"finance.self": roles}
    assert [s.former for s in found.spaces] == [SPACE]


def test_an_adopted_apps_owner_is_remembered_and_its_content_is_spoken_of(tmp_path: Path) -> None:
    key = next(a.key for a in desired(tmp_path, "{}", None).apps if a.name == "Ledger")
    former = FormerApp(id="a1", name="Ledger", description="", space_id="s1", owner=JANE)
    found = desired(tmp_path, "{apps: [Ledger]}", Adopted(apps={key: former}))
    assert {o.app: o.former for o in found.app_owners if o.former} == {key: JANE}
    assert of(found, "ADOPTED-CONTENT") == ["1 apps"]


@pytest.mark.parametrize(
    ("adopt", "type_", "why"),
    [
        ("{apps: [Ledger]}", "managed", "it is published"),
        ("{apps: [Notes]}", "shared", "in a personal space"),
    ],
)
def test_apps_that_cannot_be_adopted(tmp_path: Path, adopt: str, type_: str, why: str) -> None:
    site, jane, *_ = small_site()
    site.app("Notes", jane)
    bundle = site.write(tmp_path / "b")
    file = tmp_path / "plan.yaml"
    text = (
        PLAN.replace("managed", type_) + f"select: {{streams: [Finance], personal: true}}\nadopt: {adopt}\n"
    )
    file.write_text(text, encoding="utf-8")
    plan = load_plan(file)
    found = derive([bundle], plan, People(plan), [], TODAY, Adopted())
    [error] = [f for f in found.errors if f.code == "ADOPT-REFUSED"]
    assert why in error.message
    # Asked for as a kind, those that can be are meant.
    file.write_text(text.replace("[Ledger]", "true").replace("[Notes]", "true"), encoding="utf-8")
    plan = load_plan(file)
    found = derive([bundle], plan, People(plan), [], TODAY, Adopted())
    assert not of(found, "ADOPT-REFUSED") and not any(a.adopt for a in found.apps if a.name == "Notes")


def test_unknown_words_and_leftovers_are_told(tmp_path: Path) -> None:
    stale = Adopted(spaces={"finance": SPACE, "hr": SPACE})
    found = desired(tmp_path, "{spaces: [Finance], apps: [Nothing]}", stale)
    assert of(found, "ADOPT-UNKNOWN") == ["Nothing"]
    assert of(found, "ADOPTED-UNUSED") == ["hr"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("adopt: true", "name the kinds, such as `adopt: {spaces: true}`"),
        ("adopt: {publications: true}", "publications cannot be adopted"),
        ("adopt: {spces: true}", "unknown key `adopt.spces`; did you mean `spaces`?"),
        ("uses: [a]\nspaces: {A: {type: shared, of: a, adopt: true}}", "`adopt` is for the phase that makes"),
    ],
)
def test_what_a_plan_cannot_say(tmp_path: Path, line: str, words: str) -> None:
    (problem,) = problems(tmp_path, GOOD + line + "\n")
    assert words in problem


# The file.

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=20)
WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789.-", min_size=1, max_size=12)
OWNERS = st.builds(FormerOwner, id=WORD, subject=TEXT)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=3),
    max_leaves=6,
)
ADOPTED = st.builds(
    Adopted,
    spaces=st.dictionaries(
        WORD,
        st.just(NEW) | st.builds(FormerSpace, id=WORD, name=TEXT, description=TEXT, owner=OWNERS),
        max_size=3,
    ),
    assignments=st.dictionaries(
        WORD,
        st.just(NEW) | st.builds(FormerAssignment, id=WORD, roles=st.lists(WORD).map(tuple)),
        max_size=3,
    ),
    apps=st.dictionaries(
        WORD,
        st.builds(FormerApp, id=WORD, name=TEXT, description=TEXT, space_id=WORD, owner=OWNERS),
        max_size=3,
    ),
    schedules=st.dictionaries(
        WORD,
        st.builds(FormerSchedule, id=WORD, name=TEXT, definition=st.dictionaries(WORD, JSON, max_size=3)),
        max_size=3,
    ),
)


@given(content=st.dictionaries(WORD, ADOPTED, max_size=2))
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back_and_written_the_same(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, Adopted]
) -> None:
    path = tmp_path_factory.mktemp("file") / "adopted.yaml"
    file = AdoptedFile(content)
    path.write_text(file.text, encoding="utf-8")
    read = load_adopted(path)
    assert read == file
    turned = {k: read.root[k] for k in reversed(list(read.root))}
    assert AdoptedFile(turned).text == file.text


def test_each_target_has_its_own(tmp_path: Path) -> None:
    dev, prod = Adopted(spaces={"finance": NEW}), Adopted(spaces={"finance": SPACE})
    file = AdoptedFile({}).replaced("prod", prod).replaced("dev", dev)
    path = tmp_path / "adopted.yaml"
    path.write_text(file.text, encoding="utf-8")
    read = load_adopted(path)
    assert (read.of("prod"), read.of("dev"), read.of("other")) == (prod, dev, Adopted())
    assert file.text.index("dev:") < file.text.index("prod:")
    assert load_adopted(tmp_path / "none.yaml") == AdoptedFile({})


def test_every_problem_of_the_file_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "adopted.yaml"
    path.write_text(
        "prod:\n"
        "  spaces:\n"
        "    finance: {id: s1, name: Finance, owner: {id: u, subject: x}}\n"
        "    hr: old\n"
        "  spces: {}\n"
        "  apps:\n"
        "    a: new\n"
        "    a: new\n",
        encoding="utf-8",
    )
    with pytest.raises(PlanError) as caught:
        load_adopted(path)
    found = [p.removeprefix(str(path)) for p in caught.value.problems]
    assert [p.partition(": ")[0] for p in found] == [":8", ":3", ":4", ":5"]
    assert all("restore it from git" in p or "keep one" in p for p in found)
