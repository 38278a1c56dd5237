"""Tests that need a browser skip on a machine without one, and fail in continuous integration."""

from __future__ import annotations

import pytest

from tests.support.chromium import VARIABLE, chromium, find_chromium


@pytest.fixture(autouse=True)
def _no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("CI", raising=False)


def test_it_skips_with_its_reason() -> None:
    with pytest.raises(pytest.skip.Exception, match="no Chromium"), chromium():
        pass


def test_it_fails_in_continuous_integration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Chromium"), chromium():
        pass


def test_the_variable_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/opt/chrome")
    assert find_chromium() == "/opt/chrome"
