"""The filter language, against an evaluation that the generator of the filter does by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlift.simulator.site.filters import FilterError, compile_filter, order, select
from qlift.simulator.site.kinds import APP, COMPOSITE_EVENT, Document

_TEXT = st.text(alphabet="aB'\\ x&)", max_size=6)

_DOCUMENTS = st.fixed_dictionaries(
    {
        "name": _TEXT,
        "published": st.booleans(),
        "fileSize": st.integers(0, 5),
        "tags": st.lists(st.fixed_dictionaries({"name": _TEXT}), max_size=3),
        "owner": st.fixed_dictionaries({"userId": _TEXT}),
    }
)

_Case = tuple[str, Callable[[Document], bool]]


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _text_case(path: str, operator: str, value: str) -> _Case:
    def texts(document: Document) -> list[str]:
        found = {
            "name": [document["name"]],
            "tags.name": [item["name"] for item in document["tags"]],
            "owner.userId": [document["owner"]["userId"]],
        }[path]
        return [text.lower() for text in found]

    wanted = value.lower()
    tests: dict[str, Callable[[list[str]], bool]] = {
        "eq": lambda found: wanted in found,
        "ne": lambda found: wanted not in found,
        "sw": lambda found: any(text.startswith(wanted) for text in found),
        "ew": lambda found: any(text.endswith(wanted) for text in found),
        "so": lambda found: any(wanted in text for text in found),
    }
    return f"{path} {operator} {_quoted(value)}", lambda document: tests[operator](texts(document))


def _number_case(operator: str, value: int) -> _Case:
    tests: dict[str, Callable[[int], bool]] = {
        "eq": lambda size: size == value,
        "ne": lambda size: size != value,
        "gt": lambda size: size > value,
        "ge": lambda size: size >= value,
        "lt": lambda size: size < value,
        "le": lambda size: size <= value,
    }
    return f"fileSize {operator} {value}", lambda document: tests[operator](document["fileSize"])


_TERMS = st.one_of(
    st.builds(
        _text_case,
        st.sampled_from(["name", "tags.name", "owner.userId"]),
        st.sampled_from(["eq", "ne", "sw", "ew", "so"]),
        _TEXT,
    ),
    st.builds(_number_case, st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]), st.integers(0, 5)),
    st.booleans().map(
        lambda b: (f"published eq {str(b).lower()}", lambda document: document["published"] is b)
    ),
)


def _joined(parts: tuple[str, list[_Case]]) -> _Case:
    word, cases = parts
    combine = all if word == "and" else any
    text = "(" + f" {word} ".join(case[0] for case in cases) + ")"
    return text, lambda document: combine(case[1](document) for case in cases)


_EXPRESSIONS = st.recursive(
    _TERMS,
    lambda inner: st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3)).map(
        _joined
    ),
    max_leaves=8,
)


@given(_EXPRESSIONS, _DOCUMENTS)
def test_a_filter_selects_what_it_says(case: _Case, document: Document) -> None:
    text, expected = case
    assert compile_filter(APP, text)(document) == expected(document)


@given(st.text(max_size=40))
def test_any_text_is_a_filter_or_a_filter_error(text: str) -> None:
    try:
        compile_filter(APP, text)({"name": "x"})
    except FilterError as problem:
        assert str(problem) == f"Cannot parse the expression: {text}"


def test_and_binds_closer_than_or() -> None:
    predicate = compile_filter(APP, "name eq 'a' or name eq 'b' and published eq true")
    assert predicate({"name": "a", "published": False})
    assert not predicate({"name": "b", "published": False})


def test_names_and_operators_may_have_any_capitals() -> None:
    assert compile_filter(APP, "Name EQ 'A' AND Owner.USERID Eq 'anna'")(
        {"name": "a", "owner": {"userId": "ANNA"}}
    )


@pytest.mark.parametrize(
    "text",
    [
        "name eq 'O'Brien'",
        "name eq 'it''s'",
        'name eq "double"',
        "name eq",
        "eq 'a'",
        "name is 'a'",
        "(name eq 'a'",
        "name eq 'a')",
        "name eq 'a' and",
        "name eq 'a' name eq 'b'",
        "colour eq 'red'",
        "name gt 'a'",
        "published gt true",
        "fileSize sw 1",
        "id gt 35dffd22-9cf2-405e-a311-e4d7105d8cfb",
        "name eq a",
        "(" * 200 + "name eq 'a'" + ")" * 200,
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(FilterError):
        compile_filter(APP, text)


def test_ids_without_quotes_and_paths_through_collections() -> None:
    wanted = "35dffd22-9cf2-405e-a311-e4d7105d8cfb"
    event = {"compositeRules": [{"reloadTask": None}, {"reloadTask": {"id": wanted}}]}
    assert compile_filter(COMPOSITE_EVENT, f"compositeRules.reloadTask.id eq {wanted.upper()}")(event)
    assert not compile_filter(COMPOSITE_EVENT, f"compositeRules.reloadTask.id ne {wanted}")(event)


def test_dates_can_be_compared() -> None:
    document = {"modifiedDate": "2026-03-09T05:31:02.071Z"}
    assert compile_filter(APP, "modifiedDate gt '2026-03-09T05:31:02.070Z'")(document)
    assert not compile_filter(APP, "modifiedDate gt '2026-03-10'")(document)


def test_order() -> None:
    documents: list[dict[str, Any]] = [{"name": "b", "fileSize": 1}, {"name": "A", "fileSize": 3}]
    assert [item["name"] for item in order(APP, documents, "name")] == ["A", "b"]
    assert [item["name"] for item in order(APP, documents, "fileSize desc")] == ["A", "b"]
    with pytest.raises(FilterError):
        order(APP, documents, "colour")


def test_an_empty_filter_selects_everything() -> None:
    assert select(APP, [{"name": "a"}], " ") == [{"name": "a"}]
