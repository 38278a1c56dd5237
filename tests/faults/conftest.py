"""The seed of the generated lives stands at the head of every run."""

from __future__ import annotations

from tests.faults.test_generated import CASES, SEED


def pytest_report_header() -> str:
    return f"generated lives: {CASES:,} cases, QLIFT_FAULTS_SEED={SEED}"
