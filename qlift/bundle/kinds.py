"""Which kind of bundle a folder is."""

from __future__ import annotations

from pathlib import Path

from pydantic_core import from_json

from qlift.bundle.layout import MANIFEST

QLIK_SENSE, QLIKVIEW = "qlik-sense", "qlikview"


def kind_of(path: Path) -> str:
    """A bundle that cannot be read counts as one of Qlik Sense, whose loader says why."""
    file = path / MANIFEST
    try:
        return kind_in(file.read_bytes()) if file.is_file() else QLIK_SENSE
    except OSError:
        return QLIK_SENSE


def kind_in(manifest: bytes) -> str:
    """By `kind`; the manifest of a Qlik Sense bundle has none."""
    try:
        found = from_json(manifest)
    except ValueError:
        return QLIK_SENSE
    return QLIKVIEW if isinstance(found, dict) and found.get("kind") == QLIKVIEW else QLIK_SENSE
