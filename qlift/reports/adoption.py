"""What a phase would take over in a tenant, and what it was before: the content of `adopted.yaml`.

Reads the tenant through its index and writes nothing there. What stands in the file already stays as it
is: after an adoption the live values are the tool's own, and must never become former ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeVar

from qlift.cloud.adoption import task_document
from qlift.cloud.apps import find_app
from qlift.cloud.models import App, Space, Task
from qlift.cloud.provenance import Provenance, provenance_of, short_id
from qlift.cloud.spaces import our_space
from qlift.cloud.tenant import Tenant
from qlift.derivation import desired as wanted
from qlift.derivation.former import (
    KINDS,
    NEW,
    Adopted,
    Former,
    FormerApp,
    FormerAssignment,
    FormerOwner,
    FormerSchedule,
    FormerSpace,
    Kind,
)

T = TypeVar("T")
Entry = Former | Literal["new"]


class _Doubt(Exception):
    """Why an object cannot be adopted; what to do."""


@dataclass
class Looked:
    """`adopted` is the whole of the target, with what was `added`. `problems` are for people to settle."""

    adopted: Adopted
    added: dict[Kind, dict[str, Entry]] = field(default_factory=lambda: {k: {} for k in KINDS})
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def look_up(tenant: Tenant, desired: wanted.Desired, adopted: Adopted, stack: str) -> Looked:
    """`adopted`: what the file says of the target. `stack`: whose provenance counts as the phase's own work.

    Entries that stand there are never changed. An object that is to be adopted and is not there yet gets
    `new`; one that cannot be adopted gets no entry and a problem.
    """
    return _Finder(tenant, desired, adopted, stack).everything()


class _Finder:
    def __init__(self, tenant: Tenant, desired: wanted.Desired, adopted: Adopted, stack: str) -> None:
        self._tenant, self._desired, self._adopted, self._stack = tenant, desired, adopted, stack
        self._looked = Looked(adopted)
        self._space_ids: dict[str, str | None] = {}
        """By key; None: not there yet."""

    def everything(self) -> Looked:
        for space in self._desired.spaces:
            self._space(space)
        for assignment in self._desired.assignments:
            taken = self._of("spaces", assignment.space)
            if assignment.adopt or (taken is not None and taken != NEW):
                self._enter("assignments", assignment.key, partial(self._assignment, assignment))
        for app in self._desired.apps:
            if app.adopt and self._adopted.key_of("apps", app.key, app.former_keys) is None:
                self._enter("apps", app.key, partial(self._app, app))
        self._schedules()
        added = {k: {**self._adopted.of(k), **self._looked.added[k]} for k in KINDS}
        self._looked.adopted = Adopted.model_validate(
            {k: {n: e if e == NEW else e.model_dump() for n, e in of.items()} for k, of in added.items()}
        )
        return self._looked

    def _of(self, kind: Kind, key: str) -> Any:
        """The entry of an object, old or new."""
        return self._adopted.of(kind).get(key) or self._looked.added[kind].get(key)

    def _enter(self, kind: Kind, key: str, look: Callable[[], Entry]) -> None:
        if key in self._adopted.of(kind):
            return
        try:
            found = look()
            # The same object under another name, as where somebody is called otherwise: what it was stays.
            known: dict[str, Entry] = {e.id: e for e in self._adopted.of(kind).values() if e != NEW}
            self._looked.added[kind][key] = known.get("" if isinstance(found, str) else found.id, found)
        except _Doubt as doubt:
            self._looked.problems.append(f"{kind[:-1]} {key}: {doubt}")

    # Spaces.

    def _space(self, space: wanted.Space) -> None:
        entry = self._adopted.of("spaces").get(space.key)
        line = Provenance(space.source.site, short_id(space.source.id), self._stack)
        found = self._tenant.index.space_named(space.name)
        mine = our_space(self._tenant, line)
        if space.adopt:
            self._enter(
                "spaces", space.key, lambda: NEW if mine or not found else self._former_space(space, found)
            )
            if (
                entry == NEW
                and found is not None
                and mine is None
                and provenance_of(found.description) is None
            ):
                self._looked.problems.append(
                    f'space {space.key}: adopted.yaml says `new`, and the tenant has "{found.name}" now; '
                    "remove the entry and run this again if it is to be adopted"
                )
        known = self._of("spaces", space.key)
        if isinstance(known, FormerSpace):
            self._space_ids[space.key] = known.id
        else:
            there = mine or (found if space.external else None)
            self._space_ids[space.key] = there.id if there else None

    def _former_space(self, space: wanted.Space, found: Space) -> FormerSpace:
        self._refuse_managed(found.description)
        if found.type != space.type:
            raise _Doubt(
                f'the tenant\'s "{found.name}" is a {found.type} space, the plan wants a {space.type} one: a '
                "type cannot change; plan another name or that type"
            )
        return FormerSpace(
            id=found.id, name=found.name, description=found.description, owner=self._owner(found.owner_id)
        )

    def _refuse_managed(self, description: str) -> None:
        managed = provenance_of(description)
        if managed is not None:
            raise _Doubt(
                f"the stack {managed.stack} manages it already, as {managed.site}/{managed.source}; let that "
                "stack give it up first, or do not adopt it here"
            )

    def _owner(self, user_id: str) -> FormerOwner:
        user = self._tenant.index.user(user_id)
        return FormerOwner(id=user_id, subject=user.subject if user else "")

    # Assignments.

    def _assignment(self, assignment: wanted.SpaceAssignment) -> Entry:
        space_id = self._space_ids.get(assignment.space)
        assignee_id = self._assignee_id(assignment.assignee)
        if space_id is None or assignee_id is None:
            return NEW
        found = next(
            (a for a in self._tenant.index.assignments(space_id) if a.assignee_id == assignee_id), None
        )
        return FormerAssignment(id=f"{space_id}/{assignee_id}", roles=found.roles) if found else NEW

    def _assignee_id(self, assignee: wanted.Assignee) -> str | None:
        """None: the tenant has nobody of that name, or several, which the preview says."""
        if assignee.type == "self":
            return self._tenant.client.me().id
        if assignee.type == "group":
            group = self._tenant.index.group_named(assignee.name)
            return group.id if group else None
        users = self._tenant.index.users_by(assignee.by, assignee.name)
        return users[0].id if len(users) == 1 else None

    # Apps.

    def _app(self, app: wanted.App) -> Entry:
        space_id = self._space_ids.get(app.space or "")
        if space_id is None:
            return NEW
        listed = [a for a in self._tenant.index.apps(space_id) if a.name == app.name]
        live = [a for x in listed if (a := find_app(self._tenant, x.id, f'app "{app.name}"'))]
        if not live or any(self._is_mine(app, a) for a in live):
            return NEW
        if len(live) > 1:
            raise _Doubt(
                f'{len(live)} apps of its space are called "{app.name}"; rename all but the one to adopt'
            )
        self._refuse_managed(live[0].description)
        owner = self._owner(live[0].owner_id)
        self._note_other_tasks(app, live[0])
        return FormerApp(
            id=live[0].id, name=live[0].name, description=live[0].description, space_id=space_id, owner=owner
        )

    def _is_mine(self, app: wanted.App, live: App) -> bool:
        line = Provenance(app.source.site, short_id(app.source.id), self._stack)
        return line.same_object(provenance_of(live.description))

    def _note_other_tasks(self, app: wanted.App, live: App) -> None:
        """Tasks that are not adopted go on beside those that the phase makes."""
        adopting = any(s.adopt and s.app == app.key for s in self._desired.schedules)
        names = sorted(t.name for t in self._tenant.index.tasks(live.id))
        if names and not adopting:
            self._looked.notes.append(
                f"app {app.key} has tasks of its own in the tenant ({', '.join(names)}), which stay beside "
                "those of the phase, and which a new owner of the app disables; adopt its schedules "
                "too, or delete them"
            )

    # Schedules.

    def _schedules(self) -> None:
        by_app: dict[str, list[wanted.ReloadSchedule]] = {}
        for schedule in self._desired.schedules:
            if schedule.adopt:
                by_app.setdefault(schedule.app or schedule.publication or "", []).append(schedule)
        for key, of_app in sorted(by_app.items()):
            app_id = self._app_id(key, published=of_app[0].publication is not None)
            left = list(self._tenant.index.tasks(app_id)) if app_id else []
            taken = {e.id for s in of_app if isinstance(e := self._of("schedules", s.key), Former)}
            left = [t for t in left if t.id not in taken]
            missing = [s for s in of_app if s.key not in self._adopted.schedules]
            pairs = _paired(missing, left)
            for schedule in missing:
                task = pairs.get(schedule.key)
                self._enter("schedules", schedule.key, partial(self._former_task, task))
            unpaired = [t for t in left if t not in pairs.values() and not _has_mark(t, of_app)]
            if unpaired and len(pairs) < len(missing):
                names = ", ".join(sorted(t.name for t in unpaired))
                sources = ", ".join(sorted(_plain_name(s) for s in missing))
                self._looked.problems.append(
                    f"schedules of {key}: which of its tasks ({names}) to adopt is not clear; name one as "
                    f"its source ({sources}), or delete it"
                )
                for schedule in missing:
                    if schedule.key not in pairs:
                        self._looked.added["schedules"].pop(schedule.key, None)

    def _app_id(self, key: str, *, published: bool) -> str | None:
        app = next(a for a in self._desired.apps if a.key == key)
        entry = self._of("apps", self._adopted.key_of("apps", key, app.former_keys) or key)
        if isinstance(entry, FormerApp):
            return entry.id
        space = (
            next(p.space for p in self._desired.publications if p.key == key)
            if published
            else (app.space or "")
        )
        space_id = self._space_ids.get(space)
        if space_id is None:
            return None
        return next((a.id for a in self._tenant.index.apps(space_id) if self._is_mine(app, a)), None)

    def _former_task(self, task: Task | None) -> Entry:
        if task is None:
            return NEW
        document = task_document(self._tenant, task.id, f'task "{task.name}"')
        if document is None:
            raise _Doubt(f'the task "{task.name}" went while it was looked at; run this again')
        return FormerSchedule(id=task.id, name=task.name, definition=document)


def _plain_name(schedule: wanted.ReloadSchedule) -> str:
    return schedule.name.removesuffix(schedule.mark).strip()


def _has_mark(task: Task, schedules: list[wanted.ReloadSchedule]) -> bool:
    """By its mark a create recognises its own work: that is no task of people."""
    return any(task.name.endswith(s.mark) for s in schedules)


def _paired(schedules: list[wanted.ReloadSchedule], tasks: list[Task]) -> dict[str, Task]:
    """Which task stands for which schedule: by the source's name, by the same rule, or both alone."""
    left = [t for t in tasks if not _has_mark(t, schedules)]
    found: dict[str, Task] = {}
    tests: tuple[Callable[[wanted.ReloadSchedule, Task], bool], ...] = (
        lambda s, t: t.name.casefold() == _plain_name(s).casefold(),
        lambda s, t: (
            s.recurrence is not None
            and (t.recurrence, t.timezone, t.start) == (s.recurrence, s.timezone, s.start)
        ),
    )
    for test in tests:
        for schedule in schedules:
            fits = [t for t in left if test(schedule, t)]
            if schedule.key not in found and len(fits) == 1:
                found[schedule.key] = fits[0]
                left.remove(fits[0])
    rest = [s for s in schedules if s.key not in found]
    if len(rest) == 1 and len(left) == 1:
        found[rest[0].key] = left[0]
    return found
