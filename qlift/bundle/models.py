"""The entities of a Qlik Sense site as a bundle keeps them: the raw JSON of the Repository Service.

Only the fields that qlift reads are declared. Every other field is kept untouched in the files, and in the
models too (`extra="allow"`) but for app objects and attributes of users.
Names and types: the official model pages of the Repository Service, specification 38.35.0.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict

ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
Id = Annotated[str, Field(pattern=f"^{ID.pattern}$")]
"""Ids become names of files and of objects in Pulumi's state, so they hold nothing else. A site has GUIDs."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(max_length=10_000)]
LongText = Annotated[str, Field(max_length=1_000_000)]
"""Both bounds are ours, far above what a site holds."""
Int = Annotated[int, Field(ge=-(2**31), lt=2**31)]
"""The service's own have 32 bits."""
Mask = Annotated[int, Field(ge=0, lt=2**31)]
"""Bits of actions."""
FileName = Annotated[str, Field(pattern=r"^([0-9A-Za-z_-]+/)?[0-9A-Za-z_-][0-9A-Za-z_.-]*$", max_length=200)]
"""In the bundle's folder or in a folder there, never outside."""

LEAN = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True)
"""Of what a large site has a million of: fields that nobody reads stay in the file and take no memory."""

ZERO_ID = "00000000-0000-0000-0000-000000000000"


class Entity(BaseModel):
    """What every object of the Repository Service has. Dates stay the strings that the service sent."""

    model_config = ConfigDict(extra="allow", frozen=True, alias_generator=to_camel, populate_by_name=True)

    id: Id


class Named(Entity):
    """A condensed reference: id and name."""

    name: Name = ""


class UserRef(Entity):
    """A condensed user. `user_directory` and `user_id` together are unique in a site."""

    user_id: Name
    user_directory: Name
    name: Name = ""

    @property
    def login(self) -> str:
        return f"{self.user_directory}\\{self.user_id}"


class CustomPropertyValue(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, alias_generator=to_camel)

    value: Name
    definition: Named


class App(Entity):
    name: Name
    description: LongText = ""
    owner: UserRef
    published: bool = False
    stream: Named | None = None
    tags: tuple[Named, ...] = ()
    custom_properties: tuple[CustomPropertyValue, ...] = ()
    modified_date: str = ""


class ObjectUser(UserRef):
    model_config = LEAN


class ObjectApp(Named):
    model_config = LEAN


INTERNAL_TYPES = frozenset({"app_appscript", "loadmodel", "appprops"})
"""Objects that are parts of the app itself: they belong to nobody in particular."""


class AppObject(Entity):
    """A sheet, bookmark, script ... of an app.

    `engine_object_id` is its id inside the app file and in Qlik Cloud.
    """

    model_config = LEAN

    name: Name = ""
    owner: ObjectUser
    app: ObjectApp
    engine_object_id: Name = ""
    object_type: Name = ""
    content_hash: Name = ""
    created_date: str = ""
    published: bool = False
    approved: bool = False

    @property
    def is_public(self) -> bool:
        """Base (approved) objects; community objects are published but not approved."""
        return self.published and self.approved


class Stream(Entity):
    name: Name
    owner: UserRef | None = None
    tags: tuple[Named, ...] = ()
    custom_properties: tuple[CustomPropertyValue, ...] = ()


class UserAttribute(BaseModel):
    model_config = LEAN

    attribute_type: Name = ""
    attribute_value: Name = ""


class User(UserRef):
    roles: tuple[str, ...] = ()
    attributes: tuple[UserAttribute, ...] = ()
    custom_properties: tuple[CustomPropertyValue, ...] = ()
    inactive: bool = False
    removed_externally: bool = False
    blacklisted: bool = False

    @property
    def emails(self) -> tuple[str, ...]:
        return tuple(a.attribute_value for a in self.attributes if a.attribute_type.lower() == "email")

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(a.attribute_value for a in self.attributes if a.attribute_type.lower() == "group")


class ReloadTask(Named):
    enabled: bool = True
    app: Named
    task_session_timeout: Int = 1440
    """Minutes."""
    max_retries: Int = 0
    is_manually_triggered: bool = False
    is_partial_reload: bool = False
    time_to_live: int | None = None
    """Cache warming, as `preload_nodes`."""
    preload_nodes: tuple[Any, ...] | None = None
    tags: tuple[Named, ...] = ()
    custom_properties: tuple[CustomPropertyValue, ...] = ()


class ExternalProgramTask(Named):
    """Runs a program on a node of the source; Qlik Cloud has no such task."""

    enabled: bool = True
    path: str = ""
    parameters: str = ""
    task_session_timeout: int = 1440
    """Minutes."""
    max_retries: int = 0
    tags: tuple[Named, ...] = ()
    custom_properties: tuple[CustomPropertyValue, ...] = ()


class UserSyncTask(Named):
    """Reads a user directory; Qlik Cloud has no such task."""

    enabled: bool = True
    user_directory: Named | None = None
    task_session_timeout: int = 1440
    """Minutes."""
    max_retries: int = 0
    tags: tuple[Named, ...] = ()
    custom_properties: tuple[CustomPropertyValue, ...] = ()


class SchemaEvent(Named):
    """A time trigger. `start_date` is wall-clock time in `time_zone`, without an offset."""

    enabled: bool = True
    time_zone: str = "UTC"
    daylight_saving_time: Int = 0
    start_date: str
    expiration_date: str = "9999-01-01T00:00:00.000"
    schema_filter_description: tuple[str, ...] = ()
    increment_description: str = "0 0 0 0"
    increment_option: Int = 0
    reload_task: Named | None = None
    user_sync_task: Named | None = None
    external_program_task: Named | None = None


