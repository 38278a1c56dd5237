"""SpaceOwner: who owns a space. A late resource; undo gives the space back to the tool's identity."""

from __future__ import annotations

from typing import Any, Literal

import pulumi
from pulumi.dynamic import Resource

import providers.base
from providers.adoption import AdoptableInputs, AdoptingProvider, agree_on_owner, former_owner
from providers.base import Gone, declared, log
from providers.session import refusals, session
from qlift.cloud import adoption, spaces
from qlift.cloud.errors import NotFound
from qlift.derivation.former import FormerOwner


class SpaceOwnerInputs(AdoptableInputs):
    space: str
    space_id: str | None
    owner: str
    match_by: Literal["subject", "email"]
    working_roles: list[str]
    """Of the tool in that space: put in place after the change, for an owner may not be assignable."""
    former: FormerOwner | None = None
    """Of an adopted space: its owner before."""


class SpaceOwnerProvider(AdoptingProvider[SpaceOwnerInputs]):
    kind = "SpaceOwner"
    model = SpaceOwnerInputs
    references = {"space": "space_id"}
    replaced_by = frozenset({"space"})
    not_compared = frozenset({"working_roles"})

    def problems(self, new: SpaceOwnerInputs, old: SpaceOwnerInputs | None) -> list[tuple[str, str]]:
        return refusals(("owner", lambda: session().user(new.match_by, new.owner)))

    def make(self, new: SpaceOwnerInputs) -> tuple[str, dict[str, Any]]:
        space_id = session().space_id(new.space, new.space_id)
        self._hand_to(space_id, new)
        return space_id, {}

    def accept(self, new: SpaceOwnerInputs) -> None:
        """In a preview of its adoption the space's id may not be known yet: `SpaceProvider` has looked."""
        live = adoption.live_space(session().tenant, new.space_id) if new.space_id else None
        if live is not None and new.former is not None:
            agree_on_owner(live.owner_id, new.former, session().user(new.match_by, new.owner).id)

    def take_over(self, new: SpaceOwnerInputs) -> tuple[str, dict[str, Any]]:
        self.accept(new)
        return self.make(new)

    def give_back(self, id_: str, known: SpaceOwnerInputs) -> None:
        assert known.former is not None
        subject = f'owner of space "{known.space}"'
        adoption.give_back_space_owner(session().tenant, id_, former_owner(known.former), subject)

    def find(self, id_: str, known: SpaceOwnerInputs) -> dict[str, Any]:
        space = spaces.get_space(session().tenant, id_)
        if space is None:
            raise Gone
        planned = session().user_or_none(known.match_by, known.owner)
        return (
            {}
            if planned and planned.id == space.owner_id
            else {"owner": session().user_label(space.owner_id)}
        )

    def change(self, id_: str, old: SpaceOwnerInputs, new: SpaceOwnerInputs) -> dict[str, Any]:
        self._hand_to(id_, new)
        return {}

    def remove(self, id_: str, known: SpaceOwnerInputs) -> None:
        tenant = session().tenant
        if providers.base.claims.stays_for_others(id_):
            log.warning('space "%s" keeps its owner, for apps in it are handed over', known.space)
            return
        try:
            spaces.change_space_owner(tenant, id_, tenant.client.me().id, f'owner of space "{known.space}"')
        except NotFound:
            return

    def _hand_to(self, space_id: str, new: SpaceOwnerInputs) -> None:
        here = session()
        subject = f'owner of space "{new.space}"'
        owner = here.user(new.match_by, new.owner)
        spaces.change_space_owner(here.tenant, space_id, owner.id, subject)
        if new.working_roles and owner.id != here.tenant.client.me().id:
            space = spaces.get_space(here.tenant, space_id)
            if space is not None:
                spaces.assign_self(here.tenant, space, new.working_roles, subject)


class SpaceOwner(Resource, module="qlik", name="SpaceOwner"):
    def __init__(self, key: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(SpaceOwnerProvider(), key, declared(key, props, opts), opts)
