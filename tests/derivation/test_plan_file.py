"""plan.yaml: strict, every problem at once, each with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from qlift.derivation.plan_file import PlanError, load_plan

GOOD = """\
version: 1
phase: finance
sources:
  - {site: prod, bundle: exports/prod}
"""


def problems(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "plan.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        load_plan(file, Path("stacks/finance/plan.yaml"))
    found = str(caught.value).splitlines()
    assert found == list(caught.value.problems)
    return [line.removeprefix("stacks/finance/plan.yaml") for line in found]


def test_defaults(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD, encoding="utf-8")
    plan = load_plan(file)
    assert (plan.users.match_by, plan.users.missing, plan.apps.publish) == ("subject", "error", "move")
    assert not plan.schedules.enabled, "cut-over is a decision, never a default"
    assert (plan.jobs, plan.provenance) == ("standard", "description")


def test_every_problem_at_once_with_its_line(tmp_path: Path) -> None:
    text = GOOD + (
        "selct: {}\n"
        "users:\n"
        "  missing: create\n"
        '  rules: [{directory: CORP, email: "{uid}@x"}]\n'
        "spaces:\n"
        "  Finance:\n"
        "    from: {strem: Finance}\n"
        "    type: manged\n"
        "  Lab:\n"
        "    type: shared\n"
        "    access: [from_rules, {usr: x, roles: [consumer]}]\n"
    )
    assert problems(tmp_path, text) == [
        ":5: unknown key `selct`; did you mean `select`?",
        ":7: users.missing: `create` comes later: this version makes no users or groups; "
        "let them log in first",
        ":8: users.rules.0.email: unknown field {uid}; known are {user_id}, {directory}, {name}, {email}",
        ":11: `spaces.Finance.from.stream` is missing",
        ":11: unknown key `spaces.Finance.from.strem`; did you mean `stream`?",
        ":12: spaces.Finance.type: Input should be 'managed' or 'shared', not 'manged'; "
        "did you mean managed?",
        ":15: unknown key `spaces.Lab.access.1.usr`; did you mean `user`?",
    ]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("users: {missing: skip}", "`skip` comes later"),
        ("groups: {missing: create}", "`create` comes later"),
        ("connections: {A: {space: B}}", "data connections come later"),
    ],
)
def test_what_comes_later_is_refused_with_those_words(tmp_path: Path, line: str, word: str) -> None:
    (problem,) = problems(tmp_path, GOOD + line + "\n")
    assert problem.startswith(":5: ")
    assert "later" in problem and word in problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ": empty"),
        ("a: [", ":1: not readable as YAML"),
        (GOOD + "phase: other\n", ":5: the key `phase` stands there twice"),
        (GOOD + "select: {streams: [2024]}\n", "Input should be a valid string, not 2024; put it in quotes"),
        (GOOD + "select: hello\n", ":5: select: should be keys and values"),
        (GOOD.replace("version: 1", "version: 2"), ":1: version: Input should be 1, not 2"),
        (GOOD.replace("phase: finance", "phase: Finance!"), ":2: phase: "),
        (GOOD + "spaces: {A: {type: shared, staging: B}}\n", ":5: spaces.A: `staging` belongs to managed"),
        (GOOD + "spaces: {A: {type: shared, of: base}}\n", "the phase base of a space is missing"),
        (GOOD + "spaces: {A: {type: shared, access: [{roles: [consumer]}]}}\n", "either `user` or `group`"),
    ],
)  # fmt: skip
def test_single_problems(tmp_path: Path, text: str, expected: str) -> None:
    found = problems(tmp_path, text)
    assert any(expected in problem for problem in found), found


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="qlift phase new"):
        load_plan(tmp_path / "plan.yaml")


def test_a_key_with_nothing_after_it_is_a_key_left_out(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD + "groups:\n  # everyone: All\nspaces:\n", encoding="utf-8")
    assert load_plan(file).spaces == {}
