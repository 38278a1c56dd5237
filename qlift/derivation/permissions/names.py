"""How findings name several people, spaces and assignments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qlift.derivation.context import Site

SHOWN = 10


def logins(site: Site, users: Iterable[str]) -> list[str]:
    return sorted(site.users[u].login for u in users)


def people(site: Site, users: Iterable[str]) -> str:
    """Logins; with a count when there are more than ten."""
    return listed(logins(site, users))


def listed(names: Sequence[str], what: str = "people") -> str:
    """Of people the finding has to hold all logins: the text says so."""
    more = len(names) - SHOWN
    if more <= 0:
        return ", ".join(names)
    where = "; the JSON names all" if what == "people" else ""
    return f"{len(names)} {what} ({', '.join(names[:SHOWN])} and {more} more{where})"


def spaces(names: Iterable[str]) -> str:
    found = sorted(set(names))
    more = len(found) - 3
    return ", ".join(found[:3]) + (f" and {more} more spaces" if more > 0 else "")
