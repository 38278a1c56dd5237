"""A simulated site with generated rules, exported over HTTP, and what its derived roles come to.

Who can do what is worked out here from the assignments, the source's memberships and a table of roles of its
own: nothing of the derivation is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from qlift.bundle import Bundle, load_bundle
from qlift.bundle.models import User
from qlift.derivation import derive
from qlift.derivation.desired import Desired, Finding
from qlift.derivation.people import People
from qlift.derivation.plan import Plan
from qlift.simulator import Simulator
from qlift.simulator.site import SampleOptions
from qlift.simulator.store import Store
from tests.support.export import export_from

RULES, STREAMS, USERS = 300, 36, 120
TODAY = date(2026, 11, 24)
EVERYONE = "All Staff"
READ, PUBLISH, MANAGE = 2, 32, 4 | 8 | 64
WORDS = {READ: "read", PUBLISH: "publish to", 4: "change", 8: "delete", 64: "give away"}
MEANING = {
    "consumer": READ,
    "contributor": READ,
    "producer": READ | PUBLISH,
    "publisher": PUBLISH,
    "facilitator": READ | MANAGE,
}


@dataclass
class Exported:
    bundle: Bundle
    store: Store
    """The site itself, for questions to its own evaluator."""


def exported(folder: Path, seed: int, rules: int = RULES) -> Exported:
    sample = SampleOptions(
        seed=seed, generated_rules=rules, streams=STREAMS, users=USERS, groups=9, apps=4, personal=1
    )
    simulator = Simulator(sample=sample)
    with simulator:
        export_from(simulator, folder)
    return Exported(load_bundle(folder / "exports" / "sample"), simulator.store)


def plan(type_: str, everyone: str | None) -> Plan:
    rules = [{"directory": d, "subject": d + "\\{user_id}"} for d in ("ACME", "PARTNER")]
    return Plan.model_validate(
        {
            "version": 1,
            "phase": "all",
            "sources": [{"site": "sample", "bundle": "b"}],
            "select": {"streams": "all"},
            "users": {"rules": rules, "missing_owner": {"assign_to": "ACME\\qlik.admin"}},
            "groups": {"everyone": everyone},
            "spaces_rule": {"type": type_},
        }
    )


def derived(bundle: Bundle, type_: str, everyone: str | None = None) -> Desired:
    wanted = plan(type_, everyone)
    return derive([bundle], wanted, People(wanted), [], TODAY)


def people(bundle: Bundle) -> dict[str, User]:
    """By id: who can work in the source."""
    return {
        u.id: u
        for u in bundle.users
        if u.user_directory != "INTERNAL" and not (u.inactive or u.removed_externally or u.blacklisted)
    }


def held(bundle: Bundle, desired: Desired) -> dict[str, dict[str, int]]:
    """What each active person can do, by stream and user, as a bit mask: by assignments and memberships."""
    active = people(bundle)
    members: dict[str, set[str]] = {EVERYONE: set(active)}
    logins: dict[str, set[str]] = {}
    for user in active.values():
        logins.setdefault(user.login, set()).add(user.id)
        for attribute in user.attributes:
            if attribute.attribute_type.lower() == "group":
                members.setdefault(attribute.attribute_value.lower(), set()).add(user.id)
    found: dict[str, dict[str, int]] = {s.source.id: {} for s in desired.spaces}
    stream_of = {s.key: s.source.id for s in desired.spaces}
    for assignment in desired.assignments:
        name = assignment.assignee.name
        if assignment.assignee.type == "self":
            continue
        if assignment.assignee.type == "group":
            who = members.get(name) or members.get(name.lower(), set())
        else:
            who = logins[name]
        masks = found[stream_of[assignment.space]]
        for user_id in who:
            for role in assignment.roles:
                masks[user_id] = masks.get(user_id, 0) | MEANING[role]
    return found


@dataclass(frozen=True)
class Gap:
    """Cells of one stream that differ: `wider` are given and not in the audit, `narrower` the other way."""

    stream: str
    cell: int
    wider: frozenset[str]
    narrower: frozenset[str]


def gaps(bundle: Bundle, desired: Desired) -> list[Gap]:
    active = people(bundle)
    by_stream = held(bundle, desired)
    found = []
    for stream in bundle.streams:
        audit = bundle.access[stream.id].users
        for cell in WORDS:
            given = {u for u, mask in by_stream[stream.id].items() if mask & cell}
            allowed = {u for u, mask in audit.items() if mask & cell and u in active}
            found.append(Gap(stream.id, cell, frozenset(given - allowed), frozenset(allowed - given)))
    return found


def told(bundle: Bundle, desired: Desired, gap: Gap, code: str) -> list[Finding]:
    """Findings of a code about one cell of a stream's space."""
    name = next(s.name for s in bundle.streams if s.id == gap.stream)
    space = next(s.name for s in desired.spaces if s.source.id == gap.stream)
    assert space == name
    word = f" {WORDS[gap.cell]} "
    return [f for f in desired.findings if f.code == code and f.object == name and word in f.message]


def names_them(bundle: Bundle, finding: Finding, users: frozenset[str]) -> bool:
    """Exactly these people: all by login, or for more than ten their number."""
    active = people(bundle)
    said = {u for u in active if active[u].login in finding.message.replace(",", " ").split()}
    if len(users) > 10:
        return finding.message.startswith(f"{len(users)} people (")
    return said == set(users)
