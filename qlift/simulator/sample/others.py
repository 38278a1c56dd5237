"""What else a site has: user directories and their syncs, external programs, content libraries."""

from __future__ import annotations

from collections.abc import Sequence

from qlift.simulator.sample.options import SampleOptions
from qlift.simulator.sample.people import COMPANY, PARTNERS
from qlift.simulator.site.documents import Ids, content_library, user_directory
from qlift.simulator.site.kinds import (
    COMPOSITE_EVENT,
    CONTENT_LIBRARY,
    EXTERNAL_TASK,
    RELOAD_TASK,
    SCHEMA_EVENT,
    USER_DIRECTORY,
    USER_SYNC_TASK,
    Document,
    Kind,
)
from qlift.simulator.site.task_documents import (
    composite_event,
    external_task,
    schema_event,
    user_sync_task,
)
from qlift.simulator.store import Store

DIRECTORY_PASSWORDS = ("Ldap-Lookup-77", "Partner.Db-1985")
"""Pretend credentials in the settings of the sample's user directories."""
PROGRAM_PASSWORD = "Ftp-Herring-08"
"""Pretend credential in the parameters of an external program."""

_PROGRAMS = (
    (
        "Fetch absence files",
        "C:\\Tools\\winscp\\winscp.com",
        f"/script=C:\\Tools\\absence.txt --user qlik --password {PROGRAM_PASSWORD}",
    ),
    ("Archive the ledger", "C:\\Windows\\System32\\robocopy.exe", "\\\\acme-files\\qlik\\ledger D:\\archive"),
    ("Tell the data office", "C:\\Program Files\\PowerShell\\7\\pwsh.exe", "-File C:\\Tools\\notify.ps1"),
)


def make_others(store: Store, options: SampleOptions, ids: Ids, users: Sequence[Document]) -> None:
    """Needs the reload tasks: some of them stand in chains with the tasks that are made here."""
    directories = _directories(ids)
    _put(store, USER_DIRECTORY, directories)
    syncs = [user_sync_task(ids("user sync", item["name"]), item) for item in directories]
    _put(store, USER_SYNC_TASK, syncs)
    programs = [_program(ids, number) for number in range(options.external_tasks)]
    _put(store, EXTERNAL_TASK, programs)
    _put(
        store,
        CONTENT_LIBRARY,
        [
            content_library(ids("library", "Default"), "Default", users[0]),
            content_library(
                ids("library", "ACME Pictures"), "ACME Pictures", users[6], ("logo.png", "map europe.svg")
            ),
        ],
    )
    _events(store, ids, programs, syncs)


def _put(store: Store, kind: Kind, documents: Sequence[Document]) -> None:
    store.put_all(kind.stored, ((document["id"], document) for document in documents))


def _directories(ids: Ids) -> list[Document]:
    ldap, odbc = DIRECTORY_PASSWORDS
    return [
        user_directory(
            ids("user directory", COMPANY),
            COMPANY,
            "LDAP.ActiveDirectory",
            [
                ("Path", "LDAP://dc01.acme.example"),
                ("User name", "ACME\\svc-ldap"),
                ("LDAP Filter", "(memberOf=CN=Qlik,OU=Groups,DC=acme,DC=example)"),
                ("Timeout", "30"),
            ],
            [("Password", ldap)],
        ),
        user_directory(
            ids("user directory", PARTNERS),
            PARTNERS,
            "ODBC.ODBC",
            [("Users table name", "users"), ("Attributes table name", "attributes")],
            [("Connection string", f"Driver={{PostgreSQL}};Server=partners;Uid=qlik;Pwd={odbc};")],
        ),
    ]


def _program(ids: Ids, number: int) -> Document:
    name, path, parameters = _PROGRAMS[number % len(_PROGRAMS)]
    if number >= len(_PROGRAMS):
        name = f"{name} {number + 1}"
    return external_task(ids("external task", number), name, path, parameters)


def _events(store: Store, ids: Ids, programs: Sequence[Document], syncs: Sequence[Document]) -> None:
    """By night the people, then the headcount; the absence files, then their reload.

    The chain of the ledger goes on to an external program.
    """
    timed = [(sync, "Every night", f"2026-01-05T0{1 + place}:00:00.000") for place, sync in enumerate(syncs)]
    timed += [
        (program, "Before the reload", "2026-01-05T03:30:00.000")
        for place, program in enumerate(programs)
        if place == 0 or (place > 2 and place % 2 == 0)
    ]
    for task, name, start in timed:
        id_ = ids("schema event", task["id"])
        event = schema_event(id_, name, task, start, "Europe/Berlin", "0 0 1 0", 2)
        store.put(SCHEMA_EVENT.stored, event["id"], event)
    reloads = store.all(RELOAD_TASK.stored)
    links: list[tuple[Sequence[Document], int, Sequence[Document], int, str]] = [
        (reloads, 6, programs, 0, "After the absence files"),
        (reloads, 4, syncs, 0, "After the people"),
        (programs, 1, reloads, 2, "After the cash flow"),
    ]
    links += [(programs, n, reloads, n, "After the reload") for n in range(3, len(programs), 2)]
    for downstream, place, upstream, source, name in links:
        if place < len(downstream) and source < len(upstream):
            task = downstream[place]
            event = composite_event(ids("composite event", task["id"]), name, task, [(upstream[source], 1)])
            store.put(COMPOSITE_EVENT.stored, event["id"], event)
