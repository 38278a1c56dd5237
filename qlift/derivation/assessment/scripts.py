"""What a load script refers to."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LIB = re.compile(r"lib://(?P<name>[^/\]'\";]+)(?P<path>[^\]'\";\r\n]*)", re.I)
_CONNECT = re.compile(r"lib\s+connect\s+to\s+(?:'(?P<a>[^']+)'|\"(?P<b>[^\"]+)\"|\[(?P<c>[^\]]+)\])", re.I)
_STORE = re.compile(r"\binto\s+\[?'?(?P<target>lib://[^\]'\";\r\n(]+?\.qvd)", re.I)
_QVD = re.compile(r"lib://[^\]'\";\r\n(]+?\.qvd", re.I)
_SECTION_ACCESS = re.compile(r"^\s*section\s+access\b", re.I | re.M)


@dataclass(frozen=True)
class ScriptFacts:
    connections: frozenset[str]
    """Names as the script spells them."""
    reads: frozenset[str]
    """QVD files, `lib://...` in small letters."""
    writes: frozenset[str]
    section_access: bool


def script_facts(script: str) -> ScriptFacts:
    named = {m["name"].strip() for m in _LIB.finditer(script)}
    named |= {(m["a"] or m["b"] or m["c"]).strip() for m in _CONNECT.finditer(script)}
    writes = {m["target"].casefold() for m in _STORE.finditer(script)}
    reads = {m[0].casefold() for m in _QVD.finditer(script)} - writes
    return ScriptFacts(
        connections=frozenset(n for n in named if n),
        reads=frozenset(reads),
        writes=frozenset(writes),
        section_access=bool(_SECTION_ACCESS.search(script)),
    )
