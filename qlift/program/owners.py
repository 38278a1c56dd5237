"""Step: owners, last: while the tool owns an object it may work on it."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from providers.app import App
from providers.app_owner import AppOwner
from providers.app_publication import AppPublication
from providers.space_assignment import SpaceAssignment
from providers.space_owner import SpaceOwner
from qlift.derivation.desired import Assignee, Desired
from qlift.program.job import Job, Run
from qlift.program.spaces import Spaces

AnyApp = App | AppPublication


def declare_owners(
    run: Run,
    job: Job,
    spaces: Spaces,
    permissions: dict[str, list[SpaceAssignment]],
    apps: dict[str, App],
    publications: dict[str, AppPublication],
) -> dict[AnyApp, AppOwner]:
    """Owners of apps by app (or publication); owners of spaces come after all that is in them."""
    made: dict[AnyApp, AppOwner] = {}
    inside: dict[str, list[pulumi.Resource]] = {k: list(v) for k, v in permissions.items()}
    published = {p.app: publications[p.key] for p in run.desired.publications}
    space_of: dict[str, str | None] = {a.key: a.space for a in run.desired.apps}
    for app_owner in run.desired.app_owners:
        app = apps[app_owner.app]
        after = [published.get(app_owner.app)]
        made[app] = _owner(
            run, job, app, app_owner.app, space_of[app_owner.app], app_owner.owner, permissions, after
        )
    space_of_publication = {p.key: p.space for p in run.desired.publications}
    for owner in run.desired.publication_owners:
        publication = publications[owner.publication]
        space = space_of_publication[owner.publication]
        made[publication] = _owner(
            run, job, publication, owner.publication, space, owner.owner, permissions, []
        )
    for app_key, space_key in space_of.items():
        inside.setdefault(space_key or "", []).append(made.get(apps[app_key], apps[app_key]))
    for publication_key, space_key in space_of_publication.items():
        publication = publications[publication_key]
        inside.setdefault(space_key, []).append(made.get(publication, publication))
    for space_owner in run.desired.space_owners:
        props = {
            **spaces.reference(space_owner.space),
            "owner": space_owner.owner.name,
            "match_by": space_owner.owner.by,
            "working_roles": _working_roles(run.desired, space_owner.space),
        }
        after_all = [*inside.get(space_owner.space, []), spaces.working_role.get(space_owner.space)]
        SpaceOwner(space_owner.space, props, job.options(after_all))
    return made


def _owner(
    run: Run,
    job: Job,
    app: AnyApp,
    key: str,
    space: str | None,
    owner: Assignee,
    permissions: dict[str, list[SpaceAssignment]],
    after: Sequence[pulumi.Resource | None],
) -> AppOwner:
    kind = "published." if isinstance(app, AppPublication) else ""
    props = {
        "app": app.key,
        "app_id": app.id,
        "fingerprint": app.fingerprint,
        "owner": owner.name,
        "match_by": owner.by,
        "planned_roles": _planned_roles(run.desired, space, owner),
        "personal": space is None,
    }
    return AppOwner(f"{kind}{key}", props, job.options([*after, *permissions.get(space or "", [])]))


def _planned_roles(desired: Desired, space: str | None, owner: Assignee) -> list[str]:
    return next((list(a.roles) for a in desired.assignments if a.space == space and a.assignee == owner), [])


def _working_roles(desired: Desired, space: str) -> list[str]:
    return next(
        (list(a.roles) for a in desired.assignments if a.space == space and a.assignee.type == "self"), []
    )
