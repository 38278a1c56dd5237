"""Step: owners, last: while the tool owns an object it may work on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pulumi

from providers.app import App
from providers.app_owner import AppOwner
from providers.app_publication import AppPublication
from providers.space_assignment import SpaceAssignment
from providers.space_owner import SpaceOwner
from qlift.derivation.desired import Assignee, Desired
from qlift.derivation.former import FormerOwner
from qlift.program.job import Run, former_inputs
from qlift.program.spaces import Spaces

AnyApp = App | AppPublication


@dataclass(frozen=True)
class _Owned:
    """An app that gets an owner. `name` is the logical name of the AppOwner."""

    name: str
    job: str
    app_key: str
    former_names: tuple[str, ...]
    app: AnyApp
    space: str | None
    owner: Assignee
    after: AppPublication | None = None
    """Publishing needs the tool's ownership of the staged app."""
    former: FormerOwner | None = None


def declare_owners(
    run: Run,
    spaces: Spaces,
    permissions: dict[str, list[SpaceAssignment]],
    apps: dict[str, App],
    publications: dict[str, AppPublication],
) -> dict[AnyApp, AppOwner]:
    """Owners of apps by app (or publication); owners of spaces come after all that is in them."""
    made: dict[AnyApp, AppOwner] = {}
    for owned in _owned(run.desired, apps, publications):
        props: dict[str, object] = {
            "app": owned.app.key,
            "app_id": owned.app.id,
            "fingerprint": owned.app.fingerprint,
            "owner": owned.owner.name,
            "match_by": owned.owner.by,
            "planned_roles": _planned_roles(run.desired, owned.space, owned.owner),
            "personal": owned.space is None,
            **run.app_inputs(owned.app_key),
            **former_inputs(owned.former),
            **({"enabled_tasks": _enabled_tasks(run.desired, owned.name)} if owned.former else {}),
        }
        options = run.jobs[owned.job].options(
            [owned.after, *permissions.get(owned.space or "", [])], owned.former_names
        )
        made[owned.app] = AppOwner(owned.name, props, options)
    inside = _inside(run.desired, permissions, apps, publications, made)
    for space_owner in run.desired.space_owners:
        props = {
            **spaces.reference(space_owner.space),
            "owner": space_owner.owner.name,
            "match_by": space_owner.owner.by,
            "working_roles": _working_roles(run.desired, space_owner.space),
            **run.space_inputs(space_owner.space),
            **former_inputs(space_owner.former),
        }
        after = [*inside.get(space_owner.space, []), spaces.working_role.get(space_owner.space)]
        SpaceOwner(space_owner.space, props, run.jobs[space_owner.job].options(after))
    return made


def _owned(
    desired: Desired, apps: dict[str, App], publications: dict[str, AppPublication]
) -> Iterator[_Owned]:
    staged = {a.key: a for a in desired.apps}
    published = {p.key: p for p in desired.publications}
    publication_of = {p.app: publications[p.key] for p in desired.publications}
    for owner in desired.app_owners:
        app = staged[owner.app]
        after = publication_of.get(app.key)
        yield _Owned(
            app.key,
            owner.job,
            app.key,
            app.former_keys,
            apps[app.key],
            app.space,
            owner.owner,
            after,
            owner.former,
        )
    for publication_owner in desired.publication_owners:
        found = published[publication_owner.publication]
        former = tuple(f"published.{k}" for k in found.former_keys)
        resource = publications[found.key]
        name = f"published.{found.key}"
        whose = publication_owner.owner
        yield _Owned(name, publication_owner.job, found.app, former, resource, found.space, whose)


def _inside(
    desired: Desired,
    permissions: dict[str, list[SpaceAssignment]],
    apps: dict[str, App],
    publications: dict[str, AppPublication],
    owners: dict[AnyApp, AppOwner],
) -> dict[str, list[pulumi.Resource]]:
    """By space: what has to be done there before it gets its owner."""
    found: dict[str, list[pulumi.Resource]] = {k: list(v) for k, v in permissions.items()}
    for app in desired.apps:
        found.setdefault(app.space or "", []).append(owners.get(apps[app.key], apps[app.key]))
    for publication in desired.publications:
        resource = publications[publication.key]
        found.setdefault(publication.space, []).append(owners.get(resource, resource))
    return found


def _planned_roles(desired: Desired, space: str | None, owner: Assignee) -> list[str]:
    return next((list(a.roles) for a in desired.assignments if a.space == space and a.assignee == owner), [])


def _enabled_tasks(desired: Desired, app: str) -> list[str]:
    """Ids of the app's adopted tasks that were enabled."""
    former = [s.former for s in desired.schedules if s.app == app and s.former is not None]
    return [f.id for f in former if f.definition.get("enabled")]


def _working_roles(desired: Desired, space: str) -> list[str]:
    return next(
        (list(a.roles) for a in desired.assignments if a.space == space and a.assignee.type == "self"), []
    )
