"""AppPublication: an app published to a managed space, by copy or by move.

Identity: the published app's id. In place: content (by republish, which keeps id, address and the users'
own content), name, description. Replaced by: space.
"""

from __future__ import annotations

from typing import Any, Literal

import pulumi
from pulumi.dynamic import Resource

from providers.app_removal import remove_app, take_back
from providers.base import Gone, Inputs, Refusal, declared, log
from providers.edits import CHANGED, WRITTEN, Decision, Held
from providers.left_over import discard, removable, remove
from providers.rivals import claimed_by_another
from providers.session import ObjectOwner, TenantProvider, refusals, session
from qlift.cloud import apps, publications
from qlift.cloud.models import App as LiveApp
from qlift.cloud.provenance import Provenance, attach, provenance_of, without_line

PUBLISHED = "published"
"""Output: as `WRITTEN`, of the last time that content was published."""


class AppPublicationInputs(Inputs):
    name: str
    description: str
    mode: Literal["copy", "move"]
    source: str
    """Logical name of the app that is published."""
    app_id: str | None
    space: str
    space_id: str | None
    staging: str
    """Name of the space that a move starts from."""
    staging_id: str | None
    object_owners: list[ObjectOwner]
    fingerprint: str
    sha256: str
    size: int
    public_origin: bool = False
    """The app that it is published from holds nobody's private or community objects."""
    site: str
    source_id: str
    stack: str
    provenance: Literal["description", "none"]
    on_source_change: Decision = "ask"
    """What becomes of an app whose source changed, and which people changed in the tenant too."""
    given_away: bool = False
    """It has an AppOwner: so an app that is the tool's was taken back by an undo, or is not given yet."""
    left_over: list[str] = []
    """Ids of what a killed run left behind: found by read, removed by update."""

    @property
    def of_source(self) -> str:
        return self.source_id

    @property
    def line(self) -> Provenance:
        return Provenance(self.site, self.source_id, self.stack, self.fingerprint[:6])

    @property
    def subject(self) -> str:
        return f'publication "{self.name}"'


class AppPublicationProvider(TenantProvider[AppPublicationInputs]):
    kind = "AppPublication"
    model = AppPublicationInputs
    references = {"source": "app_id", "space": "space_id", "staging": "staging_id"}
    replaced_by = frozenset({"space"})
    not_compared = frozenset({"sha256", "size", "object_owners", "mode", "public_origin", "on_source_change"})

    def note_state(self, id_: str, known: AppPublicationInputs, outputs: dict[str, Any]) -> None:
        edits = session().edits
        edits.note_app(id_, Held(self.kind, known.key, known.subject, known.app_id, known.given_away))
        # Publishing may count as a change of the app that it is published from; that is not documented.
        edits.note_written(id_, outputs)
        edits.note_written(known.app_id, {WRITTEN: outputs.get(PUBLISHED)})

    def replacing(
        self, id_: str, old: AppPublicationInputs, new: AppPublicationInputs, changed: set[str]
    ) -> list[str]:
        found = super().replacing(id_, old, new, changed)
        edits = session().edits
        if found:
            edits.note_lost(id_)
        elif changed & {"fingerprint", "source"}:
            why = CHANGED if "fingerprint" in changed else "is published anew, for its origin is another app"
            if edits.decide(id_, new.subject, lambda live: _is_done(live, old, new), loses=False, why=why):
                found += sorted(changed & {"fingerprint", "source"})
        return found

    def problems(self, new: AppPublicationInputs, old: AppPublicationInputs | None) -> list[tuple[str, str]]:
        here = session()
        here.edits.decision = new.on_source_change
        if old is None or (old.space, old.fingerprint) != (new.space, new.fingerprint):
            here.strays.note_awaited(self.kind, new.key, new.line)
        if old is not None:
            return _about_later_objects(new, old)
        rival = claimed_by_another(new.site, new.source_id, new.stack, new.space_id, new.subject)
        if rival is not None:
            return [("source_id", rival)]
        found = refusals(("object_owners", lambda: here.resolved(new.object_owners)))
        if new.mode == "move":
            found += refusals(("sha256", lambda: here.stored(new.sha256, new.size, new.subject)))
        return found

    def make(self, new: AppPublicationInputs) -> tuple[str, dict[str, Any]]:
        here = session()
        if new.app_id is None:
            raise Refusal("the app's id is not known; this is a defect of qlift")
        space_id = here.space_id(new.space, new.space_id)
        marked = new.provenance == "description"
        for app_id in here.edits.replaced():
            # What people changed stays beside this one, and must not be taken for it.
            live = apps.find_app(here.tenant, app_id, new.subject)
            if live is None or live.space_id != space_id:
                continue
            if new.line.same_object(provenance_of(live.description)):
                here.edits.release(live, new.subject)
        if new.mode == "copy":
            app = publications.publish_copy(
                here.tenant,
                app_id=new.app_id,
                space_id=space_id,
                name=new.name,
                description=new.description,
                provenance=new.line,
                marked=marked,
            )
            return app.id, _published(app.id, app)
        app = publications.publish_move(
            here.tenant,
            origin_id=new.app_id,
            staging_space_id=here.space_id(new.staging, new.staging_id),
            space_id=space_id,
            name=new.name,
            description=new.description,
            provenance=new.line,
            marked=marked,
            object_owners=here.resolved(new.object_owners),
            open_file=here.open_file(new.sha256, new.size, new.subject),
            size=new.size,
            discard=lambda half_done: discard("AppPublication", new, new.stack, half_done),
        )
        return app.id, _published(app.id, app)

    def find(self, id_: str, known: AppPublicationInputs) -> dict[str, Any]:
        here = session()
        left_over: dict[str, Any] = {}
        if known.space_id and known.staging_id:
            found = publications.left_over(here.tenant, known.line, known.space_id, known.staging_id, id_)
            left_over = {"left_over": ids} if (ids := removable(found)) else {}
        listed = here.tenant.index.app(id_)
        if listed is not None and _compared(listed).items() <= known.model_dump(mode="json").items():
            return left_over
        live = apps.find_app(here.tenant, id_, known.subject)
        if live is None:
            raise Gone
        return _compared(live) | left_over

    def change(self, id_: str, old: AppPublicationInputs, new: AppPublicationInputs) -> dict[str, Any]:
        here = session()
        described = attach(new.description, new.line if new.provenance == "description" else None)
        same = old.fingerprint == new.fingerprint and old.app_id == new.app_id

        def is_done(app: LiveApp) -> bool:
            return (app.name, app.description) == (new.name, described) and (same or _is_done(app, old, new))

        touched = here.edits.touched(id_, is_done)
        remove("AppPublication", new, new.stack, old.left_over)
        live = apps.find_app(here.tenant, id_, new.subject)
        if live is None:
            # The lists, by which it was read, did not know yet.
            raise Refusal("the published app is gone; run `pulumi up` again, it publishes it anew")
        if old.given_away and not new.given_away:
            # As of an app: the date of this one's own write is kept.
            take_back(live, new.subject)
        marked = new.line if new.provenance == "description" else None
        # Not published twice: people may have worked there since.
        done = not same and _is_done(live, old, new)
        if done and (live.name, live.description) == (new.name, described):
            return here.edits.made_already(live, "published anew") | touched
        if same or done:
            apps.describe(here.tenant, id_, name=new.name, description=new.description, provenance=marked)
            return here.edits.output(id_) | touched
        if new.app_id is None:
            raise Refusal("the app's id is not known; this is a defect of qlift")
        publications.republish(
            here.tenant,
            app_id=new.app_id,
            target_id=id_,
            name=new.name,
            description=attach(new.description, marked),
            keep_data=old.fingerprint == new.fingerprint,
        )
        return _published(id_) | touched

    def remove(self, id_: str, known: AppPublicationInputs) -> None:
        live = apps.find_app(session().tenant, id_, known.subject)
        remove_app("AppPublication", known, known.stack, live, id_)


