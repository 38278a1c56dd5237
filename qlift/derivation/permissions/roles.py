"""Actions of the source and roles of a space, both ways."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

READ, UPDATE, DELETE, PUBLISH, CHANGE_OWNER = 2, 4, 8, 32, 64
"""Bits of a rule's actions: the source's enum of actions."""
MANAGE = UPDATE | DELETE | CHANGE_OWNER
"""Qlik Cloud has one role for all three."""
EVERYTHING = READ | PUBLISH | MANAGE
CELLS = (
    (READ, "read"),
    (PUBLISH, "publish to"),
    (UPDATE, "change"),
    (DELETE, "delete"),
    (CHANGE_OWNER, "give away"),
)
"""What is compared with the audit, and how it is called."""

ASSIGNABLE = {
    "shared": ("codeveloper", "consumer", "dataconsumer", "facilitator", "producer"),
    "managed": ("basicconsumer", "consumer", "contributor", "dataconsumer", "facilitator", "publisher"),
}
"""Roles by type of space: the vendor's reference of the spaces API."""
BITS_OF = {
    "basicconsumer": READ,
    "consumer": READ,
    "contributor": READ,
    "codeveloper": READ,
    "producer": READ | PUBLISH,
    "publisher": PUBLISH,
    "facilitator": READ | MANAGE,
}
"""What a role comes to in the source's terms. `dataconsumer` opens no app."""
ELEVATED = {"shared": "producer", "managed": "facilitator"}
"""The role that Qlik Cloud gives the owner of an app in its space."""


@dataclass(frozen=True)
class Readers:
    """What the site's default rules give everybody who reads an app."""

    make_objects: bool = False
    """Their own sheets in published apps."""
    export_data: bool = True

    @property
    def role(self) -> str:
        """In a managed space. In a shared one no role reads and may not export."""
        if not self.export_data:
            return "basicconsumer"
        return "contributor" if self.make_objects else "consumer"


READERS = Readers()


def roles_for(mask: int, type_: str, readers: Readers = READERS) -> tuple[str, ...]:
    """Bits of a stream → roles of a space, sorted.

    Publish alone opens no app in a managed space, so read and publish are two roles there.
    """
    roles = set()
    if type_ == "managed":
        if mask & READ:
            roles.add(readers.role)
        if mask & PUBLISH:
            roles.add("publisher")
    else:
        if mask & READ:
            roles.add("consumer")
        if mask & PUBLISH:
            roles = {"producer"}
    if mask & MANAGE:
        roles.add("facilitator")
    return tuple(sorted(roles))


def bits_of(roles: Iterable[str]) -> int:
    found = 0
    for role in roles:
        found |= BITS_OF.get(role, 0)
    return found
