"""The order of the ways to an engine: PATH, the SDK's installer, the build from the Go module."""

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from qlift.pulumi_cli import find, helpers
from qlift.pulumi_cli.build import build_engine
from qlift.pulumi_cli.cache import ENGINE_VERSION, MINIMUM_VERSION, Stamp, Way, engine_folder, write_stamp
from qlift.pulumi_cli.engine import Engine
from qlift.pulumi_cli.errors import EngineError, WayFailed
from qlift.pulumi_cli.install import install_engine
from qlift.pulumi_cli.posix import exclusive
from qlift.pulumi_cli.progress import Progress, Silent

Maker = Callable[[Path, Progress], None]


def find_engine() -> Engine:
    """The engine that is already there, in a moment and without building; EngineError where there is none."""
    try:
        return find.on_path()
    except WayFailed as not_on_path:
        try:
            return find.in_cache()
        except WayFailed:
            raise EngineError(
                f"There is no Pulumi engine yet (on PATH: {not_on_path}). Run: make setup"
            ) from None


def ensure_engine(
    progress: Progress | None = None, *, install: Maker = install_engine, build: Maker = build_engine
) -> Engine:
    """The engine, installed or built into the user's cache if need be (minutes, the first time).

    EngineError names all three ways and what failed with each.
    """
    progress = progress or Silent()
    try:
        return find.on_path()
    except WayFailed as failed:
        failures = {"`pulumi` on PATH": str(failed)}
    folder = engine_folder()
    try:
        engine = find.in_cache()
        # A qlift newer than the one that built the engine may bring a newer language host.
        if engine.way == "built":
            helpers.refresh_language_host(engine.folder)
        return engine
    except WayFailed:
        pass
    lock = folder.with_name(f"{folder.name}.lock")
    try:
        with exclusive(
            lock, lambda: progress.say("Another set-up is bringing the Pulumi engine; waiting ...")
        ):
            try:
                return find.in_cache()  # the other set-up's
            except WayFailed:
                return _make(folder, progress, failures, install, build)
    except OSError as error:
        raise EngineError(
            f"Cannot write the Pulumi engine to {folder.parent}: {error}. Set XDG_CACHE_HOME to a folder "
            "that can be written."
        ) from error


def _make(folder: Path, progress: Progress, failures: dict[str, str], install: Maker, build: Maker) -> Engine:
    # Under the lock nobody else is at work, so these are left from set-ups that were killed.
    for left_over in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(left_over, ignore_errors=True)
    ways: tuple[tuple[str, Way, Maker], ...] = (
        ("the Pulumi SDK's installer", "installed", install),
        ("the build with Go", "built", build),
    )
    for name, way, make in ways:
        started = time.monotonic()
        unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            make(unfinished, progress)
            version = find.ask_version(unfinished / "bin" / "pulumi")
            stamp = Stamp(version=version, way=way, seconds=round(time.monotonic() - started, 1))
            write_stamp(unfinished, stamp)
            shutil.rmtree(folder, ignore_errors=True)
            unfinished.chmod(0o755)
            unfinished.rename(folder)
            return find.in_cache()
        except WayFailed as failed:
            failures[name] = str(failed)
            progress.say(f"No Pulumi engine from {name}: {failed}.")
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    reasons = "\n".join(f"  {n}. {name}: {why}" for n, (name, why) in enumerate(failures.items(), start=1))
    raise EngineError(
        f"No Pulumi engine could be had. There are three ways, and each failed:\n{reasons}\n"
        f"Make one of them work, then run `make setup` again: install Pulumi {MINIMUM_VERSION} or newer "
        f"(tried: {ENGINE_VERSION}) with its Python language host, or let this machine reach the internet, "
        "or install Go (which version: qlift/pulumi_cli/engine_module/go.mod) with a module proxy in reach."
    )
