"""A bundle from files that people already have: raw JSON of the Repository Service, and app files."""

from qlift.sources.dump.importer import DumpReport, import_dump

__all__ = ["DumpReport", "import_dump"]
