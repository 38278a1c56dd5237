"""`qlift users`: who is who in the tenant, as CSV files that people correct and commit."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import typer

from qlift.bundle import Bundle
from qlift.bundle.files import write_text
from qlift.bundle.models import User
from qlift.cli.progress import shown
from qlift.cloud.index import Index
from qlift.cloud.settings import connect_target, credentials_from, load_target
from qlift.derivation.context import Site
from qlift.derivation.people import (
    GroupRow,
    People,
    UserRow,
    csv_text,
    is_built_in,
    read_groups,
    read_users,
)
from qlift.derivation.people_doubts import Doubts
from qlift.derivation.phase import load_bundles, plan_path
from qlift.derivation.plan import Plan
from qlift.derivation.plan_file import load_plan


@dataclass
class _Looked:
    """What the tenant said about one user, beyond the row."""

    candidates: list[str] = field(default_factory=list)
    """Whom it has, if several."""
    remark: str = ""


def users(
    target: Annotated[str, typer.Argument(help="Name of the target: stacks/targets/<target>.yaml.")],
    phase: Annotated[str, typer.Option(help="The phase whose rules say how users are known to the tenant.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Look up every user and group of the phase's bundles in the tenant.

    Writes <target>.users.csv and <target>.groups.csv beside the target. Rows with a note stay as they are:
    correct a row, say why in `note`, and commit it. `proposal` says what is doubtful, and what to do. Rows
    of other sites stay too.

    Example: qlift users prod --phase finance

    Exit code 0: written (the summary says how many are missing).
    """
    root = Path.cwd()
    settings = load_target(target, root)
    plan = load_plan(plan_path(root, phase))
    bundles = load_bundles(root, plan)
    known_users, known_groups = read_users(settings.users_file), read_groups(settings.groups_file)
    client = connect_target(settings, credentials_from(settings, {}, os.environ))
    try:
        with shown(sys.stderr) as progress:
            progress("reading the tenant's users and groups")
            index = Index(client)
            user_rows = [r for b in bundles for r in user_rows_of(b, plan, index, known_users)]
            group_rows = [r for b in bundles for r in _group_rows(b, index, known_groups)]
    finally:
        client.close()
    sites = {b.site for b in bundles}
    user_rows += [r for r in known_users if r.site not in sites]
    group_rows += [r for r in known_groups if r.site not in sites]
    write_text(settings.users_file, csv_text(user_rows, UserRow))
    write_text(settings.groups_file, csv_text(group_rows, GroupRow))
    _report(settings.users_file, user_rows, settings.groups_file, group_rows, as_json)


def user_rows_of(bundle: Bundle, plan: Plan, index: Index, known: Iterable[UserRow]) -> list[UserRow]:
    """The rows of one site: by the user's login, then those with a note whose user the bundle has not."""
    site, people = Site(bundle), People(plan)
    known_by_login = {_login(r): r for r in known if r.site == bundle.site}
    rows: dict[str, UserRow] = {}
    looked: dict[str, _Looked] = {}
    ordered = sorted(bundle.users, key=lambda u: (u.user_directory, u.user_id))
    for user in ordered:
        before = known_by_login.pop((user.user_directory.casefold(), user.user_id.casefold()), None)
        if before is not None and before.note:
            rows[user.id] = before
        else:
            rows[user.id], looked[user.id] = _user_row(bundle.site, user, people, index, before)
    heir = People(plan, rows.values()).heir()
    doubts = Doubts.of(site, rows, heir.name if heir else "", plan.users.match_by)
    made = [
        rows[u.id].model_copy(update={"proposal": _proposal(doubts, u, looked.get(u.id))})
        for u in ordered
        # Services of the source are no people; they matter where they own something, or somebody said so.
        if not is_built_in(u) or u.id in doubts.owned or rows[u.id].note
    ]
    lost = [r for r in known_by_login.values() if r.note]
    text = "not in the export any more, or a spreadsheet changed the user id: correct or delete the row"
    return made + [r.model_copy(update={"proposal": text}) for r in lost]


