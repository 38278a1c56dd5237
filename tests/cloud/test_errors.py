from __future__ import annotations

from typing import Any

import pytest

from qlift.cloud.errors import (
    Conflict,
    Failed,
    Forbidden,
    NotFound,
    Precondition,
    Refused,
    Unauthorised,
    error_for,
    scrub,
)

SHAPES: list[tuple[str, Any, list[str]]] = [
    (
        "spaces",
        {
            "errors": [{"code": "SPACES-409", "title": "Name taken", "meta": {"source": {}}}],
            "traceId": "ab12",
        },
        ["Name taken", "SPACES-409", "ab12"],
    ),
    (
        "users",
        {"errors": [{"code": "USERS-7", "title": "No user", "status": 404, "source": {"pointer": ""}}]},
        ["No user", "USERS-7"],
    ),
    ("tenants", {"errors": [{"code": "TENANTS-8", "title": "x", "status": "404"}]}, ["TENANTS-8"]),
    ("items", {"errors": [{"code": "I-1", "title": "T", "detail": "D", "meta": {"fault": False}}]}, ["T: D"]),
    (
        "scheduling",
        {"errors": [{"code": 17, "title": "Invalid schedule", "context": "end is past"}], "traceId": "cd"},
        ["Invalid schedule: end is past", "17", "cd"],
    ),
    (
        "extensions",
        {"title": "Exists", "status": 409, "traceId": "ef", "meta": {"message": "same name", "stack": None}},
        ["Exists: same name", "ef"],
    ),
    ("several", {"errors": [{"title": "A"}, {"title": "B", "code": "C-2"}]}, ["A; B", "C-2"]),
    ("rfc 6749", {"error": "invalid_client", "error_description": "unknown"}, ["invalid_client: unknown"]),
    ("text", "App not\nfound", ["App not found"]),
    ("nothing", None, ["the tenant answered 418"]),
    ("a list", [1, 2], ["the tenant answered 418"]),
    (
        "odd members",
        {"errors": ["x", {"title": None, "detail": 3, "code": None}]},
        ["the tenant answered 418"],
    ),
]


@pytest.mark.parametrize(("body", "said"), [s[1:] for s in SHAPES], ids=[s[0] for s in SHAPES])
def test_every_shape_of_error_is_read(body: Any, said: list[str]) -> None:
    error = error_for(418, body, subject='space "Sales"')
    assert isinstance(error, Refused)
    text = str(error)
    assert text.startswith('space "Sales": ')
    assert "HTTP 418" in text
    assert "\n" not in text
    for part in said:
        assert part in text


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (401, Unauthorised),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (410, NotFound),
        (412, Precondition),
        (422, Refused),
        (500, Failed),
    ],
)
def test_a_status_has_its_class(status: int, kind: type[Exception]) -> None:
    assert type(error_for(status, None, subject="x")) is kind


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer s3cr3t.value-x",
        '{"authorization": "Basic czNjcjN0dmFsdWU="}',
        'client_secret="s3cr3tvalue"',
        "api-key=s3cr3tvalue&x=1",
        "got eyJhbGciOi8.s3cr3tvalue.c2ln here",
        '{"access_token":"s3cr3tvalue"}',
        "password : s3cr3tvalue",
    ],
)
def test_what_looks_like_a_secret_is_not_passed_on(text: str) -> None:
    for piece in ("s3cr3t", "czNjcjN0"):
        assert piece not in scrub(text)
        assert piece not in str(error_for(400, {"errors": [{"title": text}]}, subject="x"))
        assert piece not in str(error_for(400, text, subject="x"))
        assert piece not in str(error_for(400, {"errors": [{"code": text}], "traceId": text}, subject="x"))


def test_codes_and_trace_ids_stay() -> None:
    trace_id = "6ead97989e789000fda1b8471b215f94"
    error = error_for(400, {"errors": [{"code": "SPC-4"}], "traceId": trace_id}, subject="x")
    assert trace_id in str(error) and "SPC-4" in str(error)


def test_ordinary_words_stay() -> None:
    text = "Name is taken: the basic consumer has a token of appreciation"
    assert scrub(text) == text


def test_a_long_answer_is_cut() -> None:
    assert len(str(error_for(400, "x" * 100_000, subject="x"))) < 1000
