"""The trial derivation: every stream becomes a managed space, personal apps go to their owners.

Nobody is mapped yet, so people keep their logins and groups their names: whom the tenant knows is not the
question here.
"""

from __future__ import annotations

from datetime import date

from qlift.bundle import Bundle
from qlift.bundle.models import Stream
from qlift.derivation.derive import derive
from qlift.derivation.desired import Desired
from qlift.derivation.people import People
from qlift.derivation.plan import (
    GroupMapping,
    MissingOwner,
    Plan,
    Selection,
    SourceBundle,
    SpacesRule,
    UserMapping,
    UserRule,
)

EVERYONE = "(a group of everybody)"
"""Stands for the tenant's group that a plan names in `groups.everyone`."""
HEIR = "(whoever the plan names)"
"""Stands for `users.missing_owner`."""
MONITORING = "monitoring apps"
"""Qlik's own stream about the site itself; its apps read the logs of the site."""


def is_monitoring(stream: Stream) -> bool:
    return stream.name.casefold() == MONITORING


def trial_plan(bundle: Bundle) -> Plan:
    """What `qlift phase new` writes, with every stream and every personal app in it."""
    directories = sorted({u.user_directory for u in bundle.users})
    return Plan(
        version=1,
        phase="assessment",
        sources=(SourceBundle(site=bundle.site, bundle="."),),
        select=Selection(
            streams=tuple(s.id for s in bundle.streams if not is_monitoring(s)),
            personal=True,
        ),
        users=UserMapping(
            rules=tuple(UserRule(directory=d, subject="{directory}\\{user_id}") for d in directories if d),
            missing_owner=MissingOwner(assign_to=HEIR),
        ),
        groups=GroupMapping(everyone=EVERYONE),
        spaces_rule=SpacesRule(type="managed"),
    )


def trial(bundle: Bundle, as_of: date) -> Desired:
    plan = trial_plan(bundle)
    return derive([bundle], plan, People(plan), [], as_of)
