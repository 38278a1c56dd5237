"""The audit matrix: what each user may do with each resource, by the site's own rules.

Shapes: `reference` of the Repository Service's "Get audit rules matrix" page and a published real answer
(qrspy's example notebook). Rows without any access are not listed.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from qlift.simulator.site import filters
from qlift.simulator.site.access import ANYWHERE, CONSOLE, HUB, KIND_BY_TYPE, Access
from qlift.simulator.site.kinds import USER, Document
from qlift.simulator.store import Store


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True)


class Reference(_Model):
    resource_filter: str = ""


class MatrixRequest(_Model):
    resource_type: str
    resource_ref: Reference = Reference()
    subject_ref: Reference = Reference()
    actions: int = 8191
    environment_attributes: str = ""
    resource_properties: list[str] = Field(default_factory=list)
    subject_properties: list[str] = Field(default_factory=list)
    audit_limit: int = 1000
    output_objects_privileges: int = 0


class UnknownTypeError(ValueError):
    """The audit was asked about a type of resource that the site does not have."""


def matrix(store: Store, request: MatrixRequest) -> Document:
    """Raises UnknownTypeError and filters.FilterError."""
    kind = KIND_BY_TYPE.get(request.resource_type.lower())
    if kind is None:
        raise UnknownTypeError(request.resource_type)
    access = Access(store)
    context = _context(request.environment_attributes)
    resources = filters.select(kind, store.all(kind.stored), request.resource_ref.resource_filter)
    subjects = filters.select(USER, store.all(USER.stored), request.subject_ref.resource_filter)
    rows: list[Document] = []
    named_resources: dict[str, Document] = {}
    named_subjects: dict[str, Document] = {}
    for resource in resources:
        masks = access.grants(subjects, kind, resource, context)
        for subject in subjects:
            if len(rows) >= request.audit_limit:
                break
            granted = masks[subject["id"]] & request.actions
            if not granted:
                continue
            rows.append(
                {
                    "subjectId": subject["id"],
                    "resourceId": resource["id"],
                    "audit": {"access": granted},
                    "schemaPath": "AuditMatrixElement",
                }
            )
            if request.output_objects_privileges:
                named_resources[resource["id"]] = {
                    "resourceProperties": _properties(resource, request.resource_properties),
                    "privileges": ["create", "read", "update", "delete"],
                    "schemaPath": "AuditMatrix.Resource",
                }
                named_subjects[subject["id"]] = {
                    "subjectProperties": _properties(subject, request.subject_properties),
                    "privileges": ["create", "read", "update", "delete"],
                    "schemaPath": "AuditMatrix.Subject",
                }
    return {
        "matrix": rows,
        "resources": named_resources,
        "subjects": named_subjects,
        "schemaPath": "AuditMatrix",
    }


def _context(attributes: str) -> int:
    """`context=AppAccess;` is the hub, `context=ManagementAccess;` the console, nothing is both."""
    found = re.search(r"context=(\w+)", attributes)
    if found is None:
        return ANYWHERE
    return {"appaccess": HUB, "managementaccess": CONSOLE}.get(found[1].lower(), ANYWHERE)


def _properties(document: Document, names: list[str]) -> dict[str, Any]:
    """Keys keep the spelling that was asked for."""
    lower = {key.lower(): value for key, value in document.items()}
    return {name: lower[name.lower()] for name in names if name.lower() in lower}
