"""Who may do what on the site: evaluates its security rules, as the audit and every list do.

Rules only grant. A rule counts when it is enabled, of category Security, its context fits, one pattern of its
resource filter matches `<Type>_<id>`, and its condition holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from qlift.simulator.site import conditions
from qlift.simulator.site.kinds import (
    APP,
    KINDS,
    RELOAD_TASK,
    STREAM,
    SYSTEM_RULE,
    USER,
    Document,
    Kind,
)
from qlift.simulator.store import Store

READ = 2
UPDATE = 4
CREATE = 1
DELETE = 8
EXPORT = 16
PUBLISH = 32
EVERYTHING = 8191

HUB = 1
CONSOLE = 2
ANYWHERE = 0

_ACTIONS = {
    "create": CREATE,
    "read": READ,
    "update": UPDATE,
    "delete": DELETE,
    "export": EXPORT,
    "publish": PUBLISH,
    "changeowner": 64,
    "changerole": 128,
    "exportdata": 256,
    "offlineaccess": 512,
    "distribute": 1024,
    "duplicate": 2048,
    "approve": 4096,
}

_STREAM_ACTIONS = 111
"""What an administrator with every right has on a stream in a real audit: 1+2+4+8+32+64."""

_CONTEXTS: dict[int, tuple[str, ...]] = {HUB: ("AppAccess",), CONSOLE: ("ManagementAccess",), ANYWHERE: ()}
"""`user.environment.context`, by the context that is asked about."""
_REFERENCES = {"app": APP, "stream": STREAM, "owner": USER, "reloadtask": RELOAD_TASK}


@dataclass(frozen=True)
class _Rule:
    patterns: tuple[re.Pattern[str], ...]
    everything: bool
    condition: conditions.Condition
    actions: int
    context: int


@dataclass
class _Memory:
    """What was worked out about users and rules, and holds until either changes."""

    changes: tuple[int, int]
    rules: list[_Rule]
    people: dict[str, Person] = field(default_factory=dict)
    by_user: dict[tuple[str, int], bool] = field(default_factory=dict)
    holders: dict[tuple[object, ...], frozenset[str]] = field(default_factory=dict)
    """Whom a rule's condition lets in, by the rule and by what the resource answers to its questions."""


_MEMORIES: WeakKeyDictionary[Store, _Memory] = WeakKeyDictionary()


def _memory(store: Store) -> _Memory:
    with store.lock:
        changes = (store.changes(SYSTEM_RULE.stored), store.changes(USER.stored))
        known = _MEMORIES.get(store)
        if known is None or known.changes != changes:
            known = _MEMORIES[store] = _Memory(changes, _rules(store))
        return known


