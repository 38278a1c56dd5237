"""The audit matrix and the rules behind it, against answers worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from qlift.simulator.site import SampleOptions, audit, conditions, seed_sample
from qlift.simulator.site.access import CONSOLE, HUB, Access
from qlift.simulator.site.documents import (
    app,
    app_object,
    custom_property,
    property_value,
    stream,
    system_rule,
    user,
)
from qlift.simulator.site.kinds import APP, APP_OBJECT, STREAM, SYSTEM_RULE, USER, Document, Kind
from qlift.simulator.store import Store


@pytest.fixture
def small() -> Iterator[Store]:
    store = Store(None)
    yield store
    store.close()


def _put(store: Store, kind: Kind, *documents: Document) -> None:
    for document in documents:
        store.put(kind.stored, document["id"], document)


ANNA = user("u1", "ACME", "anna", "Anna Berg", [("group", "Readers"), ("group", "Bosses")])
BRUNO = user("u2", "ACME", "bruno", "Bruno Dahl", [("Group", "READERS")])
CLARA = user("u3", "PARTNER", "clara", "Clara Ito", roles=["RootAdmin"])
SALES = stream("s1", "Sales", ANNA)
TEAM = custom_property("p1", "Team", ["Readers"], ["Stream"])

CONDITIONS = [
    ('((user.group="readers"))', {"u1", "u2"}),
    ('user.group="readers" and user.group="bosses"', {"u1"}),
    ('user.group != "bosses"', {"u2", "u3"}),
    ('!(user.group = "bosses") or user.userId == "anna"', {"u1", "u2", "u3"}),
    ('user.name like "*berg"', {"u1"}),
    ('user.userDirectory matches "A.*E"', {"u1", "u2"}),
    ('user.userId = "bruno" || user.userId = "clara" && user.userDirectory = "ACME"', {"u2"}),
    ("resource.@Team = user.group", {"u1", "u2"}),
    ("resource.IsOwned() and resource.owner = user", {"u1"}),
    ('user.roles = "RootAdmin"', {"u3"}),
    ("user.IsAnonymous()", set()),
    ('resource.name = "SALES"', {"u1", "u2", "u3"}),
    ('user.environment.group = "X"', set()),
    ("this is not a condition", set()),
    ('resource.HasPrivilege("read")', set()),
    ("", {"u1", "u2", "u3"}),
    ('user.group == "READERS"', {"u2"}),
    ('user.group !== "READERS"', {"u1", "u3"}),
    ('user.userDirectory matches "a.*e"', set()),
    ('user.userDirectory matches "CM"', set()),
    ('user.userId like "*A"', {"u1", "u3"}),
    ("user.group like resource.name", set()),
    ('user.group="readers" AND user.group="bosses"', set()),
    ('!user.Function("x")', set()),
    ('node.name != "x"', set()),
    ("user.group.Empty()", {"u3"}),
    ('!resource.@Team.Empty() and user.userId="clara"', {"u3"}),
    ("resource.owner.group = user.group", {"u1", "u2"}),
    ('resource.owner.userId = "anna" and user.roles="RootAdmin"', {"u3"}),
    ('resource.id = "S1" and user.group="Bosses"', {"u1"}),
    ('user.costcenter != "x"', {"u1", "u2", "u3"}),
    ('user.environment.context = "AppAccess"', set()),
]
"""Nobody in the last one: without a context, an audit is about hub and console at once."""


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS)
def test_a_condition_grants_to_whom_it_says(small: Store, condition: str, expected: set[str]) -> None:
    marked = SALES | {"customProperties": [property_value(TEAM, "Readers", "s1")]}
    _put(small, USER, ANNA, BRUNO, CLARA)
    _put(small, STREAM, marked)
    _put(small, SYSTEM_RULE, system_rule("r", "rule", "Stream_s1", condition, 2))
    request = audit.MatrixRequest(resource_type="Stream")
    assert {row["subjectId"] for row in audit.matrix(small, request)["matrix"]} == expected


@pytest.mark.parametrize(
    ("resource_filter", "counts"),
    [
        ("Stream_s1", True),
        ("Stream_*", True),
        ("Stream*", True),
        ("*", True),
        ("App_*, Stream_s1", True),
        ("Stream_s2", False),
        ("App*", False),
        ("stream_S1", True),
    ],
)
def test_resource_filters(small: Store, resource_filter: str, counts: bool) -> None:
    _put(small, SYSTEM_RULE, system_rule("r", "rule", resource_filter, "!user.IsAnonymous()", 34))
    assert Access(small).actions(ANNA, STREAM, SALES) == (34 if counts else 0)


def test_grants_add_up_and_disabled_or_other_rules_do_not_count(small: Store) -> None:
    _put(
        small,
        SYSTEM_RULE,
        system_rule("r1", "read", "Stream_*", 'user.userId="anna"', 2),
        system_rule("r2", "publish", "Stream_*", 'user.group="bosses"', 32),
        system_rule("r3", "off", "Stream_*", "!user.IsAnonymous()", 64, disabled=True),
        system_rule("r4", "licence", "Stream_*", "!user.IsAnonymous()", 8, category="License"),
        system_rule("r5", "console", "Stream_*", "!user.IsAnonymous()", 4, context=2),
        system_rule("r6", "hub", "Stream_*", "!user.IsAnonymous()", 1, context=1),
    )
    assert Access(small).actions(ANNA, STREAM, SALES, HUB) == 2 + 32 + 1
    assert Access(small).actions(ANNA, STREAM, SALES, CONSOLE) == 2 + 32 + 4
    assert Access(small).actions(BRUNO, STREAM, SALES) == 4 + 1


def test_an_administrator_has_on_a_stream_what_a_real_audit_shows(small: Store) -> None:
    _put(small, SYSTEM_RULE, system_rule("r", "root", "*", 'user.roles="RootAdmin"', 8191, context=2))
    assert Access(small).actions(CLARA, STREAM, SALES) == 111


def test_reading_a_stream_gives_its_apps_and_their_published_objects_but_not_the_script(small: Store) -> None:
    seed_sample(small)
    access = Access(small)
    finance = next(item for item in small.all(STREAM.stored) if item["name"] == "Finance")
    reader = next(
        item
        for item in small.all(USER.stored)
        if not item["roles"]
        and access.actions(item, STREAM, finance, HUB) == 2
        and any(value["attributeValue"] == "BI-Finance-Readers" for value in item["attributes"])
    )
    document = next(item for item in small.all(APP.stored) if (item["stream"] or {}).get("name") == "Finance")
    objects = [item for item in small.all(APP_OBJECT.stored) if item["app"]["id"] == document["id"]]
    assert access.actions(reader, APP, document, wanted=2)
    for item in objects:
        may = bool(access.actions(reader, APP_OBJECT, item, wanted=2))
        own = item["owner"]["id"] == reader["id"]
        assert may == (own or (item["published"] and item["objectType"] != "app_appscript")), item["name"]


def test_objects_of_an_unpublished_app_belong_to_its_owner(small: Store) -> None:
    seed_sample(small)
    _put(small, USER, ANNA, BRUNO)
    mine = app("a1", "Mine", ANNA, None)
    sheet = app_object("o1", mine, ANNA, "sheet", "Sheet", "h", published=False, approved=False)
    _put(small, APP, mine)
    _put(small, APP_OBJECT, sheet)
    access = Access(small)
    assert access.actions(ANNA, APP_OBJECT, sheet, wanted=2)
    assert not access.actions(BRUNO, APP_OBJECT, sheet, wanted=2)


def test_the_context_of_the_audit_is_an_attribute_of_the_session(small: Store) -> None:
    _put(small, USER, ANNA)
    _put(small, STREAM, SALES)
    condition = 'user.environment.context = "AppAccess"'
    _put(small, SYSTEM_RULE, system_rule("r", "rule", "Stream_s1", condition, 2))
    access = Access(small)
    assert [access.actions(ANNA, STREAM, SALES, c) for c in (HUB, CONSOLE)] == [2, 0]
    assert [access.grants([ANNA], STREAM, SALES, c)["u1"] for c in (HUB, CONSOLE)] == [2, 0]


def test_all_users_at_once_are_answered_as_one_by_one(small: Store) -> None:
    seed_sample(small, SampleOptions(generated_rules=150, streams=12, users=40, apps=4, personal=1))
    access, users = Access(small), small.all(USER.stored)
    for kind in (STREAM, APP):
        for document in small.all(kind.stored):
            for context in (HUB, CONSOLE):
                masks = access.grants(users, kind, document, context)
                assert masks == {u["id"]: access.actions(u, kind, document, context) for u in users}


def test_what_was_worked_out_is_forgotten_when_a_rule_or_a_user_changes(small: Store) -> None:
    _put(small, USER, ANNA, BRUNO)
    _put(small, STREAM, SALES)
    _put(small, SYSTEM_RULE, system_rule("r", "rule", "Stream_s1", 'user.group="Bosses"', 2))

    def granted() -> set[str]:
        matrix = audit.matrix(small, audit.MatrixRequest(resource_type="Stream"))["matrix"]
        return {row["subjectId"] for row in matrix}

    assert granted() == {"u1"}
    _put(small, USER, user("u2", "ACME", "bruno", "Bruno Dahl", [("group", "Bosses")]))
    assert granted() == {"u1", "u2"}
    _put(small, SYSTEM_RULE, system_rule("r", "rule", "Stream_s1", 'user.userId="bruno"', 2))
    assert granted() == {"u2"}
    small.delete(SYSTEM_RULE.stored, "r")
    assert granted() == set()


def test_generated_rules_are_of_all_kinds_and_the_same_for_a_seed(small: Store) -> None:
    options = SampleOptions(generated_rules=300, streams=20, users=60, apps=4, personal=1)
    seed_sample(small, options)
    again = Store(None)
    seed_sample(again, options)
    for kind in (SYSTEM_RULE, STREAM, USER):
        assert small.all(kind.stored) == again.all(kind.stored)
    again.close()
    rules = [r for r in small.all(SYSTEM_RULE.stored) if r["name"].startswith("Generated")]
    assert len({r["name"] for r in rules}) == 300
    unread = []
    for rule in rules:
        try:
            conditions.parse(rule["rule"])
        except conditions.ConditionError:
            unread.append(rule)
    assert 0 < len(unread) < 60
    said = " ".join(r["rule"] for r in rules)
    for shape in (
        "user.environment",
        "HasPrivilege",
        "matches",
        " like ",
        "!==",
        "resource.owner",
        "Empty()",
    ):
        assert shape in said
    assert any(r["disabled"] for r in rules) and {r["ruleContext"] for r in rules} == {0, 1, 2}


def test_a_condition_that_cannot_be_read_is_an_error_of_the_parser() -> None:
    for text in (
        "user.name =",
        "(user.name",
        'user.name = "a" extra "b"',
        "and",
        '"open',
        '"a"',
        "user.x OR",
    ):
        with pytest.raises(conditions.ConditionError):
            conditions.parse(text)


def _matrix(client: httpx.Client, stream_: Document, **more: object) -> dict[str, int]:
    body = {
        "resourceType": "Stream",
        "resourceRef": {"resourceFilter": f"id eq {stream_['id']}"},
        "subjectRef": {"resourceFilter": ""},
        "actions": 8191,
        "environmentAttributes": "context=AppAccess;",
        "resourceProperties": ["name"],
        "subjectProperties": ["id", "UserId"],
        "auditLimit": 100000,
        "outputObjectsPrivileges": 4,
    } | more
    answer = client.post("/qrs/systemrule/security/audit/matrix", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["schemaPath"] == "AuditMatrix"
    assert {row["resourceId"] for row in found["matrix"]} <= {stream_["id"]}
    return {
        found["subjects"][row["subjectId"]]["subjectProperties"]["UserId"]: row["audit"]["access"]
        for row in found["matrix"]
    }


def test_the_matrix_of_the_sample_by_hand(store: Store, admin: httpx.Client) -> None:
    users = [item for item in store.all(USER.stored) if item["userDirectory"] != "INTERNAL"]
    streams = {item["name"]: item for item in store.all(STREAM.stored)}

    def in_group(name: str) -> set[str]:
        return {
            item["userId"]
            for item in users
            if any(value["attributeValue"] == name for value in item["attributes"])
        }

    def granted(name: str) -> dict[str, int]:
        found = _matrix(admin, streams[name])
        return {login: mask for login, mask in found.items() if not login.startswith("sa_")}

    publishers = in_group("BI-Publishers")
    assert granted("Finance") == dict.fromkeys(in_group("BI-Finance-Readers"), 2) | dict.fromkeys(
        publishers, 34
    )
    assert granted("Sales") == dict.fromkeys(in_group("BI-Sales-Readers"), 2) | dict.fromkeys(publishers, 34)
    assert granted("Supply Chain") == dict.fromkeys(in_group("BI-Supply-Readers"), 2) | dict.fromkeys(
        publishers, 34
    )
    assert granted("HR") == {users[3]["userId"]: 34, users[8]["userId"]: 2, users[1]["userId"]: 2}
    assert granted("Everyone") == dict.fromkeys((item["userId"] for item in users), 34)


def test_rules_of_the_console_count_only_when_asked(store: Store, admin: httpx.Client) -> None:
    sales = next(item for item in store.all(STREAM.stored) if item["name"] == "Sales")
    hub = _matrix(admin, sales)
    both = _matrix(admin, sales, environmentAttributes="")
    assert "qlik.admin" not in hub
    assert both["qlik.admin"] == 111
    assert set(hub) < set(both)


def test_limits_masks_and_filters_of_the_matrix(store: Store, admin: httpx.Client) -> None:
    everyone = next(item for item in store.all(STREAM.stored) if item["name"] == "Everyone")
    assert len(_matrix(admin, everyone, auditLimit=3)) == 3
    assert set(_matrix(admin, everyone, actions=32).values()) == {32}
    one = _matrix(admin, everyone, subjectRef={"resourceFilter": "userId eq 'qlik.admin'"})
    assert one == {"qlik.admin": 34}


def test_the_matrix_refuses_what_it_cannot_answer(store: Store, admin: httpx.Client) -> None:
    path = "/qrs/systemrule/security/audit/matrix"
    assert admin.post(path, json={"resourceType": "Spaceship"}).status_code == 400
    bad = {"resourceType": "Stream", "resourceRef": {"resourceFilter": "colour eq 'x'"}}
    answer = admin.post(path, json=bad)
    assert (answer.status_code, answer.text) == (400, "Cannot parse the expression: colour eq 'x'")


def test_somebody_without_an_admin_role_may_not_audit(
    store: Store, caller: Callable[[str], httpx.Client]
) -> None:
    reader = store.all(USER.stored)[12]
    answer = caller(f"{reader['userDirectory']}\\{reader['userId']}").post(
        "/qrs/systemrule/security/audit/matrix", json={"resourceType": "Stream"}
    )
    assert answer.status_code == 403
