"""How reports write numbers, sizes and times, and how they keep names from being markup."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from markupsafe import Markup, escape

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def size(number: int | None) -> str:
    """Bytes in a unit that leaves at most four digits."""
    if number is None:
        return "not known"
    value, unit = float(number), UNITS[0]
    for unit in UNITS:
        if value < 1024 or unit == UNITS[-1]:
            break
        value /= 1024
    return (
        f"{number} bytes"
        if unit == "bytes"
        else f"{value:.1f} {unit}"
        if value < 10
        else f"{value:.0f} {unit}"
    )


def count(number: int) -> str:
    return f"{number:,}"


def plural(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def duration(seconds: int) -> str:
    """A floor, so rounded down."""
    if seconds < 60:
        return "< 1 min"
    if seconds < 2 * 3600:
        return f"{seconds // 60} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h"
    return plural(seconds // 86_400, "day")


def day(text: str) -> str:
    """`2026-03-09` → `9 Mar 2026`."""
    if not text:
        return "never"
    found = date.fromisoformat(text)
    return f"{found.day} {found:%b %Y}"


def percent(part: int, of: int) -> str:
    if not of:
        return "0 %"
    share = 100 * part / of
    return "under 1 %" if 0 < share < 1 else f"{share:.0f} %"


def capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def code(text: str) -> Markup:
    """HTML of a text of ours: what stands between backticks becomes code, everything is escaped."""
    parts = clean(text).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(p) if n % 2 else escape(p) for n, p in enumerate(parts)
    )


def clean(text: str) -> str:
    """Without characters that draw nothing or turn what follows around: names are other people's text."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _hidden(c) else c for c in text)


def _hidden(letter: str) -> bool:
    return (unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\t\r\n") or letter in _TURNING


_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def markdown(text: str) -> str:
    """One line of plain text that Markdown shows as it is, in a table cell too."""
    line = clean(re.sub(r"\s+", " ", text))
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = re.sub(r"([\\`*_\[\]#|~$@])", r"\\\1", line)
    # Servers make links of bare addresses, too.
    return re.sub(r"(?i)(?<=\bwww)\.|(?<=:)//", lambda m: "\\" + m[0], line)


def name_in_markdown(text: str) -> Markup:
    """A name as code: no mention, no link, no reference to an issue comes of it, in a table cell too."""
    line = clean(re.sub(r"\s+", " ", text)).strip() or " "
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return Markup(f"{fence}{pad}{line}{pad}{fence}".replace("|", r"\|"))


def in_comment(text: str) -> Markup:
    """Plain text for a comment: beside `markdown`, nobody is mentioned and no issue is referred to.

    A backslash does not prevent that: such signs are looked for in the finished text, element by element.
    """
    line = markdown(text)
    for sign in "@#":
        line = line.replace(f"\\{sign}", f"<span>{sign}</span>")
    return Markup(re.sub(r"([!%])(?=\w)", r"<span>\1</span>", line))
