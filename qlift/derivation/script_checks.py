"""What the load scripts of the selected apps say: credentials, section access, included files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qlift.derivation.access_rows import Identities
from qlift.derivation.audience import Audiences
from qlift.derivation.context import Context, SelectedApp
from qlift.derivation.desired import SpaceAssignment
from qlift.derivation.scripts import SectionAccess, included_scripts, section_access
from qlift.derivation.section_access import check_section_access

SCRIPT = "script"
"""Kind of the redactions in scripts."""


def check_scripts(
    context: Context, selected: Sequence[SelectedApp], assignments: Iterable[SpaceAssignment]
) -> None:
    """Each script is read once; those without the words in question are not taken apart."""
    audiences = Audiences(context, assignments)
    identities: dict[str, Identities] = {}
    without = 0
    for choice in selected:
        script = choice.site.bundle.script(choice.app.id)
        if script is None:
            without += 1
            continue
        _includes(context, choice, script)
        found = section_access(script)
        if found is None:
            continue
        if choice.site.name not in identities:
            identities[choice.site.name] = Identities(choice.site, context.people)
        check_section_access(
            choice.app.name, found, identities[choice.site.name], audiences.of(choice), context.findings
        )
        _passwords(context, choice, found)
    _credentials(context, selected)
    if without:
        context.findings.warning(
            "SCRIPT-NOT-EXPORTED",
            f"{without} apps",
            "the bundle has no load script of them: section access and credentials could not be looked for",
            "export again; where the engine cannot be reached, look through these scripts yourself",
        )


def _includes(context: Context, choice: SelectedApp, script: str) -> None:
    paths = included_scripts(script)
    if paths:
        context.findings.warning(
            "SCRIPT-INCLUDES",
            choice.app.name,
            f"its script includes {', '.join(paths)}: what stands there (section access, credentials, "
            "connections) is not in the bundle",
            "put these files where the script finds them in the tenant, and look through them yourself",
        )


def _credentials(context: Context, selected: Sequence[SelectedApp]) -> None:
    """The bundle holds them redacted; the app file, which is what migrates, holds them still."""
    chosen = {(c.site.name, c.app.id) for c in selected}
    for site in context.sites:
        for redaction in site.bundle.redactions:
            if redaction.kind != SCRIPT:
                continue
            if (site.name, redaction.id) in chosen:
                _credential(context, redaction.name or redaction.id, redaction.field)
            else:
                context.findings.info(
                    "CREDENTIAL-REDACTED",
                    redaction.name or redaction.id,
                    f"a credential in its script, {redaction.field}, was taken out of the bundle",
                    "move it into a data connection before the app is migrated",
                )


def _passwords(context: Context, choice: SelectedApp, found: SectionAccess) -> None:
    """Section access of QlikView may have a column PASSWORD. Nothing of it is shown."""
    for table in found.tables:
        row = next((r for r in table.rows if table.value(r, "PASSWORD")), None)
        if row is not None:
            _credential(context, choice.app.name, f"line {row.line}")


def _credential(context: Context, app: str, where: str) -> None:
    context.findings.error(
        "SCRIPT-CREDENTIAL",
        app,
        f"a credential stands in its script, {where}; it would migrate with the app and be readable there",
        "move it into a data connection of the tenant, and export again; or waive it in waivers.yaml",
    )
