"""The load script of each app: from the engine where it can be reached, else from the app's file."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from threading import Event

from qlift.bundle import BlobStore
from qlift.bundle.layout import OBJECTS
from qlift.bundle.models import AppFile, Raw
from qlift.sources.parallel import in_parallel
from qlift.sources.qlik_sense.app_script import find_script
from qlift.sources.qlik_sense.engine import Engine
from qlift.sources.qlik_sense.errors import EngineError, Unreachable
from qlift.sources.qlik_sense.run import Run

TOO_MANY = 3
"""So many sockets in a row that fail mean that the engine cannot be reached: no time-out for each app."""
SHOWN = 3


def read_scripts(run: Run, apps: list[Raw], former: dict[str, AppFile]) -> set[str]:
    """From the engine. Returns the apps that still lack a script.

    `former` are the files of the export before: an app of the same date whose script has the same hash in the
    repository has the same script.
    """
    lacking = {str(a["id"]): a for a in apps if not _resumed(run, a) and not _unchanged(run, a, former)}
    engine, lost, refused = Engine(run.client), 0, []
    ask = list(lacking.values())
    with closing(in_parallel(lambda a: engine.script(str(a["id"])), ask, run.parallel, Event())) as results:
        for app, script in results:
            if isinstance(script, Unreachable):
                lost += 1
                if lost >= min(TOO_MANY, len(ask)):
                    run.report.notes.append(f"load scripts come from the app files: {script}")
                    return set(lacking)
            else:
                lost = 0
            if isinstance(script, (EngineError, Unreachable)):
                refused.append(f'"{app.get("name", "")}" ({script})')
                continue
            if isinstance(script, Exception):
                raise script
            _keep(run, app, script)
            del lacking[str(app["id"])]
            run.report.scripts += 1
            run.progress(f"reading load scripts: {len(apps) - len(lacking):,} of {len(apps):,}")
    if refused:
        run.report.notes.append(
            f"the engine did not give the load scripts of {len(refused)} apps, which come from their files: "
            + ", ".join(sorted(refused)[:SHOWN])
        )
    return set(lacking)


def scripts_from_files(
    run: Run, apps: list[Raw], lacking: set[str], files: dict[str, AppFile], store: BlobStore
) -> list[str]:
    """What the engine did not give. Returns what is missing then, for people."""
    missing = []
    for app in apps:
        app_id, name = str(app["id"]), str(app.get("name", ""))
        if app_id not in lacking or app_id not in files:
            # Of an app whose file failed, the failure is told already.
            continue
        run.progress(f'looking for the load script in the file of "{name}"')
        script = _in_file(files[app_id], store)
        if script is None:
            missing.append(
                f'app "{name}" ({app_id}): no load script, neither from the engine nor in the app file; '
                "set `engine` in the connection file, or open the port, and run the same command again"
            )
            continue
        _keep(run, app, script)
        run.report.scripts_from_files += 1
    return missing


def _in_file(file: AppFile, store: BlobStore) -> str | None:
    with store.open(file.sha256) as content:
        return find_script(content)


def _keep(run: Run, app: Raw, script: str) -> None:
    app_id = str(app["id"])
    sha256, redacted = run.writer.script(app_id, str(app.get("name", "")), script)
    run.journal.note("script", app_id, modified=app.get("modifiedDate"), sha256=sha256, redacted=redacted)


def _resumed(run: Run, app: Raw) -> bool:
    app_id = str(app["id"])
    line = run.journal.fresh("script", app_id, modified=app.get("modifiedDate"))
    return line is not None and run.writer.resume_script(
        app_id, str(app.get("name", "")), line["sha256"], line["redacted"]
    )


def _unchanged(run: Run, app: Raw, former: dict[str, AppFile]) -> bool:
    app_id = str(app["id"])
    file = former.get(app_id)
    if file is None or file.stale or file.modified_date != app.get("modifiedDate"):
        return False
    name = f"{OBJECTS}/{app_id}.json"
    now, before = _script_hash(run.writer.gathered(name)), _script_hash(run.writer.path / name)
    return now == before and run.writer.keep_script(app_id)


def _script_hash(path: Path) -> list[str]:
    if not path.exists():
        return []
    objects = json.loads(path.read_text(encoding="utf-8"))
    return [str(o.get("contentHash", "")) for o in objects if o.get("objectType") == "app_appscript"]
