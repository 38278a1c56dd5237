"""The condition language: read as a whole or not at all, and never with another error than its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlift.derivation.permissions.conditions import (
    FUNCTIONS,
    And,
    Call,
    Compare,
    ConditionError,
    Node,
    Not,
    Or,
    Path,
    Text,
    parse,
    text_of,
)


def path(text: str) -> Path:
    return Path(tuple(text.split(".")))


def is_(left: str, right: str, operator: str = "=") -> Compare:
    return Compare(operator, path(left), Text(right))


@pytest.mark.parametrize(
    ("condition", "tree"),
    [
        ('((user.group="A"))', is_("user.group", "A")),
        (
            'user.group = "A" or (user.group="B or C")',
            Or((is_("user.group", "A"), is_("user.group", "B or C"))),
        ),
        ('user.@Team != "x"', is_("user.@Team", "x", "!=")),
        ("resource.@Dep=user.group", Compare("=", path("resource.@Dep"), path("user.group"))),
        ("!user.IsAnonymous()", Not(Call(path("user.IsAnonymous"), None))),
        ('resource.HasPrivilege("read")', Call(path("resource.HasPrivilege"), Text("read"))),
        ("resource.published", is_("resource.published", "true")),
        ("resource.published = true", is_("resource.published", "true")),
        ('user.name like "A*"', is_("user.name", "A*", "like")),
        ('user.name matches "DataConnection_\\w{8}"', is_("user.name", "DataConnection_\\w{8}", "matches")),
        ('user.group === "A"', None),
        ("", And(())),
        ("   ", And(())),
    ],
)
def test_shapes(condition: str, tree: Node | None) -> None:
    if tree is None:
        with pytest.raises(ConditionError):
            parse(condition)
    else:
        assert parse(condition) == tree


def test_not_binds_closest_then_and_then_or() -> None:
    a, b, c = (is_("user.group", name) for name in "abc")
    assert parse('user.group="a" or user.group="b" and user.group="c"') == Or((a, And((b, c))))
    assert parse('!user.group="a" and user.group="b"') == And((Not(a), b))
    assert parse('(user.group="a" || user.group="b") && user.group="c"') == And((Or((a, b)), c))


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ('user.group="A" AND user.group="B"', "small letters"),
        ('(user.group="A"', "ends too early, ) is missing"),
        ('user.group="A")', "cannot stand"),
        ("user.group=", "ends too early"),
        ('user.group="A" user.group="B"', "cannot stand"),
        ("user.group like user.name", "not a text"),
        ('user.Function("x")', "the function user.Function is not known"),
        ('node.name = "x"', "conditions are about user and resource"),
        ("user.group = “A”", "cannot be read from"),
        ('"A"', "compared with nothing"),
        ('user.group = resource.HasPrivilege("x")', "what a function gives"),
        ("resource.HasPrivilege(user.group)", "not a text"),
        ("(" * 500 + 'user.group="A"' + ")" * 500, "too many parentheses"),
        ("!" * 500 + 'user.group="A"', "too many parentheses"),
    ],
)
def test_what_cannot_be_read_says_why(condition: str, says: str) -> None:
    with pytest.raises(ConditionError, match=says.replace("(", "\\(").replace(")", "\\)")):
        parse(condition)


names = st.from_regex(r"@?[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).filter(
    lambda n: n not in ("and", "or", "like", "matches", "true", "false")
)
paths = st.builds(
    lambda root, rest: Path((root, *rest)),
    st.sampled_from(["user", "resource", "User", "RESOURCE"]),
    st.lists(names, min_size=0, max_size=3),
)
texts = st.text(st.characters(exclude_characters='"\\', exclude_categories=["Cs"]), max_size=12).map(Text)
compared = st.one_of(
    st.builds(Compare, st.sampled_from(["=", "==", "!=", "!=="]), paths, st.one_of(texts, paths)),
    st.builds(Compare, st.sampled_from(["like", "matches"]), paths, texts),
)
calls = st.builds(
    lambda p, f, a: Call(Path((*p.names, f)), a), paths, st.sampled_from(FUNCTIONS), st.none() | texts
)


def _joined(parts: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(parts, min_size=2, max_size=4).map(tuple)
    return st.one_of(st.builds(And, several), st.builds(Or, several), st.builds(Not, parts))


trees = st.recursive(st.one_of(compared, calls), _joined, max_leaves=12)


@given(trees)
def test_what_is_written_from_a_tree_is_read_as_that_tree(tree: Node) -> None:
    assert parse(text_of(tree)) == tree


pieces = st.sampled_from(
    [
        "user",
        ".group",
        "resource.@X",
        "=",
        "!",
        "!==",
        "(",
        ")",
        " and ",
        "or",
        "&&",
        '"a"',
        '"',
        "\\",
        "like",
        "3",
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(pieces, max_size=30).map("".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        tree = parse(text)
    except ConditionError as error:
        assert str(error)
    else:
        assert parse(text_of(tree)) == tree
