"""Fills a store with the sample site."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from qlift.simulator.sample.apps import STREAM_NAMES, Cast, make_apps, mark_app
from qlift.simulator.sample.options import SampleOptions
from qlift.simulator.sample.others import DIRECTORY_PASSWORDS, PROGRAM_PASSWORD, make_others
from qlift.simulator.sample.people import Person, group_names, people
from qlift.simulator.sample.rules import EVERYONE_STREAM, custom_rules, default_rules
from qlift.simulator.sample.tasks import make_tasks, more_triggers
from qlift.simulator.sample.team_rules import readers_of_team, team_rules
from qlift.simulator.site.documents import (
    Ids,
    custom_property,
    data_connection,
    extension,
    property_value,
    service_accounts,
    stream,
    tag,
    user,
)
from qlift.simulator.site.kinds import (
    APP,
    CUSTOM_PROPERTY,
    DATA_CONNECTION,
    EXTENSION,
    STREAM,
    SYSTEM_RULE,
    TAG,
    USER,
    Document,
    Kind,
    reference,
)
from qlift.simulator.store import Store

CONNECTION_PASSWORDS = ("Winter-in-Walldorf-42", "t1ger.Lily-2019")
"""Pretend credentials in the connections of the sample."""
SAMPLE_PASSWORDS = (*CONNECTION_PASSWORDS, *DIRECTORY_PASSWORDS, PROGRAM_PASSWORD)
"""Each stands in one field of one object of the sample, and must turn up nowhere else."""


def seed_sample(store: Store, options: SampleOptions | None = None) -> None:
    """Adds the sample site to an empty store. Raises ValueError for options that are too small."""
    with store.batch():
        _seed(store, options or SampleOptions())


def _seed(store: Store, options: SampleOptions) -> None:
    everybody = people(options)
    ids = Ids(f"sample {options.seed}")
    groups = group_names(options)

    definitions = _definitions(ids, groups)
    _put(store, CUSTOM_PROPERTY, definitions)
    department, level, clearance = definitions
    tags = [
        tag(ids("tag", name), name)
        for name in ("App - 30 Ready to Migrate", "App - 99 Will Not Migrate", "Certified")
    ]
    _put(store, TAG, tags)

    accounts = service_accounts(ids)
    users = [_user(ids, person) for person in everybody]
    users[1]["customProperties"] = [property_value(clearance, "high", users[1]["id"])]
    _put(store, USER, [*accounts, *users])

    streams = _streams(ids, options, users, accounts[0])
    for place, group in ((1, groups[1 % len(groups)]), (3, groups[2 % len(groups)])):
        if place < len(streams):
            chosen = streams[place]
            chosen["customProperties"] = [property_value(department, group, chosen["id"])]
    _put(store, STREAM, streams)
    _put(store, SYSTEM_RULE, default_rules(ids) + custom_rules(ids, streams, users, groups))
    _put(store, SYSTEM_RULE, team_rules(ids, streams, users, groups, options.team_rules))

    developers = (*users[1:5], *users[100::100])
    cast = Cast(users[0], developers, users[5], _readers(streams, everybody, users, groups))
    apps = make_apps(store, options, ids, streams, cast)
    published = [document for document in apps if document["published"]]
    _label(store, published, level, users, tags)
    make_tasks(store, options, ids, published)
    make_others(store, options, ids, users)
    more_triggers(store, options, ids)

    _put(store, DATA_CONNECTION, _connections(ids, options, users))
    _put(
        store,
        EXTENSION,
        [extension(ids("extension", name), name, users[0]) for name in ("acme-gauge", "acme-theme-dark")],
    )


def _put(store: Store, kind: Kind, documents: Sequence[Document]) -> None:
    store.put_all(kind.stored, ((document["id"], document) for document in documents))


def _definitions(ids: Ids, groups: Sequence[str]) -> list[Document]:
    return [
        custom_property(ids("property", "Department"), "Department", groups, ("Stream", "App")),
        custom_property(ids("property", "AppLevelMgmt"), "AppLevelMgmt", (), ("App",)),
        custom_property(ids("property", "Clearance"), "Clearance", ("low", "high"), ("User",)),
    ]


def _user(ids: Ids, person: Person) -> Document:
    """The partner directory spells its attribute types with capitals, as connectors may."""
    email, group = ("email", "group") if person.directory == "ACME" else ("Email", "Group")
    attributes = [(group, name) for name in person.groups]
    if person.email is not None:
        attributes.insert(0, (email, person.email))
    return user(
        ids("user", person.login),
        person.directory,
        person.user_id,
        person.name,
        attributes,
        person.roles,
        inactive=person.left,
    )


def _streams(ids: Ids, options: SampleOptions, users: Sequence[Document], system: Document) -> list[Document]:
    names = [*STREAM_NAMES, *(f"Team {n:02}" for n in range(len(STREAM_NAMES) + 1, options.streams + 1))]
    made = []
    for number, name in enumerate(names[: max(1, options.streams)]):
        everyone = name == "Everyone"
        id_ = EVERYONE_STREAM if everyone else ids("stream", name)
        made.append(stream(id_, name, system if everyone else users[1 + number % 4]))
    return made


def _readers(
    streams: Sequence[Document], everybody: Sequence[Person], users: Sequence[Document], groups: Sequence[str]
) -> dict[str, list[Document]]:
    """People by stream who may read it by the custom rules, and who are still there and have an e-mail."""
    named = list(zip(everybody, users, strict=True))
    present = [(person, document) for person, document in named if not person.left and person.email]
    members: dict[str, list[Document]] = defaultdict(list)
    for person, document in present:
        for group in person.groups:
            members[group].append(document)
    known = {
        "Finance": members[groups[0]],
        "Sales": members[groups[1 % len(groups)]],
        "HR": [users[3], users[8]],
        "Supply Chain": members[groups[2 % len(groups)]],
        "Everyone": [document for _, document in present[1:]],
    }
    return {
        document["name"]: known.get(document["name"], members[readers_of_team(place, groups)])
        for place, document in enumerate(streams)
    }


def _label(
    store: Store,
    published: Sequence[Document],
    level: Document,
    users: Sequence[Document],
    tags: Sequence[Document],
) -> None:
    for place, document in enumerate(published):
        stored = store.get(APP.stored, document["id"])
        if stored is None or place not in (3, 4):
            continue
        labelled = mark_app(stored, level, users[9]["userId"]) if place == 4 else stored
        store.put(
            APP.stored, document["id"], labelled | {"tags": [reference(TAG, tags[0 if place == 3 else 2])]}
        )


def _connections(ids: Ids, options: SampleOptions, users: Sequence[Document]) -> list[Document]:
    odbc, oledb = CONNECTION_PASSWORDS
    templates: list[tuple[str, str, str, str]] = [
        ("Finance DWH", "ODBC", f"ODBC CONNECT TO [DSN=dwh;Database=finance;Password={odbc};]", "dwh"),
        ("Shared Files", "folder", "\\\\acme-files\\qlik\\shared\\", ""),
        ("Legacy ERP", "OLEDB", f"OLEDB CONNECT TO [Data Source=erp;uid=qlik;pwd={oledb}];", "qlik"),
        ("Exchange Rates", "internet", "https://rates.acme.example/daily.csv", ""),
        ("CRM", "QvRestConnector.exe", 'CUSTOM CONNECT TO "url=https://crm.acme.example"', ""),
        ("Archive", "folder", "\\\\acme-files\\qlik\\archive\\", ""),
    ]  # fmt: skip
    while len(templates) < options.connections:
        templates.append(_further_connection(len(templates) + 1))
    return [
        data_connection(ids("connection", name), name, users[1 + number % 4], type_, text, username)
        for number, (name, type_, text, username) in enumerate(templates[: options.connections])
    ]


def _further_connection(number: int) -> tuple[str, str, str, str]:
    if number % 4 == 0:
        text = f"ODBC CONNECT TO [DSN=team{number:03};Database=reporting;]"
        return f"Database {number:03}", "ODBC", text, f"qlik{number:03}"
    if number % 10 == 5:
        return f"Feed {number:03}", "internet", f"https://feeds.acme.example/{number:03}.csv", ""
    return f"Files {number:03}", "folder", f"\\\\acme-files\\qlik\\{number:03}\\", ""
