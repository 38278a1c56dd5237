"""Apps, publications, their owners, and who gets private and community objects."""

from __future__ import annotations

import hashlib
import json

from qlift.bundle.models import INTERNAL_TYPES, AppFile, AppObject, Manifest
from qlift.derivation import names
from qlift.derivation.context import Context, SelectedApp
from qlift.derivation.desired import (
    App,
    AppOwner,
    AppPublication,
    ObjectOwner,
    PublishedAppOwner,
    Source,
)

PEOPLES_TYPES = frozenset({"sheet", "story", "bookmark", "snapshot", "embeddedsnapshot", "hiddenbookmark"})
"""What people make for themselves; in an app that was never published nothing is public."""


def fingerprint(objects: tuple[AppObject, ...], published: bool) -> str:
    """Of the state of the app's public objects and its script, as 64 hex digits.

    Not of the file: that changes with every reload, and private objects change without anybody
    publishing. In an app that was never published every object counts.
    """
    counted = [o for o in objects if not published or o.is_public or o.object_type in INTERNAL_TYPES]
    state = sorted(
        [o.engine_object_id, o.object_type, o.content_hash, o.published, o.approved] for o in counted
    )
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()


class Apps:
    """The derived apps of a phase, by the id of their source app where others look them up."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.apps: list[App] = []
        self.owners: list[AppOwner] = []
        self.publications: list[AppPublication] = []
        self.publication_owners: list[PublishedAppOwner] = []
        self.key_of: dict[tuple[str, str], tuple[str, bool]] = {}
        """Site and source id → logical name, and whether the app is published."""

    def add(self, selected: SelectedApp) -> None:
        context, site, app = self._context, selected.site, selected.app
        bundle = site.bundle
        if app.id not in bundle.app_files:
            context.findings.error(
                "APP-FILE-MISSING",
                app.name,
                "the bundle has no file of this app",
                "run `qlift export` again; it fetches what is missing",
            )
            return
        objects = bundle.objects(app.id)
        if not objects:
            context.findings.warning(
                "APP-WITHOUT-OBJECTS",
                app.name,
                "the bundle lists none of its objects: changes in the source will not be noticed",
                "run `qlift export` again",
            )
        place = selected.place
        published = place is not None and place.plan.type == "managed"
        owners = self._object_owners(selected, objects)
        owner = context.people.owner(
            site.name, app.owner, site.users.get(app.owner.id), f"app {app.name}", context.findings
        )
        key = names.logical(app.name, site.name, app.id)
        former = names.former(bundle, "app", app.id, app.name)
        file = bundle.app_files[app.id]
        origin = file.public if published and owners and file.public else file
        self.key_of[site.name, app.id] = (key, published)
        space = None if place is None else place.staging_key if published else place.key
        self.apps.append(
            App(
                key=key,
                name=app.name,
                description=app.description,
                space=space,
                source=Source(site=site.name, id=app.id),
                fingerprint=fingerprint(objects, app.published),
                sha256=origin.sha256,
                size=origin.size,
                object_owners=() if published else owners,
                former_keys=former,
            )
        )
        _other_export(context, site.bundle.manifest, app.name, file)
        if file.stale:
            context.findings.warning(
                "APP-FILE-STALE",
                app.name,
                "the app changed while it was being exported",
                "run `qlift export` again",
            )
        if not published:
            if owner is not None:
                self.owners.append(AppOwner(app=key, owner=owner))
            return
        assert place is not None
        if owners and context.plan.apps.publish == "copy":
            context.findings.error(
                "PRIVATE-CONTENT-COPIED",
                app.name,
                f"{len(owners)} private or community objects: publishing by copy may drop or expose them",
                "set apps.publish to move",
            )
        self.publications.append(
            AppPublication(
                key=key,
                app=key,
                space=place.key,
                name=app.name,
                description=app.description,
                mode=context.plan.apps.publish if owners else "copy",
                object_owners=owners,
                sha256=file.sha256,
                size=file.size,
                public_origin=not owners or file.public is not None,
                former_keys=former,
            )
        )
        if owners and file.public is None:
            context.findings.warning(
                "PUBLIC-FILE-MISSING",
                app.name,
                "the bundle has no file of it without private and community objects: new content can be "
                "published over it only while nobody makes further ones in the source",
                "run `qlift export` again; a dump lacks such files",
            )
        if owner is not None:
            self.publication_owners.append(PublishedAppOwner(publication=key, owner=owner))
        if owners:
            context.findings.info(
                "OBJECTS-GIVEN-AWAY",
                app.name,
                f"{len(owners)} private or community objects go to their owners; that cannot be taken back "
                "without impersonation",
                "nothing to do",
            )

    def _object_owners(
        self, selected: SelectedApp, objects: tuple[AppObject, ...]
    ) -> tuple[ObjectOwner, ...]:
        context, site, app = self._context, selected.site, selected.app
        found = []
        for item in sorted(objects, key=lambda o: o.engine_object_id):
            peoples = item.object_type in PEOPLES_TYPES if not app.published else not item.is_public
            if not peoples or item.object_type in INTERNAL_TYPES or not item.engine_object_id:
                continue
            what = f'{item.object_type} "{item.name}" in app {app.name}'
            known = site.users.get(item.owner.id)
            owner = context.people.owner(site.name, item.owner, known, what, context.findings)
            if owner is not None:
                found.append(ObjectOwner(object=item.engine_object_id, owner=owner))
        scope = site.bundle.app_files[app.id].scope
        if found and scope != "all":
            context.findings.error(
                "PRIVATE-CONTENT-NOT-EXPORTED",
                app.name,
                f"it was exported with scope {scope}: {len(found)} private or community objects "
                "are not in its file",
                "export it with scope all (`--scope`, or its row in the site's .apps.csv)",
            )
        return tuple(found)


def _other_export(context: Context, manifest: Manifest, name: str, file: AppFile) -> None:
    """A row of the site's .apps.csv: what goes for the whole bundle is told once, elsewhere."""
    for key, wanted, usual, held in (
        ("data", context.plan.apps.data, manifest.data, file.data),
        ("scope", context.plan.apps.scope, manifest.scope, file.scope),
    ):
        if held != usual and wanted not in (None, held):
            context.findings.error(
                "BUNDLE-OTHER-EXPORT",
                name,
                f"the plan wants apps.{key}: {wanted}, this app was exported with {held}",
                f"change its row in the .apps.csv and export again, or leave apps.{key} out of the plan",
            )


def derive_apps(context: Context, selected: tuple[SelectedApp, ...]) -> Apps:
    made = Apps(context)
    for app in selected:
        made.add(app)
    _refuse_collisions(context, made)
    return made


def _refuse_collisions(context: Context, made: Apps) -> None:
    seen: dict[str, App] = {}
    for app in made.apps:
        other = seen.setdefault(app.key, app)
        if other is not app:
            context.findings.error(
                "LOGICAL-NAME-TWICE",
                app.key,
                f"two apps ({other.source.id}, {app.source.id}) would have this logical name",
                "leave one of them out of `select`",
            )
