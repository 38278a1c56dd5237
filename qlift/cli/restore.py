"""`qlift restore`: apps that a run deleted come back, as long as the tenant keeps them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
import yaml

from qlift.cloud.client import Client
from qlift.cloud.errors import Forbidden
from qlift.cloud.index import Index
from qlift.cloud.log import VARIABLE, DeletedApp, LogError, RequestLog, Work, stack_folder, working_on
from qlift.cloud.log_files import deleted_apps, log_files, successors, undone_apps
from qlift.cloud.recovery import KEPT, Unrecoverable, restore_app
from qlift.cloud.settings import SettingsError, connect_target, credentials_from, load_target
from qlift.cloud.tenant import Tenant


class Wanted(NamedTuple):
    entry: DeletedApp | None = None
    """What the log tells of it."""
    successor: str = ""
    """Id of the app that a later run made in its place."""


def restore(
    stack: Annotated[str, typer.Argument(help="The stack whose run deleted them.")],
    log: Annotated[
        Path | None,
        typer.Option(help=f"The log of that run. Default: what {VARIABLE} names, and logs/<stack>."),
    ] = None,
    app: Annotated[
        list[str] | None, typer.Option(help="Only this app, by its id; may be given several times.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Bring back the apps that a run of a stack deleted, with their ids, within 14 days.

    `pulumi up` with the same plan and bundle then takes them under management again. What a later run made
    anew is not brought back beside that, unless --app names it. Where the log is lost, name the ids with
    --app too: the messages of the run that deleted them say them.

    Example: qlift restore finance-prod

    Exit code 0: all are there. 1: some are not. 2: wrong usage or configuration.
    """
    settings = load_target(_target_of(stack), Path.cwd())
    root = Path.cwd()
    wanted = _wanted(root, stack, log, app or [])
    client = connect_target(
        settings, credentials_from(settings, {}, os.environ), log=RequestLog.from_environment(root)
    )
    try:
        results = []
        for id_, app_wanted in wanted.items():
            key = app_wanted.entry.key if app_wanted.entry else ""
            with working_on(Work(stack.rpartition("/")[2], "", "App", key, cloud_id=id_)):
                results.append(_bring_back(client, id_, app_wanted))
    finally:
        client.close()
    if as_json:
        typer.echo(json.dumps({"stack": stack, "apps": results}))
    else:
        for result in results:
            typer.echo(f"{result['name']} ({result['app']}): {result['state']}")
        if any(r["ok"] for r in results):
            typer.echo(f"Next: pulumi up -s {stack}, with the plan and the bundle of before")
    raise typer.Exit(0 if all(r["ok"] for r in results) else 1)


def _target_of(stack: str) -> str:
    path = Path("stacks") / f"Pulumi.{stack}.yaml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        target = content["config"]["qlift:target"]
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; is {stack} the stack's name?") from None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError):
        raise SettingsError(f"{path}: lacks qlift:target; `qlift phase new` writes such a file") from None
    return str(target)


def _wanted(root: Path, stack: str, log: Path | None, only: list[str]) -> dict[str, Wanted]:
    files = [log] if log else log_files(root, stack)
    try:
        deleted = deleted_apps(files, stack)
        # Each run has a log of its own: the one that --log names tells of no later run.
        made = successors(deleted, {*files, *log_files(root, stack)}, stack)
    except LogError as error:
        raise SettingsError(f"{error}; correct --log, or name the apps with --app") from None
    if only:
        known = {e.app: e for e in deleted}
        return {id_: Wanted(known.get(id_)) for id_ in only}
    undone = undone_apps(deleted)
    if not undone:
        where = ", ".join(str(f) for f in files) or f"{stack_folder(root, stack)}, where there are none"
        raise SettingsError(
            f"no log tells of an app that a run of the stack {stack} deleted (looked in {where}); name the "
            f"log of that run with --log or {VARIABLE}, or the apps' ids with --app, which its messages say"
        )
    return {e.app: Wanted(e, made.get(e.app, "")) for e in undone}


def _lives(client: Client, app_id: str, subject: str) -> bool:
    """What a tenant answers for an app that it only keeps is not documented: 403, 404 and 410 all say no."""
    try:
        return client.find(f"/api/v1/apps/{app_id}", subject=subject) is not None
    except Forbidden:
        return False


def _bring_back(client: Client, app_id: str, wanted: Wanted) -> dict[str, Any]:
    entry = wanted.entry
    name = entry.name if entry else app_id
    result: dict[str, Any] = {"app": app_id, "name": name, "changes": list(entry.changes) if entry else []}
    subject = f'app "{name}"'
    if _lives(client, app_id, subject):
        return {**result, "ok": True, "state": "is in the tenant; there is nothing to do"}
    if wanted.successor and _lives(client, wanted.successor, subject):
        state = f"left: a later run made it anew ({wanted.successor}); to have both, name this one with --app"
        return {**result, "ok": True, "state": state}
    if entry and entry.recoverable_until is None:
        state = "gone for good: it was younger than 45 minutes when it was deleted, and such are not kept"
        return {**result, "ok": False, "state": f"{state}; `pulumi up` imports it anew, with another id"}
    try:
        restore_app(Tenant(client, Index(client)), app_id, subject)
    except Unrecoverable as error:
        when = ""
        if entry:
            what = "a run was about to delete it" if entry.announced else "it was deleted"
            when = f", {what} on {entry.deleted_at:%Y-%m-%d}"
        state = (
            f"not restored: the tenant has it no more, or does not give it to this identity ({error}). "
            f"Deleted apps are kept for {KEPT.days} days{when}; `pulumi up` imports it anew, with another id"
        )
        return {**result, "ok": False, "state": state}
    state = "restored"
    if result["changes"]:
        state += (
            f"; people had changed it ({', '.join(result['changes'])}): hand it over if that is to stay, for "
            "newer content of the source will go over it; if it was published and its origin does not come "
            "back, the next `pulumi up` does that, so duplicate it before"
        )
    return {**result, "ok": True, "state": state}
