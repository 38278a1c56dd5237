"""Names in reports are text: in HTML before a real browser, in Markdown before a real parser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Dialog

from qlift.bundle.change_report import report
from qlift.bundle.changes import Change
from qlift.bundle.models import Identity, Manifest
from qlift.derivation.assessment import assess
from qlift.reports.assessment import markdown, write_assessment
from tests.derivation.assessed import FACTS
from tests.derivation.site import TODAY
from tests.support.big_site import HOSTILE, big_site
from tests.support.chromium import chromium

MORE = (
    "[x](javascript:alert(1))",
    "![x](https://evil.example/p.png)",
    "<https://evil.example>",
    "x\n# heading",
    "x\n\n<img src=x onerror=alert(1)>",
    "[r]\n\n[r]: https://evil.example",
    "&#x3c;script&#x3e;",
    "a\\[b](c)",
    "www.evil.example",
    "HTTPS://evil.example",
    "x | y |\n| --- |",
    "```\ncode",
    "- item",
    "1. item",
    "***",
    "@everyone",
    "<!-- -->",
    "<a href='//evil.example'>",
)
EVENTS = """() => { for (const e of document.querySelectorAll('body *')) {
  for (const kind of ['mouseover', 'click', 'focus', 'error', 'load'])
    if (e.tagName !== 'A' || kind !== 'click') e.dispatchEvent(new Event(kind, {bubbles: true}));
  for (const a of e.attributes) if (a.name.startsWith('on')) return e.outerHTML; } return ''; }"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_nothing_runs_in_a_browser(browser: Browser, tmp_path: Path) -> None:
    path = write_assessment(assess(big_site(tmp_path, apps=20), FACTS, TODAY), tmp_path / "report")[0]
    page = browser.new_page()
    seen: list[str] = []

    def dialog(shown: Dialog) -> None:
        seen.append(f"dialog {shown.message}")
        shown.dismiss()

    page.on("dialog", dialog)
    page.on("request", lambda r: seen.append(r.url))
    page.on("pageerror", lambda e: seen.append(f"error {e}"))
    page.goto(path.as_uri())
    assert page.evaluate(EVENTS) == ""
    for a in page.locator("a").all():
        assert (a.get_attribute("href") or "").startswith("#")
    assert page.locator("form, iframe, object, embed, img, base, meta[http-equiv=refresh]").count() == 0
    page.evaluate("document.querySelectorAll('a').forEach((a) => a.click())")
    assert seen == [path.as_uri()]
    page.close()


def rendered(text: str) -> str:
    """As servers show it, raw HTML allowed: what gets through would be seen here."""
    return str(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))


def unlinked(text: str) -> None:
    """Of bare addresses servers make links without being told."""
    assert not re.search(r"(?i)(?:https?|ftp):(?<!\\)//evil|www\.evil", text)


def test_the_assessment_in_markdown(tmp_path: Path) -> None:
    text = markdown(assess(big_site(tmp_path, apps=20), FACTS, TODAY))
    html = rendered(text)
    assert not re.search(
        r"<(?!/?(?:h[1-6]|p|ul|ol|li|strong|em|code|table|thead|tbody|tr|t[hd]|br|hr)\b)", html
    )
    assert not re.search("href|src|evil", "".join(re.findall(r"<[^>]*>", html)))
    unlinked(text)


@pytest.mark.parametrize("name", [*HOSTILE, *MORE])
def test_the_changes_of_an_export_in_markdown(name: str) -> None:
    identity = Identity(user=name, reasons=(f"stream {name}: hidden",))
    now = Manifest(
        site="prod", product_version=name, identity=identity, counts={}, sha256={"app.json": "0" * 64}
    )  # fmt: skip
    former = now.model_copy(update={"product_version": f"{name} 1"})
    changes = [
        Change(kind="app", how="renamed", id="a1", name=name, what=(f"was {name}",)),
        Change(kind="access", how="new", id="s1", name=name, what=(name, name)),
    ]
    text = report(former, now, changes)
    html = rendered(text)
    assert not re.search(r"<(?!/?(?:h[12]|p|ul|li|strong|code|table|thead|tbody|tr|t[hd])\b)", html)
    assert not re.search("href|src|evil", "".join(re.findall(r"<[^>]*>", html)))
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert len(re.findall(r"<h[12]>", html)) == len(headings) == 3
    assert html.count("<li>") == 3
    unlinked(text)
    assert "@everyone" not in text
