"""Cuts a Qlik load script into statements: comments out, texts and names in quotes known.

Tolerant: what is not a script still gives statements. Every character is looked at a bounded number of
times, so that time grows with the length and nothing else.

What is read how (help pages "Script syntax and data structures", "Rem", "Set", "Trace"): comments are
`//` to the end of the line (`///$tab` headings too), `/* */` and `REM ...;`. Quotes are `' '`, `" "`,
`[ ]` and grave accents; the closing one is doubled to stand for itself. A statement ends at `;`, a control
statement (`IF ... THEN`, `NEXT` ...) at the end of its line too.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from qlift.bundle.redact import REDACTED

CLOSING = {"'": "'", '"': '"', "`": "`", "[": "]"}
FILLER = "\x01"
"""Stands for every character inside quotes in `Statement.masked`."""
_STOPS = re.compile(r"//|/\*|[;\n'\"`\[]")
_SCHEME = re.compile(r"(?:lib|https?|ftp|file):$", re.I)
"""`//` after it belongs to an address."""
_SILENT = re.compile(r"(?:rem|trace)(?=[\s;]|$)", re.I)
_SET = re.compile(r"set\s", re.I)
_CONTROL = re.compile(
    r"\s*(?:if\b.*\bthen|elseif\b.*\bthen|else|end\s?if|for\b.*|next\b.*|do\b.*|loop\b.*|sub\b.*|end\s?sub"
    r"|switch\b.*|case\b.*|default|end\s?switch|exit\b.*)\s*$",
    re.I,
)


@dataclass(frozen=True)
class Quoted:
    """A text or name in quotes. `start` and `end` are offsets in the statement, quotes included."""

    start: int
    end: int
    opening: str
    raw: str
    """As it stands between the quotes."""

    @property
    def value(self) -> str:
        closing = CLOSING[self.opening]
        return self.raw.replace(closing * 2, closing)


@dataclass(frozen=True)
class Statement:
    """Without its `;`. `code` and `masked` are of equal length; comments are blanks in both."""

    code: str
    masked: str
    """Quotes are empty in it, so that no search finds a word inside them."""
    quoted: tuple[Quoted, ...]
    line: int
    """Of its first character that is no blank, from 1."""
    _first: int = field(repr=False)

    def line_at(self, offset: int) -> int:
        return self.line + self.code.count("\n", self._first, max(offset, self._first))

    def quoted_at(self, offset: int) -> Quoted | None:
        """What begins exactly there."""
        at = bisect_right(self.quoted, offset, key=lambda q: q.start) - 1
        return self.quoted[at] if at >= 0 and self.quoted[at].start == offset else None


class _Cutter:
    def __init__(self, script: str) -> None:
        # A carriage return alone is a line's end too; lengths and lines stay.
        self.script = re.sub(r"\r(?!\n)", "\n", script) if "\r" in script else script
        self.statements: list[Statement] = []
        self._absent: dict[str, int] = {}
        """Closing quote → up to which offset none is left: what was looked for is not looked for again."""
        self._line = self._first_line = 1
        self._line_end = -1
        self._redacted = self.script.find(REDACTED)
        self._begin(0)

    def _begin(self, at: int) -> None:
        self._start = at
        self._first = -1
        self._is_set = False
        self._code: list[str] = []
        self._masked: list[str] = []
        self._quoted: list[Quoted] = []
        self._line_parts = 0
        """Index in `_masked` of the current line's first part."""

    def cut(self) -> list[Statement]:
        script, at = self.script, 0
        while at < len(script):
            stop = _STOPS.search(script, at)
            end = stop.start() if stop else len(script)
            silent = self._plain(at, end)
            if silent is not None:
                at = silent
            elif stop is None:
                break
            else:
                at = self._stop(end, stop.group())
        self._finish()
        return self.statements

    def _plain(self, at: int, end: int) -> int | None:
        """Text without a stop in it. The end of REM and TRACE, which take what they like up to `;`."""
        text = self.script[at:end]
        if self._first < 0 and (stripped := text.lstrip()):
            self._first = at + len(text) - len(stripped)
            self._first_line = self._line
            if _SILENT.match(self.script, self._first):
                stop = self._find(";", self._first, len(self.script))
                stop = len(self.script) if stop < 0 else stop
                self._first = -1
                self._blank(at, stop)
                return stop
            self._is_set = _SET.match(self.script, self._first) is not None
        self._code.append(text)
        self._masked.append(text)
        return None

    def _stop(self, at: int, stop: str) -> int:
        if stop == ";":
            self._finish()
            self._begin(at + 1)
            return at + 1
        if stop == "\n":
            self._end_of_line(at)
            return at + 1
        if stop == "//":
            if _SCHEME.search(self.script, max(0, at - 6), at):
                return self._keep(at, at + 2)
            end = self.script.find("\n", at)
            return self._blank(at, len(self.script) if end < 0 else end)
        if stop == "/*":
            end = self._find("*/", at + 2, len(self.script))
            return self._keep(at, at + 2) if end < 0 else self._blank(at, end + 2)
        return self._quote(at, stop)

    def _quote(self, at: int, opening: str) -> int:
        """In SET, a quote that is not closed in its line is none: its value is taken as it is."""
        closing, limit = CLOSING[opening], len(self.script)
        redacted = opening != "[" and self._is_redacted(at)
        if self._is_set or redacted:
            limit = self._end_of_this_line(at)
        end = self._find(closing, at + 1, limit)
        while 0 <= end < limit - 1 and self.script[end + 1] == closing:
            end = self._find(closing, end + 2, limit)
        if end < 0 and redacted:
            # The credential went out with everything up to the next `;`, its closing quote too.
            end, closing = self.script.rindex(REDACTED, at, limit) + len(REDACTED) - 1, ""
        elif end < 0:
            return self._keep(at, at + 1)
        if self._first < 0:
            self._first, self._first_line = at, self._line
        raw = self.script[at + 1 : end if closing else end + 1]
        self._quoted.append(Quoted(at - self._start, end + 1 - self._start, opening, raw))
        self._code.append(self.script[at : end + 1])
        self._masked += (opening, re.sub(r"[^\n]", FILLER, raw), closing)
        if lines := raw.count("\n"):
            self._line += lines
            self._line_parts = len(self._masked)
        return end + 1

    def _is_redacted(self, at: int) -> bool:
        """Whether a credential was taken out behind this offset, in the same line."""
        if 0 <= self._redacted < at:
            self._redacted = self.script.find(REDACTED, at)
        return 0 <= self._redacted < self._end_of_this_line(at)

    def _end_of_this_line(self, at: int) -> int:
        if at >= self._line_end:
            end = self.script.find("\n", at)
            self._line_end = len(self.script) if end < 0 else end
        return self._line_end

    def _end_of_line(self, at: int) -> None:
        line = "".join(self._masked[self._line_parts :])
        if self._first >= 0 and self._first_line == self._line and _CONTROL.match(line):
            self._finish()
            self._begin(at)
        self._keep(at, at + 1)
        self._line += 1
        self._line_parts = len(self._masked)

    def _keep(self, at: int, end: int) -> int:
        text = self.script[at:end]
        if self._first < 0 and text.strip():
            self._first, self._first_line = at, self._line
        self._code.append(text)
        self._masked.append(text)
        return end

    def _blank(self, at: int, end: int) -> int:
        text = re.sub(r"[^\n]", " ", self.script[at:end])
        self._code.append(text)
        self._masked.append(text)
        if lines := text.count("\n"):
            self._line += lines
            self._line_parts = len(self._masked)
        return end

    def _find(self, text: str, at: int, limit: int) -> int:
        if limit <= self._absent.get(text, -1):
            return -1
        found = self.script.find(text, at, limit)
        if found < 0:
            self._absent[text] = limit
        return found

    def _finish(self) -> None:
        if self._first < 0:
            return
        first = self._first - self._start
        self.statements.append(
            Statement(
                "".join(self._code), "".join(self._masked), tuple(self._quoted), self._first_line, first
            )
        )


def statements(script: str) -> list[Statement]:
    """In the order of the script, empty ones left out."""
    return _Cutter(script).cut()
