"""What conditions ask about people, streams and apps of a site.

A value that the site's export cannot know is None, never empty: from what is not known nothing follows, not
even its negation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Protocol

from qlift.bundle.models import App, CustomPropertyValue, Stream, User, UserRef
from qlift.derivation.context import Site

Names = tuple[str, ...]
"""A path in small letters, without `user` or `resource`."""
Values = tuple[str, ...]

ALWAYS_THERE = ("userid", "userdirectory", "name", "roles", "group", "email")
"""Attributes that every user can have: nobody having one means that nobody has it."""
SESSION = "environment"
HUB = "AppAccess"
"""`user.environment.context` in the hub: the context that the audit is asked with."""


class Users:
    """The active people of a site, by the values that conditions ask for."""

    def __init__(self, site: Site) -> None:
        self.everybody: frozenset[str] = site.active_users
        self._known = set(ALWAYS_THERE)
        found: dict[str, dict[str, set[str]]] = {}
        for user in site.bundle.users:
            for attribute, value in attributes(user):
                self._known.add(attribute)
                if user.id in self.everybody:
                    found.setdefault(attribute, {}).setdefault(value, set()).add(user.id)
        self._known |= _defined(site, "User")
        self._by_value = {a: {v: frozenset(u) for v, u in by.items()} for a, by in found.items()}
        self._folded: dict[str, dict[str, frozenset[str]]] = {}

    def by_value(self, attribute: str) -> Mapping[str, frozenset[str]] | None:
        """Users by value, as it is written; None for an attribute that nobody could have."""
        return self._by_value.get(attribute, {}) if attribute in self._known else None

    def by_folded(self, attribute: str) -> Mapping[str, frozenset[str]]:
        """Users by value in small letters."""
        if attribute not in self._folded:
            found: dict[str, frozenset[str]] = {}
            for value, users in self._by_value.get(attribute, {}).items():
                known = found.get(value.lower())
                found[value.lower()] = users if known is None else known | users
            self._folded[attribute] = found
        return self._folded[attribute]


def attributes(user: User) -> Iterable[tuple[str, str]]:
    """What a condition can ask about a user: names in small letters, custom properties with their `@`."""
    yield "userid", user.user_id
    yield "userdirectory", user.user_directory
    yield "name", user.name
    for role in user.roles:
        yield "roles", role
    for attribute in user.attributes:
        yield attribute.attribute_type.lower(), attribute.attribute_value
    for value in user.custom_properties:
        yield f"@{value.definition.name.lower()}", value.value


class Resource(Protocol):
    """A stream or an app, as conditions ask about it."""

    def values(self, names: Names) -> Values | None:
        """None: not known."""

    def owner_id(self, names: Names) -> Values | None:
        """The owner behind `resource.<names>`: one id, or none. None: the path leads to no owner."""

    def readers(self, names: Names, /) -> frozenset[str] | None:
        """Who may read the object at the path, as far as that was established before; None: not known."""


class Properties:
    """The custom properties of streams and apps: one that is defined for them and not set has no values."""

    def __init__(self, site: Site) -> None:
        self._stream = _defined(site, "Stream") | _set(s.custom_properties for s in site.bundle.streams)
        self._app = _defined(site, "App") | _set(a.custom_properties for a in site.bundle.apps)

    def of_stream(self, stream: Stream, name: str) -> Values | None:
        return _valued(stream.custom_properties, name) if name in self._stream else None

    def of_app(self, app: App, name: str) -> Values | None:
        return _valued(app.custom_properties, name) if name in self._app else None


class StreamFacts:
    def __init__(self, site: Site, properties: Properties, stream: Stream) -> None:
        self._site, self._properties, self._stream = site, properties, stream

    def values(self, names: Names) -> Values | None:
        stream = self._stream
        match names:
            case ("resourcetype",):
                return ("Stream",)
            case ("id",):
                return (stream.id,)
            case ("name",):
                return (stream.name,)
            case (name,) if name.startswith("@"):
                return self._properties.of_stream(stream, name)
            case ("owner", attribute):
                return owner_values(self._site, stream.owner, attribute)
        return None

    def owner_id(self, names: Names) -> Values | None:
        if names != ("owner",):
            return None
        return (self._stream.owner.id,) if self._stream.owner else ()

    def readers(self, _names: Names) -> frozenset[str] | None:
        # By the audit that would be known, and the comparison with the audit would compare it with itself.
        return None


class AppFacts:
    """`stream_readers`: who may read the app's stream, by the site's audit; None where it was not asked."""

    def __init__(
        self, site: Site, properties: Properties, app: App, stream_readers: frozenset[str] | None
    ) -> None:
        self._site, self._app, self._readers = site, app, stream_readers
        self._properties = properties
        stream = site.streams.get(app.stream.id) if app.stream else None
        self._stream = StreamFacts(site, properties, stream) if stream else None

    @cached_property
    def _plain(self) -> dict[Names, Values]:
        app = self._app
        return {
            ("resourcetype",): ("App",),
            ("id",): (app.id,),
            ("name",): (app.name,),
            ("published",): ("true" if app.published else "false",),
        }

    def values(self, names: Names) -> Values | None:
        match names:
            case (name,) if name.startswith("@"):
                return self._properties.of_app(self._app, name)
            case ("owner", attribute):
                return owner_values(self._site, self._app.owner, attribute)
            case ("stream", *rest) if self._stream and rest and rest != ["resourcetype"]:
                return self._stream.values(tuple(rest))
            case ("stream",) if self._app.stream:
                return (self._app.stream.id,)
            case ("stream", *_) if self._app.stream is None:
                return ()
        return self._plain.get(names)

    def owner_id(self, names: Names) -> Values | None:
        if names == ("owner",):
            return (self._app.owner.id,)
        return self._stream.owner_id(names[1:]) if self._stream and names[:1] == ("stream",) else None

    def readers(self, names: Names) -> frozenset[str] | None:
        if names == ("stream",):
            return self._readers if self._app.stream else frozenset()
        return None


def owner_values(site: Site, owner: UserRef | None, attribute: str) -> Values | None:
    if owner is None:
        return ()
    user = site.users.get(owner.id)
    if user is None:
        return None
    found = tuple(value for name, value in attributes(user) if name == attribute)
    return found or (() if attribute in ALWAYS_THERE else None)


def _defined(site: Site, kind: str) -> set[str]:
    return {f"@{d.name.lower()}" for d in site.bundle.custom_properties if kind in d.object_types}


def _set(holders: Iterable[tuple[CustomPropertyValue, ...]]) -> set[str]:
    return {f"@{v.definition.name.lower()}" for values in holders for v in values}


def _valued(values: tuple[CustomPropertyValue, ...], name: str) -> Values:
    return tuple(v.value for v in values if f"@{v.definition.name.lower()}" == name)
