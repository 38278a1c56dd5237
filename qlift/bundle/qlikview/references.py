"""What the files of a QlikView bundle refer to in one another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from qlift.bundle.qlikview.site import QlikViewBundle
from qlift.bundle.qlikview.tasks import AndTrigger, DistributionEntry, Task, TaskEventTrigger, Trigger
from qlift.bundle.reading import Reader
from qlift.bundle.redact import REDACTED

WELL_KNOWN = ("everyone", "creator owner", "builtin\\", "nt authority\\", "nt service\\")
"""Identities that Windows makes itself; no file lists them."""


def check_references(reader: Reader, bundle: QlikViewBundle) -> None:
    """Adds a problem for every reference that leads nowhere."""
    checks: dict[str, Callable[[QlikViewBundle], Iterator[str]]] = {
        "mounts.json": _of_mounts,
        "documents.json": _of_documents,
        "metadata.json": _of_metadata,
        "tasks.json": _of_tasks,
        "users.json": _of_users,
        "cals.json": _of_cals,
        "section-access.json": _of_section_access,
        "acl.json": _of_acl,
        "converted.json": _of_converted,
    }
    for name, check in checks.items():
        for what in check(bundle):
            reader.problem(name, what, "add what is missing to its file, or correct the reference")


def _of_mounts(bundle: QlikViewBundle) -> Iterator[str]:
    folders = {f.id: f for f in bundle.folders}
    for mount in bundle.mounts:
        folder = folders.get(mount.folder_id)
        if folder is None:
            yield f"mount {mount.name}: folders.json has no folder {mount.folder_id}"
        elif folder.general.type != "User":
            yield f"mount {mount.name}: the folder {mount.folder_id} holds source documents"


def _of_documents(bundle: QlikViewBundle) -> Iterator[str]:
    folders = {f.id: f for f in bundle.folders}
    for document in bundle.documents:
        folder = folders.get(document.folder_id)
        if folder is None:
            yield f"{document.name}: folders.json has no folder {document.folder_id}"
        elif folder.general.type != document.type:
            kind = folder.general.type
            yield f"{document.name}: a {document.type} document in a folder of {kind} documents"


def _of_metadata(bundle: QlikViewBundle) -> Iterator[str]:
    documents = {d.id: d for d in bundle.documents}
    named, categories = _identities(bundle), {c.name.casefold() for c in bundle.categories}
    for entry in bundle.metadata:
        document = documents.get(entry.document)
        if document is None:
            yield f"documents.json has no document {entry.document}"
            continue
        category = entry.meta.document_info.category
        if category and category.casefold() not in categories:
            yield f"{document.name}: categories.json has no category {category}"
        for access in entry.meta.authorization.access:
            if access.user_name and not _known(access.user_name, named):
                yield f"{document.name}: neither users.json nor groups.json has {access.user_name}"
            if not access.user_name and not access.is_anonymous:
                yield f"{document.name}: an access entry for nobody"
    if bundle.manifest.authorization == "dms":
        listed = {m.document for m in bundle.metadata}
        for document in bundle.documents:
            if document.type == "User" and document.id not in listed:
                yield f"{document.name}: no metadata, and the manifest puts authorisation there (dms)"


def _of_tasks(bundle: QlikViewBundle) -> Iterator[str]:
    documents, tasks = {d.id for d in bundle.documents}, {t.id for t in bundle.tasks}
    named = _identities(bundle)
    mounts = {m.name.casefold() for m in bundle.mounts}
    categories = {c.name.casefold() for c in bundle.categories}
    for task in bundle.tasks:
        name = task.general.task_name
        if task.type == "DocumentTask" and task.document is None:
            yield f"{name}: a DocumentTask without its document"
        if task.document is not None and task.document.id not in documents:
            yield f"{name}: documents.json has no document {task.document.id}"
        for other in _upstream(task):
            if other not in tasks:
                yield f"{name}: it waits for the task {other}, which is not there"
        category = task.document_info.category
        if category and category.casefold() not in categories:
            yield f"{name}: categories.json has no category {category}"
        for entry in _distributed(task):
            for recipient in entry.recipients:
                if recipient.type == "Named" and not _known(recipient.name, named):
                    yield f"{name}: neither users.json nor groups.json has the recipient {recipient.name}"
            server = entry.destination.qlik_view_server
            if server is not None and server.mount and server.mount.casefold() not in mounts:
                yield f"{name}: mounts.json has no mount {server.mount}"


def _distributed(task: Task) -> tuple[DistributionEntry, ...]:
    static = task.distribute.static if task.distribute else None
    return static.distribution_entries if static else ()


def _upstream(task: Task) -> Iterator[str]:
    yield from (t.id for t in task.triggering.task_dependencies)
    yield from _waited_for(task.triggering.triggers)


def _waited_for(triggers: Iterable[Trigger]) -> Iterator[str]:
    for trigger in triggers:
        if isinstance(trigger, TaskEventTrigger):
            yield trigger.task_id
        elif isinstance(trigger, AndTrigger):
            yield from _waited_for(trigger.sub_triggers)


def _of_users(bundle: QlikViewBundle) -> Iterator[str]:
    groups = {g.name.casefold() for g in bundle.groups}
    for user in bundle.users:
        for group in user.groups:
            if group.casefold() not in groups:
                yield f"{user.name}: groups.json has no group {group}"


def _of_cals(bundle: QlikViewBundle) -> Iterator[str]:
    users, documents = {u.name.casefold() for u in bundle.users}, {d.id for d in bundle.documents}
    for number, cal in enumerate(bundle.cals, 1):
        if cal.user is not None and cal.user.casefold() not in users:
            yield f"CAL {number}: users.json has no user {cal.user}"
        if cal.document is not None and cal.document not in documents:
            yield f"CAL {number}: documents.json has no document {cal.document}"
        if cal.type in ("named", "document") and cal.user is None:
            yield f"CAL {number}: a {cal.type} CAL without its user"
        if (cal.type == "document") != (cal.document is not None):
            yield f"CAL {number}: a document belongs to a document CAL, and to no other"


def _of_section_access(bundle: QlikViewBundle) -> Iterator[str]:
    for table in bundle.section_access:
        secret = [n for n, c in enumerate(table.columns) if c.name.strip().casefold() == "password"]
        for row in table.rows:
            if len(row.cells) != len(table.columns):
                yield (
                    f"{table.name}: row {row.row_number} has {len(row.cells)} cells under "
                    f"{len(table.columns)} columns"
                )
            elif any(row.cells[n].value not in ("", "*", REDACTED) for n in secret):
                yield f"{table.name}: row {row.row_number} holds a password; {REDACTED} belongs there"


def _of_acl(bundle: QlikViewBundle) -> Iterator[str]:
    documents, folders = {d.id for d in bundle.documents}, {f.id for f in bundle.folders}
    named = _identities(bundle)
    for number, entry in enumerate(bundle.acl, 1):
        if (entry.document is None) == (entry.folder is None):
            yield f"right {number}: needs either a document or a folder"
        if entry.document is not None and entry.document not in documents:
            yield f"right {number}: documents.json has no document {entry.document}"
        if entry.folder is not None and entry.folder not in folders:
            yield f"right {number}: folders.json has no folder {entry.folder}"
        if not _known(entry.identity, named):
            yield f"right {number}: neither users.json nor groups.json has {entry.identity}"
    if bundle.manifest.authorization == "ntfs" and not bundle.acl:
        yield "empty, and the manifest puts authorisation there (ntfs)"


def _of_converted(bundle: QlikViewBundle) -> Iterator[str]:
    documents = {d.id for d in bundle.documents}
    for entry in bundle.converted:
        if entry.document not in documents:
            yield f"{entry.file}: documents.json has no document {entry.document}"


def _identities(bundle: QlikViewBundle) -> set[str]:
    return {u.name.casefold() for u in bundle.users} | {g.name.casefold() for g in bundle.groups}


def _known(name: str, named: set[str]) -> bool:
    """Windows compares names without case."""
    return name.casefold() in named or name.casefold().startswith(WELL_KNOWN)