class TimeConstraint(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)

    days: Int = 0
    hours: Int = 0
    minutes: Int = 0
    seconds: Int = 0


class CompositeRule(BaseModel):
    """One condition of a task chain. `rule_state`: 0 undefined, 1 task successful, 2 task failed."""

    model_config = ConfigDict(extra="allow", frozen=True, alias_generator=to_camel)

    rule_state: Int = 0
    reload_task: Named | None = None
    user_sync_task: Named | None = None
    external_program_task: Named | None = None


class CompositeEvent(Named):
    enabled: bool = True
    time_constraint: TimeConstraint = TimeConstraint()
    composite_rules: tuple[CompositeRule, ...] = ()
    reload_task: Named | None = None
    user_sync_task: Named | None = None
    external_program_task: Named | None = None


class SystemRule(Named):
    """A security, licence or sync rule.

    `actions` is a bit mask (2 read, 32 publish ...); `rule_context` 2 counts in the QMC only.
    """

    category: str = ""
    type: str = ""
    rule: LongText = ""
    resource_filter: LongText = ""
    actions: Mask = 0
    disabled: bool = False
    rule_context: Int = 0


class DataConnection(Named):
    owner: UserRef | None = None
    type: str = ""
    connectionstring: LongText = ""


class Extension(Named):
    owner: UserRef | None = None


class ContentReference(BaseModel):
    """A file of a content library or an extension."""

    model_config = ConfigDict(extra="allow", frozen=True, alias_generator=to_camel, populate_by_name=True)

    logical_path: str = ""
    external_path: str = ""


class ContentLibrary(Named):
    owner: UserRef | None = None
    type: str = ""
    references: tuple[ContentReference, ...] = ()


class UserDirectorySetting(BaseModel):
    """`value` and `secret_value` of a secret one are redacted."""

    model_config = ConfigDict(extra="allow", frozen=True, alias_generator=to_camel, populate_by_name=True)

    name: str = ""
    secret: bool = False
    value: str | None = None
    secret_value: str | None = None


class UserDirectory(Named):
    """A connector to a directory of users. `user_directory_name` is what users carry as their directory."""

    user_directory_name: str = ""
    type: str = ""
    configured: bool = False
    settings: tuple[UserDirectorySetting, ...] = ()


class CustomPropertyDefinition(Named):
    choice_values: tuple[str, ...] = ()
    object_types: tuple[str, ...] = ()


class PublicFile(BaseModel):
    """The same app, exported without anybody's private and community objects."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: Sha256
    size: Annotated[int, Field(ge=0, lt=2**63)]
    """Bytes."""


class AppFile(BaseModel):
    """The exported file of one app. The file's sha256 proves the transport and changes with every reload."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    app: Id
    """Id of the source app."""
    sha256: Sha256
    size: Annotated[int, Field(ge=0, lt=2**63)]
    """Bytes."""
    modified_date: str
    """`modifiedDate` of the app when its file was read."""
    stale: bool = False
    """The app changed while it was being exported."""
    data: str = "all"
    """`all` or `none`, as the manifest's; an export may treat single apps otherwise."""
    scope: str = "all"
    """`all`, `published` or `approved`."""
    public: PublicFile | None = None
    """Of a published app that holds private or community objects: what its publication is published from, so
    that no republish can expose them."""


class StreamAccess(BaseModel):
    """What the audit matrix of the source says about one stream: user id → bit mask of allowed actions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stream: Id
    users: dict[Id, Mask]


class Redaction(BaseModel):
    """A credential that was taken out of the bundle. `where` is `<kind>/<id>: <field>`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    id: str
    name: str
    field: str


class Rename(BaseModel):
    """An object that had other names in earlier exports, oldest first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Annotated[str, Field(pattern="^[a-z]{1,64}$")]
    id: Id
    former_names: Annotated[tuple[Name, ...], Field(min_length=1)]


class Identity(BaseModel):
    """Who exported, and whether that identity saw everything (a rule can hide objects in silence)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user: str
    roles: tuple[str, ...] = ()
    complete: bool = False
    reasons: tuple[str, ...] = ()
    """Why it is not complete, for people."""


class Manifest(BaseModel):
    """What a bundle holds. Written last; a bundle without it is unfinished."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = 1
    site: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)
    product_version: str = ""
    identity: Identity
    data: Annotated[str, Field(pattern="^(all|none)$")] = "all"
    """`all`, or `none` when the app files were exported without data."""
    scope: Annotated[str, Field(pattern="^(all|published|approved)$")] = "all"
    """`all`, `published` or `approved`: which app objects the app files hold."""
    counts: dict[str, Annotated[int, Field(ge=0)]]
    sha256: dict[FileName, Sha256]
    """Hash of each stable file, by its name relative to the bundle."""


Raw = dict[str, Any]


def _moment(text: str) -> str:
    if text:
        datetime.fromisoformat(text)
    return text


class LastExecution(TypedDict, total=False):
    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    status: Annotated[int, Field(ge=0, lt=2**31)] | None
    duration: Annotated[int, Field(ge=0, lt=2**63)] | None
    """Milliseconds."""


class Operational(TypedDict, total=False):
    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    nextExecution: Annotated[str, AfterValidator(_moment)] | None
    lastExecutionResult: LastExecution | None


class Runtime(TypedDict, total=False):
    """Volatile fields of a task or trigger, as the site spells them; what nobody reads is as it comes."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    operational: Operational | None
