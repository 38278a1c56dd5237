"""Which files a bundle has, and which fields of an entity are volatile."""

from __future__ import annotations

from pydantic import BaseModel

from qlift.bundle import models

KINDS: dict[str, type[models.Entity]] = {
    "app": models.App,
    "stream": models.Stream,
    "user": models.User,
    "reloadtask": models.ReloadTask,
    "externalprogramtask": models.ExternalProgramTask,
    "usersynctask": models.UserSyncTask,
    "schemaevent": models.SchemaEvent,
    "compositeevent": models.CompositeEvent,
    "systemrule": models.SystemRule,
    "dataconnection": models.DataConnection,
    "tag": models.Named,
    "custompropertydefinition": models.CustomPropertyDefinition,
    "extension": models.Extension,
    "contentlibrary": models.ContentLibrary,
    "userdirectory": models.UserDirectory,
}
"""Kind (its path in the Repository Service, its file name in a bundle) → model.

Older bundles lack some; what a bundle has is in its manifest.
"""

TYPES = {
    "app": "App",
    "stream": "Stream",
    "user": "User",
    "reloadtask": "ReloadTask",
    "externalprogramtask": "ExternalProgramTask",
    "usersynctask": "UserSyncTask",
    "schemaevent": "SchemaEvent",
    "compositeevent": "CompositeEvent",
    "systemrule": "SystemRule",
    "dataconnection": "DataConnection",
    "tag": "Tag",
    "custompropertydefinition": "CustomPropertyDefinition",
    "extension": "Extension",
    "contentlibrary": "ContentLibrary",
    "userdirectory": "UserDirectory",
}
"""Kind → its name in `schemaPath`, in rules and in the audit."""

VOLATILE = frozenset(
    {
        "operational",
        "nextExecution",
        "lastReloadTime",
        "fileSize",
        "staticByteSize",
        "lastDataDistribution",
        "availabilityStatus",
        "modifiedDate",
        "modifiedByUserName",
        "savedInProductVersion",
        "syncStatus",
        "syncLastStarted",
        "syncLastSuccessfulEnded",
        "operationalError",
        "privileges",
    }
)
"""What changes every night without anybody changing anything: kept in `<kind>.runtime.json`.

`modifiedDate` is among them, because a reload writes it too.
"""

SETS = frozenset({"roles", "favorites", "objectTypes", "preloadNodes"})
"""Lists of plain values whose order means nothing. (That of trigger filters and choices may.)"""

OBJECTS = "app-object"
"""Folder: one file for each app."""
SCRIPTS = "script"
"""Folder: the load script of each app as text, `<app id>.qvs`."""
APP_FILES, ACCESS, REDACTIONS, RENAMES = "app-file.json", "audit.json", "redactions.json", "renames.json"
MANIFEST, RUNTIME_MANIFEST = "manifest.json", "manifest.runtime.json"
BLOBS = "blobs"
RENAMED_KINDS = ("app", "stream", "reloadtask")

LISTS: dict[str, type[BaseModel]] = {
    APP_FILES: models.AppFile,
    ACCESS: models.StreamAccess,
    REDACTIONS: models.Redaction,
    RENAMES: models.Rename,
}
