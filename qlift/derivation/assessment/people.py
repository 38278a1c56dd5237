"""Who is there, who left but owns something, and who has no e-mail to be known by."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from qlift.bundle.models import INTERNAL_TYPES, User
from qlift.derivation.assessment.ground import Ground
from qlift.derivation.assessment.model import PeopleSummary, PersonRow
from qlift.derivation.people import is_built_in
from qlift.derivation.people_doubts import ADMIN_ROLES


def people_summary(ground: Ground) -> PeopleSummary:
    bundle = ground.bundle
    people = [u for u in bundle.users if not is_built_in(u)]
    active = [u for u in people if ground.is_active(u.id)]
    apps = Counter(a.owner.id for a in bundle.apps)
    objects = _objects(ground)
    owning = apps.keys() | objects.keys()
    known = {u.id for u in people}
    left = [u for u in people if not ground.is_active(u.id)]
    emails: dict[str, list[User]] = defaultdict(list)
    for user in active:
        for email in {e.casefold() for e in user.emails if e}:
            emails[email].append(user)

    def row(user: User, note: str = "") -> PersonRow:
        return PersonRow(
            login=user.login, name=user.name, apps=apps[user.id], objects=objects[user.id], note=note
        )

    shared = {u.id: (u, e) for e, users in sorted(emails.items()) if len(users) > 1 for u in users}
    return PeopleSummary(
        active=len(active),
        left=len(left),
        service_accounts=len(bundle.users) - len(people),
        groups=len(ground.site.groups),
        owners=sum(1 for u in active if apps[u.id]),
        unknown_owners=len(apps.keys() - known - {u.id for u in bundle.users}),
        left_but_owning=_sorted(row(u) for u in left if u.id in owning),
        without_email=_sorted(row(u) for u in active if not any(u.emails)),
        shared_email=_sorted(row(u, e) for u, e in shared.values()),
        administrators=_sorted(row(u, _tenant_roles(u)) for u in active if u.roles),
    )


def _objects(ground: Ground) -> Counter[str]:
    """Sheets, bookmarks and so on in apps of others, by their owner."""
    found: Counter[str] = Counter()
    for app in ground.bundle.apps:
        for item in ground.bundle.objects(app.id):
            if item.owner.id != app.owner.id and item.object_type not in INTERNAL_TYPES:
                found[item.owner.id] += 1
    return found


def _tenant_roles(user: User) -> str:
    return ", ".join(sorted({f"{r}: {ADMIN_ROLES.get(r, 'to be decided')}" for r in user.roles}))


def _sorted(rows: Iterable[PersonRow]) -> tuple[PersonRow, ...]:
    return tuple(sorted(rows, key=lambda r: (-r.apps, -r.objects, r.login.casefold(), r.login)))
