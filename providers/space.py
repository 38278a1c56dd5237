"""Space: a shared or managed space. Identity: its id. In place: name, description. The type never changes."""

from __future__ import annotations

from typing import Any, Literal

import pulumi
from pulumi.dynamic import Resource

import providers.base
from providers.adoption import AdoptableInputs, AdoptingProvider, agree, gone, ours
from providers.base import Gone, Refusal, declared, log
from providers.session import session
from qlift.cloud import adoption, models, spaces
from qlift.cloud.provenance import Provenance, attach, provenance_of, without_line
from qlift.derivation.former import FormerSpace


class SpaceInputs(AdoptableInputs):
    name: str
    type: Literal["shared", "managed"]
    description: str
    site: str
    source: str
    """Short id of the stream, or the plan's key."""
    stack: str
    provenance: Literal["description", "none"]
    former: FormerSpace | None = None

    @property
    def of_source(self) -> str:
        return self.source

    @property
    def line(self) -> Provenance:
        return Provenance(self.site, self.source, self.stack)


class SpaceProvider(AdoptingProvider[SpaceInputs]):
    kind = "Space"
    model = SpaceInputs

    def problems(self, new: SpaceInputs, old: SpaceInputs | None) -> list[tuple[str, str]]:
        if old is not None and old.type != new.type:
            reason = (
                f"a space's type cannot change (it is {old.type}, the plan says {new.type}); give the plan "
                "another key and name for the new space and move its content in two runs"
            )
            return [("type", reason)]
        if old is None:
            session().strays.note_awaited(self.kind, new.key, new.line)
        tenant = session().tenant
        taken = tenant.index.space_named(new.name)
        if (
            old is None
            and not new.adopted
            and spaces.our_space(tenant, new.line) is None
            and (over := _over_quota(new))
        ):
            return [("type", over)]
        if taken is None or (old is not None and old.name == new.name):
            return []
        if old is not None and new.line.same_object(provenance_of(taken.description)):
            # It has the name already. The state knows it, whoever made it.
            return []
        if spaces.is_ours(tenant, taken, new.line):
            return []
        if new.former is not None and taken.id == new.former.id:
            return []
        return [("name", f'the name "{new.name}" is taken by {_whose(taken, new.line)}')]

    def make(self, new: SpaceInputs) -> tuple[str, dict[str, Any]]:
        space = spaces.create_space(
            session().tenant,
            name=new.name,
            type_=new.type,
            description=new.description,
            provenance=new.line,
            marked=new.provenance == "description",
        )
        return space.id, {}

    def accept(self, new: SpaceInputs) -> models.Space:
        former = _former(new)
        live = adoption.live_space(session().tenant, former.id)
        if live is None:
            raise gone(f"the space {former.id}")
        if live.type != new.type:
            raise Refusal(f"it is a {live.type} space, the plan says {new.type}, and a type cannot change")
        if not ours(live.description, new.line):
            described = attach(new.description, new.line if new.provenance == "description" else None)
            agree(
                [
                    ("name", live.name, former.name, new.name),
                    ("description", live.description, former.description, described),
                ]
            )
        return live

    def take_over(self, new: SpaceInputs) -> tuple[str, dict[str, Any]]:
        id_ = self.accept(new).id
        return id_, self.change(id_, new, new)

    def give_back(self, id_: str, known: SpaceInputs) -> None:
        former = _former(known)
        adoption.give_back_space(session().tenant, id_, name=former.name, description=former.description)

    def find(self, id_: str, known: SpaceInputs) -> dict[str, Any]:
        space = spaces.get_space(session().tenant, id_)
        if space is None:
            raise Gone
        return {
            "name": space.name,
            "type": space.type,
            "description": without_line(space.description),
            "provenance": "none" if provenance_of(space.description) is None else "description",
        }

    def change(self, id_: str, old: SpaceInputs, new: SpaceInputs) -> dict[str, Any]:
        spaces.update_space(
            session().tenant,
            id_,
            name=new.name,
            description=new.description,
            provenance=new.line if new.provenance == "description" else None,
        )
        return {}

    def remove(self, id_: str, known: SpaceInputs) -> None:
        if providers.base.claims.stays_for_others(id_):
            log.warning('space "%s" (%s) stays, for apps in it are handed over', known.name, id_)
            return
        spaces.delete_space(session().tenant, id_, known.name)


def _whose(taken: models.Space, line: Provenance) -> str:
    managed = provenance_of(taken.description)
    if line.same_object(managed):
        return (
            "a space that is not ours, though its description ends in our line: another identity made it; "
            "take that line out there, then rename it, choose another name in the plan, or `adopt` it"
        )
    if managed is None:
        return "a space that is not ours; rename it there, choose another name in the plan, or `adopt` it"
    return (
        f"a space that is not ours: the stack {managed.stack} made it from {managed.site}/{managed.source}; "
        "choose another name in the plan, or refer to it with `of` and `uses`"
    )


def _former(inputs: SpaceInputs) -> FormerSpace:
    assert inputs.former is not None
    return inputs.former


def _over_quota(new: SpaceInputs) -> str | None:
    here = session()
    quota = here.tenant.index.quota(f"{new.type}_spaces")
    names = here.new_spaces.setdefault(new.type, set())
    names.add(new.name)
    if quota is None or not quota.refuses(quota.usage + len(names)):
        return None
    return (
        f"the tenant may have {int(quota.quota)} {new.type} spaces and has {int(quota.usage)}; this would be "
        f"new space {len(names)} of this run: delete some there, ask Qlik for more, or plan fewer"
    )


class Space(Resource, module="qlik", name="Space"):
    """`name` is the echo of the input, known in previews."""

    name: pulumi.Output[str]

    def __init__(self, key: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(SpaceProvider(), key, declared(key, props, opts), opts)
