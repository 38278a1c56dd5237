"""The HTML review in a real Chromium: opens from a file, asks for nothing, fits, filters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from qlift.reports.review.html import html
from qlift.reports.review.model import Review
from tests.reports.test_html import DESK, OVERFLOWING, PALE, PHONE, SCHEMES, SHOW_ALL, WIDTHS, opened
from tests.support.big_site import HOSTILE
from tests.support.chromium import chromium
from tests.support.reviews import big_review, change, review


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def found() -> Review:
    return big_review(120)


@pytest.fixture(scope="module")
def page_file(found: Review, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(found, tmp_path_factory.mktemp("review") / "review.html")


def written(found: Review, path: Path) -> Path:
    path.write_text(html(found), encoding="utf-8")
    return path


@WIDTHS
def test_it_opens_by_itself_and_nothing_overflows(browser: Browser, page_file: Path, viewport: Any) -> None:
    page, looked = opened(browser, page_file, viewport=viewport)
    page.wait_for_load_state("networkidle")
    assert page.locator("h1").inner_text() == "finance-prod"
    for _ in range(2):
        assert page.evaluate(OVERFLOWING) == []
        width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width[0] <= width[1]
        page.evaluate(SHOW_ALL)
    assert looked.requests == [page_file.as_uri()]
    assert looked.problems == []
    assert page.evaluate("window.shifts") == []


@SCHEMES
def test_text_stands_out_from_its_ground(browser: Browser, page_file: Path, scheme: Any) -> None:
    page, _ = opened(browser, page_file, viewport=DESK, color_scheme=scheme)
    page.evaluate(SHOW_ALL)
    assert page.evaluate(PALE) == []


def test_the_worst_comes_first_and_tiles_lead_to_it(browser: Browser, page_file: Path, found: Review) -> None:
    page, looked = opened(browser, page_file, viewport=DESK)
    notices = page.locator(".masthead .notice").all_inner_texts()
    assert notices[0].startswith("Deletes 20 objects") and notices[1].startswith("Widens access")
    page.locator(".tile.is-cannot").click()
    block = page.locator("#changes")
    assert block.locator("[data-found]").inner_text() == f"{found.count('delete')} rows"
    assert set(block.locator("tbody tr:visible .badge").all_inner_texts()) == {"To delete"}
    block.locator("[data-clear]").click()
    block.locator("[data-key=job]").select_option("owners")
    assert block.locator("[data-found]").inner_text() == "20 rows"
    page.locator("#access [data-key=part]").select_option("lose")
    assert page.locator("#access [data-found]").inner_text() == f"{len(HOSTILE)} rows"
    assert looked.problems == []


def test_names_are_text_and_nothing_else(browser: Browser, page_file: Path) -> None:
    page, looked = opened(browser, page_file, viewport=DESK)
    page.evaluate(SHOW_ALL)
    shown = page.locator("#changes tbody th > bdi").all_text_contents()
    for name in HOSTILE:
        assert any(t.startswith(name.replace("\u202e", "\ufffd")) for t in shown)
    assert page.locator("img, iframe, object, embed, svg[onload]").count() == 0
    assert page.locator("script").count() == 1
    assert looked.problems == []


def test_small_ones_open_too_and_large_ones_are_cut_with_a_note(browser: Browser, tmp_path: Path) -> None:
    page, looked = opened(browser, written(review(), tmp_path / "none.html"), viewport=PHONE)
    page.evaluate(SHOW_ALL)
    assert page.evaluate(OVERFLOWING) == [] and looked.problems == []
    large = review(changes=tuple(change("create", f"App {n}") for n in range(3_100)))
    page, looked = opened(browser, written(large, tmp_path / "large.html"), viewport=DESK)
    assert page.locator("#changes tbody tr").count() == 3_000
    assert "first 3,000 of 3,100 rows; changes in review.json" in page.locator("#changes").inner_text()
    assert looked.problems == []
