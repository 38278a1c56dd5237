"""Custom rules of every shape that people write, generated from a seed, and what they ask about.

The simple shapes come often, as on real sites; the odd ones (session attributes, functions that do not exist,
broken conditions) come, too. Rules for everybody are about single streams, or they would hide all others.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qlift.simulator.site import writes
from qlift.simulator.site.documents import Ids, custom_property, property_value, system_rule
from qlift.simulator.site.documents import user as _user
from qlift.simulator.site.kinds import APP, CUSTOM_PROPERTY, STREAM, SYSTEM_RULE, USER, Document
from qlift.simulator.store import Store

TEAMS = ("North", "South", "East", "West", "Head Office")
_MASKS = (2, 2, 2, 2, 2, 34, 34, 32, 6, 46, 64, 1)


@dataclass
class _Site:
    """What conditions may speak of."""

    chance: random.Random
    streams: Sequence[Document]
    apps: Sequence[Document]
    users: Sequence[Document]
    groups: Sequence[str]

    def stream(self) -> Document:
        return self.chance.choice(self.streams)

    def user(self) -> Document:
        return self.chance.choice(self.users)

    def group(self) -> str:
        """In any capitals: rules compare without case."""
        group = self.chance.choice(self.groups)
        return group if self.chance.random() < 0.8 else group.upper()

    def team(self) -> str:
        return self.chance.choice(TEAMS)


def _or_of_groups(site: _Site) -> str:
    groups = (site.group() for _ in range(site.chance.randint(2, 4)))
    return "(" + " or ".join(f'user.group="{g}"' for g in groups) + ")"


def _login(site: _Site) -> str:
    user = site.user()
    return f'user.userId="{user["userId"]}" and user.userDirectory="{user["userDirectory"]}"'


def _email(site: _Site) -> str:
    mails = [
        a["attributeValue"]
        for u in site.users
        for a in u["attributes"]
        if a["attributeType"].lower() == "email"
    ]
    return f'user.email = "{site.chance.choice(mails)}"'


def _members_by_id(site: _Site) -> str:
    """A list of logins instead of a group, as people do."""
    users = (site.user() for _ in range(3))
    return " or ".join(f'(user.userId = "{u["userId"]}")' for u in users)


_ATOMS: tuple[Callable[[_Site], str], ...] = (
    lambda s: f'user.group="{s.group()}"',
    lambda s: f'user.group = "{s.group()}"',
    lambda s: f'user.@Team="{s.team()}"',
    lambda s: f'user.userDirectory = "{s.user()["userDirectory"]}"',
    lambda s: f'user.name like "{s.user()["name"][:2]}*"',
    lambda s: f'user.group like "*{s.group()[-5:]}"',
    lambda _: "resource.@Department = user.group",
    lambda _: "resource.@Team = user.@Team",
    lambda s: f'resource.name = "{s.stream()["name"]}"',
    lambda s: f'user.environment.group = "{s.group()}"',
    lambda _: "resource.owner = user",
    lambda s: f'user.@Team != "{s.team()}"',
    lambda s: f'user.group !== "{s.group()}"',
)


def _tree(site: _Site, depth: int = 0) -> str:
    """Real logic: atoms in and, or, not and parentheses."""
    turn = site.chance.random()
    if depth > 2 or turn < 0.25:
        return site.chance.choice(_ATOMS)(site)
    if turn < 0.4:
        return f"!({_tree(site, depth + 1)})"
    word = site.chance.choice(("and", "or", "&&", "||"))
    left, right = _tree(site, depth + 1), _tree(site, depth + 1)
    return f"({left} {word} {right})"


_LOSSLESS: tuple[Callable[[_Site], str], ...] = (
    lambda s: f'((user.group="{s.group()}"))',
    lambda s: f'user.group == "{s.chance.choice(s.groups)}"',
    _or_of_groups,
    lambda _: "((resource.@Department=user.group))",
    lambda _: "user.group = resource.@Department",
    lambda _: "resource.name = user.group",
    lambda s: f"(({_login(s)}))",
    lambda s: f'user.userId="{s.user()["userId"]}"',
    lambda s: f'((user.name="{s.user()["name"]}"))',
    _email,
    _members_by_id,
    lambda s: f'user.group="{s.group()}" or ({_login(s)})',
    lambda _: "resource.@Guests = user.userId",
    lambda s: f'resource.name = "{s.stream()["name"]}" and user.group = "{s.group()}"',
)
_EXACT: tuple[Callable[[_Site], str], ...] = (
    lambda s: f'((user.@Team="{s.team()}"))',
    lambda _: "resource.@Team = user.@Team",
    lambda s: f'user.group="{s.group()}" and user.@Team="{s.team()}"',
    lambda s: f'(user.group="{s.group()}" and !(user.userDirectory="{s.user()["userDirectory"]}"))',
    lambda s: f'user.group="{s.group()}" and user.group != "{s.group()}"',
    lambda s: f'user.group like "{s.group()[:6]}*" and user.@Team = "{s.team()}"',
    lambda s: f'user.name matches "[A-{s.chance.choice("CFK")}].*" and user.group = "{s.group()}"',
    lambda s: f'user.userDirectory = "{s.user()["userDirectory"]}" and user.@Team = "{s.team()}"',
    lambda s: f'resource.@Team.Empty() and user.group = "{s.group()}"',
    lambda s: f'user.@Team.empty() and user.group = "{s.group()}"',
    lambda s: f'resource.id = "{s.stream()["id"]}" and user.@Team = "{s.team()}"',
    lambda _: "resource.IsOwned() and resource.owner = user and !user.IsAnonymous()",
    lambda _: "resource.owner.userDirectory = user.userDirectory and user.@Team = resource.owner.@Team",
    lambda _: 'user.roles = "ContentAdmin"',
    lambda s: f'user.environment.context = "AppAccess" and user.group = "{s.group()}"',
    lambda s: f'user.environment.context = "ManagementAccess" and user.group = "{s.group()}"',
    _tree,
    _tree,
    _tree,
)
_BROAD: tuple[Callable[[_Site], str], ...] = (
    lambda _: 'user.name like "*"',
    lambda _: "!user.IsAnonymous()",
    lambda _: "",
    lambda s: f'user.userDirectory = "{s.user()["userDirectory"]}"',
    lambda s: f'user.group != "{s.group()}"',
)
_ODD: tuple[Callable[[_Site], str], ...] = (
    lambda _: "user.IsAnonymous()",
    lambda s: f'user.environment.group = "{s.group()}"',
    lambda s: f'user.environment.os = "Windows" and user.group = "{s.group()}"',
    lambda s: f'user.group = "{s.group()}" or user.environment.group = "{s.group()}"',
    lambda _: 'resource.HasPrivilege("publish")',
    lambda s: f'resource.HasPrivilege("read") and user.@Team = "{s.team()}"',
    lambda s: f'user.costcenter = "{s.chance.randint(1, 9)}"',
    lambda s: f'user.costcenter != "4711" and user.group = "{s.group()}"',
    lambda s: f'user.group = "CORP\\\\{s.group()}"',
    lambda _: 'user.group = "Nobody-Has-This"',
    lambda s: f'user.group = "{s.group()}" AND user.@Team = "{s.team()}"',
    lambda s: f'user.group = "{s.group()}" or user.Function("x")',
    lambda s: f'(user.group = "{s.group()}"',
    lambda _: "this is no condition",
    lambda s: f'user.group matches "({s.group()}|"',
)


def add_generated_rules(store: Store, count: int, seed: int) -> None:
    """Adds `count` rules to a site, and the values on its streams and users that they ask for.

    `Department` (a group), `Team` and `Guests` (logins) on streams, `Team`, more groups and some equal names
    on users; some users leave. The same seed on the same site gives the same rules.
    """
    chance = random.Random(f"rules {seed}")
    ids = Ids(f"generated {seed}")
    users = [u for u in store.all(USER.stored) if u["userDirectory"] != "INTERNAL"]
    groups = sorted(
        {a["attributeValue"] for u in users for a in u["attributes"] if a["attributeType"].lower() == "group"}
    )
    site = _Site(chance, store.all(STREAM.stored), store.all(APP.stored), users, groups)
    _mark(store, site, ids)
    rules = [_rule(site, ids, number) for number in range(1, count + 1)]
    store.put_all(SYSTEM_RULE.stored, ((rule["id"], rule) for rule in rules))


def _rule(site: _Site, ids: Ids, number: int) -> Document:
    chance = site.chance
    shapes, broad = chance.choices(
        ((_LOSSLESS, False), (_EXACT, False), (_BROAD, True), (_ODD, False)), weights=(45, 33, 4, 18)
    )[0]
    context, disabled = chance.choices((0, 1, 2), weights=(60, 30, 10))[0], chance.random() < 0.05
    condition = chance.choice(shapes)(site)
    # One negation over the whole site would let everybody in everywhere.
    broad = broad or "!" in condition or "HasPrivilege" in condition
    return system_rule(
        ids("rule", number),
        f"Generated {number:03}",
        _filter(site, broad),
        condition,
        chance.choice(_MASKS),
        context=context,
        disabled=disabled,
    )


def _filter(site: _Site, broad: bool) -> str:
    one = f"Stream_{site.stream()['id']}"
    if broad:
        return one
    several = ", ".join(f"Stream_{site.stream()['id']}" for _ in range(3))
    app = f"App_{site.chance.choice(site.apps)['id']}" if site.apps else "App_*"
    return site.chance.choices(
        (one, several, "Stream_*", f"App_*,{one}", app, "App.Object_*", "*"), weights=(76, 8, 2, 5, 4, 3, 2)
    )[0]


def _mark(store: Store, site: _Site, ids: Ids) -> None:
    known = {d["name"]: d for d in store.all(CUSTOM_PROPERTY.stored)}
    team = custom_property(ids("Team"), "Team", TEAMS, ("Stream", "User"))
    guests = custom_property(ids("Guests"), "Guests", (), ("Stream",))
    department = known.get("Department") or custom_property(
        ids("Department"), "Department", site.groups, ("Stream",)
    )
    for definition in (team, guests, department):
        store.put(CUSTOM_PROPERTY.stored, definition["id"], definition)
    site.users = [_marked_user(site, user, team) for user in site.users]
    store.put_all(USER.stored, ((u["id"], u) for u in site.users))
    site.streams = [_marked_stream(site, s, department, team, guests) for s in site.streams]
    for number, stream in enumerate(site.streams):
        if number % 6 == 5 and number // 6 < len(site.groups):
            # Some streams are called like a group.
            stream["name"] = site.groups[number // 6]
        writes.save(store, STREAM, stream)


def _marked_user(site: _Site, user: Document, team: Document) -> Document:
    chance = site.chance
    marked = dict(user)
    if chance.random() < 0.6:
        teams = chance.sample(TEAMS, chance.choice((1, 1, 2)))
        values = [property_value(team, value, user["id"]) for value in teams]
        marked["customProperties"] = [*user["customProperties"], *values]
    more = [("group", group) for group in chance.sample(site.groups, min(2, len(site.groups)))]
    attributes = [(a["attributeType"], a["attributeValue"]) for a in user["attributes"]]
    if chance.random() < 0.4:
        spelled = [(kind, group.lower() if chance.random() < 0.1 else group) for kind, group in more]
        attributes = list(dict.fromkeys([*attributes, *spelled]))
    marked["attributes"] = _user(user["id"], user["userDirectory"], user["userId"], user["name"], attributes)[
        "attributes"
    ]
    if chance.random() < 0.05:
        marked["name"] = site.user()["name"]
    if chance.random() < 0.04 and not user["roles"]:
        marked["removedExternally"] = True
    return marked


def _marked_stream(
    site: _Site, stream: Document, department: Document, team: Document, guests: Document
) -> Document:
    wanted = [(department, site.chance.choice(site.groups)), (department, site.chance.choice(site.groups))]
    wanted += [(team, site.team())]
    wanted += [(guests, site.user()["userId"]) for _ in range(2)]
    values = {v["id"]: v for v in stream["customProperties"]}
    for definition, value in wanted:
        if site.chance.random() < 0.5:
            made = property_value(definition, value, stream["id"])
            values[made["id"]] = made
    return stream | {"customProperties": list(values.values())}
