"""Section access of an app in the tenant: what its values become, and whom it would lock out or let in.

Scripts migrate as they are, so what counts is what stands in them. What Qlik does not document is a
warning: whether the identity that reloads an app has to be in its table, and whether NTNAME is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qlift.derivation.access_rows import Admitted, Fate, Identities, Resolved, admitted
from qlift.derivation.findings import Findings
from qlift.derivation.scripts import AccessTable, SectionAccess

VALUES_SHOWN = 10
NOT_DOCUMENTED = ("NTNAME", "NTSID", "NTDOMAINSID", "SERIAL")
"""Columns of QlikView and Windows. Qlik Cloud documents USERID, USER.EMAIL and GROUP."""
ALTERNATIVE = "correct the script in the source and export again; docs/section-access.md says how"


def check_section_access(
    name: str, found: SectionAccess, identities: Identities, audience: set[str] | None, findings: Findings
) -> None:
    """`name` of the app; `audience`: ids of the source's users who get it, None where that is not known."""
    tables = [t for t in found.tables if t.column("ACCESS") or t.user_columns]
    levels = any(t.column("ACCESS") for t in tables)
    rows = [
        (table, row)
        for table in tables
        for raw in table.rows
        if (row := admitted(table, raw, identities, levels)) is not None
    ]
    values = list({v.value: v for _, row in rows for v in row.values}.values())
    _show(name, found, values, findings)
    _unchecked(name, found, values, findings)
    _columns(name, tables, findings)
    is_open = _open(name, found, rows, findings)
    if found.complete and not is_open:
        _locked(name, found, [row for _, row in rows], audience, findings)
    _values(name, values, findings)
    if not is_open:
        _reload(name, found, values, findings)


def shown(values: Iterable[Resolved]) -> str:
    """The first ten and how many more."""
    known = [str(v) for v in values]
    more = f" and {len(known) - VALUES_SHOWN} more" if len(known) > VALUES_SHOWN else ""
    return ", ".join(known[:VALUES_SHOWN]) + more


def _show(name: str, found: SectionAccess, values: list[Resolved], findings: Findings) -> None:
    count = sum(len(t.rows) for t in found.tables)
    findings.info(
        "SECTION-ACCESS",
        name,
        f"section access in line {found.line}, columns {', '.join(found.columns) or 'not readable'}, "
        f"{count} rows in the script" + (f": {shown(values)}" if values else ""),
        "open it as some of these people after the first reload in the tenant",
    )


def _unchecked(name: str, found: SectionAccess, values: list[Resolved], findings: Findings) -> None:
    for source in found.external:
        findings.warning(
            "SECTION-ACCESS-UNCHECKED",
            name,
            f"line {source.line}: rows of its section access come from {source.what}; "
            "whom they let in cannot be checked here",
            "look whether that table names people and groups as the tenant does, in capitals",
        )
    unknown = [v for v in values if v.fate == "unknown"]
    if unknown:
        findings.warning(
            "SECTION-ACCESS-UNCHECKED",
            name,
            f"what the tenant calls {len(unknown)} people or groups of its section access is not known here: "
            f"{shown(unknown)}",
            "run `qlift users`, or give their directory a rule with `subject` and `email`",
        )


def _columns(name: str, tables: Sequence[AccessTable], findings: Findings) -> None:
    for column in NOT_DOCUMENTED:
        line = next((t.line for t in tables if t.column(column)), None)
        if line is not None:
            findings.warning(
                "SECTION-ACCESS-COLUMN",
                name,
                f"line {line}: its section access has the column {column}; whether a tenant reads it is not "
                "documented (it reads USERID, USER.EMAIL and GROUP)",
                "name people in one of those columns",
            )


def _open(
    name: str, found: SectionAccess, rows: Sequence[tuple[AccessTable, Admitted]], findings: Findings
) -> bool:
    """Whether it lets everybody in."""
    if found.complete and not any(t.rows for t in found.tables):
        findings.error(
            "SECTION-ACCESS-OPEN",
            name,
            f"line {found.line}: its section access has no rows, so that it protects nothing",
            "fill the table, or take the section out of the script",
        )
        return True
    everybody = next((row for _, row in rows if row.everybody and not row.reduced), None)
    if everybody is None:
        return any(row.everybody for _, row in rows)
    findings.error(
        "SECTION-ACCESS-OPEN",
        name,
        f"line {everybody.row.line}: this row of its section access lets everybody see everything "
        "(all users, and no reduction of its own)",
        "name people or groups in that row, or reduce the data in it",
    )
    return True


def _locked(
    name: str, found: SectionAccess, rows: list[Admitted], audience: set[str] | None, findings: Findings
) -> None:
    def somebody(*fates: Fate) -> bool:
        return any(row.lets_in(audience, fates) for row in rows)

    if somebody("stays"):
        return
    who = "nobody of the tenant" if audience is None else "nobody who gets the app"
    if somebody("stays", "becomes"):
        wrong = [v for row in rows for v in row.values if v.fate == "becomes"]
        findings.error(
            "SECTION-ACCESS-LOCKED",
            name,
            f"line {found.line}: as it stands, its section access lets in {who}: "
            f"{shown(dict.fromkeys(wrong))}",
            f"add rows with the tenant's names, the present ones may stay; {ALTERNATIVE}",
        )
    elif not somebody("stays", "becomes", "unknown"):
        findings.error(
            "SECTION-ACCESS-LOCKED",
            name,
            f"line {found.line}: its section access lets in {who}",
            f"add rows for people who get the app, or map them in the users file; {ALTERNATIVE}",
        )


def _values(name: str, values: list[Resolved], findings: Findings) -> None:
    changed = [v for v in values if v.fate == "becomes"]
    if changed:
        findings.warning(
            "SECTION-ACCESS-VALUES",
            name,
            f"{len(changed)} values of its section access are others in the tenant: {shown(changed)}",
            f"as they stand they let nobody in there; {ALTERNATIVE}",
        )
    nobody = [v for v in values if v.fate == "nobody"]
    if nobody:
        findings.info(
            "SECTION-ACCESS-NOBODY",
            name,
            f"{len(nobody)} values of its section access name nobody of the source or the tenant: "
            f"{shown(nobody)}",
            "take them out, if these people and groups are gone; correct them, if they are misspelt",
        )


def _reload(name: str, found: SectionAccess, values: list[Resolved], findings: Findings) -> None:
    services = [v for v in values if v.fate == "service"]
    findings.warning(
        "SECTION-ACCESS-RELOAD",
        name,
        f"line {found.line}: its tasks run as qlift's identity in the tenant; whether that has to be in the "
        "section access table for a reload is not documented"
        + (f", and {', '.join(v.value for v in services)} is nobody there" if services else ""),
        "add a row ADMIN for that identity's subject or e-mail, or try a reload before cut-over",
    )
