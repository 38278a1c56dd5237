"""What the steps of one export share, and what they report."""

from __future__ import annotations

from dataclasses import dataclass, field

from qlift.bundle import Writer
from qlift.sources.journal import Journal
from qlift.sources.progress import Progress
from qlift.sources.qlik_sense.client import SiteClient


@dataclass
class ExportReport:
    """What an export did. `failed`, `incomplete` and `notes` are for people: object, reason, remedy."""

    apps: int = 0
    fetched: int = 0
    """App files."""
    bytes: int = 0
    """Of the fetched app files."""
    unchanged: int = 0
    skipped: int = 0
    scripts: int = 0
    scripts_from_files: int = 0
    redactions: int = 0
    failed: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    """Why the bundle is not complete."""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Run:
    client: SiteClient
    writer: Writer
    journal: Journal
    report: ExportReport
    progress: Progress
    parallel: int
