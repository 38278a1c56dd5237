"""The changes of an export as Markdown for its pull request, with what matters most first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from qlift.bundle.changes import Change, How
from qlift.bundle.models import Manifest

LIMIT = 60_000
"""Characters: the description of a pull request on the usual servers holds 65,536."""
_LINE = 400
HOWS: tuple[How, ...] = ("gone", "renamed", "changed", "new")
ORDER = {
    "access": "Who may use a stream",
    "systemrule": "Rules",
    "stream": "Streams",
    "app": "Apps",
    "script": "Load scripts",
    "app-object": "Objects of apps",
    "reloadtask": "Reload tasks",
    "schemaevent": "Time triggers",
    "compositeevent": "Task chains",
    "dataconnection": "Data connections",
    "externalprogramtask": "External programs",
    "usersynctask": "User syncs",
    "custompropertydefinition": "Custom properties",
    "userdirectory": "User directories",
    "extension": "Extensions",
    "contentlibrary": "Content libraries",
    "user": "Users",
    "tag": "Tags",
}
"""Kinds by how much a reviewer should care: who sees what, then what moves, then the rest."""


def report(former: Manifest | None, now: Manifest, changes: Iterable[Change], limit: int = LIMIT) -> str:
    """At most `limit` characters; what does not fit is counted in the last lines."""
    listed = list(changes)
    head = [f"# Changes on {now.site}", "", *_about(former, now), ""]
    if former is None:
        return "\n".join([*head, "This is the first export: there is nothing to compare it with.", ""])
    if not listed:
        return "\n".join([*head, "Nothing changed.", ""])
    table = _table(listed)
    text = "\n".join([*head, *table, ""])
    cut: Counter[str] = Counter()
    # So much is kept free for the lines that say what was cut.
    room = limit - 80 * len(ORDER) - 200
    for kind, title in ORDER.items():
        lines = list(_lines(c for c in listed if c.kind == kind))
        if not lines:
            continue
        heading = f"\n## {title}\n\n"
        if len(text) + len(heading) + len(lines[0]) + 1 > room:
            cut[title] += len(lines)
            continue
        text += heading
        for number, line in enumerate(lines):
            if len(text) + len(line) + 1 > room:
                cut[title] += len(lines) - number
                break
            text += f"{line}\n"
    if cut:
        text += "\n## Cut\n\nToo long for a pull request; the files show it all.\n\n"
        text += "".join(f"- {title}: {n:,} more\n" for title, n in cut.items())
    return text


def _about(former: Manifest | None, now: Manifest) -> Iterator[str]:
    if now.identity.complete:
        yield f"Exported as {_plain(now.identity.user)}, which sees everything."
    else:
        yield f"**Not complete.** Exported as {_plain(now.identity.user)}:"
        yield from ("", *(f"- {_plain(reason[:_LINE])}" for reason in now.identity.reasons[:20]))
    if former and former.product_version != now.product_version:
        yield from (
            "",
            f"The site went from version {_plain(former.product_version)} to {_plain(now.product_version)}.",
        )
    if former and (former.data, former.scope) != (now.data, now.scope):
        yield from (
            "",
            f"App files: data {former.data} → {now.data}, scope {former.scope} → {now.scope}.",
        )


def _table(changes: list[Change]) -> Iterator[str]:
    counts = Counter((c.kind, c.how) for c in changes)
    yield "| | " + " | ".join(reversed(HOWS)) + " |"
    yield "| --- |" + " ---: |" * len(HOWS)
    for kind, title in ORDER.items():
        row = [counts[kind, how] for how in reversed(HOWS)]
        if any(row):
            yield f"| {title} | " + " | ".join(f"{n:,}" if n else "" for n in row) + " |"


def _lines(changes: Iterable[Change]) -> Iterator[str]:
    for change in sorted(changes, key=lambda c: (HOWS.index(c.how), c.name.casefold(), c.id)):
        what = "; ".join(change.what)
        line = f"- **{change.how}** {_plain(change.name)} `{change.id[:8]}`" + (
            f": {_plain(what)}" if what else ""
        )
        yield line if len(line) <= _LINE else line[: _LINE - 4] + " ..."


def _plain(text: str) -> str:
    """Names are people's: they must not become Markdown, nor links, nor mention anybody."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    flat = "".join(f"\\{c}" if c in "\\`*_[]>#|~$" else c for c in flat).replace("@", "@\u200b")
    return re.sub(r"(?i)(?<=\bwww)\.|(?<=:)//", lambda m: "\\" + m[0], flat)
