"""Spoilt bundles, plans and files beside them end in findings or a clear error, never in a traceback."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.derivation.site import rehash
from tests.mutations.mutation import BUNDLE, Mutation
from tests.mutations.of_bundles import bundle_mutations
from tests.mutations.of_plans import plan_mutations
from tests.mutations.repository import SECRET, Outcome, show, write_repository

MUTATIONS = [*bundle_mutations(), *plan_mutations()]
REMEDY = re.compile(
    r"; |should |is missing|expected |needs |unknown |belongs to|takes no|twice|name it by|cannot be called"
)
"""What to do, or what is wanted instead."""


@pytest.fixture(scope="session")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("valid") / "repository"
    write_repository(folder)
    rehash(folder / BUNDLE)
    return folder


@pytest.fixture
def repository(valid: Path, tmp_path: Path) -> Path:
    shutil.copytree(valid.parent, tmp_path / "copy")
    return tmp_path / "copy" / valid.name


@pytest.fixture(scope="session")
def undisturbed(valid: Path) -> list[Outcome]:
    """Filled by the first test that runs it."""
    return []


def test_there_are_many_and_they_differ() -> None:
    assert len({m.name for m in MUTATIONS}) == len(MUTATIONS)
    assert len(MUTATIONS) >= 200


def test_the_valid_repository_is_valid(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = show(repository, capsys)
    assert (found.code, found.err) == (0, "")
    assert {f["code"] for f in found.desired["findings"] if f["severity"] == "error"} == set()
    counts = {k: len(v) for k, v in found.desired.items() if isinstance(v, list)}
    assert counts["spaces"] == 3 and counts["apps"] == 3 and counts["schedules"] == 2, counts


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_mutation_is_told(
    mutation: Mutation, valid: Path, repository: Path, capsys: pytest.CaptureFixture[str],
    undisturbed: list[Outcome], tmp_path: Path,
) -> None:  # fmt: skip
    if not undisturbed:
        undisturbed.append(show(valid, capsys))
    before = undisturbed[0]
    mutation.apply(repository)
    found = show(repository, capsys)
    told = found.out + found.err
    assert not list(tmp_path.rglob("PWNED"))
    assert SECRET not in told and "Traceback" not in told
    if mutation.expected == "refused":
        assert found.code == 2 and not found.out, told[:2000]
        lines = found.err.splitlines()
        assert all(word in found.err for word in mutation.words), found.err[:2000]
        assert all(REMEDY.search(line) for line in lines), "a line without a remedy: " + found.err[:2000]
        assert all(len(line) < 1_000 for line in lines) and found.err.replace("\n", "").isprintable()
        assert len(lines) < 60
        return
    assert found.code in (0, 1) and not found.err, found.err[:2000]
    if mutation.expected == "same":
        assert found.desired == before.desired
        return
    new = [f for f in found.desired["findings"] if f not in before.desired["findings"]]
    assert {f["code"] for f in new} >= set(mutation.words), new
    assert all(f["object"] and f["message"] and f["remedy"] for f in new)
