"""Who may use which stream, by the site's own rules: one call of the audit for each stream."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from pathlib import Path
from threading import Event

from qlift.bundle.files import digest_of, write_text
from qlift.bundle.models import Raw, StreamAccess
from qlift.sources.parallel import in_parallel
from qlift.sources.qlik_sense.client import SiteClient
from qlift.sources.qlik_sense.errors import NotAllowed
from qlift.sources.qlik_sense.identity import AUDIT_LIMIT, AUDIT_PATH, granted, question, rows
from qlift.sources.qlik_sense.run import Run

AUDIT_ACTIONS = 8191
"""All bits of the action mask."""
IN_THE_HUB = "context=AppAccess;"
"""Without it, rules that count in the QMC only would become roles in spaces."""
RULED_BY = ("systemrule", "stream", "user", "custompropertydefinition")
"""Kinds that decide who may use a stream."""


def read_access(run: Run, streams: list[Raw]) -> list[str]:
    """Returns why it is not whole.

    What was asked before an interruption holds while rules, streams and users are the same.
    """
    names = {str(s["id"]): str(s.get("name", "")) for s in streams}
    folder = run.writer.unfinished / "access"
    rules = _rules(run)
    found = {s: line for s in names if (line := _resumed(run, folder, s, rules))}
    ask = [s for s in names if s not in found]
    with closing(in_parallel(lambda s: _ask(run.client, s), ask, run.parallel, Event())) as results:
        for stream, matrix in results:
            if isinstance(matrix, NotAllowed):
                run.writer.access([])
                return [f"nobody was asked who may use the streams: {matrix}"]
            if isinstance(matrix, Exception):
                raise matrix
            users = {str(r["subjectId"]): granted(r) for r in matrix if granted(r)}
            # One file a stream: of 20,000 users and 150 streams no table is held in memory.
            sha256 = write_text(folder / f"{stream}.json", json.dumps(users))
            found[stream] = run.journal.note("access", stream, rules=rules, rows=len(matrix), sha256=sha256)
            run.progress(f"asking who may use the streams: {len(found):,} of {len(names):,}")
    run.writer.access(StreamAccess(stream=s, users=_users(folder, s)) for s in names)
    return [
        f"stream {names[s]}: the audit has more than {AUDIT_LIMIT:,} rows"
        for s in names
        if found[s]["rows"] >= AUDIT_LIMIT
    ]


def _ask(client: SiteClient, stream: str) -> list[Raw]:
    return rows(client.ask(AUDIT_PATH, question("Stream", f"id eq {stream}", "", AUDIT_ACTIONS, IN_THE_HUB)))


def _resumed(run: Run, folder: Path, stream: str, rules: str) -> Raw | None:
    line, file = run.journal.fresh("access", stream, rules=rules), folder / f"{stream}.json"
    return line if line and file.exists() and digest_of(file) == line["sha256"] else None


def _users(folder: Path, stream: str) -> dict[str, int]:
    users: dict[str, int] = json.loads((folder / f"{stream}.json").read_text(encoding="utf-8"))
    return users


def _rules(run: Run) -> str:
    hashes = [run.writer.hashes.get(f"{kind}.json") for kind in RULED_BY]
    return hashlib.sha256(json.dumps(hashes).encode()).hexdigest()
