"""The Markdown report: tables stay tables, and names stay text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qlift.derivation.assessment import assess
from qlift.reports import formats
from qlift.reports.assessment import MARKDOWN_CAP, markdown
from tests.derivation.assessed import FACTS, assessed, plain_site
from tests.derivation.site import TODAY, SiteBuilder
from tests.support.big_site import HOSTILE, big_site


def rows(text: str) -> list[list[str]]:
    """Cells of every line of a table, cut at the bars that are no text."""
    found = []
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|"), line
            found.append(re.split(r"(?<!\\)\|", line)[1:-1])
    return found


def test_every_table_has_as_many_cells_in_every_line(tmp_path: Path) -> None:
    text = markdown(assess(big_site(tmp_path), FACTS, TODAY))
    width = 0
    for line, following in zip(text.splitlines(), [*text.splitlines()[1:], ""], strict=True):
        if re.fullmatch(r"\|[ |:-]+\|", following):
            width = len(rows(line)[0])
        if line.startswith("|"):
            assert len(rows(line)[0]) == width, line
        else:
            assert "|" not in line.replace(r"\|", ""), line


def test_names_make_no_markup(tmp_path: Path) -> None:
    text = markdown(assess(big_site(tmp_path), FACTS, TODAY))
    ours = re.sub(r"`(qlift assess|assessment\.(html|json))`", "", text)
    assert "<" not in ours
    assert not re.search(r"(?<!\\)[`\[]", ours)
    assert not re.search(r"(?<!\\)\*(?!\*| )", ours.replace("**", ""))
    assert "https://" not in ours
    # A line break in a name would begin a heading or a list of its own.
    headings = {line for line in text.splitlines() if line.startswith("#")}
    assert not any("javascript" in h or h[1:3] == " g" for h in headings)
    assert all(formats.markdown(n) in text for n in HOSTILE[:3])


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a|b", r"a\|b"),
        ("`rm`", r"\`rm\`"),
        ("<b>x</b> & y", "&lt;b&gt;x&lt;/b&gt; &amp; y"),
        ("two\r\nlines\tand  blanks", "two lines and blanks"),
        ("![x](y)", r"!\[x\](y)"),
        ("*a* _b_ ~c~ $d$ #5 @team", r"\*a\* \_b\_ \~c\~ \$d\$ \#5 \@team"),
        ("a\\", r"a\\"),
        ("exe.\u202egpj\x00", "exe.\ufffdgpj\ufffd"),
        ("https://evil.example", r"https:\//evil.example"),
    ],
)
def test_escaping(name: str, shown: str) -> None:
    assert formats.markdown(name) == shown


def test_long_tables_are_cut_with_a_note(tmp_path: Path) -> None:
    site, jane, stream, app = plain_site()
    for number in range(MARKDOWN_CAP + 5):
        other = site.app(f"App {number}", jane, stream)
        site.script(other, "LOAD * FROM [lib://Gone/x.csv];")
    text = markdown(assessed(site, tmp_path))
    part = text.split("## Apps that need work or cannot move")[1].split("\n## ")[0]
    assert len(rows(part)) == 2 + MARKDOWN_CAP
    assert "5 more are in assessment.json." in part
    assert app["name"] not in part


def test_an_empty_site_has_a_report(tmp_path: Path) -> None:
    text = markdown(assessed(SiteBuilder("prod"), tmp_path))
    assert "prod has no apps in this export." in text
    assert "There is nothing to move." in text


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (None, "not known"),
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (10 * 1024**2, "10 MiB"),
        (9 * 1024**3 + 1, "9.0 GiB"),
        (3 * 1024**5, "3072 TiB"),
    ],
)
def test_sizes(number: int | None, shown: str) -> None:
    assert formats.size(number) == shown


def test_times_are_rounded_down_and_shares_never_to_nothing() -> None:
    assert [formats.duration(s) for s in (59, 60, 300, 7_199, 7_200, 172_799, 172_800)] == [
        "< 1 min", "1 min", "5 min", "119 min", "2 h", "47 h", "2 days",
    ]  # fmt: skip
    assert [formats.percent(n, 1000) for n in (0, 1, 500)] == ["0 %", "under 1 %", "50 %"]
    assert formats.percent(0, 0) == "0 %"
