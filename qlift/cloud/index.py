"""What is in the tenant, listed in bulk on first need, then kept true by this process's own writes.

Absence from a list is never "gone": item records lag behind their objects. A GET by id decides that. For
the same reason what this process wrote a moment ago outlives a new listing.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, Literal, TypeVar

from qlift.cloud.client import Client
from qlift.cloud.errors import Forbidden, NotFound
from qlift.cloud.models import (
    Answer,
    App,
    Assignment,
    Group,
    Quota,
    Share,
    Space,
    Task,
    User,
    parsed,
)
from qlift.cloud.provenance import Provenance, provenance_of

Listed = Literal["spaces", "users", "groups", "apps", "tasks", "assignments"]
PAGE = 100
"""The largest that every list takes."""
TASKS = "/api/scheduling/tasks"
OWN_WRITES_SECONDS = 300.0
"""For how long an own write counts for more than a list. The lag of lists has no documented bound."""
EVERYONE = Group(id="000000000000000000000001", name="com.qlik.Everyone")
"""The same in every tenant (types of `@qlik/api`)."""
NOT_LIVE = ("deleted", "disabled")

T = TypeVar("T")
M = TypeVar("M", bound=Answer)


class _Listing(Generic[T]):
    """One kind: its elements by id, and by the other keys that they are looked for by.

    The lock is held while the list is read, so a write of meanwhile is recorded after it, not lost in it.
    """

    def __init__(
        self,
        load: Callable[[], Iterable[T]],
        id_of: Callable[[T], str],
        keys_of: Callable[[T], Iterable[Hashable]],
        now: Callable[[], float],
    ) -> None:
        self._load, self._id_of, self._keys_of, self._now = load, id_of, keys_of, now
        self._lock = threading.RLock()
        self._elements: dict[str, T] | None = None
        self._by_key: defaultdict[Hashable, dict[str, T]] = defaultdict(dict)
        self._listed_at = 0.0
        self._own: dict[str, tuple[float, T | None]] = {}
        """Own writes by id and when they were made; None: deleted."""

    def all(self) -> list[T]:
        with self._lock:
            return list(self._known().values())

    def get(self, id_: str) -> T | None:
        with self._lock:
            return self._known().get(id_)

    def with_key(self, key: Hashable) -> list[T]:
        with self._lock:
            self._known()
            return list(self._by_key[key].values())

    def record(self, element: T) -> None:
        self._write(self._id_of(element), element)

    def forget(self, id_: str) -> None:
        self._write(id_, None)

    def forget_if(self, gone: Callable[[T], bool]) -> None:
        """Those that are known, without listing for it."""
        with self._lock:
            own = {id_: element for id_, (_, element) in self._own.items()}
            for id_, element in {**(self._elements or {}), **own}.items():
                if element is not None and gone(element):
                    self._write(id_, None)

    def drop(self) -> None:
        with self._lock:
            self._elements = None

    def drop_if_older(self, seconds: float) -> None:
        with self._lock:
            if self._now() - self._listed_at > seconds:
                self._elements = None

    def _write(self, id_: str, element: T | None) -> None:
        with self._lock:
            self._own[id_] = (self._now(), element)
            if self._elements is not None:
                self._place(self._elements, id_, element)

    def _known(self) -> dict[str, T]:
        if self._elements is None:
            began = self._now()
            listed = {self._id_of(x): x for x in self._load()}
            self._own = {k: w for k, w in self._own.items() if began - w[0] < OWN_WRITES_SECONDS}
            self._by_key.clear()
            self._elements, self._listed_at = {}, began
            for id_, element in listed.items():
                self._place(self._elements, id_, element)
            for id_, (_, own) in self._own.items():
                self._place(self._elements, id_, own)
        return self._elements

    def _place(self, elements: dict[str, T], id_: str, element: T | None) -> None:
        before = elements.pop(id_, None)
        if before is not None:
            for key in self._keys_of(before):
                self._by_key[key].pop(id_, None)
        if element is not None:
            elements[id_] = element
            for key in self._keys_of(element):
                self._by_key[key][id_] = element


def _keys_of_app(app: App) -> tuple[Hashable, ...]:
    """By space, by whose work it is there, and by its source wherever it is."""
    provenance = provenance_of(app.description)
    here = (app.space_id,) if provenance is None else (app.space_id, provenance)
    found = (provenance_of(text) for text in (app.description, app.name))
    return (*here, *((p.site, p.source) for p in found if p is not None))


class Index:
    """Thread-safe; the first who needs a kind lists it, the others wait for that list. Ages in seconds."""

    def __init__(self, client: Client) -> None:
        self._client = client
        now = client.now
        self._lock = threading.Lock()
        self._spaces = _Listing[Space](
            lambda: self._list(Space, "/api/v1/spaces", "spaces"),
            lambda s: s.id,
            lambda s: (s.name.casefold(),),
            now,
        )
        self._users = _Listing[User](
            lambda: self._list(User, "/api/v1/users", "users"),
            lambda u: u.id,
            lambda u: (("subject", u.subject), ("email", u.email.casefold())),
            now,
        )
        self._groups = _Listing[Group](
            lambda: self._list(Group, "/api/v1/groups", "groups"), lambda g: g.id, lambda g: (g.name,), now
        )
        self._apps = _Listing[App](self._list_apps, lambda a: a.id, _keys_of_app, now)
        self._tasks = _Listing[Task](
            lambda: self._list(Task, TASKS, "schedules"),
            lambda t: t.id,
            lambda t: (t.app_id,),
            now,
        )
        self._quotas: dict[str, Quota] | None = None
        self._written_apps: dict[str, App] = {}
        self._shares: dict[str, list[Share]] = {}
        self._assignments: dict[str, _Listing[Assignment]] = {}
        """By space: there is no list of all. Their ids are the assignees', one of each in a space."""

    def refresh(self, kind: Listed) -> None:
        """List again on the next need."""
        for listing in self._listings(kind):
            listing.drop()

    def fresh(self, kind: Listed, max_age_seconds: float) -> None:
        """List again on the next need what was listed longer ago than that."""
        for listing in self._listings(kind):
            listing.drop_if_older(max_age_seconds)

    # Spaces and their assignments.

    def spaces(self) -> list[Space]:
        return self._spaces.all()

    def space(self, id_: str) -> Space | None:
        return self._spaces.get(id_)

    def space_named(self, name: str) -> Space | None:
        """Exactly so named, else one that differs by case only: the tenant may take them for the same."""
        alike = self.spaces_alike(name)
        return next((s for s in alike if s.name == name), None) or next(iter(alike), None)

    def spaces_alike(self, name: str) -> list[Space]:
        """All whose names are equal but for case. Whether a tenant allows two of them is not documented."""
        return self._spaces.with_key(name.casefold())

    def record_space(self, space: Space) -> None:
        self._spaces.record(space)

    def forget_space(self, id_: str) -> None:
        self._spaces.forget(id_)
        with self._lock:
            self._assignments.pop(id_, None)

    def assignments(self, space_id: str) -> list[Assignment]:
        return self._of_space(space_id).all()

    def record_assignment(self, assignment: Assignment) -> None:
        self._of_space(assignment.space_id).record(assignment)

    def forget_assignment(self, space_id: str, assignment_id: str) -> None:
        self._of_space(space_id).forget_if(lambda a: a.id == assignment_id)

    # Quotas, as they were when this process first asked.

    def quota(self, id_: str) -> Quota | None:
        """None: the tenant does not say, or not to this identity."""
        with self._lock:
            if self._quotas is None:
                self._quotas = {q.id: q for q in self._list_quotas()}
            return self._quotas.get(id_)

    # People.

    def users_by(self, by: Literal["subject", "email"], value: str) -> list[User]:
        """Active (or invited) users; subjects are compared exactly, e-mail addresses without case."""
        key = (by, value if by == "subject" else value.casefold())
        return [u for u in self._users.with_key(key) if u.status not in NOT_LIVE]

    def user(self, id_: str) -> User | None:
        return self._users.get(id_)

    def users(self) -> list[User]:
        """Active (or invited)."""
        return [u for u in self._users.all() if u.status not in NOT_LIVE]

    def group(self, id_: str) -> Group | None:
        return EVERYONE if id_ == EVERYONE.id else self._groups.get(id_)

    def group_named(self, name: str) -> Group | None:
        """Names of groups are case-sensitive. The list leaves out the group that everybody is in."""
        if name == EVERYONE.name:
            return EVERYONE
        return next(iter(self._groups.with_key(name)), None)

    # Apps and tasks.

    def apps(self, space_id: str | None) -> list[App]:
        """Of a space; None: of the personal spaces that this identity sees."""
        return self._apps.with_key(space_id)

    def all_apps(self) -> list[App]:
        """Everywhere this identity sees."""
        return self._apps.all()

    def apps_of(self, site: str, source: str) -> list[App]:
        """Whose description, or marker name, says that they come from this source app; whoever made them."""
        return self._apps.with_key((site, source))

    def app(self, id_: str) -> App | None:
        return self._apps.get(id_)

    def record_app(self, app: App) -> None:
        self._written_apps[app.id] = app
        self._apps.record(app)

    def written_app(self, id_: str) -> App | None:
        """As the tenant answered this process's last write of it."""
        return self._written_apps.get(id_)

    def app_of(self, provenance: Provenance) -> list[App]:
        """Those whose description ends in this line, wherever they are."""
        return self._apps.with_key(provenance)

    def shares(self, space_id: str) -> list[Share]:
        """Of single apps, as they were when first asked for; none where this identity may not list them."""
        if space_id not in self._shares:
            self._shares[space_id] = self._list_shares(space_id)
        return self._shares[space_id]

    def shares_now(self, space_id: str, app_id: str) -> list[Share]:
        """Of one app, as of this moment: a read."""
        return [s for s in self._list_shares(space_id, app_id) if s.resource_id == app_id]

    def forget_app(self, id_: str) -> None:
        self._apps.forget(id_)

    def tasks(self, app_id: str) -> list[Task]:
        return self._tasks.with_key(app_id)

    def tasks_now(self, app_id: str) -> list[Task]:
        """As of this moment: a read."""
        listed = self._list(Task, TASKS, f"schedules of app {app_id}", resource_id=app_id)
        return [t for t in listed if t.app_id == app_id]

    def task(self, id_: str) -> Task | None:
        return self._tasks.get(id_)

    def record_task(self, task: Task) -> None:
        self._tasks.record(task)

    def forget_task(self, id_: str) -> None:
        self._tasks.forget(id_)

    # Lists.

    def _listings(self, kind: Listed) -> list[_Listing[Any]]:
        if kind == "assignments":
            with self._lock:
                return list(self._assignments.values())
        by_kind: dict[str, _Listing[Any]] = {
            "spaces": self._spaces,
            "users": self._users,
            "groups": self._groups,
            "apps": self._apps,
            "tasks": self._tasks,
        }
        return [by_kind[kind]]

    def _of_space(self, space_id: str) -> _Listing[Assignment]:
        with self._lock:
            if space_id not in self._assignments:
                path, subject = f"/api/v1/spaces/{space_id}/assignments", f"assignments of space {space_id}"
                self._assignments[space_id] = _Listing(
                    lambda: self._list(Assignment, path, subject, {"spaceId": space_id}),
                    lambda a: a.assignee_id,
                    lambda _: (),
                    self._client.now,
                )
            return self._assignments[space_id]

    def _list_quotas(self) -> list[Quota]:
        try:
            body = self._client.get(
                "/api/v1/quotas", subject="the tenant's quotas", params={"reportUsage": "true"}
            )
        except (Forbidden, NotFound):
            return []
        return [parsed(Quota, q, "the tenant's quotas") for q in body.get("data") or ()]

    def _list_apps(self) -> Iterable[App]:
        params = {"resourceType": "app", "noActions": "true", "limit": PAGE}
        listed = self._client.pages("/api/v1/items", subject="apps", params=params)
        return (App.of_item(item) for item in listed)

    def _list_shares(self, space_id: str, app_id: str | None = None) -> list[Share]:
        path = f"/api/v1/spaces/{space_id}/shares"
        try:
            return list(self._list(Share, path, "shares", resource_id=app_id))
        except (Forbidden, NotFound):
            return []

    def _list(
        self,
        model: type[M],
        path: str,
        subject: str,
        known: dict[str, str] | None = None,
        resource_id: str | None = None,
    ) -> Iterable[M]:
        """`resource_id`: of this app alone."""
        params = {"limit": PAGE, "resourceId": resource_id}
        listed = self._client.pages(path, subject=subject, params=params)
        return (parsed(model, {**(known or {}), **x}, f"{subject}: {x.get('id')}") for x in listed)
