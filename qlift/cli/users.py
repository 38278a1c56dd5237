"""`qlift users`: who is who in the tenant, as CSV files that people correct and commit."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from qlift.bundle.files import write_text
from qlift.bundle.models import User
from qlift.cli.progress import shown
from qlift.cloud.index import Index
from qlift.cloud.settings import connect_target, credentials_from, load_target
from qlift.derivation.people import (
    GroupRow,
    People,
    UserRow,
    csv_text,
    read_groups,
    read_users,
)
from qlift.derivation.phase import load_bundles, plan_path
from qlift.derivation.plan_file import load_plan


def users(
    target: Annotated[str, typer.Argument(help="Name of the target: stacks/targets/<target>.yaml.")],
    phase: Annotated[str, typer.Option(help="The phase whose rules say how users are known to the tenant.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Look up every user and group of the phase's bundles in the tenant.

    Writes <target>.users.csv and <target>.groups.csv beside the target. Rows with a note stay as they are:
    correct a row, say why in `note`, and commit it.

    Example: qlift users prod --phase finance

    Exit code 0: written (the summary says how many are missing).
    """
    root = Path.cwd()
    settings = load_target(target, root)
    plan = load_plan(plan_path(root, phase))
    bundles = load_bundles(root, plan)
    people = People(plan)
    client = connect_target(settings, credentials_from(settings, {}, os.environ))
    try:
        with shown(sys.stderr) as progress:
            progress("reading the tenant's users and groups")
            index = Index(client)
            kept_users = {
                (r.site, r.directory, r.user_id): r for r in read_users(settings.users_file) if r.note
            }
            kept_groups = {(r.site, r.group): r for r in read_groups(settings.groups_file) if r.note}
            user_rows = [
                kept_users.get((b.site, u.user_directory, u.user_id)) or _user_row(b.site, u, people, index)
                for b in bundles
                for u in sorted(b.users, key=lambda u: (u.user_directory, u.user_id))
                if u.user_directory != "INTERNAL"
            ]
            group_rows = [
                kept_groups.get((b.site, g)) or _group_row(b.site, g, index)
                for b in bundles
                for g in sorted({g for u in b.users for g in u.groups})
            ]
    finally:
        client.close()
    write_text(settings.users_file, csv_text(user_rows, UserRow))
    write_text(settings.groups_file, csv_text(group_rows, GroupRow))
    _report(settings.users_file, user_rows, settings.groups_file, group_rows, as_json)


def _user_row(site: str, user: User, people: People, index: Index) -> UserRow:
    """By the plan's rules first; where they give nothing, or nobody, by the e-mail of the source."""
    subject, email = people.expected(user)
    found = index.users_by("subject", subject) if subject else []
    if not found and email:
        found = index.users_by("email", email)
    status = "matched" if len(found) == 1 else "ambiguous" if found else "missing"
    return UserRow.model_validate(
        {
            "site": site,
            "directory": user.user_directory,
            "user_id": user.user_id,
            "name": user.name,
            "subject": found[0].subject if len(found) == 1 else subject,
            "email": found[0].email if len(found) == 1 else email,
            "status": status,
        }
    )


def _group_row(site: str, group: str, index: Index) -> GroupRow:
    status = "matched" if index.group_named(group) else "missing"
    return GroupRow.model_validate({"site": site, "group": group, "name": group, "status": status})


def _report(
    users_file: Path, user_rows: list[UserRow], groups_file: Path, group_rows: list[GroupRow], as_json: bool
) -> None:
    counts = {
        str(users_file): Counter(r.status for r in user_rows),
        str(groups_file): Counter(r.status for r in group_rows),
    }
    if as_json:
        typer.echo(json.dumps({"files": {name: dict(count) for name, count in counts.items()}}))
        return
    for name, count in counts.items():
        parts = ", ".join(f"{count[s]} {s}" for s in ("matched", "missing", "ambiguous") if count[s])
        typer.echo(f"{name}: {parts or 'nobody'}")
    if any(c["missing"] or c["ambiguous"] for c in counts.values()):
        typer.echo("Correct those rows if the phase needs them, and say why in `note`.")
