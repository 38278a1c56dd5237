"""bundle + plan + people → desired state + findings. Pure and deterministic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from qlift.bundle import Bundle
from qlift.derivation.adoption import with_adoption
from qlift.derivation.apps import derive_apps
from qlift.derivation.context import Context, SelectedApp, Site
from qlift.derivation.desired import Desired, Waiver
from qlift.derivation.findings import Findings
from qlift.derivation.former import Adopted
from qlift.derivation.hand_over import about_hand_over, handed_over
from qlift.derivation.jobs import in_jobs
from qlift.derivation.name_checks import check_names
from qlift.derivation.names import slug
from qlift.derivation.people import People
from qlift.derivation.people_findings import about_people
from qlift.derivation.permissions import assignments
from qlift.derivation.plan import Plan
from qlift.derivation.references import check_references
from qlift.derivation.schedules import schedules
from qlift.derivation.script_checks import SCRIPT, check_scripts
from qlift.derivation.selection import places, select_apps
from qlift.derivation.spaces import owners, spaces, working_roles


def derive(
    bundles: Sequence[Bundle],
    plan: Plan,
    people: People,
    waivers: Iterable[Waiver],
    as_of: date,
    adopted: Adopted | None = None,
) -> Desired:
    """`as_of` only expires: waivers, accepted rules, schedules that are over (and the summer time in force).
    `adopted` is what the target had before; None: not checked.

    Errors are findings; the caller decides to stop.
    """
    findings = Findings()
    context = Context(plan, tuple(Site(b) for b in bundles), people, findings, as_of)
    for site in context.sites:
        _about_the_bundle(context, site)
        check_references(site, people, findings)
    all_places = places(context)
    selected = select_apps(context, all_places)
    apps = derive_apps(context, selected)
    made_spaces = spaces(context, all_places, selected)
    made_owners = owners(context, all_places)
    theirs = handed_over(context, all_places, selected, apps, made_spaces)
    made_assignments = (
        *working_roles(context, made_spaces, frozenset(theirs.spaces)),
        *assignments(context, all_places, selected),
    )
    made_schedules = schedules(context, apps)
    about_hand_over(context, theirs, made_spaces, made_owners, made_schedules)
    _refuse_equal_names(findings, "assignments", (a.key for a in made_assignments))
    _refuse_equal_names(findings, "schedules", (s.key for s in made_schedules))
    check_names(context, all_places, selected, made_assignments)
    check_scripts(context, selected, made_assignments)
    about_people(context, selected)
    _not_migrated(context, selected)
    wanted = Desired(
        phase=plan.phase,
        on_source_change=plan.apps.on_source_change,
        handed_over=theirs,
        spaces=made_spaces,
        space_owners=made_owners,
        assignments=tuple(sorted(made_assignments, key=lambda a: a.key)),
        apps=tuple(sorted(apps.apps, key=lambda a: a.key)),
        app_owners=tuple(sorted(apps.owners, key=lambda o: o.app)),
        publications=tuple(sorted(apps.publications, key=lambda p: p.key)),
        publication_owners=tuple(sorted(apps.publication_owners, key=lambda o: o.publication)),
        schedules=made_schedules,
    )
    wanted = in_jobs(context, wanted, all_places, selected)
    wanted = with_adoption(
        wanted, plan.adopt, {slug(k) for k, s in plan.spaces.items() if s.adopt}, adopted, findings
    )
    return wanted.model_copy(update={"findings": findings.result(waivers, as_of)})


def _refuse_equal_names(findings: Findings, kind: str, keys: Iterable[str]) -> None:
    for key, count in sorted(Counter(keys).items()):
        if count > 1:
            findings.error(
                "LOGICAL-NAME-TWICE",
                key,
                f"{count} {kind} would have this logical name",
                "migrate one of them in another phase",
            )


def _about_the_bundle(context: Context, site: Site) -> None:
    manifest = site.bundle.manifest
    if not manifest.identity.complete:
        context.findings.warning(
            "BUNDLE-INCOMPLETE",
            site.name,
            f"it was exported as {manifest.identity.user}, who may not see everything",
            "export with an identity that has the role RootAdmin",
        )
    for key, wanted, held in (
        ("data", context.plan.apps.data, manifest.data),
        ("scope", context.plan.apps.scope, manifest.scope),
    ):
        if wanted not in (None, held):
            context.findings.error(
                "BUNDLE-OTHER-EXPORT",
                site.name,
                f"the plan wants apps.{key}: {wanted}, it was exported with {held}",
                f"run `qlift export {site.name} --{key} {wanted}`, or change the plan",
            )
    for redaction in site.bundle.redactions:
        if redaction.kind == SCRIPT:
            continue
        in_app_file = redaction.kind in ("app", "app-object")
        context.findings.info(
            "CREDENTIAL-REDACTED",
            redaction.name or redaction.id,
            f"a credential in {redaction.kind}.{redaction.field} was taken out of the bundle",
            "the app's file holds it still: take it out in the source, and export again"
            if in_app_file
            else "give the connection its credential in the tenant",
        )


def _not_migrated(context: Context, selected: Sequence[SelectedApp]) -> None:
    """Kinds of objects that stay behind in this version."""
    for site in context.sites:
        for connection in site.bundle.data_connections:
            context.findings.info(
                "CONNECTION-NOT-MIGRATED",
                connection.name,
                f"data connection of type {connection.type or 'unknown'}",
                "make it in the tenant, in the space of the apps that use it",
            )
        for extension in site.bundle.extensions:
            context.findings.info(
                "EXTENSION-NOT-MIGRATED",
                extension.name,
                "extensions are not migrated",
                "upload it in the tenant's management console",
            )
    tagged = sorted({a.app.name for a in selected if a.app.tags or a.app.custom_properties})
    if tagged:
        context.findings.info(
            "TAGS-NOT-MIGRATED",
            f"{len(tagged)} apps",
            "their tags and custom properties are not migrated",
            "tag them in the tenant if people search by tags",
        )
    if selected:
        context.findings.info(
            "SCRIPTS-UNCHANGED",
            f"{len(selected)} apps",
            "load scripts migrate as they are: what they refer to (`lib://...`) has to exist in the tenant",
            "make the connections before schedules are enabled",
        )
