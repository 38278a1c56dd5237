"""`qlift adopt`: what a phase would take over in the tenant, written down before it does."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from qlift.cli.progress import shown
from qlift.cloud.settings import SettingsError, connect_target, credentials_from, load_target
from qlift.derivation import PeopleFiles, derive_phase
from qlift.derivation.former import KINDS, NEW, AdoptedFile
from qlift.reports.adoption import Looked
from qlift.review.adopted import adopted_path, other_errors, write_missing

DONE, UNSETTLED = 0, 1


def adopt(
    stack: Annotated[str, typer.Argument(help="Name of the stack: stacks/Pulumi.<stack>.yaml.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write what the plan adopts, as it is in the tenant now, to stacks/<phase>/adopted.yaml.

    Review the file and commit it: undo writes these values back. What stands there already is never changed.
    Nothing is written to the tenant.

    Example: qlift adopt finance-prod

    Exit code 0: every object that is to be adopted stands in the file. 1: something has to be settled first;
    what is clear was written.
    """
    root = Path.cwd()
    phase, target = _settings(root, stack)
    settings = load_target(target, root)
    files = PeopleFiles(users=settings.users_file, groups=settings.groups_file, target=settings.name)
    _, desired = derive_phase(root, phase, files, datetime.now(UTC).date())
    if errors := other_errors(desired):
        for finding in errors:
            typer.echo(f"{finding.object}: {finding.message} -> {finding.remedy} [{finding.code}]", err=True)
        raise typer.Exit(UNSETTLED)
    path = adopted_path(root, phase)
    client = connect_target(settings, credentials_from(settings, {}, os.environ))
    with closing(client), shown(sys.stderr) as progress:
        progress("reading the tenant")
        looked = write_missing(path, settings, client, desired, stack.rpartition("/")[2])
    _report(path, settings.name, looked, as_json)
    raise typer.Exit(UNSETTLED if looked.problems else DONE)


def _settings(root: Path, stack: str) -> tuple[str, str]:
    """Phase and target of a stack. Raises `SettingsError`."""
    path = root / "stacks" / f"Pulumi.{stack.rpartition('/')[2]}.yaml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            f"{path}: there is no such stack; `qlift phase new --target` writes one"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    config = content.get("config") if isinstance(content, dict) else None
    found = [config.get(f"qlift:{k}") for k in ("phase", "target")] if isinstance(config, dict) else []
    if len(found) != 2 or not all(isinstance(v, str) and v for v in found):
        raise SettingsError(f"{path}: lacks qlift:phase or qlift:target")
    return str(found[0]), str(found[1])


def _report(path: Path, target: str, looked: Looked, as_json: bool) -> None:
    if as_json:
        written = AdoptedFile({target: looked.adopted}).model_dump(mode="json")[target]
        added = {k: sorted(looked.added[k]) for k in KINDS}
        summary: dict[str, Any] = {"file": str(path), "target": target, "adopted": written, "added": added}
        typer.echo(json.dumps({**summary, "problems": looked.problems, "notes": looked.notes}))
        return
    for kind in KINDS:
        for key, entry in sorted(looked.added[kind].items()):
            what = "not in the tenant: qlift makes it" if entry == NEW else f"as it is now: {_shown(entry)}"
            typer.echo(f"{kind[:-1]} {key}: {what}")
    count = sum(len(looked.adopted.of(k)) for k in KINDS)
    added_count = sum(len(looked.added[k]) for k in KINDS)
    typer.echo(f"{path}: {count} objects of {target}, {added_count} of them new in the file")
    for note in looked.notes:
        typer.echo(f"note: {note}")
    for problem in looked.problems:
        typer.echo(f"to settle: {problem}", err=True)


def _shown(entry: Any) -> str:
    values = entry.model_dump(mode="json", exclude={"id", "space_id", "definition"})
    if "owner" in values:
        values["owner"] = values["owner"]["subject"] or values["owner"]["id"]
    return ", ".join(f"{k} {v if isinstance(v, str) else ' '.join(v)!r}" for k, v in values.items() if v)
