"""What a load script refers to: connections, files, QVDs that it writes and reads, included scripts.

Variables that SET or LET give a plain text are put in where a path names them; any other `$(...)` stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from qlift.derivation.scripts.lexer import Statement, statements
from qlift.derivation.scripts.loads import format_at, path_at
from qlift.derivation.scripts.words import CONNECT, INCLUDE, SELECT, included, last_match

_LIB = re.compile(r"lib://([^/\\\]\"'`;\r\n]*)", re.I)
_FROM = re.compile(r"\bfrom\b(?!_)", re.I)
_LOAD = re.compile(r"\bload\b", re.I)
_STORE = re.compile(r"\s*store\b", re.I)
_INTO = re.compile(r"\binto\b", re.I)
_ASSIGNED = re.compile(r"\s*(set|let)\s+([\w.]+)\s*=\s*", re.I)
_VARIABLE = re.compile(r"\$\(\s*([\w.]+)\s*\)")
_NESTED, _LONGEST = 5, 2_000
"""How deep variables in variables are followed, and up to which length of the text in characters."""


@dataclass(frozen=True)
class References:
    """Each sorted and once, in the spelling that comes first; lists of files are paths as written."""

    connections: tuple[str, ...]
    """Names behind `lib://` and `LIB CONNECT TO`."""
    files: tuple[str, ...]
    """What LOAD reads that is no QVD."""
    qvd_written: tuple[str, ...]
    qvd_read: tuple[str, ...]
    includes: tuple[str, ...]


def path_key(path: str) -> str:
    """The same for two spellings of one file: capitals and the direction of slashes do not count."""
    return path.replace("\\", "/").casefold()


def references(script: str) -> References:
    """Never raises."""
    found = _Found()
    for statement in statements(script):
        found.read(statement)
    return found.result()


def included_scripts(script: str) -> tuple[str, ...]:
    """What `references` says of included scripts; takes the script apart up to the last of them only."""
    last = last_match(INCLUDE, script)
    if last is None:
        return ()
    end = script.find("\n", last.end())
    return references(script if end < 0 else script[:end]).includes


class _Found:
    def __init__(self) -> None:
        self._variables: dict[str, str] = {}
        self._by_list: dict[str, dict[str, str]] = {
            name: {} for name in ("connections", "files", "qvd_written", "qvd_read", "includes")
        }

    def result(self) -> References:
        lists = {name: tuple(found[k] for k in sorted(found)) for name, found in self._by_list.items()}
        return References(**lists)

    def read(self, statement: Statement) -> None:
        assigned = _ASSIGNED.match(statement.masked)
        if assigned:
            self._assign(assigned, statement)
        if connect := CONNECT.match(statement.masked):
            self._connection(self._expanded(path_at(statement, connect.end())[0]))
        elif _STORE.match(statement.masked):
            if into := _INTO.search(statement.masked):
                self._file("qvd_written", statement, into.end())
        elif _LOAD.search(statement.masked) and not SELECT.match(statement.masked):
            at = 0
            while source := _FROM.search(statement.masked, at):
                at = self._file("qvd_read", statement, source.end())
        for include in INCLUDE.finditer(statement.code):
            self._note("includes", self._expanded(included(statement.code, include)))
        for text in _texts(statement, assigned):
            for name in _LIB.findall(self._expanded(text)):
                self._connection(name)

    def _assign(self, assigned: re.Match[str], statement: Statement) -> None:
        """What is computed is unknown, and so is what it was before."""
        name, at = assigned[2].casefold(), assigned.end()
        quoted = statement.quoted_at(at)
        if quoted is not None and quoted.end == len(statement.code.rstrip()):
            self._variables[name] = quoted.value
        elif assigned[1].lower() == "set":
            self._variables[name] = statement.code[at : at + _LONGEST].strip()
        else:
            self._variables.pop(name, None)

    def _file(self, qvd_list: str, statement: Statement, at: int) -> int:
        """Where the path ends."""
        written, end = path_at(statement, at)
        path = self._expanded(written)
        is_qvd = path.lower().endswith(".qvd") or format_at(statement, end).strip().lower() == "qvd"
        if is_qvd:
            self._note(qvd_list, path)
        elif qvd_list == "qvd_read":
            self._note("files", path)
        return end

    def _connection(self, name: str) -> None:
        name = name.strip()
        self._note("connections", name.removeprefix("lib://"))

    def _note(self, list_: str, value: str) -> None:
        if value:
            self._by_list[list_].setdefault(path_key(value), value)

    def _expanded(self, text: str) -> str:
        for _ in range(_NESTED):
            if "$(" not in text or len(text) > _LONGEST:
                break
            done = _VARIABLE.sub(lambda m: self._variables.get(m[1].casefold(), m[0]), text)
            if done == text:
                break
            text = done
        return text


def _texts(statement: Statement, assigned: re.Match[str] | None) -> Iterator[str]:
    """Everywhere that a path may stand: in quotes, as the value of SET, word by word elsewhere."""
    for quoted in statement.quoted:
        yield quoted.raw
    if assigned and assigned[1].lower() == "set":
        yield statement.masked[assigned.end() :]
    elif "://" in statement.masked or "$(" in statement.masked:
        for word in statement.masked.split():
            yield word.split(")", 1)[0] if "(" not in word else word
