"""A Chromium of the machine's own, for tests that look at reports."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

VARIABLE = "QLIFT_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """The path that the variable says, else the first of the names on PATH."""
    told = os.environ.get(VARIABLE)
    if told:
        return told
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Skips where there is none; in continuous integration that is a failure."""
    path = find_chromium()
    if path is None:
        reason = f"no Chromium: none of {', '.join(NAMES)} is on PATH, and {VARIABLE} names none"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        # Containers of CI systems have no user namespaces for Chromium's own sandbox.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
