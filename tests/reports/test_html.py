"""The HTML report in a real Chromium: opens from a file, asks for nothing, fits, filters, prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from qlift.derivation.assessment import Assessment, assess
from qlift.derivation.assessment.model import Readiness
from qlift.reports.assessment import CAPS, html, write_assessment
from tests.derivation.assessed import FACTS, assessed, plain_site
from tests.derivation.site import TODAY, SiteBuilder
from tests.support.big_site import HOSTILE, big_site
from tests.support.chromium import chromium

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 1000}
WIDTHS = pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["390", "1440"])
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])

SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((e) => e.value)))
  .observe({type: "layout-shift", buffered: true});
"""
SHOW_ALL = """() => {
  document.querySelectorAll("details").forEach((d) => { d.open = true; });
  document.querySelectorAll("tr[hidden]").forEach((r) => { r.hidden = false; });
}"""
OVERFLOWING = """() => {
  const boxes = "th, td, td > *, li > span, dd, dt, h1, h2, h3, p, .card, .tile, .scroll, .filters";
  return Array.from(document.querySelectorAll(boxes))
    .filter((e) => e.clientWidth > 1 && !e.closest(".aside, thead"))
    .filter((e) => getComputedStyle(e).display !== "inline" && e.scrollWidth > e.clientWidth)
    .map((e) => `${e.tagName} ${e.className} ${e.scrollWidth}: ${e.textContent.slice(0, 40)}`);
}"""
PALE = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const channel = (v) => (v / 255 <= .03928 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if ((color[3] ?? 1) === 1) return color;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  for (const e of document.querySelectorAll("body *")) {
    if (e.closest(".aside, .skip, script, noscript") || !e.getClientRects().length) continue;
    if (!Array.from(e.childNodes).some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    const contrast = (a + .05) / (b + .05);
    if (contrast < 4.5) found.add(`${e.tagName} ${e.className}: ${contrast.toFixed(1)}`);
  }
  return Array.from(found);
}"""
"""Contrast of every text with the ground behind it, by WCAG's formula."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Assessment:
    return assess(big_site(tmp_path_factory.mktemp("bundle")), FACTS, TODAY)


@pytest.fixture(scope="module")
def report(found: Assessment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_assessment(found, tmp_path_factory.mktemp("report"))[0]


@dataclass
class Looked:
    """What a page did beside being shown."""

    requests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def opened(browser: Browser, report: Path, **options: Any) -> tuple[Page, Looked]:
    page = browser.new_context(**options).new_page()
    looked = Looked()
    page.on("request", lambda r: looked.requests.append(r.url))
    page.on("console", lambda m: looked.problems.append(f"console {m.type}: {m.text}"))
    page.on("pageerror", lambda e: looked.problems.append(f"error: {e}"))
    page.on("dialog", lambda d: looked.problems.append(f"dialog: {d.message}"))
    if options.get("java_script_enabled", True):
        page.add_init_script(SHIFTS)
    page.goto(report.as_uri())
    return page, looked


@WIDTHS
def test_it_opens_by_itself_and_stays_still(browser: Browser, report: Path, viewport: Any) -> None:
    page, looked = opened(browser, report, viewport=viewport)
    page.wait_for_load_state("networkidle")
    page.mouse.wheel(0, 4000)
    assert page.locator("h1").inner_text() == "prod"
    assert looked.requests == [report.as_uri()]
    assert looked.problems == []
    assert page.evaluate("window.shifts") == []


@WIDTHS
def test_nothing_overflows_even_when_everything_is_shown(
    browser: Browser, report: Path, viewport: Any
) -> None:
    page, _ = opened(browser, report, viewport=viewport)
    for _ in range(2):
        assert page.evaluate(OVERFLOWING) == []
        width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width[0] <= width[1]
        page.evaluate(SHOW_ALL)


@SCHEMES
@WIDTHS
def test_text_stands_out_from_its_ground(browser: Browser, report: Path, viewport: Any, scheme: str) -> None:
    page, _ = opened(browser, report, viewport=viewport, color_scheme=scheme)
    page.evaluate(SHOW_ALL)
    assert page.evaluate(PALE) == []


def shown(page: Page) -> list[str]:
    return page.locator("#apps tbody tr:visible th > bdi").all_inner_texts()


def test_filters_of_the_apps(browser: Browser, report: Path, found: Assessment) -> None:
    page, looked = opened(browser, report, viewport=DESK)
    block = page.locator("#apps")
    work = [a for a in found.apps if a.readiness is Readiness.WORK]
    block.locator("[data-key=readiness]").select_option("needs work")
    assert block.locator("[data-found]").inner_text() == f"{len(work)} rows"
    assert block.locator("tbody tr:visible .badge").all_inner_texts() == ["Needs work"] * min(25, len(work))

    stream = work[-1].stream
    block.locator("[data-key=stream]").select_option(stream or "(personal)")
    both = [a for a in work if a.stream == stream]
    assert sorted(shown(page)) == sorted(a.name for a in both)

    code = both[0].reasons[0].code
    block.locator("[data-key=reason]").select_option(code)
    all_three = [a for a in both if code in {r.code for r in a.reasons}]
    assert sorted(shown(page)) == sorted(a.name for a in all_three)

    block.locator("[data-key=text]").fill("no such app anywhere")
    assert shown(page) == []
    assert block.locator("[data-nothing]").is_visible()

    block.locator("[data-clear]").click()
    assert block.locator("[data-found]").inner_text() == f"{len(found.apps)} rows"
    assert len(shown(page)) == 25
    assert not block.locator("[data-nothing]").is_visible()

    one = found.apps[40]
    block.locator("[data-key=text]").fill(one.name.upper())
    assert one.name in shown(page)
    assert looked.problems == []


def test_show_more_until_all_are_there(browser: Browser, report: Path, found: Assessment) -> None:
    page, _ = opened(browser, report, viewport=DESK)
    more = page.locator("#apps [data-more]")
    assert len(shown(page)) == 25
    while more.is_visible():
        more.locator("button").click()
    assert len(shown(page)) == len(found.apps)


def test_tiles_and_reasons_lead_to_their_apps(browser: Browser, report: Path, found: Assessment) -> None:
    page, _ = opened(browser, report, viewport=DESK)
    page.locator(".tile.is-cannot").click()
    assert sorted(shown(page)) == sorted(a.name for a in found.apps if a.readiness is Readiness.CANNOT)
    page.locator("#reasons a[data-value=SECTION-ACCESS]").click()
    assert page.locator("#apps [data-found]").inner_text() == (
        f"{next(r.count for r in found.reasons if r.code == 'SECTION-ACCESS')} rows"
    )
    assert page.locator("#apps [data-key=readiness]").input_value() == ""


def test_filters_of_schedules_and_permissions(browser: Browser, report: Path, found: Assessment) -> None:
    page, _ = opened(browser, report, viewport=PHONE)
    page.locator("#schedules [data-key=outcome]").select_option("by hand")
    by_hand = sum(s.outcome == "by hand" for s in found.schedules)
    assert page.locator("#schedules [data-found]").inner_text() == f"{by_hand} rows"
    page.locator("#permissions [data-key=text]").fill("bi-publishers")
    [row] = page.locator("#permissions [data-table]").first.locator("tbody tr:visible").all()
    assert "consumer, publisher" in row.inner_text()


def test_the_filter_bar_stays_in_sight(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, viewport=PHONE)
    page.locator("#apps tbody tr").nth(20).scroll_into_view_if_needed()
    top = page.locator("#apps .filters").bounding_box()
    assert top is not None and top["y"] == 0 and top["height"] < PHONE["height"] / 4


def test_names_are_text_and_nothing_else(browser: Browser, report: Path) -> None:
    page, looked = opened(browser, report, viewport=DESK)
    page.evaluate(SHOW_ALL)
    names = page.locator("#apps tbody th > bdi").all_text_contents()
    readable = [n.replace("\u202e", "\ufffd").replace("\u0000", "\ufffd") for n in HOSTILE]
    assert set(readable) <= set(names)
    assert page.locator("img, iframe, object, embed, svg[onload]").count() == 0
    assert page.locator("script").count() == 1
    for name in readable:
        page.locator("#apps [data-key=stream]").select_option(value=name, timeout=2_000)
        assert shown(page) == [" ".join(name.split())]
    assert looked.problems == []


def test_script_that_is_not_ours_would_not_run(browser: Browser, report: Path, tmp_path: Path) -> None:
    """Should a name ever get through unescaped, the page's own policy stops it."""
    text = report.read_text(encoding="utf-8")
    broken = tmp_path / "broken.html"
    inside = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
    broken.write_text(text.replace("</h1>", f"</h1>{inside}"), encoding="utf-8")
    page, looked = opened(browser, broken, viewport=DESK)
    assert page.title() != "taken"
    assert any("Content Security Policy" in p for p in looked.problems)


def test_it_prints(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, viewport=DESK, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator(".filters").first.is_visible()
    assert not page.locator(".contents").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    page.evaluate(
        "window.was = 0; addEventListener('beforeprint', () => { "
        "window.was = document.querySelectorAll('details:not([open])').length; })"
    )
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert page.evaluate("window.was") == 0
    assert page.locator("details:not([open])").count() > 0


def test_tables_stay_tables_on_paper(browser: Browser, report: Path) -> None:
    """A4 is as narrow as a small screen, but paper does not scroll and has room in length."""
    page, _ = opened(browser, report, viewport={"width": 680, "height": 900})
    page.emulate_media(media="print")
    assert page.locator("#apps tbody tr").first.evaluate("e => getComputedStyle(e).display") == "table-row"
    page.evaluate(SHOW_ALL)
    assert page.evaluate(OVERFLOWING) == []


def test_without_script_everything_is_shown(browser: Browser, report: Path, found: Assessment) -> None:
    page, _ = opened(browser, report, viewport=DESK, java_script_enabled=False)
    assert page.locator("#apps tbody tr:visible").count() == len(found.apps)
    assert not page.locator("#apps .filters").is_visible()


def test_a_keyboard_reaches_the_apps(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, viewport=DESK)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.key") == "text"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.type("gone share")
    assert 0 < len(shown(page)) < 25


def test_headings_tables_and_bars_tell_their_meaning(browser: Browser, report: Path) -> None:
    """Rows that become cards on a phone are still a table to a screen reader."""
    page, _ = opened(browser, report, viewport=PHONE)
    assert page.locator("h1").count() == 1
    assert page.get_by_role("table", name="Apps", exact=True).count() == 1
    assert page.get_by_role("table", name="Apps", exact=True).get_by_role("rowheader").count() == 25
    assert page.locator("svg:not([aria-hidden])").count() == 0
    assert page.locator("input:not([type]), input").evaluate_all("all => all.every((e) => e.labels.length)")


def test_an_empty_site_and_a_plain_one_open_too(browser: Browser, tmp_path: Path) -> None:
    for name, site in (("empty", SiteBuilder("prod")), ("plain", plain_site()[0])):
        [report, *_] = write_assessment(assessed(site, tmp_path / name), tmp_path / f"{name}-report")
        page, looked = opened(browser, report, viewport=PHONE)
        page.evaluate(SHOW_ALL)
        assert page.evaluate(OVERFLOWING) == []
        assert looked.problems == []


def test_a_large_site_is_cut_with_a_note(
    browser: Browser, found: Assessment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CAPS, "apps", 30)
    report = tmp_path / "cut.html"
    report.write_text(html(found), encoding="utf-8")
    page, _ = opened(browser, report, viewport=DESK)
    assert page.locator("#apps tbody tr").count() == 30
    assert f"first 30 of {len(found.apps)} rows" in page.locator("#apps").inner_text()
    assert "assessment.json" in page.locator("#apps").inner_text()
