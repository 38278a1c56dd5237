"""App: an app file imported into a shared or personal space.

Identity: the app's id. In place: name, description, space. Changed content makes a new app, for an import
has no replace mode. `sha256` only says which file to send: it changes with every reload of the source.
"""

from __future__ import annotations

from typing import Any, Literal

import pulumi
from pulumi.dynamic import Resource

import providers.base
from providers.adoption import AdoptableInputs, AdoptingProvider, agree, gone, ours
from providers.app_removal import refuse_out_of_reach, remove_app, take_back
from providers.base import Gone, Refusal, declared, log
from providers.edits import WRITTEN, Decision, Held
from providers.left_over import discard, removable, remove
from providers.rivals import claimed_by_another
from providers.session import ObjectOwner, refusals, session
from qlift.cloud import adoption, apps
from qlift.cloud.errors import Forbidden
from qlift.cloud.models import App as LiveApp
from qlift.cloud.provenance import Provenance, attach, provenance_of, without_line
from qlift.derivation.former import FormerApp

PERSONAL = ""
"""Label of a personal space."""


class AppInputs(AdoptableInputs):
    name: str
    description: str
    space: str
    """Name of a shared space, or `PERSONAL`."""
    space_id: str | None
    fingerprint: str
    sha256: str
    size: int
    object_owners: list[ObjectOwner]
    """Of an app that stays where it is imported; those of a published one are the publication's."""
    site: str
    source: str
    stack: str
    provenance: Literal["description", "none"]
    on_source_change: Decision = "ask"
    """What becomes of an app whose source changed, and which people changed in the tenant too."""
    former: FormerApp | None = None
    source_fingerprint: str = ""
    """Of an adopted app, whose own fingerprint is `-`: its content is not migrated."""
    given_away: bool = False
    """It has an AppOwner: so an app that is the tool's was taken back by an undo, or is not given yet."""
    left_over: list[str] = []
    """Ids of copies that a killed run left behind: found by read, removed by update."""

    @property
    def of_source(self) -> str:
        return self.source

    @property
    def line(self) -> Provenance:
        return Provenance(self.site, self.source, self.stack, self.fingerprint[:6])

    @property
    def subject(self) -> str:
        return f'app "{self.name}"'


