"""The review as a comment: its first ten lines, its length, and names that stay names."""

from __future__ import annotations

import json
import re
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from qlift.derivation.desired import Finding, Severity
from qlift.reports import formats
from qlift.reports.review.markdown import LIMIT, markdown
from qlift.reports.review.model import AppAccess, Conflict, Drift, Review
from tests.support.big_site import HOSTILE
from tests.support.reviews import NOBODY, big_review, change, review, space_access, who

PARSER = MarkdownIt("commonmark").enable("table")
SCHEMA = Path(__file__).with_name("review.schema.json")


def cells(text: str) -> list[list[str]]:
    """Rows of all tables, as a reader sees their text; folded parts are HTML around them."""
    rows: list[list[str]] = []
    inside = False
    for token in PARSER.parse(text):
        if token.type == "tr_open":
            rows.append([])
        inside = token.type in ("td_open", "th_open") or (inside and token.type == "inline")
        if inside and token.type == "inline":
            rows[-1].append(seen(token))
    return rows


def seen(token: Token) -> str:
    return "".join(
        c.content for c in token.children or [] if c.type in ("text", "code_inline", "text_special")
    )


def test_deletes_come_before_access_in_the_first_ten_lines() -> None:
    pay = AppAccess(app="Pay", sees=40, loses=0, unknown_groups=(), owners=())
    accepted = Finding(code="ACCESS-WIDENS", severity=Severity.WARNING, object="HR", message="m", remedy="r")
    widening = NOBODY.model_copy(
        update={
            "spaces": (space_access("HR", sees=40, gain=(who("Staff"),), apps=(pay,)),),
            "sees": 40,
            "groups_see": ("Partners",),
            "wider": (accepted,),
        }
    )
    found = review(
        access=widening,
        changes=(change("delete", "Old"), change("replace", "Ledger"), change("create", "New")),
        applicable=False,
        conflicts=(Conflict(kind="Space", object="HR", field="name", reason="taken"),),
        drift=(Drift(kind="App", object="x", key="x", gone=True, fields=()),),
    )
    head = markdown(found).splitlines()[:10]
    assert head[0] == "## Review of finance-prod: cannot be applied"
    assert "Deletes 1 object: 1 app" in head[2] and "Replaces 1 object" in head[2]
    assert "Widens access" in head[3] and "More than the source allows" in head[3]
    assert "40 people and 1 group whose members are not known" in head[3]
    assert any("1 conflict" in line for line in head)
    assert any("1 object was changed by others" in line for line in head)
    assert not any("<details" in line for line in head[:9])


def test_what_has_to_be_done_first_is_in_the_first_ten_lines() -> None:
    todo = ("12 objects to be adopted now stand in stacks/*x*/adopted.yaml", "the plan is not dev's")
    found = review(
        applicable=False,
        first=todo,
        conflicts=(Conflict(kind="Space", object="HR", field="name", reason="taken"),),
        access=NOBODY.model_copy(update={"sees": 1, "loses": 1}),
    )
    head = markdown(found).splitlines()
    assert head[10] == "" and not any("<details" in line for line in head[:10])
    told = next(line for line in head if "To do first" in line)
    assert "stacks/\\*x\\*/adopted.yaml. the plan" in told
    assert "dev was last run with" in markdown(review(promoted_from="finance-dev"))


def test_nothing_to_say_is_said() -> None:
    head = markdown(review()).splitlines()
    assert head[0].endswith("nothing to do")
    assert head[2:4] == ["- Deletes and replaces nothing.", "- Nobody sees more than before."]


def test_without_a_complete_preview_nothing_is_claimed() -> None:
    text = markdown(review(applicable=False, errors=("the plan has 1 error",)))
    head = "\n".join(text.splitlines()[:10])
    assert "cannot be applied" in head and "1 error" in head
    assert "Deletes and replaces nothing" not in text and "Nobody sees more" not in text
    assert head.count("not known: there is no complete preview") == 2


def test_three_thousand_objects_fit_and_what_is_cut_is_said() -> None:
    found = big_review()
    text = markdown(found)
    assert len(text) < 60_000 and len(text) > LIMIT - 5_000
    cut = {
        what: (int(a.replace(",", "")), int(b.replace(",", "")))
        for a, b, what in re.findall(r"\*\*([\d,]+) of ([\d,]+) ([\w ]+) are cut here\*\*", text)
    }
    assert cut["creates"] == (1_495, 1_500)
    rows = sum(len(r) == 3 and r[0] in found.jobs for r in cells(text))
    assert rows + sum(cut[k][0] for k in ("creates", "updates", "deletes", "replacements")) == 3_000
    assert cut.get("deletes", (0, 0))[0] < cut["creates"][0]
    assert text.count("<details") == text.count("</details>") == text.count("<summary>")


def test_the_less_important_is_cut_first() -> None:
    changes = [change("create", f"{n:04}") for n in range(3_000)] + [
        change("delete", f"d{n}") for n in range(50)
    ]
    text = markdown(review(changes=tuple(changes)))
    assert len(text) < 60_000 and "deletes are cut" not in text
    assert all(f'app "d{n}"' in text for n in range(50))


def test_names_stay_names() -> None:
    found = big_review(60)
    text = markdown(found)
    readable = {" ".join(formats.clean(n).split()) for n in HOSTILE}
    inside = {c for row in cells(text) for c in row}
    for name in readable:
        assert any(name[:200] in c for c in inside), name
    tokens = PARSER.parse(text)
    inline = [c for t in tokens for c in t.children or []]
    assert not [c for c in inline if c.type in ("link_open", "image")]
    tags = {c.content for c in inline if c.type == "html_inline"}
    assert tags <= {"<br>", "<span>", "</span>"}
    blocks = {line for t in tokens if t.type == "html_block" for line in t.content.splitlines() if line}
    assert all(re.fullmatch(r"(<details( open)?><summary>[\w ,:;]+</summary>|</details>)", b) for b in blocks)


def test_nobody_is_mentioned() -> None:
    """Signs count where they stand before a word in the text of one element, outside of code."""
    name = "@team #12 !34 jane"
    texts = markdown(big_review(30, (name, f"`{name}", f"{name}|", "a\n@team")))
    told = "".join(
        "\0" if c.type in ("html_inline", "code_inline") else c.content
        for t in PARSER.parse(texts)
        for c in t.children or []
    )
    assert not re.search(r"[@#!]\w", told)


def test_the_format_of_the_json_file() -> None:
    """A changed or dropped key needs another `format`; write the file anew when one is added."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == Review.model_json_schema()
    again = Review.model_validate_json(big_review(40).model_dump_json())
    assert again == big_review(40)
