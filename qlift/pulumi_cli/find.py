"""The engines that are already there: on PATH, or in the user's cache."""

import os
import re
import subprocess
from pathlib import Path

from qlift.pulumi_cli import launcher
from qlift.pulumi_cli.cache import (
    ENGINE_VERSION,
    MINIMUM_VERSION,
    PathStamp,
    cache_folder,
    engine_folder,
    read_path_stamp,
    read_stamp,
    write_path_stamp,
)
from qlift.pulumi_cli.engine import Engine
from qlift.pulumi_cli.errors import WayFailed

# What the engine itself looks for to run a Python program and its dynamic providers.
HELPERS = ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")


def on_path() -> Engine:
    """The first `pulumi` on PATH, if it can run Python programs and is new enough; else WayFailed.

    Our own launchers and engines are not looked at: they are the other ways' business.
    """
    binary = _first_on_path("pulumi")
    if binary is None:
        raise WayFailed("there is no `pulumi`")
    for helper in HELPERS:
        if not _executable(binary.resolve().with_name(helper)) and _first_on_path(helper) is None:
            raise WayFailed(f"{binary} has no `{helper}`, neither beside it nor on PATH")
    version = _remembered_version(binary)
    if _numbers(version)[0] != _numbers(MINIMUM_VERSION)[0] or _numbers(version) < _numbers(MINIMUM_VERSION):
        raise WayFailed(f"{binary} is version {version}; {MINIMUM_VERSION} or a newer 3.x is needed")
    return Engine(binary=binary, folder=binary.parent, version=version, way="path")


def in_cache() -> Engine:
    """The engine that an earlier set-up installed or built; else WayFailed. Starts no process."""
    folder = engine_folder()
    stamp = read_stamp(folder)
    bin_folder = folder / "bin"
    if stamp is None or not all(_executable(bin_folder / name) for name in ("pulumi", *HELPERS)):
        raise WayFailed(f"{folder} holds no complete engine")
    return Engine(binary=bin_folder / "pulumi", folder=bin_folder, version=ENGINE_VERSION, way=stamp.way)


def ask_version(binary: Path) -> str:
    """What `pulumi version` answers, without its leading v; WayFailed where it does not answer."""
    try:
        done = subprocess.run(
            [str(binary), "version"],
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WayFailed(f"{binary} does not answer `pulumi version` ({type(error).__name__})") from error
    version = done.stdout.strip().removeprefix("v")
    if done.returncode != 0 or not re.match(r"\d+\.\d+\.\d+", version):
        raise WayFailed(f"{binary} does not answer `pulumi version` (exit code {done.returncode})")
    return version


def _remembered_version(binary: Path) -> str:
    status = binary.stat()
    stamp = read_path_stamp()
    if stamp is None or (stamp.binary, stamp.size, stamp.mtime_ns) != (
        str(binary),
        status.st_size,
        status.st_mtime_ns,
    ):
        stamp = PathStamp(
            binary=str(binary), size=status.st_size, mtime_ns=status.st_mtime_ns, version=ask_version(binary)
        )
        write_path_stamp(stamp)
    return stamp.version


def _first_on_path(name: str) -> Path | None:
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        candidate = Path(folder or ".").absolute() / name
        if (
            _executable(candidate)
            and not candidate.is_relative_to(cache_folder())
            and not launcher.is_launcher(candidate)
        ):
            return candidate
    return None


def _executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    return tuple(int(part) for part in match.groups()) if match else (0, 0, 0)
