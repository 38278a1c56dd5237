"""Random plans, random edits of others, random faults: the tenant ends as if nothing had gone wrong.

`QLIFT_FAULTS_CASES` (2,000) and `QLIFT_FAULTS_SEED` (1) choose how many and which; a failure names its seed.
"""

from __future__ import annotations

import logging
import os

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.faults.life import Case, cases, check

SHARDS = 8
CASES = int(os.environ.get("QLIFT_FAULTS_CASES", "2000"))
SEED = int(os.environ.get("QLIFT_FAULTS_SEED", "1"))


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_stack_converges_whatever_goes_wrong(shard: int) -> None:
    @hypothesis.seed(SEED * SHARDS + shard)
    @settings(
        max_examples=CASES // SHARDS,
        deadline=None,
        database=None,
        print_blob=True,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def holds(case: Case) -> None:
        check(case)

    logging.disable(logging.WARNING)
    try:
        holds()
    except BaseException as error:
        error.add_note(f"replay: QLIFT_FAULTS_SEED={SEED} QLIFT_FAULTS_CASES={CASES}, shard {shard}")
        raise
    finally:
        logging.disable(logging.NOTSET)
