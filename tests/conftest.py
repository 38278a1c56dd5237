"""Fixtures for every test folder."""

import pytest

from qlift.pulumi_cli import Engine, ensure_engine


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The real Pulumi engine; parallel workers wait for one another if it has to be built first."""
    return ensure_engine()
