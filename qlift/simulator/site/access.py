"""Who may do what on the site: evaluates its security rules, as the audit and every list do.

Rules only grant. A rule counts when it is enabled, of category Security, its context fits, one pattern of its
resource filter matches `<Type>_<id>`, and its condition holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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

_REFERENCES = {"app": APP, "stream": STREAM, "owner": USER, "reloadtask": RELOAD_TASK}


@dataclass(frozen=True)
class _Rule:
    patterns: tuple[re.Pattern[str], ...]
    everything: bool
    condition: conditions.Condition
    actions: int
    context: int


class Access:
    """A snapshot of the site's rules. Make a new one for each request."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rules = _rules(store)
        self._by_user: dict[tuple[str, int], bool] = {}
        self._people: dict[str, Person] = {}
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
        known = self._people.get(user["id"])
        if known is None:
            known = self._people[user["id"]] = Person.of(user)
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
        if rule.condition.about_resource:
            return rule.condition.holds(facts)
        key = (facts.user["id"], number)
        answer = self._by_user.get(key)
        if answer is None:
            answer = self._by_user[key] = rule.condition.holds(facts)
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
    """A user's values as conditions ask for them: names and values in lower case."""

    values: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, user: Document) -> Person:
        values: dict[str, list[str]] = {}
        for attribute in user.get("attributes", ()):
            values.setdefault(attribute["attributeType"].lower(), []).append(
                attribute["attributeValue"].lower()
            )
        for name in ("userId", "userDirectory", "name"):
            values[name.lower()] = [str(user.get(name, "")).lower()]
        values["roles"] = [role.lower() for role in user.get("roles") or ()]
        for value in user.get("customProperties") or ():
            values.setdefault("@" + value["definition"]["name"].lower(), []).append(value["value"].lower())
        return cls({name: tuple(found) for name, found in values.items()})


@dataclass(frozen=True)
class _Facts:
    access: Access
    user: Document
    person: Person
    kind: Kind
    document: Document
    context: int

    def values(self, path: Sequence[str]) -> tuple[str, ...]:
        if path[0] == "user":
            if len(path) == 1:
                return (self.user["id"].lower(),)
            return self.person.values.get(path[1], ()) if len(path) == 2 else ()
        if path[0] != "resource":
            return ()
        found = self._resource(path[1:-1]) if len(path) > 1 else (self.kind, self.document)
        if found is None:
            return ()
        return _values(found[0], found[1], path[-1]) if len(path) > 1 else (found[1]["id"].lower(),)

    def call(self, path: Sequence[str], argument: str | None) -> bool:
        if path in (("user", "isanonymous"), ("isanonymous",)):
            return False  # Nobody in the list of users is anonymous.
        if path[0] != "resource":
            return False
        found = self._resource(path[1:-1])
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
        return (kind.type.lower(),)
    if name.startswith("@"):
        return tuple(
            value["value"].lower()
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
        return (str(value["id"]).lower(),) if "id" in value else ()
    return (str(value).lower(),)


KIND_BY_TYPE = {kind.type.lower(): kind for kind in KINDS}
