"""A QlikView site as an offline folder: what `docs/qlikview.md` describes, as models.

Objects of the management service (QMS API, namespace 12/7) keep the names of its WSDL, and every field
that is not declared here. Files that qlift defines itself are strict. Nothing here speaks to a server: an
operator, or an exporter on the Windows side, writes the folder.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal

from qlift.bundle.models import Id, Int, LongText, Name, Sha256

QMS = ConfigDict(extra="allow", frozen=True, alias_generator=to_pascal, populate_by_name=True)
OURS = ConfigDict(extra="forbid", frozen=True)


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, OSError, ValueError):
        raise ValueError("not a time zone of IANA, such as Europe/Berlin") from None
    return text


def _local(text: str) -> str:
    wanted = "should be a local time of the server, such as 2026-01-05T06:00:00"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(wanted) from None
    if moment.tzinfo is not None:
        raise ValueError(f"{wanted}; the zone stands in manifest.json")
    return text


LocalTime = Annotated[str, AfterValidator(_local)]
Login = Annotated[str, Field(pattern=r"^[^\\]+\\[^\\]+$", max_length=1_000)]
"""`DIRECTORY\\name`."""


class Manifest(BaseModel):
    model_config = OURS

    format: Literal[1]
    kind: Literal["qlikview"]
    site: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)]
    product_version: Name
    time_zone: Annotated[str, AfterValidator(_zone)]
    """Of the server, as IANA calls it: QlikView stores local times and no zone."""
    authorization: Literal["dms", "ntfs"]
    """Who may open a document stands in its metadata (`dms`), or in the rights of its file (`ntfs`)."""


class FolderGeneral(BaseModel):
    model_config = QMS

    path: Name
    type: Literal["User", "Source"]


class Administrators(BaseModel):
    model_config = QMS

    user_names: tuple[Name, ...] = ()


class Folder(BaseModel):
    """DocumentFolder."""

    model_config = QMS

    id: Id = Field(alias="ID")
    general: FolderGeneral
    administrators: Administrators = Administrators()


class Mount(BaseModel):
    """QVSMount: how a folder of user documents is called at the server."""

    model_config = QMS

    folder_id: Id = Field(alias="FolderID")
    name: Name
    path: Name = ""
    browsable: bool = True


class Category(BaseModel):
    model_config = QMS

    id: Id = Field(alias="ID")
    name: Name


class Document(BaseModel):
    """DocumentNode. Source documents are reloaded, user documents are opened."""

    model_config = QMS

    id: Id = Field(alias="ID")
    name: Name
    relative_path: Name = ""
    folder_id: Id = Field(alias="FolderID")
    type: Literal["User", "Source"]
    is_orphan: bool = False
    is_sub_folder: bool = False


class AccessEntry(BaseModel):
    """DocumentAccessEntry."""

    model_config = QMS

    user_name: Name = ""
    access_mode: Literal["Always", "Restricted"] = "Always"
    is_anonymous: bool = False


class Authorization(BaseModel):
    model_config = QMS

    access: tuple[AccessEntry, ...] = ()


class DocumentInfo(BaseModel):
    model_config = QMS

    category: Name = ""
    """Name of a category."""
    description: LongText = ""
    source_name: Name = ""


class DocumentMetaData(BaseModel):
    model_config = QMS

    authorization: Authorization = Authorization()
    document_info: DocumentInfo = DocumentInfo()


class Metadata(BaseModel):
    """Says which document a DocumentMetaData is of: the service's own object does not."""

    model_config = OURS

    document: Id
    meta: DocumentMetaData


class Column(BaseModel):
    model_config = QMS

    name: Name


class Cell(BaseModel):
    model_config = QMS

    value: Name = ""


class Row(BaseModel):
    model_config = QMS

    row_number: Int
    cells: tuple[Cell, ...]


class SectionAccessTable(BaseModel):
    model_config = QMS

    id: Id = Field(alias="ID")
    name: Name
    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = ()


class User(BaseModel):
    model_config = OURS

    name: Login
    display_name: Name = ""
    email: Name = ""
    groups: tuple[Name, ...] = ()
    """Names of groups."""
    enabled: bool = True


class Group(BaseModel):
    model_config = OURS

    name: Name
    description: LongText = ""


class Cal(BaseModel):
    """A licence that somebody holds."""

    model_config = OURS

    type: Literal["named", "document", "session", "usage"]
    user: Login | None = None
    document: Id | None = None
    """Of a document CAL."""
    last_used: LocalTime | None = None


class AclEntry(BaseModel):
    """A right on the file of a document, or on a folder with everything in it."""

    model_config = OURS

    document: Id | None = None
    folder: Id | None = None
    identity: Name
    """A user or group as Windows names it."""
    rights: Literal["read", "write", "full"]
    allow: bool = True
    inherited: bool = False


class Converted(BaseModel):
    """A document that Qlik's converter made an app of."""

    model_config = OURS

    document: Id
    file: Annotated[str, Field(pattern=r'^converted/[^/\\:*?"<>|.\x00-\x1f][^/\\:*?"<>|\x00-\x1f]*\.qvf$')]
    sha256: Sha256
    size: Annotated[int, Field(ge=0, lt=2**63)]
    """Bytes."""