def _proposal(doubts: Doubts, user: User, looked: _Looked | None) -> str:
    """None for a row with a note: somebody has decided."""
    if looked is None:
        return ""
    parts = (looked.remark, doubts.proposal(user, looked.candidates))
    return ". ".join(p for p in parts if p)


def _login(row: UserRow) -> tuple[str, str]:
    return row.directory.casefold(), row.user_id.casefold()


def _user_row(
    site: str, user: User, people: People, index: Index, before: UserRow | None
) -> tuple[UserRow, _Looked]:
    """What the file says first, as long as the tenant has it; then the plan's rules, then the e-mail.

    So a correction without a note stays too, if it is right.
    """
    subject, email = people.expected(user)
    by_rule = index.users_by("subject", subject) if subject else []
    if not by_rule and email:
        by_rule = index.users_by("email", email)
    claims = _claims(before, subject, email)
    written = next((f for by, v in claims if len(f := index.users_by(by, v)) == 1), [])
    found = written or by_rule
    status = "matched" if len(found) == 1 else "ambiguous" if found else "missing"
    row = UserRow.model_validate(
        {
            "site": site,
            "directory": user.user_directory,
            "user_id": user.user_id,
            "name": user.name,
            "subject": found[0].subject if len(found) == 1 else subject or (before.subject if before else ""),
            "email": found[0].email if len(found) == 1 else email or (before.email if before else ""),
            "status": status,
        }
    )
    looked = _Looked()
    if len(found) > 1:
        looked.candidates = sorted(f"subject {u.subject}, e-mail {u.email or 'none'}" for u in found)
    if written and len(by_rule) == 1 and by_rule[0].id != written[0].id:
        looked.remark = f"stands so in the file; the plan's rules give {by_rule[0].subject}"
    elif claims and not written:
        looked.remark = f"the file said {claims[0][1]}: the tenant has no such user, or several"
    return row, looked


By = Literal["subject", "email"]


def _claims(before: UserRow | None, subject: str, email: str) -> list[tuple[By, str]]:
    """Whom the file names: in a row that it calls matched, or where somebody wrote over the rules' value."""
    if before is None:
        return []
    values: tuple[tuple[By, str, str], ...] = (
        ("subject", before.subject, subject),
        ("email", before.email, email),
    )
    return [(by, v) for by, v, rule in values if v and (before.status == "matched" or v != rule)]


def _group_rows(bundle: Bundle, index: Index, known: Iterable[GroupRow]) -> list[GroupRow]:
    """Groups of the source; then rows with a note whose group the bundle has not."""
    noted = {r.group: r for r in known if r.site == bundle.site and r.note}
    rows = []
    for group in sorted({g for u in bundle.users for g in u.groups}):
        status = "matched" if index.group_named(group) else "missing"
        made = {"site": bundle.site, "group": group, "name": group, "status": status}
        rows.append(noted.pop(group) if group in noted else GroupRow.model_validate(made))
    return rows + list(noted.values())


def _report(
    users_file: Path, user_rows: list[UserRow], groups_file: Path, group_rows: list[GroupRow], as_json: bool
) -> None:
    counts = {
        str(users_file): Counter(r.status for r in user_rows),
        str(groups_file): Counter(r.status for r in group_rows),
    }
    doubtful = sum(bool(r.proposal) for r in user_rows)
    if as_json:
        files = {name: dict(count) for name, count in counts.items()}
        typer.echo(json.dumps({"files": files, "proposals": doubtful}))
        return
    for name, count in counts.items():
        parts = ", ".join(f"{count[s]} {s}" for s in ("matched", "missing", "ambiguous") if count[s])
        typer.echo(f"{name}: {parts or 'nobody'}")
    if doubtful:
        typer.echo(f"{doubtful} users have a `proposal`: read it.")
    if any(c["missing"] or c["ambiguous"] for c in counts.values()):
        typer.echo("Correct those rows if the phase needs them, and say why in `note`.")
