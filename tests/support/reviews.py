"""Reviews for looking at: made up of parts, of any size and always the same."""

from __future__ import annotations

from datetime import date
from typing import Any

from qlift.derivation.assessment.model import Effort
from qlift.derivation.desired import Finding, Severity, Waiver
from qlift.derivation.digest import Digests
from qlift.reports.review.model import (
    Access,
    AppAccess,
    Change,
    Conflict,
    Drift,
    FieldChange,
    Op,
    Review,
    SpaceAccess,
    Who,
)
from tests.support.big_site import HOSTILE

NOBODY = Access(spaces=(), personal=(), sees=0, loses=0, groups_see=(), groups_lose=(), members={}, wider=())
JOBS = ("spaces", "apps", "publications", "permissions", "owners", "schedules")


def change(op: Op, name: str, kind: str = "App", job: str = "apps", *fields: FieldChange) -> Change:
    object_ = f'app "{name}"'
    return Change(op=op, kind=kind, object=object_, key=name, job=job, space="Finance", fields=fields)


def who(name: str, before: tuple[str, ...] = (), after: tuple[str, ...] = ("consumer",)) -> Who:
    return Who(type="group", name=name, people=40, before=before, after=after)


def space_access(name: str, **more: Any) -> SpaceAccess:
    values = {
        "space": name,
        "type": "managed",
        "state": "kept",
        "sees": 0,
        "loses": 0,
        "unchanged_audience": 0,
    }
    return SpaceAccess.model_validate(
        {**values, "unchanged_audience": 0, "gain": (), "lose": (), "other": (), "apps": (), **more}
    )


def review(**more: Any) -> Review:
    values: dict[str, Any] = {
        "stack": "finance-prod",
        "phase": "finance",
        "target": "prod",
        "tenant": "https://acme.example",
        "as_of": date(2026, 11, 24),
        "engine": "3.259.0",
        "applicable": True,
        "errors": (),
        "warnings": (),
        "first": (),
        "promoted_from": "",
        "changes": (),
        "unchanged": 7,
        "jobs": JOBS,
        "conflicts": (),
        "drift": (),
        "access": NOBODY,
        "findings": (),
        "waivers": (),
        "effort": Effort(imports=0, writes=0, bytes=0, import_days=0, floor_seconds=0),
        "imports_per_day": 300,
        "digests": Digests(bundle={"exports/qs/app.json": "ab" * 32}, plan={}, target={}),
        "digest": "0123456789ab",
        "update_plan": "",
    }
    return Review.model_validate({**values, **more})


def big_review(objects: int = 3_000, names: tuple[str, ...] = HOSTILE) -> Review:
    """Of everything something, and hostile names wherever a name can stand."""
    ops: tuple[Op, ...] = ("create", "create", "create", "update", "delete", "replace")
    changes = [
        Change(
            op=ops[n % len(ops)],
            kind=("App", "Space", "SpaceAssignment", "ReloadSchedule")[n % 4],
            object=f"{names[n % len(names)]} {n}",
            key=f"key-{n}",
            job=JOBS[n % len(JOBS)],
            space=names[(n + 1) % len(names)],
            fields=(
                FieldChange(name="description", before=names[n % len(names)], after="new"),
                FieldChange(name="roles", before=["consumer"], after=["consumer", "publisher"]),
            )
            if ops[n % len(ops)] in ("update", "replace")
            else (),
        )
        for n in range(objects)
    ]
    spaces = tuple(
        space_access(
            f"{name} {n}",
            sees=40,
            loses=2,
            gain=tuple(who(f"{name} {k}") for k in range(20)),
            lose=(Who(type="user", name=name, people=1, before=("consumer",), after=()),),
            apps=tuple(
                AppAccess(app=f"{name} {k}", sees=40, loses=2, unknown_groups=(name,), owners=(name,))
                for k in range(objects // 50)
            ),
        )
        for n, name in enumerate(names)
    )
    findings = tuple(
        Finding(code="ACCESS-WIDENS", severity=severity, object=name, message=name, remedy=f"`see` {name}")
        for name in names
        for severity in (Severity.WARNING, Severity.INFO)
    )
    return review(
        changes=tuple(changes),
        applicable=False,
        errors=(f"error: {names[0]}\nsecond line",),
        warnings=tuple(f'app "{name}" changed: {name}' for name in names),
        conflicts=tuple(Conflict(kind="Space", object=x, field="name", reason=f"taken: {x}") for x in names),
        drift=tuple(Drift(kind="App", object=x, key=x, gone=True, fields=()) for x in names),
        access=Access(
            spaces=spaces,
            personal=(AppAccess(app=names[0], sees=1, loses=0, unknown_groups=(), owners=(names[0],)),),
            sees=280,
            loses=7,
            groups_see=names,
            groups_lose=(),
            members={name: tuple(f"{name} {n}" for n in range(90)) for name in names},
            wider=findings[:2],
        ),
        findings=findings,
        waivers=(Waiver(code="X", object=names[2], owner=names[0], until=date(2027, 1, 31)),),
        effort=Effort(imports=2_000, writes=9_000, bytes=10**11, import_days=7, floor_seconds=600_000),
        digests=Digests(bundle=dict.fromkeys(names, "ab" * 32), plan={}, target={}),
        update_plan="cd" * 32,
    )