class AppProvider(AdoptingProvider[AppInputs]):
    kind = "App"
    model = AppInputs
    references = {"space": "space_id"}
    replaced_by = frozenset({"fingerprint"})
    not_compared = frozenset({"sha256", "size", "object_owners", "on_source_change", "source_fingerprint"})

    def note_state(self, id_: str, known: AppInputs, outputs: dict[str, Any]) -> None:
        edits = session().edits
        if not known.adopted:
            # Nobody's work is lost with what is given back.
            edits.note_app(id_, Held(self.kind, known.key, known.subject, given_away=known.given_away))
        edits.note_written(id_, outputs)

    def replacing(self, id_: str, old: AppInputs, new: AppInputs, changed: set[str]) -> list[str]:
        if "fingerprint" in changed:
            edits = session().edits
            edits.refuse_published_conflict(id_, new.line)
            edits.decide(
                id_, new.subject, lambda live: provenance_of(live.description) == new.line, loses=True
            )
        return super().replacing(id_, old, new, changed)

    def problems(self, new: AppInputs, old: AppInputs | None) -> list[tuple[str, str]]:
        session().edits.decision = new.on_source_change
        if old is None or old.fingerprint != new.fingerprint:
            session().strays.note_awaited(self.kind, new.key, new.line)
        if old is not None and (old.space == PERSONAL) != (new.space == PERSONAL):
            return [("space", "an app cannot go between a personal and a shared space; give it a new phase")]
        if new.space == PERSONAL and not session().reaches_personal_spaces:
            reason = (
                "is a personal app: only an OAuth client with the scope admin.apps reaches the personal "
                "spaces of others; set qlift:clientId and qlift:clientSecret, or leave personal apps out"
            )
            return [("space", reason)]
        if old is None and (
            rival := claimed_by_another(new.site, new.source, new.stack, new.space_id, new.subject)
        ):
            return [("source", rival)]
        if new.adopted:
            if old is not None and old.source_fingerprint != new.source_fingerprint:
                log.warning("%s: its source changed; an adopted app keeps its own content", new.subject)
            return []
        if old is None or old.fingerprint != new.fingerprint:
            return refusals(
                ("size", lambda: _fits(new.size)),
                ("sha256", lambda: session().stored(new.sha256, new.size, new.subject)),
                ("object_owners", lambda: session().resolved(new.object_owners)),
            )
        return []

    def make(self, new: AppInputs) -> tuple[str, dict[str, Any]]:
        here = session()
        app = apps.import_app(
            here.tenant,
            name=new.name,
            description=new.description,
            space_id=None if new.space == PERSONAL else here.space_id(new.space, new.space_id),
            provenance=new.line,
            marked=new.provenance == "description",
            object_owners=here.resolved(new.object_owners),
            open_file=here.open_file(new.sha256, new.size, new.subject),
            size=new.size,
            discard=lambda half_done: discard("App", new, new.stack, half_done),
        )
        return app.id, here.edits.output(app.id) or {WRITTEN: app.modified_date}

    def about_adoption(self, new: AppInputs, old: AppInputs | None) -> list[tuple[str, str]]:
        if new.former is not None and new.space_id not in (None, new.former.space_id):
            return [("space", "an adopted app stays in its space; plan that one for it, or do not adopt it")]
        return super().about_adoption(new, old)

    def accept(self, new: AppInputs) -> LiveApp:
        former = _former(new)
        live = apps.find_app(session().tenant, former.id, new.subject)
        if live is None:
            raise gone(f"the app {former.id}")
        if live.space_id != former.space_id:
            raise Refusal(f'it does not lie in the space "{new.space}" any more; move it back in the tenant')
        if not ours(live.description, new.line):
            described = attach(new.description, new.line if new.provenance == "description" else None)
            agree(
                [
                    ("name", live.name, former.name, new.name),
                    ("description", live.description, former.description, described),
                ]
            )
        return live

    def take_over(self, new: AppInputs) -> tuple[str, dict[str, Any]]:
        app = adoption.take_over_app(
            session().tenant,
            self.accept(new).id,
            name=new.name,
            description=new.description,
            provenance=new.line if new.provenance == "description" else None,
        )
        return app.id, {}

    def give_back(self, id_: str, known: AppInputs) -> None:
        former, tenant = _former(known), session().tenant
        adoption.give_back_app(
            tenant, id_, name=former.name, description=former.description, subject=known.subject
        )

    def find(self, id_: str, known: AppInputs) -> dict[str, Any]:
        left_over = removable(_left_over(id_, known))
        return self._find(id_, known) | ({"left_over": left_over} if left_over else {})

    def _find(self, id_: str, known: AppInputs) -> dict[str, Any]:
        listed = session().tenant.index.app(id_)
        if listed is not None and _compared(listed, known).items() <= known.model_dump(mode="json").items():
            return {}
        # A list may be behind its objects: only the app's own GET counts.
        live = _live(id_, known)
        if live is not None:
            return _compared(live, known)
        if known.space == PERSONAL and not session().has_deleted(id_, known.stack):
            log.warning("%s: not reachable in its owner's personal space; taken as unchanged", known.subject)
            return {}
        raise Gone

    def change(self, id_: str, old: AppInputs, new: AppInputs) -> dict[str, Any]:
        tenant = session().tenant
        described = attach(new.description, new.line if new.provenance == "description" else None)
        touched = session().edits.touched(id_, lambda a: (a.name, a.description) == (new.name, described))
        remove("App", new, new.stack, old.left_over)
        if new.space != PERSONAL:
            space_id = session().space_id(new.space, new.space_id)
            live = apps.find_app(tenant, id_, new.subject)
            if live is None:
                raise Refusal("the app is gone; run `pulumi up` again, it makes it anew")
            if live.space_id != space_id:
                apps.move_app(tenant, live, space_id, new.subject)
        if old.given_away and not new.given_away and not new.adopted and (left := _live(id_, new)):
            # Its AppOwner goes at the end of the run, and keeps no date of it: this one's own write does.
            take_back(left, new.subject)
        apps.describe(
            tenant,
            id_,
            name=new.name,
            description=new.description,
            provenance=new.line if new.provenance == "description" else None,
        )
        return session().edits.output(id_) | touched

    def remove(self, id_: str, known: AppInputs) -> None:
        live = _live(id_, known)
        if live is None and known.space == PERSONAL:
            old_half = providers.base.claims.is_kept(self.kind, known.key)
            refuse_out_of_reach(id_, known.stack, old_half=old_half)
        remove_app("App", known, known.stack, live, id_)


def _former(inputs: AppInputs) -> FormerApp:
    assert inputs.former is not None
    return inputs.former


def _fits(size: int) -> None:
    quota = session().tenant.index.quota("app_upload_disk_size")
    if quota is not None and quota.refuses(size):
        raise Refusal(
            f"its file has {size:,} bytes, the tenant takes app files of up to {int(quota.quota):,}; ask "
            "Qlik for larger apps, export it without data (`--data none`), or leave it out of `select`"
        )


def _live(id_: str, known: AppInputs) -> LiveApp | None:
    """None: gone, or in a personal space of others and out of reach."""
    if known.space != PERSONAL:
        return apps.find_app(session().tenant, id_, known.subject)
    try:
        return apps.get_app(session().tenant, id_, known.subject)
    except Forbidden:
        return None


def _left_over(id_: str, known: AppInputs) -> list[LiveApp]:
    if known.space != PERSONAL and known.space_id is None:
        return []
    space_id = None if known.space == PERSONAL else known.space_id
    return apps.left_over(session().tenant, space_id, known.line, id_)


def _compared(live: LiveApp, known: AppInputs) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": live.name,
        "description": without_line(live.description),
        "provenance": "none" if provenance_of(live.description) is None else "description",
    }
    if known.space != PERSONAL and known.space_id and live.space_id != known.space_id:
        moved_to = session().tenant.index.space(live.space_id) if live.space_id else None
        values |= {"space": moved_to.name if moved_to else "(elsewhere)", "space_id": live.space_id or "-"}
    return values


class App(Resource, module="qlik", name="App"):
    """The labels `key` and `fingerprint` are echoes of inputs, known in previews."""

    key: pulumi.Output[str]
    name: pulumi.Output[str]
    fingerprint: pulumi.Output[str]
    space: pulumi.Output[str]

    def __init__(self, key: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(AppProvider(), key, declared(key, props, opts), opts)
