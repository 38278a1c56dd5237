"""Fits sections into a comment of limited length: the most important rows first, and what was cut is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

FIRST_ROWS = 5
"""Of every section, before a more important one gets the rest."""
FRAME = 400
"""Characters for what stands around the rows: folding, heading of the table, the note of a cut."""


@dataclass(frozen=True)
class Section:
    """`rows` by importance; a row is a whole line without its end."""

    title: str
    what: str
    """Of its rows, such as `deletes`."""
    header: tuple[str, ...]
    rows: Sequence[str]
    intro: str = ""
    open: bool = False
    """Unfolded."""


@dataclass
class _Taken:
    section: Section
    count: int = 0
    length: int = field(default=0)

    def take(self, most: int, room: int) -> int:
        """Rows up to `most` in all that fit; returns the room that is left."""
        rows = self.section.rows
        while self.count < min(most, len(rows)):
            need = len(rows[self.count]) + 1
            if need > room:
                break
            self.count, room = self.count + 1, room - need
        return room


def fitted(sections: Sequence[Section], room: int, where: str) -> str:
    """`sections` by importance, `room` in characters; `where` the rest can be found."""
    taken = [_Taken(s) for s in sections if s.rows]
    room -= sum(FRAME + len(t.section.title) + len(t.section.intro) for t in taken)
    for most in (FIRST_ROWS, None):
        for one in taken:
            room = one.take(len(one.section.rows) if most is None else most, room)
    return "\n".join(_text(t, where) for t in taken)


def _text(taken: _Taken, where: str) -> str:
    section = taken.section
    more = len(section.rows) - taken.count
    lines = [f"<details{' open' if section.open else ''}><summary>{section.title}</summary>", ""]
    lines += [section.intro, ""] if section.intro else []
    if taken.count:
        lines += [*section.header, *section.rows[: taken.count], ""]
    if more:
        lines += [f"**{more:,} of {len(section.rows):,} {section.what} are cut here**; {where}.", ""]
    return "\n".join([*lines, "</details>", ""])
