"""What is in the tenant, listed in bulk on first need, then kept true by this process's own writes.

Absence from a list is never "gone": item records lag behind their objects. A GET by id decides that.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Literal

from qlift.cloud.client import Client
from qlift.cloud.models import App, Assignment, Group, Space, Task, User

Listed = Literal["spaces", "users", "groups", "apps", "tasks"]
PAGE = 100


class Index:
    """Thread-safe; the first caller lists, the others wait for it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.RLock()
        self._spaces: dict[str, Space] | None = None
        self._users: dict[str, User] | None = None
        self._groups: dict[str, Group] | None = None
        self._apps: dict[str, App] | None = None
        self._tasks: dict[str, Task] | None = None
        self._assignments: dict[str, dict[str, Assignment]] = {}
        """By space, then by assignee."""

    def refresh(self, kind: Listed) -> None:
        """List again on the next need."""
        with self._lock:
            setattr(self, f"_{kind}", None)

    # Spaces and their assignments.

    def spaces(self) -> list[Space]:
        return list(self._loaded_spaces().values())

    def space(self, id_: str) -> Space | None:
        return self._loaded_spaces().get(id_)

    def space_named(self, name: str) -> Space | None:
        """Exactly so named, else one that differs by case only: the tenant may take them for the same."""
        spaces = self.spaces()
        exact = next((s for s in spaces if s.name == name), None)
        return exact or next((s for s in spaces if s.name.casefold() == name.casefold()), None)

    def record_space(self, space: Space) -> None:
        with self._lock:
            self._loaded_spaces()[space.id] = space

    def forget_space(self, id_: str) -> None:
        with self._lock:
            self._loaded_spaces().pop(id_, None)
            self._assignments.pop(id_, None)

    def assignments(self, space_id: str) -> list[Assignment]:
        return list(self._loaded_assignments(space_id).values())

    def record_assignment(self, assignment: Assignment) -> None:
        with self._lock:
            if assignment.space_id in self._assignments:
                self._assignments[assignment.space_id][assignment.assignee_id] = assignment

    def forget_assignment(self, space_id: str, assignment_id: str) -> None:
        with self._lock:
            known = self._assignments.get(space_id, {})
            for assignee_id in [k for k, a in known.items() if a.id == assignment_id]:
                del known[assignee_id]

    # People.

    def users_by(self, by: Literal["subject", "email"], value: str) -> list[User]:
        """Active (or invited) users; e-mail addresses are compared without case."""
        active = [u for u in self._loaded_users().values() if u.status not in ("deleted", "disabled")]
        if by == "email":
            return [u for u in active if u.email.casefold() == value.casefold()]
        return [u for u in active if u.subject == value]

    def user(self, id_: str) -> User | None:
        return self._loaded_users().get(id_)

    def group_named(self, name: str) -> Group | None:
        """Names of groups are case-sensitive."""
        return next((g for g in self._loaded_groups().values() if g.name == name), None)

    # Apps and tasks.

    def apps(self, space_id: str | None) -> list[App]:
        """Of a space; None: of the personal spaces that this identity sees."""
        return [a for a in self._loaded_apps().values() if a.space_id == space_id]

    def app(self, id_: str) -> App | None:
        return self._loaded_apps().get(id_)

    def record_app(self, app: App) -> None:
        with self._lock:
            self._loaded_apps()[app.id] = app

    def forget_app(self, id_: str) -> None:
        with self._lock:
            self._loaded_apps().pop(id_, None)

    def tasks(self, app_id: str) -> list[Task]:
        return [t for t in self._loaded_tasks().values() if t.app_id == app_id]

    def task(self, id_: str) -> Task | None:
        return self._loaded_tasks().get(id_)

    def record_task(self, task: Task) -> None:
        with self._lock:
            self._loaded_tasks()[task.id] = task

    def forget_task(self, id_: str) -> None:
        with self._lock:
            self._loaded_tasks().pop(id_, None)

    # Lists.

    def _loaded_spaces(self) -> dict[str, Space]:
        with self._lock:
            if self._spaces is None:
                listed = self._list("/api/v1/spaces", "spaces")
                self._spaces = {s.id: s for s in (Space.model_validate(x) for x in listed)}
            return self._spaces

    def _loaded_users(self) -> dict[str, User]:
        with self._lock:
            if self._users is None:
                listed = self._list("/api/v1/users", "users")
                self._users = {u.id: u for u in (User.model_validate(x) for x in listed)}
            return self._users

    def _loaded_groups(self) -> dict[str, Group]:
        with self._lock:
            if self._groups is None:
                listed = self._list("/api/v1/groups", "groups")
                self._groups = {g.id: g for g in (Group.model_validate(x) for x in listed)}
            return self._groups

    def _loaded_apps(self) -> dict[str, App]:
        with self._lock:
            if self._apps is None:
                listed = self._list("/api/v1/items", "apps", resourceType="app", noActions="true")
                apps = (
                    App.model_validate(x["resourceAttributes"]) for x in listed if x.get("resourceAttributes")
                )
                self._apps = {a.id: a for a in apps}
            return self._apps

    def _loaded_tasks(self) -> dict[str, Task]:
        with self._lock:
            if self._tasks is None:
                listed = self._list("/api/scheduling/tasks", "schedules")
                self._tasks = {t.id: t for t in (Task.model_validate(x) for x in listed)}
            return self._tasks

    def _loaded_assignments(self, space_id: str) -> dict[str, Assignment]:
        with self._lock:
            if space_id not in self._assignments:
                listed = self._list(f"/api/v1/spaces/{space_id}/assignments", "assignments")
                found = (Assignment.model_validate({"spaceId": space_id, **x}) for x in listed)
                self._assignments[space_id] = {a.assignee_id: a for a in found}
            return self._assignments[space_id]

    def _list(self, path: str, subject: str, **params: str) -> Iterable[dict[str, object]]:
        return self._client.pages(path, subject=subject, params={"limit": PAGE, **params})
