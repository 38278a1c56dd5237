"""Who has which role where, and which app lies where: as the tenant is, and as it will be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from qlift.cloud.index import Index
from qlift.derivation.permissions.roles import READ, bits_of
from qlift.pulumi_cli.preview import Step
from qlift.review.people import Directory, Person, Principal

OWNER = "owner"
"""Stands among the roles of a space's owner, who may do everything there."""
ADOPTABLE = ("Space", "App")
"""Kinds whose former values hold their own id. Owners' hold the former owner's."""
PUBLISHED = "published."
"""Logical names of the owners of published apps begin with it; their app has the name of the staged one."""


@dataclass(frozen=True)
class SpaceState:
    name: str
    type: str
    roles: dict[Principal, frozenset[str]] = field(default_factory=dict)

    def seen_by(self, directory: Directory) -> tuple[frozenset[Person], frozenset[str]]:
        """People who see its apps, and groups that do and whose members are not known."""
        people: set[Person] = set()
        unknown: set[str] = set()
        for (type_, name), roles in self.roles.items():
            if not sees(roles):
                continue
            if type_ == "user":
                people.add(name)
            elif members := directory.members(name):
                people |= members
            else:
                unknown.add(name)
        return frozenset(people), frozenset(unknown)


@dataclass(frozen=True)
class AppState:
    name: str
    space: str | None
    """Key of its space's state; None: a personal space."""
    owner: Person | None
    """None: the tool."""


@dataclass
class State:
    """Spaces by id, or by name where the run makes them; apps by id, or kind and logical name."""

    spaces: dict[str, SpaceState] = field(default_factory=dict)
    apps: dict[str, AppState] = field(default_factory=dict)


def sees(roles: Iterable[str]) -> bool:
    """Whether apps of a space can be opened with these roles there."""
    roles = frozenset(roles)
    return OWNER in roles or bool(bits_of(roles) & READ)


def states(index: Index, directory: Directory, steps: list[Step]) -> tuple[State, State]:
    """Before and after; of the spaces that the steps have to do with."""
    before = _live(index, directory, steps)
    after = _After(State(dict(before.spaces), dict(before.apps)), directory)
    # The engine creates before it deletes, but what it creates takes the place of what it deletes.
    for step in steps:
        if step.op in ("delete", "replace"):
            after.remove(step)
    for kinds in (("Space",), ("SpaceAssignment", "SpaceOwner", "App", "AppPublication"), ("AppOwner",)):
        for step in steps:
            if step.kind in kinds and step.op != "delete":
                after.put(step)
    return before, after.state


def _id(step: Step) -> str:
    """Of the object in the tenant; empty for one that the run makes."""
    former = step.former if step.op == "create" and step.kind in ADOPTABLE else None
    return str(former["id"]) if former else step.id


def _live(index: Index, directory: Directory, steps: list[Step]) -> State:
    found = State()
    wanted = {_id(s) for s in steps if s.kind == "Space"}
    wanted |= {str(p.get("space_id") or "") for s in steps for p in (s.old, s.new)}
    # Owners of apps know no space; their apps do.
    owned = {str(p.get("app_id") or "") for s in steps if s.kind == "AppOwner" for p in (s.old, s.new)}
    owned |= {_id(s) for s in steps if s.kind == "App" and s.former}
    apps = [app for id_ in sorted(owned) if (app := index.app(id_))]
    wanted |= {app.space_id or "" for app in apps}
    for id_ in sorted(wanted):
        space = index.space(id_) if id_ else None
        if space is None:
            continue
        roles: dict[Principal, frozenset[str]] = {}
        if space.owner_id and space.owner_id != directory.me:
            roles["user", space.owner_id] = frozenset({OWNER})
        for assignment in index.assignments(id_):
            if assignment.assignee_id == directory.me:
                continue
            group = assignment.type == "group"
            name = directory.group_name(assignment.assignee_id) if group else assignment.assignee_id
            who: Principal = ("group" if group else "user", name)
            roles[who] = roles.get(who, frozenset()) | frozenset(assignment.roles)
        found.spaces[id_] = SpaceState(space.name, space.type, roles)
        apps += index.apps(id_)
    personal = {s.id for s in steps if s.kind == "App" and s.old and not s.old.get("space")}
    apps += [app for id_ in sorted(personal) if (app := index.app(id_))]
    for app in apps:
        owner = app.owner_id if app.owner_id and app.owner_id != directory.me else None
        found.apps[app.id] = AppState(app.name, app.space_id, owner)
    return found


