"""What people changed in this stack's apps: nobody's work is lost in silence.

Reads come first in every run, and tell which apps the state holds and when each was last written. So a run
that would lose somebody's work refuses before its first delete, with all of it in one message.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import providers.base
from providers import conflicts
from providers.base import Refusal, log
from qlift.cloud import apps
from qlift.cloud.edits import changed_quickly, dates_of, edits_of, is_recent, latest, own_reload
from qlift.cloud.errors import Forbidden
from qlift.cloud.models import App
from qlift.cloud.provenance import Provenance, provenance_of, without_line
from qlift.cloud.tenant import Tenant

ALLOW_VARIABLE = "QLIFT_ALLOW_CHANGED_APPS"
WRITTEN = "written"
"""Output: when our last write of an app was, in the tenant's own time. Nothing but our writes changes it."""

TOUCHED = "touched"
"""Output: what people had done to an app when we wrote it again, in words. It stays: their work is in it."""

OWN_CHANGE_SECONDS = 3600.0
"""So long after it an unrecorded change of an app's owner is taken for our own, of a run that was killed.

An undo takes an app back right before it deletes it, and who has a killed run runs it again. The longer
this is, the more of people's work would pass for ours: within it none is seen."""
CHANGED = "changed in the source"
TAKEN_BACK = "taken back from its owner"
GIVEN = "given to its owner"

Decision = Literal["ask", "republish", "new_copy"]


@dataclass(frozen=True)
class Held:
    """An app that the state holds."""

    kind: str
    key: str
    subject: str
    origin: str | None = None
    """Of a publication: id of the app that it is published from."""
    given_away: bool = False
    """The state has an owner for it."""


