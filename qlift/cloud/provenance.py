"""The line that ties an object of the tenant to its source, and by which qlift knows its own work again.

It is the last line of a description: `[qlift <site>/<source> <stack> <mark>]`. `source` are the first
twelve hex digits of the source id (or a space's key in the plan), `mark` the first six of the content
fingerprint (`-` where content does not count).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(
    r"\[qlift (?P<site>[a-z0-9-]+)/(?P<source>[^\s\]]+) (?P<stack>[^\s\]]+) (?P<mark>[0-9a-f]{6}|-)\]"
)


@dataclass(frozen=True)
class Provenance:
    site: str
    source: str
    stack: str
    mark: str = "-"

    @property
    def line(self) -> str:
        return f"[qlift {self.site}/{self.source} {self.stack} {self.mark}]"

    def same_object(self, other: Provenance | None) -> bool:
        """Of the same source object and stack, whatever the content."""
        return other is not None and (self.site, self.source, self.stack) == (
            other.site,
            other.source,
            other.stack,
        )


def attach(description: str, provenance: Provenance | None) -> str:
    """The description as the tenant gets it; None leaves the line out."""
    if provenance is None:
        return description
    return f"{description}\n{provenance.line}" if description else provenance.line


def provenance_of(text: str) -> Provenance | None:
    """Of a description (its last line) or of a marker name (the line alone)."""
    last = text.rstrip().rsplit("\n", 1)[-1].strip()
    match = _LINE.fullmatch(last)
    return Provenance(**match.groupdict()) if match else None


def without_line(description: str) -> str:
    """The part of a description that people wrote."""
    if provenance_of(description) is None:
        return description
    head, _, _ = description.rstrip().rpartition("\n")
    return head


def short_id(source_id: str) -> str:
    """The first twelve hex digits of a source id; a key of the plan stays as it is."""
    digits = source_id.replace("-", "").lower()
    if len(digits) == 32 and all(c in "0123456789abcdef" for c in digits):
        return digits[:12]
    return re.sub(r"[\s\[\]]+", "-", source_id)