class _After:
    def __init__(self, state: State, directory: Directory) -> None:
        self.state, self._directory = state, directory
        self._spaces: dict[str, str] = {}
        """Keys by name, of spaces that this run makes or adopts: their ids are not known yet."""
        self._apps: dict[tuple[str, str], str] = {}
        """Ids by kind and logical name: a replaced one is still the same to people."""

    def remove(self, step: Step) -> None:
        """What a delete or the old half of a replacement takes; adopted ones get back what they had."""
        spaces, apps, former = self.state.spaces, self.state.apps, step.former
        if step.kind == "Space" and not former:
            spaces.pop(step.id, None)
        elif step.kind == "SpaceAssignment":
            space_id, _, assignee = step.id.partition("/")
            roles = frozenset(former["roles"]) if former else frozenset()
            self._set(space_id, self._principal(step.old["assignee_type"], assignee), roles)
        elif step.kind == "SpaceOwner":
            self._owner(step.id, str(former["id"]) if former else None)
        elif step.kind in ("App", "AppPublication") and step.op == "delete" and not former:
            apps.pop(step.id, None)
        elif step.kind == "AppOwner" and (app := apps.get(step.id)):
            apps[step.id] = replace(app, owner=str(former["id"]) if former else None)

    def put(self, step: Step) -> None:
        new, state = step.new, self.state
        if step.kind == "Space":
            key = self._spaces[new["name"]] = _id(step) or new["name"]
            known = state.spaces.get(key) or SpaceState("", "")
            state.spaces[key] = replace(known, name=new["name"], type=new["type"])
        elif step.kind == "SpaceAssignment":
            who = self._named(new["assignee_type"], new["assignee"], new["match_by"])
            self._set(self._place(new) or "", who, frozenset(new["roles"]))
        elif step.kind == "SpaceOwner":
            self._owner(self._place(new) or "", self._directory.person(new["match_by"], new["owner"]))
        elif step.kind in ("App", "AppPublication"):
            id_ = _id(step) or f"{step.kind} {step.key}"
            self._apps[step.kind, step.key] = id_
            owner = state.apps[id_].owner if id_ in state.apps else None
            state.apps[id_] = AppState(new["name"], self._place(new), owner)
        elif step.kind == "AppOwner":
            kind = "AppPublication" if step.key.startswith(PUBLISHED) else "App"
            id_ = self._apps.get((kind, new["app"])) or str(new.get("app_id") or "")
            if id_ in state.apps:
                owner = self._directory.person(new["match_by"], new["owner"])
                state.apps[id_] = replace(state.apps[id_], owner=owner)

    def _place(self, values: dict[str, object]) -> str | None:
        """Key of the space that these inputs name; None: a personal one."""
        if not values["space"]:
            return None
        name = str(values["space"])
        return str(values.get("space_id") or self._spaces.get(name, name))

    def _owner(self, space: str, owner: Person | None) -> None:
        state = self.state.spaces.get(space)
        if state is None:
            return
        roles = {who: had - {OWNER} for who, had in state.roles.items()}
        if owner is not None and owner != self._directory.me:
            roles["user", owner] = roles.get(("user", owner), frozenset()) | {OWNER}
        self.state.spaces[space] = replace(state, roles={w: r for w, r in roles.items() if r})

    def _set(self, space: str, who: Principal | None, roles: frozenset[str]) -> None:
        state = self.state.spaces.get(space)
        if state is None or who is None:
            return
        now = roles | (state.roles.get(who, frozenset()) & {OWNER})
        others = {w: r for w, r in state.roles.items() if w != who}
        self.state.spaces[space] = replace(state, roles={**others, **({who: now} if now else {})})

    def _principal(self, type_: str, id_: str) -> Principal | None:
        if type_ == "self" or id_ == self._directory.me:
            return None
        return ("group", self._directory.group_name(id_)) if type_ == "group" else ("user", id_)

    def _named(self, type_: str, name: str, by: str) -> Principal | None:
        if type_ == "self":
            return None
        if type_ == "group":
            return ("group", name)
        person = self._directory.person(by, name)
        return None if person == self._directory.me else ("user", person)
