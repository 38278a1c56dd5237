"""App files: streamed into the store, a few at a time, resumed by file, retried at the end."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from threading import Event

from qlift.bundle import BlobStore
from qlift.bundle.models import AppFile, PublicFile, Raw
from qlift.sources.parallel import in_parallel
from qlift.sources.progress import Meter
from qlift.sources.qlik_sense.app_settings import Options
from qlift.sources.qlik_sense.errors import Absent, AppExportFailed, SourceError, Unreachable
from qlift.sources.qlik_sense.run import Run

SIGNATURE = bytes.fromhex("FFFF0100C106")
"""How every known app file begins (own inspection of public files, engines 12.387 to 12.1934)."""
ROUNDS = (5.0, 30.0)
"""What failed is tried again when all others are done, after so many seconds: a busy app may be free then."""
TOO_MANY = 12
"""So many apps in a row without an answer mean that the site is gone."""


class _Stopped(Exception):
    """The export ends; this file is given up."""


@dataclass
class AppFiles:
    """The files of one export."""

    run: Run
    store: BlobStore
    options: dict[str, Options]
    private: set[str]
    """Apps that are exported a second time, without anybody's private and community objects."""
    meter: Meter
    _running: dict[str, str] = field(default_factory=dict)
    """App → token of the export that the site is busy with."""

    def fetch_all(self, apps: list[Raw]) -> tuple[dict[str, AppFile], dict[str, SourceError]]:
        """The files that were fetched, and why others were not, by app.

        Raises `Unreachable` when the site is gone, `BlobError` when the store cannot take more: what was
        fetched until then is in the journal.
        """
        found, failed = self._round(apps)
        for seconds in ROUNDS:
            again = [a for a in apps if isinstance(failed.get(str(a["id"])), AppExportFailed)]
            if not again:
                break
            self.run.progress(f"trying {len(again)} app files again")
            self.run.client.sleep(seconds)
            more, still = self._round(again)
            found |= more
            failed = {a: e for a, e in failed.items() if a not in more} | still
        return found, failed

    def _round(self, apps: list[Raw]) -> tuple[dict[str, AppFile], dict[str, SourceError]]:
        found: dict[str, AppFile] = {}
        failed: dict[str, SourceError] = {}
        lost = 0
        stopped = Event()
        work = in_parallel(lambda a: self._fetch(a, stopped), apps, self.run.parallel, stopped)
        with closing(work) as results, self._cancelling():
            for app, file in results:
                app_id = str(app["id"])
                if isinstance(file, (AppExportFailed, Absent)):
                    failed[app_id] = file
                    lost = lost + 1 if isinstance(file.__cause__, Unreachable) else 0
                    if lost >= TOO_MANY:
                        raise Unreachable(
                            f"{file.__cause__}; run the same command again, it goes on from here"
                        )
                elif isinstance(file, Exception):
                    raise file
                else:
                    lost = 0
                    found[app_id] = file
        return found, failed

    @contextmanager
    def _cancelling(self) -> Iterator[None]:
        """After an interruption the site need not finish what nobody fetches."""
        try:
            yield
        except BaseException:
            for app_id, token in list(self._running.items()):
                self.run.client.cancel(f"app/{app_id}/export/{token}")
            raise

    def _fetch(self, app: Raw, stopped: Event) -> AppFile:
        """Raises `AppExportFailed`, or `Absent` for an app that is no more.

        A broken download leaves nothing under a final name.
        """
        app_id, name, options = str(app["id"]), str(app.get("name", "")), self.options[str(app["id"])]
        try:
            sha256, size = self._export(app_id, options, stopped)
            public = self._public(app_id, options, stopped) if twice(app_id, options, self.private) else None
            after = self.run.client.get(f"app/{app_id}")
        except Absent as error:
            raise Absent(
                f'app "{name}" ({app_id}): it is no longer on the site; run `qlift export` again'
            ) from error
        except SourceError as error:
            raise AppExportFailed(
                f'app "{name}" ({app_id}): {error}; run `qlift export` again, it fetches only what is missing'
            ) from error
        finally:
            self.meter.settled(app_id, expected(app, options))
        modified = str(app.get("modifiedDate", ""))
        file = AppFile(
            app=app_id,
            sha256=sha256,
            size=size,
            modified_date=modified,
            stale=str(after.get("modifiedDate", "")) != modified,
            data=options.data,
            scope=options.scope,
            public=public,
        )
        # Here, not where results are gathered: what is in the store is noted even when all is stopped.
        self.run.journal.note("file", app_id, file=file.model_dump())
        return file

    def _public(self, app_id: str, options: Options, stopped: Event) -> PublicFile:
        sha256, size = self._export(app_id, replace(options, scope="approved"), stopped)
        return PublicFile(sha256=sha256, size=size)

    def _export(self, app_id: str, options: Options, stopped: Event) -> tuple[str, int]:
        token = str(uuid.uuid4())
        self._running[app_id] = token
        try:
            answer = self.run.client.post(
                f"app/{app_id}/export/{token}",
                skipData="true" if options.data == "none" else "false",
                # The service's default leaves private and community sheets out.
                exportScope=options.scope,
            )
        finally:
            self._running.pop(app_id, None)
        path = answer.get("downloadPath") if isinstance(answer, dict) else None
        if not path:
            raise SourceError("the site gave no download path")
        with self.run.client.download(str(path)) as chunks:
            return self.store.put(self._metered(app_id, _checked(chunks), stopped), app_id)

    def _metered(self, app_id: str, chunks: Iterable[bytes], stopped: Event) -> Iterator[bytes]:
        for chunk in chunks:
            if stopped.is_set():
                raise _Stopped
            yield chunk
            self.meter.passed(app_id, len(chunk))


def twice(app_id: str, options: Options, private: set[str]) -> bool:
    """Whether an app is exported without private and community objects too."""
    return options.scope == "all" and app_id in private


def unchanged(known: AppFile | None, app: Raw, options: Options, store: BlobStore, private: set[str]) -> bool:
    """Whether the file of an earlier export, or of the run before an interruption, is still the right one."""
    return (
        known is not None
        and not known.stale
        and known.modified_date == app.get("modifiedDate")
        and (known.data, known.scope) == (options.data, options.scope)
        and all(store.exists(f.sha256) and store.size(f.sha256) == f.size for f in _files(known))
        and (known.public is not None or not twice(known.app, options, private))
    )


def _files(known: AppFile) -> list[AppFile | PublicFile]:
    return [known, known.public] if known.public else [known]


def expected(app: Raw, options: Options) -> int:
    """Bytes; without data, files are so much smaller that their size in the site says nothing."""
    return 0 if options.data == "none" else int(app.get("fileSize") or 0)


def _checked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Refuses what is no app file, such as a login page saved as one."""
    head = b""
    begun = False
    for chunk in chunks:
        if begun:
            yield chunk
            continue
        head += chunk
        if len(head) < len(SIGNATURE):
            continue
        if not head.startswith(SIGNATURE):
            raise SourceError("what the site sent is no app file (QVF)")
        begun = True
        yield head
    if not begun:
        raise SourceError("what the site sent is no app file (QVF)")
