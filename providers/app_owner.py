"""AppOwner: who owns an app, staged, published or personal. A late resource.

Owning an app raises its owner's role in the space, so the planned roles are put back. Undo gives the app
back to the tool's identity; where the app goes too, its own delete does (`providers.app_removal`).
"""

from __future__ import annotations

from typing import Any, Literal

import pulumi
from pulumi.dynamic import Resource

import providers.base
from providers.adoption import AdoptableInputs, AdoptingProvider, agree_on_owner, former_owner
from providers.app_removal import refuse_out_of_reach, take_back
from providers.base import Gone, Refusal, declared, log
from providers.session import refusals, session
from qlift.cloud import adoption, apps, schedules
from qlift.cloud.errors import Forbidden
from qlift.cloud.models import App
from qlift.derivation.former import FormerOwner

OURS = "ours"
"""Output: the planned owner is this tool itself."""


class AppOwnerInputs(AdoptableInputs):
    app: str
    """Logical name of the app or publication."""
    app_id: str | None
    owner: str
    match_by: Literal["subject", "email"]
    planned_roles: list[str]
    """What the plan gives the owner in the app's space; empty for personal apps."""
    personal: bool
    fingerprint: str
    """Of the content: a republish may change the owner's roles again."""
    former: FormerOwner | None = None
    """Of an adopted app: its owner before."""
    enabled_tasks: list[str] = []
    """Ids of the app's adopted tasks that were enabled: giving the app back would disable them."""

    @property
    def of_source(self) -> str:
        """The logical name of an app ends in it."""
        return self.app.rpartition(".")[2]

    @property
    def stack(self) -> str:
        return self.job.rpartition("/")[0]

    @property
    def subject(self) -> str:
        return f"owner of app {self.app}"


class AppOwnerProvider(AdoptingProvider[AppOwnerInputs]):
    kind = "AppOwner"
    model = AppOwnerInputs
    references = {"app": "app_id"}
    replaced_by = frozenset({"app"})
    not_compared = frozenset({"planned_roles", "enabled_tasks"})

    def note_state(self, id_: str, known: AppOwnerInputs, outputs: dict[str, Any]) -> None:
        session().edits.note_written(id_, outputs)
        if outputs.get(OURS):
            session().edits.note_kept(id_)

    def problems(self, new: AppOwnerInputs, old: AppOwnerInputs | None) -> list[tuple[str, str]]:
        return refusals(("owner", lambda: session().user(new.match_by, new.owner)))

    def make(self, new: AppOwnerInputs) -> tuple[str, dict[str, Any]]:
        if new.app_id is None:
            raise Refusal("the app's id is not known; this is a defect of qlift")
        live = _reached(new.app_id, new)
        edits = session().edits
        if live.owner_id == _owner_id(new):
            apps.finish_owner_change(session().tenant, live, _roles(new), new.subject)
            return new.app_id, _ours(new) | edits.given_already(live)
        touched = edits.touched(new.app_id, lambda _: False)
        _give(live, new)
        return new.app_id, _ours(new) | edits.output(new.app_id) | touched

    def accept(self, new: AppOwnerInputs) -> None:
        """In a preview of its adoption the app's id is not known yet: `AppProvider` has looked."""
        live = _live(new.app_id, new) if new.app_id else None
        if live is not None and new.former is not None:
            agree_on_owner(live.owner_id, new.former, _owner_id(new))

    def take_over(self, new: AppOwnerInputs) -> tuple[str, dict[str, Any]]:
        self.accept(new)
        return self.make(new)

    def give_back(self, id_: str, known: AppOwnerInputs) -> None:
        assert known.former is not None
        owner_id = former_owner(known.former)
        adoption.give_back_app_owner(session().tenant, id_, owner_id, known.enabled_tasks, known.subject)

    def find(self, id_: str, known: AppOwnerInputs) -> dict[str, Any]:
        planned = session().user_or_none(known.match_by, known.owner)
        listed = session().tenant.index.app(id_)
        if listed is not None and planned is not None and listed.owner_id == planned.id:
            return {}
        live = _live(id_, known)
        if live is None:
            if known.personal and not session().has_deleted(id_, known.stack):
                log.warning(
                    "%s: not reachable in the owner's personal space; taken as unchanged", known.subject
                )
                return {}
            raise Gone
        if planned is not None and live.owner_id == planned.id:
            return {}
        return {"owner": session().user_label(live.owner_id)}

    def change(self, id_: str, old: AppOwnerInputs, new: AppOwnerInputs) -> dict[str, Any]:
        owner_id = _owner_id(new)
        touched = session().edits.touched(id_, lambda a: a.owner_id == owner_id)
        live = _reached(id_, new)
        enabled = schedules.own_enabled(session().tenant, id_)
        _give(live, new)
        # A user who was made anew has the same name: nothing else tells the schedules of the change.
        adoption.enable_tasks(session().tenant, enabled, new.subject)
        return _ours(new) | session().edits.output(id_) | touched

    def remove(self, id_: str, known: AppOwnerInputs) -> None:
        live = _live(id_, known)
        edits, old_half = session().edits, providers.base.claims.is_kept(self.kind, known.key)
        goes = old_half or edits.goes(id_)
        if goes and edits.stays(id_):
            return
        if live is None:
            if known.personal:
                refuse_out_of_reach(id_, known.stack, old_half=old_half)
            return
        if goes:
            # The app goes too. Who deletes it takes it back: this would hide what people do until then.
            edits.may_delete(live, known.subject, last_look=False)
            return
        take_back(live, known.subject)


def _live(id_: str, known: AppOwnerInputs) -> App | None:
    """None: gone, or in a personal space of others and out of reach."""
    if not known.personal:
        return apps.find_app(session().tenant, id_, known.subject)
    try:
        return apps.get_app(session().tenant, id_, known.subject)
    except Forbidden:
        return None


def _reached(app_id: str, new: AppOwnerInputs) -> App:
    live = _live(app_id, new)
    if live is None:
        raise Refusal("the app is gone or out of reach; run `pulumi up` again")
    return live


def _give(live: App, new: AppOwnerInputs) -> None:
    apps.change_app_owner(session().tenant, live, _owner_id(new), _roles(new), new.subject)


def _ours(new: AppOwnerInputs) -> dict[str, Any]:
    return {OURS: _owner_id(new) == session().tenant.client.me().id}


def _owner_id(new: AppOwnerInputs) -> str:
    return session().user(new.match_by, new.owner).id


def _roles(new: AppOwnerInputs) -> tuple[str, ...]:
    return tuple(sorted(new.planned_roles))


class AppOwner(Resource, module="qlik", name="AppOwner"):
    owner: pulumi.Output[str]

    def __init__(self, key: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(AppOwnerProvider(), key, declared(key, props, opts), opts)
