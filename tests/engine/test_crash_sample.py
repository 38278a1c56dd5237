"""Every 67th case of the crash matrix (`make crash-matrix` runs them all)."""

from __future__ import annotations

import pytest

from qlift.pulumi_cli import Engine
from tests.crash_matrix.matrix import Matrix

pytestmark = pytest.mark.engine

STEP = 67
"""Prime, so that all runs, positions and modes are met."""
CASES = 9


@pytest.fixture(scope="module")
def matrix(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return Matrix(engine, tmp_path_factory.mktemp("matrix"))


@pytest.mark.parametrize("place", [STEP * n for n in range(CASES)])
def test_the_tenant_is_as_without_the_kill(matrix: Matrix, place: int) -> None:
    outcome = matrix.run(matrix.cases()[place])
    assert outcome.problem == "", f"{outcome.case.name} at {outcome.killed_at}"
