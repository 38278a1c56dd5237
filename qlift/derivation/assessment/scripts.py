"""What an assessment wants to know of a load script."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qlift.derivation.scripts import SectionAccess, path_key, references, section_access


@dataclass(frozen=True)
class ScriptFacts:
    connections: tuple[str, ...]
    """Names as the script spells them."""
    computed: tuple[str, ...]
    """Names that the script computes: `$(...)` is still in them."""
    reads: frozenset[str]
    """QVD files by key; those with a computed path are left out."""
    writes: frozenset[str]
    paths: tuple[str, ...]
    """Files that it names by their path on a disk, outside of connections."""
    includes: tuple[str, ...]
    access: SectionAccess | None


def script_facts(script: str) -> ScriptFacts:
    found = references(script)
    files = (*found.files, *found.qvd_read, *found.qvd_written)
    return ScriptFacts(
        connections=tuple(n for n in found.connections if not _is_computed(n)),
        computed=tuple(n for n in found.connections if _is_computed(n)),
        reads=_keys(found.qvd_read),
        writes=_keys(found.qvd_written),
        paths=tuple(p for p in files if "://" not in p and not p.startswith("$(")),
        includes=found.includes,
        access=section_access(script),
    )


def _is_computed(name: str) -> bool:
    return "$(" in name


def _keys(paths: Iterable[str]) -> frozenset[str]:
    return frozenset(path_key(p) for p in paths if not _is_computed(p))
