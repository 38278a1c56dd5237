"""Every 67th case of the crash matrix (`make crash-matrix` runs them all); an undo that is turned back."""

from __future__ import annotations

import pytest

from providers.kinds import PROVIDERS
from qlift.pulumi_cli import Engine
from tests.crash_matrix.matrix import Case, Matrix

pytestmark = pytest.mark.engine

STEP = 67
"""Prime, so that all runs, positions and modes are met."""
CASES = 9


@pytest.fixture(scope="module")
def matrix(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return Matrix(engine, tmp_path_factory.mktemp("matrix"))


def test_every_kind_and_a_republish_are_in_the_matrix(matrix: Matrix) -> None:
    with matrix._at(matrix._folder / "destroy") as phase:
        made = {str(r["type"]).rpartition(":")[2] for r in phase.resources()}
    assert set(PROVIDERS) <= made
    republished = [w for w in matrix.writes["update"] if w.startswith("PUT") and w.endswith("/publish")]
    assert republished and any(w.startswith("DELETE") for w in matrix.writes["update"])


@pytest.mark.parametrize("place", [STEP * n for n in range(CASES)])
def test_the_tenant_is_as_without_the_kill(matrix: Matrix, place: int) -> None:
    outcome = matrix.run(matrix.cases()[place])
    assert outcome.problem == "", f"{outcome.case.name} at {outcome.killed_at}"


def test_an_undo_that_was_killed_is_turned_back(matrix: Matrix) -> None:
    """Its apps are gone and the state, which is that of before, holds them; a personal one among them."""
    deletes = [n for n, w in enumerate(matrix.writes["destroy"], 1) if w.startswith("DELETE /api/v1/apps/")]
    killed = Case("destroy", deletes[-1], "after", checkpoints=False)
    outcome = matrix.run(killed, then="up")
    assert outcome.problem == "", outcome.killed_at