@dataclass
class Edits:
    """Of one process. Thread-safe: four provider calls run at once."""

    tenant: Tenant
    decision: Decision = "ask"
    """Of the plan, about apps that changed on both sides."""
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _held: dict[str, Held] = field(default_factory=dict)
    _written: dict[str, str] = field(default_factory=dict)
    _touched: dict[str, str] = field(default_factory=dict)
    _tasks: set[str] = field(default_factory=set)
    _reloads: dict[tuple[str, str], bool] = field(default_factory=dict)
    """App and time of its last reload → whether that was one of our schedules."""
    _replaced: set[str] = field(default_factory=set)
    _decided: set[str] = field(default_factory=set)
    """Apps that changed on both sides: what becomes of them has been said."""
    _released: set[str] = field(default_factory=set)
    _deleted: set[str] = field(default_factory=set)
    _lost: dict[str, tuple[str, ...]] | None = None
    """Apps whose changes this run would lose, with the changes; settled before the first delete."""
    _kept: set[str] = field(default_factory=set)
    """Apps whose planned owner is this tool."""
    _late: dict[str, str] = field(default_factory=dict)
    """Further ones, met while deleting, in words."""

    # What the state holds.

    def note_app(self, app_id: str, held: Held) -> None:
        with self._lock:
            self._held[app_id] = held

    def note_written(self, app_id: str | None, outputs: dict[str, Any]) -> None:
        """Whatever wrote it: the app itself, its publication, its owner."""
        stamp, touched = outputs.get(WRITTEN), outputs.get(TOUCHED)
        with self._lock:
            if app_id and isinstance(stamp, str):
                self._written[app_id] = latest([stamp, self._written.get(app_id)]) or stamp
            if app_id and isinstance(touched, str):
                self._touched[app_id] = touched

    def note_kept(self, app_id: str) -> None:
        with self._lock:
            self._kept.add(app_id)

    def note_task(self, task_id: str) -> None:
        with self._lock:
            self._tasks.add(task_id)

    def touched(self, app_id: str, is_done: Callable[[App], bool]) -> dict[str, Any]:
        """Asked before a write, which would hide what people did before it.

        `is_done`: the write was made already, by a run that was killed before it recorded that.
        """
        live = self.tenant.index.app(app_id)
        if live is None or is_done(live):
            return self._touched_by(app_id, ())
        return self._touched_by(app_id, self._dates(live, TAKEN_BACK if self._is_held_back(live) else ""))

    def given_already(self, live: App) -> dict[str, Any]:
        """What the state keeps of an app that is its planned owner's, by a run that did not record that.

        The date is of that run's write only while it is recent: later it may be of people's work.
        """
        return self.output(live.id) or self.made_already(live, GIVEN)

    def made_already(self, live: App, what: str) -> dict[str, Any]:
        """As `given_already`, of `what` an unrecorded run did."""
        if self._is_recent(live):
            return {WRITTEN: live.modified_date}
        return self._touched_by(live.id, self._dates(live, what))

    def note_deleted(self, app_id: str) -> None:
        with self._lock:
            self._deleted.add(app_id)

    def _touched_by(self, app_id: str, found: tuple[str, ...]) -> dict[str, Any]:
        if found:
            with self._lock:
                self._touched.setdefault(app_id, ", ".join(found))
        return {TOUCHED: self._touched[app_id]} if app_id in self._touched else {}

    def _dates(self, live: App, or_ours: str) -> tuple[str, ...]:
        return dates_of(live, self._written_of(live), self._is_own_reload, or_ours)

    def output(self, app_id: str) -> dict[str, Any]:
        """What the state keeps of a write that this process made."""
        written = self.tenant.index.written_app(app_id)
        return {WRITTEN: written.modified_date} if written and written.modified_date else {}

    # Changed on both sides.

    def decide(
        self, app_id: str, subject: str, is_done: Callable[[App], bool], *, loses: bool, why: str = CHANGED
    ) -> bool:
        """Asked where new content is to replace that of an app. True: the plan wants a new copy instead.

        `is_done`: a run that was killed did it. `loses`: the app goes, with everything in it. Raises
        `Refusal` where the plan says `ask`.
        """
        what = self._changed_twice(app_id, subject, is_done, why)
        if what is None:
            return False
        with self._lock:
            self._decided.add(app_id)
            if loses or self.decision == "new_copy":
                self._replaced.add(app_id)
        then = {
            "republish": "the plan says republish: the source's content goes over it",
            "new_copy": "the plan says new_copy: it stays as it is, the new content comes beside it",
        }[self.decision]
        conflicts.warn(f"{what}; {then}")
        return self.decision == "new_copy"

    def note_lost(self, app_id: str) -> None:
        """It is replaced, whatever becomes of its content: published to another space, say."""
        with self._lock:
            self._replaced.add(app_id)

    def is_doomed(self, app_id: str) -> bool:
        """The state holds it and the program does not declare it."""
        with self._lock:
            held = self._held.get(app_id)
        return held is not None and not providers.base.claims.is_kept(held.kind, held.key)

    def goes(self, app_id: str) -> bool:
        """Asked in a delete: that of the app comes too. It is doomed, or the old half of a replacement."""
        with self._lock:
            held = self._held.get(app_id)
        return held is not None and not providers.base.claims.is_claimed(held.kind, app_id)

    def refuse_published_conflict(self, origin_id: str, line: Provenance) -> None:
        """Before new content is imported that could not be published then. Raises `Refusal`."""
        with self._lock:
            published = [(id_, h.subject) for id_, h in self._held.items() if h.origin == origin_id]
        for app_id, subject in published:
            self._changed_twice(
                app_id, subject, lambda live: provenance_of(live.description) == line, CHANGED
            )

    def _changed_twice(
        self, app_id: str, subject: str, is_done: Callable[[App], bool], why: str
    ) -> str | None:
        try:
            live = apps.get_app(self.tenant, app_id, subject)
        except Forbidden:
            # In somebody's personal space, out of reach.
            live = None
        if live is None or is_done(live):
            return None
        changes = self._changes(live)
        if not changes:
            return None
        done = ", ".join(changes)
        what = f"{subject} ({app_id}) {why}, and people changed it in the tenant ({done})"
        if self.decision == "ask":
            # What has to be made anew first cannot be handed over.
            or_else = ", or apps.handed_over (it stays theirs)" if why == CHANGED else ""
            raise Refusal(
                f"{what}; settle it in the plan: apps.on_source_change: republish (the source's content goes "
                f"over it) or new_copy (theirs stays beside it){or_else}"
            )
        return what

    def stays(self, app_id: str) -> bool:
        """The old half of a replacement stays with who changed it."""
        with self._lock:
            if app_id in self._released:
                return True
            live = self.tenant.index.app(app_id)
            return self.decision == "new_copy" and live is not None and bool(self._changes(live))

    def release(self, app: App, subject: str) -> None:
        """It is theirs now: without our line it is never taken for our work again."""
        own = without_line(app.description)
        apps.describe(self.tenant, app.id, name=app.name, description=own, provenance=None)
        with self._lock:
            self._released.add(app.id)
        log.warning(
            "%s (%s): people changed it, so it stays in the tenant and is theirs now", subject, app.id
        )

    def replaced(self) -> set[str]:
        with self._lock:
            return set(self._replaced)

    # Deletes.

    def refusal(self) -> str | None:
        """Why the deletes of this run are refused; None when they are allowed, or lose nobody's work."""
        with self._lock:
            if self._lost is None:
                self._lost = self._would_be_lost()
            lost = self._lost
        if not lost or self._allowed(len(lost)):
            return None
        return self._words(self._told(lost))

    def may_delete(self, app: App, subject: str, *, last_look: bool) -> tuple[str, ...]:
        """Asked with the live app. Returns what goes with it; raises `Refusal` where that was not allowed.

        `last_look`: its delete comes next, so what stands beside it is asked for too.
        """
        changes = self._changes(app, asked=last_look)
        refusal = self.refusal()
        with self._lock:
            known = self._lost or {}
            if not changes:
                # Our own writes of this run hide what was found before them.
                return known.get(app.id, ())
            subject = self._held[app.id].subject if app.id in self._held else subject
            if app.id not in known:
                self._late[app.id] = _words(subject, app.id, changes)
            allowed = self._allowed(len(known) + len(self._late))
            left = {i: c for i, c in known.items() if i not in self._deleted}
            late = [words for i, words in self._late.items() if i not in self._deleted]
        if refusal is None and app.id not in known and not allowed:
            # The next run finds what is left, and wants the word for that many.
            refusal = self._words([*self._told(left), *late], deleted=len(known) - len(left))
        if refusal is not None:
            raise Refusal(refusal)
        return changes

    def kept_with_changes(self) -> list[str]:
        """Apps that people changed and that stay: for a preview, without a request of its own."""
        found = []
        with self._lock:
            held = {i: h for i, h in self._held.items() if i not in self._decided}
            written = dict(self._written)
        for app_id, app in held.items():
            live = self.tenant.index.app(app_id)
            kept = providers.base.claims.is_kept(app.kind, app.key)
            since = self._since(app_id, written.get(app_id))
            changed = live and changed_quickly(live, since) and not self._was_taken_back(live)
            if kept and live and (changed or app_id in self._touched):
                found.append(app.subject)
        return sorted(found)

    def _told(self, lost: dict[str, tuple[str, ...]]) -> list[str]:
        return [_words(self._held[app_id].subject, app_id, changes) for app_id, changes in lost.items()]

    def _would_be_lost(self) -> dict[str, tuple[str, ...]]:
        found = {}
        for app_id in self._held:
            # Old halves of a run before are among them: they are declared, and no memory of this process.
            if not self.goes(app_id) or (self.decision == "new_copy" and not self.is_doomed(app_id)):
                continue
            live = self.tenant.index.app(app_id)
            if live is not None and (changes := self._changes(live)):
                found[app_id] = changes
        return found

    def _changes(self, live: App, *, asked: bool = False) -> tuple[str, ...]:
        with self._lock:
            tasks, touched = set(self._tasks), self._touched.get(live.id)
        found = edits_of(
            self.tenant,
            live,
            self._written_of(live),
            tasks,
            self._is_own_reload,
            asked=asked,
            or_ours=TAKEN_BACK if self._is_held_back(live) else "",
        )
        return found if touched is None else (touched, *(f for f in found if f not in touched))

    def _written_of(self, live: App) -> str | None:
        with self._lock:
            written = self._since(live.id, self._written.get(live.id))
        return latest([written, live.modified_date]) if self._was_taken_back(live) else written

    def _was_taken_back(self, live: App) -> bool:
        """By a run that was killed before it deleted the app. A guess: nothing recorded it."""
        return self._is_held_back(live) and self._is_recent(live)

    def _is_held_back(self, live: App) -> bool:
        """The tool's own, though the plan gives it away: taken back by an undo, or not given yet."""
        held = self._held.get(live.id)
        given_away = held is not None and held.given_away and live.id not in self._kept
        return given_away and live.owner_id == self.tenant.client.me().id

    def _is_recent(self, live: App) -> bool:
        return is_recent(live, self.tenant.client.tenant_now(), OWN_CHANGE_SECONDS)

    def _is_own_reload(self, live: App) -> bool:
        """Remembered: an undo deletes the schedule first, and its runs with it."""
        reload = (live.id, live.last_reload_time)
        if reload not in self._reloads:
            self._reloads[reload] = own_reload(self.tenant, live, self._tasks)
        return self._reloads[reload]

    def _since(self, app_id: str, stamp: str | None) -> str | None:
        own = self.tenant.index.written_app(app_id)
        return latest([stamp, own.modified_date if own else None])

    @staticmethod
    def _allowed(count: int) -> bool:
        return os.environ.get(ALLOW_VARIABLE) == str(count)

    @staticmethod
    def _words(lost: list[str], deleted: int = 0) -> str:
        """`deleted`: how many this run deleted already, with the word for it."""
        count = len(lost)
        said = os.environ.get(ALLOW_VARIABLE)
        return (
            f"this would delete {count} apps that people changed in the tenant since qlift last wrote them: "
            + "; ".join(sorted(lost))
            + (f"; {deleted} others are deleted already, as {ALLOW_VARIABLE}={said} said" if deleted else "")
            + (f"; {ALLOW_VARIABLE} is {said}, not {count}" if said and not deleted else "")
            + f"; hand them over (`handed_over` in the plan), or, if you want that, run it once with "
            f"{ALLOW_VARIABLE}={count}"
        )


def _words(subject: str, app_id: str, changes: tuple[str, ...]) -> str:
    return f"{subject} ({app_id}): {', '.join(changes)}"
