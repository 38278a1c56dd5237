"""`POST .../table`: columns of a list, the only lists of the service that page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from qlift.simulator.site import filters
from qlift.simulator.site.kinds import Document


class Column(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    name: str
    column_type: str = Field("Property", alias="columnType")
    definition: str = ""


class TableRequest(BaseModel):
    """The definition of a table; clients name its kind in `type` or in `entity`, the path decides."""

    model_config = ConfigDict(extra="ignore")

    columns: list[Column]


def table(request: TableRequest, documents: Sequence[Document]) -> Document:
    return {
        "id": "3f5a1b52-9d6c-4c39-8c55-6b3d0a4f6b11",
        "columnNames": [column.name for column in request.columns],
        "rows": [[_cell(document, column) for column in request.columns] for document in documents],
        "schemaPath": "Table",
    }


def _cell(document: Document, column: Column) -> Any:
    if column.column_type == "Privileges":
        return []
    found = filters.values_at(document, column.definition)
    if column.column_type == "List":
        return found
    return found[0] if found else None
