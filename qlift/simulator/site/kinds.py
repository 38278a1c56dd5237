"""The kinds of objects that the site serves, and the shape of each.

Field names are those of the Repository Service's own OpenAPI document (38.22.0). Lists answer with the
condensed form; `/full` and `/{id}` with every field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    path: str
    """Below `/qrs/`; `site/<path>` is the kind in the store."""
    type: str
    """`schemaPath`, and the type's name in the filters of security rules."""
    condensed: tuple[str, ...]
    full: tuple[str, ...]
    """Fields of the full form beyond the condensed and the common ones."""

    @property
    def stored(self) -> str:
        return f"site/{self.path}"

    @property
    def fields(self) -> frozenset[str]:
        return frozenset((*_COMMON, *self.condensed, *self.full))


_COMMON = ("id", "createdDate", "modifiedDate", "modifiedByUserName", "schemaPath", "privileges")
_TASK = ("name", "taskType", "enabled", "taskSessionTimeout", "maxRetries", "operational")
_TASK_FULL = (
    "tags",
    "customProperties",
    "isManuallyTriggered",
    "isPartialReload",
    "timeToLive",
    "preloadNodes",
)
_EVENT = ("name", "enabled", "eventType", "operational")
_EVENT_FULL = ("reloadTask", "userSyncTask", "externalProgramTask")

APP = Kind(
    "app",
    "App",
    (
        "name",
        "appId",
        "publishTime",
        "published",
        "stream",
        "savedInProductVersion",
        "migrationHash",
        "availabilityStatus",
    ),
    (
        "owner",
        "sourceAppId",
        "targetAppId",
        "tags",
        "description",
        "customProperties",
        "fileSize",
        "staticByteSize",
        "lastReloadTime",
        "thumbnail",
        "dynamicColor",
        "lastDataDistribution",
    ),
)
APP_OBJECT = Kind(
    "app/object",
    "App.Object",
    (
        "name",
        "engineObjectId",
        "contentHash",
        "engineObjectType",
        "description",
        "objectType",
        "publishTime",
        "published",
    ),
    (
        "owner",
        "app",
        "size",
        "attributes",
        "approved",
        "tags",
        "sourceObject",
        "draftObject",
        "appObjectBlobId",
    ),
)
STREAM = Kind("stream", "Stream", ("name",), ("owner", "tags", "customProperties"))
USER = Kind(
    "user",
    "User",
    ("userId", "userDirectory", "userDirectoryConnectorName", "name"),
    (
        "roles",
        "attributes",
        "inactive",
        "removedExternally",
        "blacklisted",
        "deleteProhibited",
        "tags",
        "customProperties",
        "favorites",
    ),
)
RELOAD_TASK = Kind("reloadtask", "ReloadTask", _TASK, ("app", *_TASK_FULL))
EXTERNAL_TASK = Kind(
    "externalprogramtask",
    "ExternalProgramTask",
    _TASK,
    ("path", "parameters", "qlikUser", "tags", "customProperties"),
)
USER_SYNC_TASK = Kind("usersynctask", "UserSyncTask", _TASK, ("userDirectory", "tags", "customProperties"))
SCHEMA_EVENT = Kind(
    "schemaevent",
    "SchemaEvent",
    _EVENT,
    (
        *_EVENT_FULL,
        "timeZone",
        "daylightSavingTime",
        "startDate",
        "expirationDate",
        "schemaFilterDescription",
        "incrementDescription",
        "incrementOption",
    ),
)
COMPOSITE_EVENT = Kind(
    "compositeevent", "CompositeEvent", _EVENT, (*_EVENT_FULL, "timeConstraint", "compositeRules")
)
SYSTEM_RULE = Kind(
    "systemrule",
    "SystemRule",
    (
        "category",
        "subcategory",
        "type",
        "name",
        "rule",
        "resourceFilter",
        "actions",
        "comment",
        "disabled",
    ),
    ("ruleContext", "seedId", "version", "tags"),
)
DATA_CONNECTION = Kind(
    "dataconnection",
    "DataConnection",
    (
        "name",
        "connectionstring",
        "type",
        "engineObjectId",
        "username",
        "password",
        "logOn",
        "architecture",
    ),
    ("owner", "tags", "customProperties"),
)
TAG = Kind("tag", "Tag", ("name",), ())
CUSTOM_PROPERTY = Kind(
    "custompropertydefinition",
    "CustomPropertyDefinition",
    ("name", "valueType", "choiceValues"),
    ("objectTypes", "description"),
)
EXTENSION = Kind(
    "extension", "Extension", ("name",), ("owner", "tags", "customProperties", "whiteList", "references")
)
CONTENT_LIBRARY = Kind(
    "contentlibrary",
    "ContentLibrary",
    ("name", "type"),
    ("owner", "tags", "customProperties", "whiteList", "references"),
)
USER_DIRECTORY = Kind(
    "userdirectory",
    "UserDirectory",
    ("name", "type"),
    (
        "userDirectoryName",
        "configured",
        "operational",
        "syncOnlyLoggedInUsers",
        "syncStatus",
        "syncLastStarted",
        "syncLastSuccessfulEnded",
        "configuredError",
        "operationalError",
        "settings",
        "tags",
        "creationType",
    ),
)

KINDS: tuple[Kind, ...] = (
    APP_OBJECT,
    APP,
    STREAM,
    USER,
    RELOAD_TASK,
    EXTERNAL_TASK,
    USER_SYNC_TASK,
    SCHEMA_EVENT,
    COMPOSITE_EVENT,
    SYSTEM_RULE,
    DATA_CONNECTION,
    TAG,
    CUSTOM_PROPERTY,
    EXTENSION,
    CONTENT_LIBRARY,
    USER_DIRECTORY,
)
"""`app/object` before `app`: the first path that matches is served."""

TASK_KINDS = (RELOAD_TASK, EXTERNAL_TASK, USER_SYNC_TASK)
"""What `/qrs/task` lists."""


def full(document: Document) -> Document:
    """A stored document as the service answers it: what the store adds begins with an underscore."""
    return {name: value for name, value in document.items() if not name.startswith("_")}


def condensed(kind: Kind, document: Document) -> Document:
    """The form of lists: no dates, no `schemaPath`, no owner, no tags."""
    answer = {name: document[name] for name in ("id", *kind.condensed) if name in document}
    answer["privileges"] = None
    return answer


def reference(kind: Kind, document: Document) -> Document:
    """The form in which other objects name this one."""
    answer = condensed(kind, document)
    answer.pop("operational", None)
    return answer
