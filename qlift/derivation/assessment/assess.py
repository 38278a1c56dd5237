"""bundle + tenant facts → assessment. Pure and deterministic."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from qlift.bundle import Bundle
from qlift.bundle.models import App
from qlift.derivation.assessment.connections import connection_kinds, connection_rows
from qlift.derivation.assessment.effort import Work, Works, effort
from qlift.derivation.assessment.extensions import extension_rows, extensions_of
from qlift.derivation.assessment.frequency import frequencies
from qlift.derivation.assessment.ground import Ground
from qlift.derivation.assessment.headline import headline
from qlift.derivation.assessment.inventory import inventory, reason_counts
from qlift.derivation.assessment.leave import duplicates, kinds_of, leave
from qlift.derivation.assessment.links import links
from qlift.derivation.assessment.model import (
    IMPORT_BUDGETS,
    AppRow,
    Assessment,
    FindingCount,
    Readiness,
    TenantFacts,
)
from qlift.derivation.assessment.people import people_summary
from qlift.derivation.assessment.permissions import access_differences, permission_rows
from qlift.derivation.assessment.phases import Phases, with_phases
from qlift.derivation.assessment.readiness import Judge
from qlift.derivation.assessment.reasons import worst
from qlift.derivation.assessment.schedules import schedule_rows, with_apps
from qlift.derivation.assessment.trial import trial
from qlift.derivation.assessment.unknown import unknown
from qlift.derivation.desired import Finding
from qlift.derivation.references import NEEDED

OBJECTS_SHOWN = 5
OF_THE_TRIAL = frozenset(
    {
        "ADMIN-ROLE",
        "APPS-NOT-SELECTED",
        "LEAVER-OWNS",
        "OWNER-LEFT",
        "RULES-OF-OTHER-STREAMS",
        "TASKS-OF-OTHER-APPS",
    }
)
"""Findings about the trial's plan, or told better elsewhere in the assessment."""


def assess(bundle: Bundle, tenant: TenantFacts, as_of: date) -> Assessment:
    """`as_of` is the day that "a year ago" counts from."""
    ground = Ground(bundle, tenant, as_of, trial(bundle, as_of))
    schedules = schedule_rows(ground)
    judge = Judge(ground, schedules)
    often = frequencies(ground)
    rows = tuple(
        sorted((_row(ground, judge, often, a) for a in bundle.apps), key=lambda r: (r.name.casefold(), r.id))
    )
    readiness = {r.id: r.readiness for r in rows}
    moving = [(a, readiness[a.id]) for a in bundle.apps if readiness[a.id] is not Readiness.CANNOT]
    works = Works(ground)
    related = links(ground, frozenset(a.stream.id for a, _ in moving if a.stream))
    suggested = Phases(ground, related, works, moving)
    phases = suggested.suggest()
    rows = with_phases(rows, suggested.phase_of)
    schedules = with_apps(schedules, readiness)
    total = effort(works.of([a for a, _ in moving]), tenant)
    left = leave(ground, works.imports)
    counts = {level: sum(r.readiness is level for r in rows) for level in Readiness}
    not_listed = bundle.without_list((*NEEDED, "dataconnection", "extension"))
    silent = len(rows) - len(ground.scripts)
    filled = {a.stream.id for a in bundle.apps if a.stream}
    return Assessment(
        site=bundle.site,
        as_of=as_of,
        product_version=bundle.manifest.product_version,
        exported_by=bundle.manifest.identity.user,
        complete=bundle.manifest.identity.complete,
        tenant=tenant,
        headline=headline(bundle.site, counts, left, total, tenant, silent, not_listed),
        readiness=counts,
        reasons=reason_counts(rows),
        apps=rows,
        inventory=inventory(ground, rows),
        leave=left,
        duplicates=duplicates(ground),
        empty_streams=tuple(sorted(s.name for s in bundle.streams if s.id not in filled)),
        connection_kinds=connection_kinds(ground),
        connections=connection_rows(ground),
        extensions=extension_rows(ground),
        schedules=schedules,
        permissions=permission_rows(ground),
        access_differences=access_differences(ground),
        people=people_summary(ground),
        links=related.rows({s.id: s.name for s in bundle.streams}),
        phases=phases,
        effort=total,
        import_days={
            budget: effort(
                Work(imports=total.imports), tenant.model_copy(update={"imports_per_day": budget})
            ).import_days
            for budget in sorted(set(IMPORT_BUDGETS.values()))
        },
        findings=_findings(ground.desired.findings),
        unknown=unknown(ground, not_listed),
        not_listed=not_listed,
    )


def _row(ground: Ground, judge: Judge, often: dict[str, str], app: App) -> AppRow:
    reasons = judge.reasons(app)
    script = ground.scripts.get(app.id)
    contents = ground.contents[app.id]
    return AppRow(
        id=app.id,
        name=app.name,
        stream=ground.stream_name(app),
        owner=app.owner.login,
        size=ground.size(app),
        memory=ground.memory(app),
        last_reload=_text(ground.last_reload(app)),
        last_change=_text(ground.last_change(app)),
        frequency=often[app.id],
        sheets=contents.sheets,
        private_objects=contents.private,
        connections=tuple(sorted(script.connections)) if script else (),
        extensions=extensions_of(ground, app),
        readiness=worst(reasons),
        reasons=reasons,
        leave=kinds_of(ground, app),
        phase="",
    )


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""


def _findings(found: tuple[Finding, ...]) -> tuple[FindingCount, ...]:
    """By code and severity, in the order of the derivation: errors first."""
    grouped: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in found:
        if finding.code not in OF_THE_TRIAL:
            grouped[finding.code, finding.severity].append(finding)
    return tuple(
        FindingCount(
            code=code,
            severity=group[0].severity,
            count=len(group),
            message=group[0].message,
            remedy=group[0].remedy,
            objects=tuple(f.object for f in group[:OBJECTS_SHOWN]),
        )
        for (code, _), group in grouped.items()
    )