def _is_done(live: LiveApp, old: AppPublicationInputs, new: AppPublicationInputs) -> bool:
    """Published anew already, by a run that was killed before it recorded that."""
    if old.fingerprint != new.fingerprint:
        if provenance_of(live.description) != new.line:
            return False
        if live.origin_app_id in ("", old.app_id):
            # A tenant that tells no new origin. The content's mark says it all.
            return True
    if new.app_id is not None:
        return live.origin_app_id == new.app_id
    # A preview: the run will find the app that a killed one imported, unless that is gone too.
    origin = apps.find_app(session().tenant, live.origin_app_id, new.subject) if live.origin_app_id else None
    return origin is not None and new.line.same_object(provenance_of(origin.description))


def _about_later_objects(new: AppPublicationInputs, old: AppPublicationInputs) -> list[tuple[str, str]]:
    """Private and community objects that appeared in the source after the app was published stay there."""
    later = {o.object for o in new.object_owners} - {o.object for o in old.object_owners}
    if not later:
        return []
    if new.public_origin:
        log.warning(
            "%s: %s private or community objects were made in the source since; they are not migrated",
            new.subject,
            len(later),
        )
        return []
    if new.fingerprint == old.fingerprint:
        return []
    reason = (
        f"{len(later)} private or community objects were made in the source since it was published, and "
        "publishing again might show them to everybody; run `qlift export` again, which exports the app "
        "without them too"
    )
    return [("object_owners", reason)]


def _published(id_: str, found: LiveApp | None = None) -> dict[str, Any]:
    """`found`: as it was met; from then on changes count."""
    written = session().edits.output(id_) or ({WRITTEN: found.modified_date} if found else {})
    return {**written, PUBLISHED: written.get(WRITTEN)}


def _compared(live: LiveApp) -> dict[str, Any]:
    return {
        "name": live.name,
        "description": without_line(live.description),
        "provenance": "none" if provenance_of(live.description) is None else "description",
    }


class AppPublication(Resource, module="qlik", name="AppPublication"):
    key: pulumi.Output[str]
    name: pulumi.Output[str]
    fingerprint: pulumi.Output[str]
    space: pulumi.Output[str]

    def __init__(self, key: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(AppPublicationProvider(), key, declared(key, props, opts), opts)