class Access:
    """A snapshot of the site's rules. Make a new one for each request."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._memory = _memory(store)
        self._rules = self._memory.rules
        self._asking: set[tuple[str, str, str, int, int]] = set()

    def actions(
        self,
        user: Document,
        kind: Kind,
        document: Document,
        context: int = ANYWHERE,
        wanted: int = EVERYTHING,
    ) -> int:
        """The bit mask of what `user` may do with `document`, of the `wanted` actions.

        `context` ANYWHERE is hub or console.
        """
        possible = wanted & (_STREAM_ACTIONS if kind is STREAM else EVERYTHING)
        name = f"{kind.type}_{document['id']}"
        granted = 0
        facts: _Facts | None = None
        for number, rule in enumerate(self._rules):
            if rule.actions & possible & ~granted == 0 or not _fits(rule.context, context):
                continue
            if not rule.everything and not any(pattern.fullmatch(name) for pattern in rule.patterns):
                continue
            if facts is None:
                facts = _Facts(self, user, self.person(user), kind, document, context)
            if self._holds(number, rule, facts):
                granted |= rule.actions
        return granted & possible

    def grants(
        self, users: Sequence[Document], kind: Kind, document: Document, context: int = ANYWHERE
    ) -> dict[str, int]:
        """What `actions` gives for each user, by id; rule by rule, which is much faster for many users."""
        possible = _STREAM_ACTIONS if kind is STREAM else EVERYTHING
        name = f"{kind.type}_{document['id']}"
        granted = dict.fromkeys((user["id"] for user in users), 0)
        for number, rule in enumerate(self._rules):
            if not rule.actions & possible or not _fits(rule.context, context):
                continue
            if rule.everything or any(pattern.fullmatch(name) for pattern in rule.patterns):
                for user_id in self._holders(number, rule, users, kind, document, context):
                    if user_id in granted:
                        granted[user_id] |= rule.actions
        return {user_id: mask & possible for user_id, mask in granted.items()}

    def _holders(
        self,
        number: int,
        rule: _Rule,
        users: Sequence[Document],
        kind: Kind,
        document: Document,
        context: int,
    ) -> frozenset[str]:
        if rule.condition.asks_privilege:
            return self._who(rule, users, kind, document, context)
        nobody = _Facts(self, {}, Person({}), kind, document, context)
        questions = sorted(rule.condition.questions)
        values = {path: nobody.values(path) for path, called in questions if not called}
        calls = {path: nobody.call(path, None) for path, called in questions if called}
        asked = context if rule.condition.asks_context else None
        key = (number, asked, tuple(values.items()), tuple(calls.items()))
        if key not in self._memory.holders:
            everybody = self._store.all(USER.stored)
            self._memory.holders[key] = self._who(rule, everybody, kind, document, context, values)
        return self._memory.holders[key]

    def _who(
        self,
        rule: _Rule,
        users: Sequence[Document],
        kind: Kind,
        document: Document,
        context: int,
        values: Mapping[tuple[str, ...], tuple[str, ...]] | None = None,
    ) -> frozenset[str]:
        known = values or {}
        return frozenset(
            user["id"]
            for user in users
            if rule.condition.holds(_Facts(self, user, self.person(user), kind, document, context, known))
        )

    def visible(self, user: Document, kind: Kind, documents: Sequence[Document]) -> list[Document]:
        """The documents that `user` may read. The others are simply absent, as in the service's lists."""
        if self._sees_everything(user):
            return list(documents)
        return [document for document in documents if self.actions(user, kind, document, wanted=READ)]

    def has_privilege(
        self, user: Document, kind: Kind, document: Document, context: int, action: int
    ) -> bool:
        """What a condition's `HasPrivilege` answers; a rule that asks for its own answer gets no."""
        question = (user["id"], kind.type, document["id"], context, action)
        if question in self._asking:
            return False
        self._asking.add(question)
        try:
            return bool(self.actions(user, kind, document, context, wanted=action))
        finally:
            self._asking.discard(question)

    def person(self, user: Document) -> Person:
        people = self._memory.people
        known = people.get(user["id"])
        if known is None:
            known = people[user["id"]] = Person.of(user)
        return known

    def find(self, kind: Kind, id_: str) -> Document | None:
        return self._store.get(kind.stored, id_)

    def _sees_everything(self, user: Document) -> bool:
        facts = _Facts(self, user, self.person(user), USER, user, ANYWHERE)
        return any(
            rule.everything
            and rule.actions & READ
            and not rule.condition.about_resource
            and self._holds(number, rule, facts)
            for number, rule in enumerate(self._rules)
        )

    def _holds(self, number: int, rule: _Rule, facts: _Facts) -> bool:
        if rule.condition.about_resource or rule.condition.asks_context:
            return rule.condition.holds(facts)
        key = (facts.user["id"], number)
        answer = self._memory.by_user.get(key)
        if answer is None:
            answer = self._memory.by_user[key] = rule.condition.holds(facts)
        return answer


