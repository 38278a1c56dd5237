"""Reads Qlik load scripts, as far as a migration has to know them. Pure, tolerant, linear in time."""

from qlift.derivation.scripts.access_section import AccessTable, ExternalSource, SectionAccess, section_access
from qlift.derivation.scripts.references import References, included_scripts, path_key, references

__all__ = [
    "AccessTable",
    "ExternalSource",
    "References",
    "SectionAccess",
    "included_scripts",
    "path_key",
    "references",
    "section_access",
]
