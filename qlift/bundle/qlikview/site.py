"""An offline QlikView site, as its files hold it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from qlift.bundle.qlikview import models as qv
from qlift.bundle.qlikview.tasks import Task

FILES: dict[str, type[BaseModel]] = {
    "folders.json": qv.Folder,
    "mounts.json": qv.Mount,
    "categories.json": qv.Category,
    "documents.json": qv.Document,
    "metadata.json": qv.Metadata,
    "tasks.json": Task,
    "users.json": qv.User,
    "groups.json": qv.Group,
    "cals.json": qv.Cal,
    "section-access.json": qv.SectionAccessTable,
    "acl.json": qv.AclEntry,
    "converted.json": qv.Converted,
}
"""Each a list, empty where a site has none of it."""


@dataclass(frozen=True)
class QlikViewBundle:
    """An offline QlikView site, in the order of its files."""

    path: Path
    manifest: qv.Manifest
    folders: tuple[qv.Folder, ...]
    mounts: tuple[qv.Mount, ...]
    categories: tuple[qv.Category, ...]
    documents: tuple[qv.Document, ...]
    metadata: tuple[qv.Metadata, ...]
    tasks: tuple[Task, ...]
    users: tuple[qv.User, ...]
    groups: tuple[qv.Group, ...]
    cals: tuple[qv.Cal, ...]
    section_access: tuple[qv.SectionAccessTable, ...]
    acl: tuple[qv.AclEntry, ...]
    converted: tuple[qv.Converted, ...]