def _rules(store: Store) -> list[_Rule]:
    rules = []
    for document in store.all(SYSTEM_RULE.stored):
        if document.get("disabled") or document.get("category") != "Security":
            continue
        try:
            condition = conditions.parse(document["rule"])
        except conditions.ConditionError:
            # The service accepts such a rule, and it then grants nothing.
            continue
        patterns = [part.strip() for part in document["resourceFilter"].split(",") if part.strip()]
        rules.append(
            _Rule(
                tuple(_pattern(part) for part in patterns),
                "*" in patterns,
                condition,
                document["actions"],
                document.get("ruleContext", 0),
            )
        )
    return rules


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")), re.IGNORECASE)


def _fits(rule: int, asked: int) -> bool:
    return ANYWHERE in (rule, asked) or rule == asked


@dataclass(frozen=True)
class Person:
    """A user's values as conditions ask for them: names in small letters, values as they are."""

    values: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, user: Document) -> Person:
        values: dict[str, list[str]] = {}
        for attribute in user.get("attributes", ()):
            values.setdefault(attribute["attributeType"].lower(), []).append(attribute["attributeValue"])
        for name in ("userId", "userDirectory", "name"):
            values[name.lower()] = [str(user.get(name, ""))]
        values["roles"] = list(user.get("roles") or ())
        for value in user.get("customProperties") or ():
            values.setdefault("@" + value["definition"]["name"].lower(), []).append(value["value"])
        return cls({name: tuple(found) for name, found in values.items()})


@dataclass(frozen=True)
class _Facts:
    access: Access
    user: Document
    person: Person
    kind: Kind
    document: Document
    context: int
    known: Mapping[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    """Values of the resource that were looked up before."""

    def values(self, path: tuple[str, ...]) -> tuple[str, ...]:
        if path in self.known:
            return self.known[path]
        if path[0] == "user":
            if len(path) == 1:
                return (self.user["id"],)
            if path[1:] == ("environment", "context"):
                return _CONTEXTS[self.context]
            # Other session attributes are none in an audit: they come with a sign-in.
            return self.person.values.get(path[1], ()) if len(path) == 2 else ()
        if path[0] != "resource":
            return ()
        found = self._resource(path[1:-1]) if len(path) > 1 else (self.kind, self.document)
        if found is None:
            return ()
        return _values(found[0], found[1], path[-1]) if len(path) > 1 else (found[1]["id"],)

    def call(self, path: tuple[str, ...], argument: str | None) -> bool:
        if path in (("user", "isanonymous"), ("isanonymous",)):
            return False  # Nobody in the list of users is anonymous.
        if path[-1] == "empty":
            return not self.values(path[:-1])
        found = self._resource(path[1:-1]) if path[0] == "resource" else None
        if found is None:
            return False
        if path[-1] == "isowned":
            return found[1].get("owner") is not None
        if path[-1] == "hasprivilege" and argument is not None:
            return self.access.has_privilege(
                self.user, found[0], found[1], self.context, _ACTIONS.get(argument.lower(), 0)
            )
        return False

    def _resource(self, path: Sequence[str]) -> tuple[Kind, Document] | None:
        """The object that a path of references leads to, in full."""
        kind, document = self.kind, self.document
        for name in path:
            step = _REFERENCES.get(name)
            reference = next((v for k, v in document.items() if k.lower() == name), None)
            if step is None or not isinstance(reference, dict):
                return None
            found = self.access.find(step, reference["id"])
            if found is None:
                return None
            kind, document = step, found
        return kind, document


def _values(kind: Kind, document: Document, name: str) -> tuple[str, ...]:
    if name == "resourcetype":
        return (kind.type,)
    if kind is USER:
        return Person.of(document).values.get(name, ())
    if name.startswith("@"):
        return tuple(
            value["value"]
            for value in document.get("customProperties") or ()
            if value["definition"]["name"].lower() == name[1:]
        )
    return _texts(next((value for key, value in document.items() if key.lower() == name), None))


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, bool):
        return ("true" if value else "false",)
    if isinstance(value, list):
        return tuple(text for item in value for text in _texts(item))
    if isinstance(value, dict):
        return (str(value["id"]),) if "id" in value else ()
    return (str(value),)


KIND_BY_TYPE = {kind.type.lower(): kind for kind in KINDS}
