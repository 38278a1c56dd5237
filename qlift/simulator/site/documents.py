"""Makes the documents of the Repository Service, with every field that its full form has."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

from qlift.simulator.site.kinds import (
    APP,
    CONTENT_LIBRARY,
    CUSTOM_PROPERTY,
    STREAM,
    TAG,
    USER,
    USER_DIRECTORY,
    Document,
)
from qlift.simulator.site.kinds import reference as ref

ZERO_ID = str(uuid.UUID(int=0))
NO_DATE = "1753-01-01T00:00:00.000Z"
"""How the service writes a date that is absent."""
NEVER = "9999-01-01T00:00:00.000"

_CREATED = "2024-02-01T08:12:21.204Z"
_NAMESPACE = uuid.UUID("7f6f0d3e-3a0b-5f0c-9d57-0c6d0ad6c0de")


class Ids:
    """Ids that depend on the seed and on what is named, so that adding an object moves no other."""

    def __init__(self, seed: int | str) -> None:
        self._namespace = uuid.uuid5(_NAMESPACE, str(seed))

    def __call__(self, *names: object) -> str:
        return str(uuid.uuid5(self._namespace, "\x1f".join(str(name) for name in names)))


def common(id_: str, type_: str, by: str = "INTERNAL\\sa_repository") -> Document:
    return {
        "id": id_,
        "createdDate": _CREATED,
        "modifiedDate": _CREATED,
        "modifiedByUserName": by,
        "schemaPath": type_,
        "privileges": None,
    }


def login(owner: Mapping[str, object]) -> str:
    """`DIRECTORY\\user`, of a user or of a reference to one."""
    return f"{owner['userDirectory']}\\{owner['userId']}"


def user(
    id_: str,
    directory: str,
    user_id: str,
    name: str,
    attributes: Iterable[tuple[str, str]] = (),
    roles: Iterable[str] = (),
    *,
    inactive: bool = False,
) -> Document:
    """`attributes` are pairs of type and value: `("group", ...)`, `("email", ...)`."""
    ids = Ids(id_)
    return common(id_, USER.type) | {
        "userId": user_id,
        "userDirectory": directory,
        "userDirectoryConnectorName": directory,
        "name": name,
        "roles": list(roles),
        "attributes": [
            {
                "id": ids(type_, value),
                "createdDate": _CREATED,
                "modifiedDate": _CREATED,
                "modifiedByUserName": "INTERNAL\\sa_repository",
                "attributeType": type_,
                "attributeValue": value,
                "externalId": "",
                "schemaPath": "User.Attribute",
            }
            for type_, value in attributes
        ],
        "inactive": inactive,
        "removedExternally": False,
        "blacklisted": False,
        "deleteProhibited": directory == "INTERNAL",
        "tags": [],
        "customProperties": [],
        "favorites": [],
    }


SERVICE_ACCOUNTS = ("sa_repository", "sa_api", "sa_engine", "sa_scheduler")


def service_accounts(ids: Ids) -> list[Document]:
    """The accounts of the directory INTERNAL that every site has."""
    return [
        user(ids("user", "INTERNAL", name), "INTERNAL", name, name, roles=("RootAdmin",))
        for name in SERVICE_ACCOUNTS
    ]


def tag(id_: str, name: str) -> Document:
    return common(id_, TAG.type) | {"name": name}


def custom_property(id_: str, name: str, choices: Iterable[str], objects: Iterable[str]) -> Document:
    return common(id_, CUSTOM_PROPERTY.type) | {
        "name": name,
        "valueType": "Text",
        "choiceValues": list(choices),
        "objectTypes": list(objects),
        "description": "",
    }


def property_value(definition: Document, value: str, holder: str) -> Document:
    """One value of a custom property on the object with the id `holder`."""
    return {
        "id": Ids(holder)(definition["id"], value),
        "createdDate": _CREATED,
        "modifiedDate": _CREATED,
        "modifiedByUserName": "INTERNAL\\sa_repository",
        "value": value,
        "definition": ref(CUSTOM_PROPERTY, definition),
        "schemaPath": "CustomPropertyValue",
    }


def stream(id_: str, name: str, owner: Document) -> Document:
    return common(id_, STREAM.type) | {
        "name": name,
        "owner": ref(USER, owner),
        "tags": [],
        "customProperties": [],
    }


def app(id_: str, name: str, owner: Document, stream_: Document | None, description: str = "") -> Document:
    """An app without a file; published when there is a stream."""
    return common(id_, APP.type, login(owner)) | {
        "owner": ref(USER, owner),
        "name": name,
        "appId": "",
        "sourceAppId": ZERO_ID,
        "targetAppId": ZERO_ID,
        "publishTime": NO_DATE if stream_ is None else "2024-02-03T10:00:00.000Z",
        "published": stream_ is not None,
        "tags": [],
        "customProperties": [],
        "description": description,
        "stream": None if stream_ is None else ref(STREAM, stream_),
        "fileSize": 0,
        "staticByteSize": 0,
        "lastReloadTime": "2026-03-09T05:30:20.199Z",
        "thumbnail": "",
        "savedInProductVersion": "12.2102.0",
        "migrationHash": "98d482c3f964dccf69cbfb9a00e0c048ea6eb221",
        "dynamicColor": "",
        "lastDataDistribution": NO_DATE,
        "availabilityStatus": 0,
    }


def app_object(
    id_: str,
    app_: Document,
    owner: Document,
    object_type: str,
    name: str,
    content_hash: str,
    *,
    published: bool,
    approved: bool,
) -> Document:
    return common(id_, "App.Object", login(owner)) | {
        "owner": ref(USER, owner),
        "app": ref(APP, app_),
        "name": name,
        "engineObjectId": "LoadModel" if object_type == "loadmodel" else Ids(id_)("engine"),
        "engineObjectType": object_type,
        "objectType": object_type,
        "description": "",
        "attributes": "",
        "contentHash": content_hash,
        "size": 512,
        "publishTime": "2024-02-03T10:00:00.000Z" if published else NO_DATE,
        "published": published,
        "approved": approved,
        "tags": [],
        "sourceObject": "",
        "draftObject": "",
        "appObjectBlobId": ZERO_ID,
    }


def system_rule(
    id_: str,
    name: str,
    resource_filter: str,
    rule: str,
    actions: int,
    *,
    type_: str = "Custom",
    context: int = 0,
    comment: str = "",
    disabled: bool = False,
    category: str = "Security",
) -> Document:
    """`context`: 0 everywhere, 1 in the hub only, 2 in the management console only."""
    return common(id_, "SystemRule") | {
        "category": category,
        "subcategory": "",
        "type": type_,
        "name": name,
        "rule": rule,
        "resourceFilter": resource_filter,
        "actions": actions,
        "comment": comment,
        "disabled": disabled,
        "ruleContext": context,
        "seedId": ZERO_ID,
        "version": 0,
        "tags": [],
    }


def data_connection(
    id_: str, name: str, owner: Document, type_: str, connectionstring: str, username: str = ""
) -> Document:
    return common(id_, "DataConnection", login(owner)) | {
        "name": name,
        "owner": ref(USER, owner),
        "connectionstring": connectionstring,
        "type": type_,
        "engineObjectId": Ids(id_)("engine"),
        "username": username,
        "password": "",
        "logOn": 0,
        "architecture": 0,
        "tags": [],
        "customProperties": [],
    }


def extension(id_: str, name: str, owner: Document) -> Document:
    return common(id_, "Extension", login(owner)) | {
        "name": name,
        "owner": ref(USER, owner),
        "tags": [],
        "customProperties": [],
        **_files(id_, [f"/extensions/{name}/{name}.qext"]),
    }


def content_library(id_: str, name: str, owner: Document, files: Iterable[str] = ()) -> Document:
    """`files`: names of what people uploaded to it."""
    return common(id_, CONTENT_LIBRARY.type, login(owner)) | {
        "name": name,
        "type": "media",
        "owner": ref(USER, owner),
        "tags": [],
        "customProperties": [],
        **_files(id_, [f"/content/{name}/{file}" for file in files]),
    }


def _files(id_: str, paths: Iterable[str]) -> Document:
    return {
        "whiteList": {"id": Ids(id_)("whiteList"), "libraryType": 1, "privileges": None},
        "references": [
            {
                "id": Ids(id_)(path),
                "dataLocation": path,
                "logicalPath": path,
                "externalPath": path,
                "serveOptions": 0,
                "privileges": None,
            }
            for path in paths
        ],
    }


def user_directory(
    id_: str, name: str, type_: str, settings: Iterable[tuple[str, str]], secrets: Iterable[tuple[str, str]]
) -> Document:
    """A connector to a directory (`LDAP.ActiveDirectory`, `ODBC.ODBC` ...); pairs of name and value.

    A secret setting holds its value in `secretValue`; `value` is then empty.
    """
    ids = Ids(id_)
    rows = [(key, value, False) for key, value in settings] + [(key, value, True) for key, value in secrets]
    return common(id_, USER_DIRECTORY.type) | {
        "name": name,
        "userDirectoryName": name,
        "configured": True,
        "operational": True,
        "type": type_,
        "syncOnlyLoggedInUsers": True,
        "syncStatus": 0,
        "syncLastStarted": "2026-03-09T02:00:00.000Z",
        "syncLastSuccessfulEnded": "2026-03-09T02:01:07.000Z",
        "configuredError": "",
        "operationalError": "",
        "creationType": 1,
        "tags": [],
        "settings": [
            {
                "id": ids("setting", key),
                "createdDate": _CREATED,
                "modifiedDate": _CREATED,
                "modifiedByUserName": "INTERNAL\\sa_repository",
                "name": key,
                "category": "",
                "userDirectorySettingType": 0,
                "secret": secret,
                "value": "" if secret else value,
                "secretValue": value if secret else "",
                "schemaPath": "UserDirectorySettings",
            }
            for key, value, secret in rows
        ],
    }
